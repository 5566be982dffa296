#include "tests/bench/serve/row_writers.h"

#include <libpq-fe.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <thread>

#include "absl/strings/str_cat.h"
#include "bandit/base/check.h"

namespace suggest::bench {
namespace {

constexpr char kTables[] =
    "DROP SCHEMA IF EXISTS bench CASCADE; CREATE SCHEMA bench; "
    "CREATE TABLE bench.decisions (LIKE suggest.decisions INCLUDING ALL); "
    "CREATE TABLE bench.request_ids (LIKE suggest.request_ids INCLUDING ALL)";

// OFFSET 0 keeps the planner from reading the row once per column.
constexpr char kInsert[] =
    "WITH claimed AS (INSERT INTO bench.request_ids "
    "  SELECT (r).* FROM (SELECT $2::suggest.request_ids AS r OFFSET 0) request) "
    "INSERT INTO bench.decisions SELECT (d).* FROM (SELECT $1::suggest.decisions AS d OFFSET 0) decision";

using Result = std::unique_ptr<PGresult, decltype(&PQclear)>;

absl::Duration Now() {
  return absl::FromChrono(std::chrono::steady_clock::now().time_since_epoch());
}

}  // namespace

class RowWriters::Session {
 public:
  explicit Session(const std::string& connection) : session_(PQconnectdb(connection.c_str()), &PQfinish) {
    Check(PQstatus(session_.get()) == CONNECTION_OK);
    Run("SET client_min_messages = warning");
  }

  void Run(const char* sql) {
    const ExecStatusType status = PQresultStatus(Result(PQexec(session_.get(), sql), &PQclear).get());
    Check(status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK);
  }

  std::vector<Row> Read(int most_rows) {
    const std::string sql = absl::StrCat(
        "SELECT d, r FROM suggest.decisions d JOIN suggest.request_ids r USING (customer_id, decision_id) LIMIT ",
        most_rows);
    constexpr int kBinary = 1;
    const Result result(PQexecParams(session_.get(), sql.c_str(), 0, nullptr, nullptr, nullptr, nullptr, kBinary),
                        &PQclear);
    Check(PQresultStatus(result.get()) == PGRES_TUPLES_OK);
    const auto field = [&](int row, int column) {
      return std::string(PQgetvalue(result.get(), row, column), PQgetlength(result.get(), row, column));
    };
    std::vector<Row> rows;
    for (int row = 0; row < PQntuples(result.get()); ++row) rows.push_back({field(row, 0), field(row, 1)});
    return rows;
  }

  void Prepare() {
    const Result result(PQprepare(session_.get(), "insert_row", kInsert, 0, nullptr), &PQclear);
    Check(PQresultStatus(result.get()) == PGRES_COMMAND_OK);
  }

  void Insert(const Row& row) {
    const std::array<const char*, 2> values = {row.decision.data(), row.request.data()};
    const std::array<int, 2> lengths = {static_cast<int>(row.decision.size()), static_cast<int>(row.request.size())};
    const std::array<int, 2> binary = {1, 1};
    const Result result(
        PQexecPrepared(session_.get(), "insert_row", 2, values.data(), lengths.data(), binary.data(), 0), &PQclear);
    Check(PQresultStatus(result.get()) == PGRES_COMMAND_OK);
  }

 private:
  void Check(bool ok) {
    if (ok) return;
    std::fprintf(stderr, "%s\n", PQerrorMessage(session_.get()));
    std::abort();
  }

  std::unique_ptr<PGconn, decltype(&PQfinish)> session_;
};

RowWriters::RowWriters(const std::string& connection, int most_rows) : connection_(connection) {
  rows_ = Session(connection).Read(most_rows);
  SUGGEST_CHECK(!rows_.empty());
}

RowWriters::~RowWriters() {
  Session(connection_).Run("DROP SCHEMA IF EXISTS bench CASCADE");
}

WriterResult RowWriters::Run(int writers, absl::Duration length) {
  Session(connection_).Run(kTables);
  std::vector<Histogram> latencies(writers);
  std::atomic<size_t> next{0};
  std::atomic<int> prepared{0};
  const auto write = [&](Histogram& latency) {
    Session session(connection_);
    session.Prepare();
    ++prepared;
    while (prepared < writers) std::this_thread::yield();
    const absl::Duration start = Now();
    for (absl::Duration before = start; before - start < length;) {
      const size_t row = next++;
      if (row >= rows_.size()) break;
      session.Insert(rows_[row]);
      const absl::Duration after = Now();
      latency.Record(after - before);
      before = after;
    }
  };
  std::vector<std::thread> threads;
  for (Histogram& latency : latencies) threads.emplace_back(write, std::ref(latency));
  while (prepared < writers) std::this_thread::yield();
  const absl::Duration start = Now();
  for (std::thread& thread : threads) thread.join();
  const absl::Duration taken = Now() - start;
  WriterResult result;
  for (const Histogram& latency : latencies) result.latency.Merge(latency);
  result.rows_per_second = result.latency.count() / absl::ToDoubleSeconds(taken);
  return result;
}

}  // namespace suggest::bench
