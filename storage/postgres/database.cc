#include "storage/postgres/database.h"

#include <poll.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "bandit/base/status_macros.h"
#include "storage/postgres/database_internal.h"
#include "storage/postgres/errors.h"
#include "storage/postgres/session_check.h"

namespace suggest::storage {
namespace {

std::atomic<int64_t> statement_nanoseconds = 0;

int64_t NowNanoseconds() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

// The server speaks to an idle session only to end it.
bool ServerHasHungUp(pqxx::connection& connection) {
  if (!connection.is_open()) return true;
  pollfd descriptor = {connection.sock(), POLLIN, 0};
  return ::poll(&descriptor, 1, 0) != 0;
}

std::string WithParameter(const std::string& connection, absl::string_view key, int64_t value) {
  if (absl::StrContains(connection, key)) return connection;
  const bool uri = absl::StartsWith(connection, "postgres://") || absl::StartsWith(connection, "postgresql://");
  if (!uri) return absl::StrCat(connection, " ", key, "=", value);
  return absl::StrCat(connection, absl::StrContains(connection, "?") ? "&" : "?", key, "=", value);
}

int64_t TimeoutMilliseconds(absl::Duration timeout) {
  if (timeout == absl::InfiniteDuration() || timeout <= absl::ZeroDuration()) return 0;
  return std::max<int64_t>(1, absl::ToInt64Milliseconds(timeout));
}

void ForbidReconnecting(pqxx::connection& connection) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
  connection.inhibit_reactivation(true);
#pragma GCC diagnostic pop
}

// Everything that our statements and conversions rely on: what a database, a role or a connection string has set for
// its sessions must not change a result or end a long run. synchronous_commit and default_transaction_read_only are the
// operator's decisions and stay.
constexpr absl::string_view kSessionSettings =
    "SET timezone = 'UTC'; SET datestyle = 'ISO, YMD'; SET intervalstyle = 'postgres'; SET extra_float_digits = 1; "
    "SET bytea_output = 'hex'; SET client_encoding = 'UTF8'; SET standard_conforming_strings = on; "
    "SET array_nulls = on; SET transform_null_equals = off; SET search_path = pg_catalog; "
    "SET default_transaction_isolation = 'read committed'; SET lock_timeout = 0; "
    "SET idle_in_transaction_session_timeout = 0; SET client_min_messages = 'warning'; "
    "SET quote_all_identifiers = off; SET row_security = on; ";

void Configure(pqxx::connection& connection, const std::string& connection_string, const DatabaseOptions& options) {
  bool behind_proxy = false;
  {
    pqxx::nontransaction tx(connection);
    // An idle session is ours to keep; PostgreSQL before 14 ends none.
    const absl::string_view idle = connection.server_version() >= 140000 ? "SET idle_session_timeout = 0; " : "";
    const pqxx::result serving = tx.exec(
        absl::StrCat(kSessionSettings, idle, "SET statement_timeout = ", TimeoutMilliseconds(options.statement_timeout),
                     "; SET application_name = ", tx.quote(options.application_name), "; SELECT pg_backend_pid()"));
    // A program in between made up the process that the handshake named.
    behind_proxy = serving[0][0].as<int>() != connection.backendpid();
  }
  if (behind_proxy) CheckOwnSession(connection, connection_string);
}

// After these a connection's session is as it was: the statement failed, the transaction was rolled back.
bool KeepsConnection(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kUnknown:
    case absl::StatusCode::kResourceExhausted:
      return false;
    case absl::StatusCode::kInternal:
      return IsFaultOfSource(status);
    default:
      return true;
  }
}

template <typename Body>
absl::Status WithConnection(Database& db, Body body) {
  absl::StatusOr<ConnectionPool::Lease> lease = db.pool().Checkout();
  if (!lease.ok()) return lease.status();
  const absl::Status status = CatchErrors([&] { return body(lease->connection()); });
  if (!KeepsConnection(status)) lease->Spoil();
  return status;
}

}  // namespace

double StatementSeconds() {
  return static_cast<double>(statement_nanoseconds.load()) * 1e-9;
}

internal::StatementTimer::StatementTimer() : started_nanoseconds_(NowNanoseconds()) {}

internal::StatementTimer::~StatementTimer() {
  statement_nanoseconds += NowNanoseconds() - started_nanoseconds_;
}

absl::StatusOr<std::unique_ptr<Database>> Database::Open(DatabaseOptions options) {
  if (options.pool_size < 1) {
    return absl::InvalidArgumentError(absl::StrCat("pool_size is ", options.pool_size, ", but must be at least 1"));
  }
  return std::unique_ptr<Database>(new Database(std::move(options)));
}

Database::Database(DatabaseOptions options)
    : options_(std::move(options)), pool_(std::make_unique<ConnectionPool>(options_)) {}

Database::~Database() = default;

absl::Status Database::Ping() {
  return Autocommit(*this, [](pqxx::nontransaction& tx) {
    tx.exec("SELECT 1");
    return absl::OkStatus();
  });
}

PoolStatus Database::pool_status() const {
  return pool_->status();
}

absl::StatusOr<std::unique_ptr<pqxx::connection>> OpenConnection(const DatabaseOptions& options) {
  std::unique_ptr<pqxx::connection> connection;
  const int64_t seconds = std::max<int64_t>(2, absl::ToInt64Seconds(options.connect_timeout));
  RETURN_IF_ERROR(CatchErrors([&] {
    const std::string target = WithParameter(options.connection, "connect_timeout", seconds);
    connection = std::make_unique<pqxx::connection>(target);
    ForbidReconnecting(*connection);
    Configure(*connection, target, options);
    return absl::OkStatus();
  }));
  return connection;
}

absl::Status InTransaction(Database& db, absl::FunctionRef<absl::Status(pqxx::work&)> body) {
  return WithConnection(db, [&](pqxx::connection& connection) -> absl::Status {
    pqxx::work tx(connection);
    RETURN_IF_ERROR(body(tx));
    const internal::StatementTimer timer;
    tx.commit();
    return absl::OkStatus();
  });
}

absl::Status Autocommit(Database& db, absl::FunctionRef<absl::Status(pqxx::nontransaction&)> body) {
  return WithConnection(db, [&](pqxx::connection& connection) {
    pqxx::nontransaction tx(connection);
    return body(tx);
  });
}

void LiftStatementTimeout(pqxx::transaction_base& tx) {
  tx.exec("SET LOCAL statement_timeout = 0");
}

ConnectionPool::Lease::~Lease() {
  if (connection_ != nullptr) pool_->Return(std::move(connection_), !spoilt_);
}

absl::StatusOr<ConnectionPool::Lease> ConnectionPool::Checkout() {
  while (true) {
    ASSIGN_OR_RETURN(std::unique_ptr<pqxx::connection> connection, TakeIdleOrReserve());
    if (connection == nullptr) {
      absl::StatusOr<std::unique_ptr<pqxx::connection>> opened = OpenConnection(options_);
      if (!opened.ok()) {
        Return(nullptr, false);
        return opened.status();
      }
      MutexLock lock(mutex_);
      ++counts_.opened;
      return Lease(this, *std::move(opened));
    }
    if (!ServerHasHungUp(*connection)) return Lease(this, std::move(connection));
    Return(std::move(connection), false);
  }
}

// An idle connection, or null when the caller may open one. Either way one more is lent.
absl::StatusOr<std::unique_ptr<pqxx::connection>> ConnectionPool::TakeIdleOrReserve() {
  const auto deadline = std::chrono::steady_clock::now() + absl::ToChronoMilliseconds(options_.checkout_timeout);
  MutexLock lock(mutex_);
  while (idle_.empty() && counts_.lent >= options_.pool_size) {
    if (freed_.wait_until(mutex_, deadline) == std::cv_status::timeout) {
      return absl::ResourceExhaustedError(absl::StrCat("database: no connection became free within ",
                                                       absl::FormatDuration(options_.checkout_timeout),
                                                       "; pool_size is ", options_.pool_size));
    }
  }
  ++counts_.lent;
  if (idle_.empty()) return std::unique_ptr<pqxx::connection>();
  std::unique_ptr<pqxx::connection> connection = std::move(idle_.back());
  idle_.pop_back();
  return connection;
}

void ConnectionPool::Return(std::unique_ptr<pqxx::connection> connection, bool healthy) {
  const bool keep = healthy && connection != nullptr && connection->is_open();
  {
    MutexLock lock(mutex_);
    --counts_.lent;
    if (keep) {
      idle_.push_back(std::move(connection));
    } else if (connection != nullptr) {
      ++counts_.thrown_away;
    }
  }
  freed_.notify_one();
}

PoolStatus ConnectionPool::status() const {
  ReaderLock lock(mutex_);
  PoolStatus status = counts_;
  status.idle = static_cast<int>(idle_.size());
  return status;
}

}  // namespace suggest::storage
