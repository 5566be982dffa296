#include "tests/support/raw_sql.h"

#include <cstdio>
#include <cstdlib>
#include <pqxx/pqxx>

namespace suggest::testing {

struct SqlSession::State {
  explicit State(const std::string& connection) : session(connection), tx(session) {}

  pqxx::connection session;
  pqxx::nontransaction tx;  // BEGIN and COMMIT are the caller's
};

SqlSession::SqlSession(const std::string& connection) : state_(std::make_unique<State>(connection)) {}

SqlSession::~SqlSession() = default;

std::vector<std::vector<std::string>> SqlSession::Run(const std::string& sql) {
  std::vector<std::vector<std::string>> rows;
  try {
    for (const pqxx::row& row : state_->tx.exec(sql)) {
      rows.emplace_back();
      for (const pqxx::field& field : row) rows.back().push_back(field.is_null() ? "NULL" : field.c_str());
    }
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n%s\n", sql.c_str(), error.what());
    std::abort();
  }
  return rows;
}

std::vector<std::vector<std::string>> RunSql(const std::string& connection, const std::string& sql) {
  return SqlSession(connection).Run(sql);
}

void WaitUntilSomeoneIsBlocked(const std::string& connection) {
  SqlSession session(connection);
  for (int attempt = 0; attempt < 10000; ++attempt) {
    const auto rows = session.Run(
        "SELECT count(*), pg_sleep(0.002) FROM pg_stat_activity "
        "WHERE datname = current_database() AND wait_event_type = 'Lock'");
    if (rows[0][0] != "0") return;
  }
  std::fprintf(stderr, "no session of '%s' waits for a lock\n", connection.c_str());
  std::abort();
}

}  // namespace suggest::testing
