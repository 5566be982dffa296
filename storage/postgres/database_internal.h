// How the stores of this folder talk to PostgreSQL. Included by storage/*.cc only: pqxx stays behind it.
//
//   constexpr Statement kFind = {"find_thing", "SELECT title FROM suggest.things WHERE thing_id = $1"};
//   RETURN_IF_ERROR(InTransaction(*db_, [&](pqxx::work& tx) {
//     const pqxx::result rows = Exec(tx, kFind, id);
//     ...
//     return absl::OkStatus();
//   }));
#ifndef STORAGE_POSTGRES_DATABASE_INTERNAL_H_
#define STORAGE_POSTGRES_DATABASE_INTERNAL_H_

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <pqxx/pqxx>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "bandit/base/mutex.h"
#include "google/protobuf/struct.pb.h"
#include "storage/postgres/database.h"

namespace suggest::storage {

// A statement with the name under which each connection prepares it, at its first use there. Names are unique in the
// program; by habit "<store>_<verb>".
struct Statement {
  const char* name;
  const char* sql;
};

// Thrown by the helpers below and by session_check.h, and turned into INVALID_ARGUMENT, DATA_LOSS and
// FAILED_PRECONDITION by errors.cc.
class InvalidValue : public std::runtime_error {
  using std::runtime_error::runtime_error;
};
class CorruptValue : public std::runtime_error {
  using std::runtime_error::runtime_error;
};
class SharedSession : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

// Runs `body` in one READ COMMITTED transaction on a pooled connection, and commits when it returns OK; else rolls
// back and returns its status. Exceptions of libpqxx become statuses (errors.h). Nothing is retried.
//   UNKNOWN: the connection broke during COMMIT; the transaction may or may not be there.
absl::Status InTransaction(Database& db, absl::FunctionRef<absl::Status(pqxx::work&)> body);

// As InTransaction, but each statement is a transaction of its own: one round trip for a single statement.
absl::Status Autocommit(Database& db, absl::FunctionRef<absl::Status(pqxx::nontransaction&)> body);

// A connection outside the pool with the pool's settings, for LISTEN or a long read. It never reconnects: after a
// broken_connection drop it and open another. Errors: as Database::Ping.
absl::StatusOr<std::unique_ptr<pqxx::connection>> OpenConnection(const DatabaseOptions& options);

// Lifts the statement timeout until the end of the transaction: for bulk work that reports progress itself.
void LiftStatementTimeout(pqxx::transaction_base& tx);

namespace internal {

// Adds the time until its end to StatementSeconds().
class StatementTimer {
 public:
  StatementTimer();
  ~StatementTimer();
  StatementTimer(const StatementTimer&) = delete;
  StatementTimer& operator=(const StatementTimer&) = delete;

 private:
  const int64_t started_nanoseconds_;
};

// libpq passes text up to its first NUL byte: refuse instead of cutting silently.
void CheckNoNul(absl::string_view value);

template <typename T>
const T& Checked(const T& value) {
  if constexpr (std::is_same_v<T, std::string>) CheckNoNul(value);
  if constexpr (std::is_same_v<T, std::optional<std::string>>) {
    if (value.has_value()) CheckNoNul(*value);
  }
  return value;
}

}  // namespace internal

// Runs a prepared statement. Parameters: integers, doubles, bools, std::string, std::optional of these,
// pqxx::binarystring, and what the encoders below return.
template <typename... Args>
pqxx::result Exec(pqxx::transaction_base& tx, const Statement& statement, const Args&... args) {
  const internal::StatementTimer timer;
  tx.conn().prepare(statement.name, statement.sql);
  return tx.exec_prepared(statement.name, internal::Checked(args)...);
}

// Parameters. Times keep microseconds (truncated toward the past); infinite times are PostgreSQL's infinity.
std::string ToSql(absl::Time time);
std::optional<std::string> ToSql(std::optional<absl::Time> time);
pqxx::binarystring ToBytea(const std::string& bytes);
// Array literals, to be cast in the statement: $1::text[]. The second appends one element to "{" or "{...".
std::string ToTextArray(const std::vector<std::string>& values);
void AppendElement(std::string& literal, const std::optional<std::string>& value);

// Fields. Each throws CorruptValue for a value that it cannot read; REQUIRES: not null, except for the optional ones.
absl::Time ToTime(const pqxx::field& field);
std::optional<absl::Time> ToOptionalTime(const pqxx::field& field);
std::optional<std::string> ToOptionalString(const pqxx::field& field);
std::string ToBytes(const pqxx::field& field);
std::vector<std::string> ToStrings(const pqxx::field& field);  // text[], no null elements
// jsonb as a Struct; null and '{}' are empty. `what` names the row in the error. Throws for what is not an object.
google::protobuf::Struct ToStruct(const pqxx::field& field, absl::string_view what);

// Connections, at most options.pool_size of them. Lease returns its connection at its end: to the pool when healthy,
// else to nowhere.
class ConnectionPool {
 public:
  explicit ConnectionPool(const DatabaseOptions& options) : options_(options) {}

  class Lease {
   public:
    Lease(ConnectionPool* pool, std::unique_ptr<pqxx::connection> connection)
        : pool_(pool), connection_(std::move(connection)) {}
    Lease(Lease&&) = default;
    ~Lease();
    pqxx::connection& connection() { return *connection_; }
    // The connection is not fit for another use.
    void Spoil() { spoilt_ = true; }

   private:
    ConnectionPool* pool_;
    std::unique_ptr<pqxx::connection> connection_;
    bool spoilt_ = false;
  };

  // Waits up to checkout_timeout for a free place. Errors: RESOURCE_EXHAUSTED, UNAVAILABLE.
  absl::StatusOr<Lease> Checkout();
  PoolStatus status() const;

 private:
  absl::StatusOr<std::unique_ptr<pqxx::connection>> TakeIdleOrReserve();
  void Return(std::unique_ptr<pqxx::connection> connection, bool healthy);

  const DatabaseOptions& options_;
  mutable Mutex mutex_;
  std::condition_variable_any freed_;
  std::deque<std::unique_ptr<pqxx::connection>> idle_ ABSL_GUARDED_BY(mutex_);
  PoolStatus counts_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace suggest::storage

#endif  // STORAGE_POSTGRES_DATABASE_INTERNAL_H_
