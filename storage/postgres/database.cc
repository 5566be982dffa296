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

void Configure(pqxx::connection& connection, const DatabaseOptions& options) {
  pqxx::nontransaction tx(connection);
  tx.exec(absl::StrCat("SET statement_timeout = ", TimeoutMilliseconds(options.statement_timeout),
                       "; SET lock_timeout = ", TimeoutMilliseconds(options.lock_timeout),
                       "; SET timezone = 'UTC'; SET datestyle = 'ISO, YMD'; SET client_encoding = 'UTF8'"
                       "; SET search_path = pg_catalog; SET client_min_messages = 'warning'; SET application_name = ",
                       tx.quote(options.application_name)));
}

// After these a connection's session is as it was: the statement failed, the transaction was rolled back.
bool KeepsConnection(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kUnknown:
    case absl::StatusCode::kInternal:
    case absl::StatusCode::kResourceExhausted:
      return false;
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

absl::Status Database::CheckWritable() {
  return Autocommit(*this, [](pqxx::nontransaction& tx) {
    const bool read_only = tx.exec("SELECT current_setting('transaction_read_only')::boolean")[0][0].as<bool>();
    return read_only ? absl::UnavailableError("database: it is read-only") : absl::OkStatus();
  });
}

PoolStatus Database::pool_status() const {
  return pool_->status();
}

absl::StatusOr<std::unique_ptr<pqxx::connection>> OpenConnection(const DatabaseOptions& options) {
  std::unique_ptr<pqxx::connection> connection;
  const int64_t seconds = std::max<int64_t>(2, absl::ToInt64Seconds(options.connect_timeout));
  RETURN_IF_ERROR(CatchErrors([&] {
    connection = std::make_unique<pqxx::connection>(WithParameter(options.connection, "connect_timeout", seconds));
    ForbidReconnecting(*connection);
    Configure(*connection, options);
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
