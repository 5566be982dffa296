// A pool of connections to one PostgreSQL database, which every store of this folder shares.
//
// A connection whose backend broke is thrown away, never used again: libpqxx would quietly reconnect, and the new
// session would lack our settings, prepared statements and locks. An idle connection whose socket has something to
// read (the server closed it) is thrown away before it is lent, so that after a restart of PostgreSQL only those
// transactions fail that were under way.
//
// Each connection sets what our SQL relies on, whatever the database or the role has set for its sessions: time zone
// UTC, ISO dates, all digits of doubles, UTF-8, search_path pg_catalog (every name in our SQL is qualified), the
// timeouts (database.cc lists all). A connection whose session is shared with others (a pooler in transaction mode) is
// refused with FAILED_PRECONDITION.
//
// Threads: all functions may be called from any thread at once.
#ifndef STORAGE_POSTGRES_DATABASE_H_
#define STORAGE_POSTGRES_DATABASE_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace suggest::storage {

class ConnectionPool;

struct DatabaseOptions {
  // libpq connection string or URI. The password comes from PGPASSWORD or a passfile.
  std::string connection = "";
  // Connections open at the same time. At least 1.
  int pool_size = 8;
  // Bound on one statement; 0 or infinite = none.
  absl::Duration statement_timeout = absl::Seconds(30);
  // Bound on opening a connection, in whole seconds, at least 2 (libpq's own limits).
  absl::Duration connect_timeout = absl::Seconds(5);
  // How long a caller waits for a connection to become free.
  absl::Duration checkout_timeout = absl::Seconds(5);
  // Shown in pg_stat_activity.
  std::string application_name = "suggest";
};

// Counts for metrics and tests.
struct PoolStatus {
  int idle = 0;
  int lent = 0;
  int64_t opened = 0;       // since the start
  int64_t thrown_away = 0;  // broken, since the start
};

class Database {
 public:
  // Checks the options and opens nothing: the first use connects, so a service can start while PostgreSQL is away.
  // Errors: INVALID_ARGUMENT when pool_size < 1. A connection string that does not parse shows at the first use.
  static absl::StatusOr<std::unique_ptr<Database>> Open(DatabaseOptions options);
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  // One round trip. Errors: UNAVAILABLE; RESOURCE_EXHAUSTED (no connection free in time, or too many of them);
  // INVALID_ARGUMENT (the connection string does not parse).
  absl::Status Ping();

  const DatabaseOptions& options() const { return options_; }
  PoolStatus pool_status() const;
  // For database_internal.h only.
  ConnectionPool& pool() { return *pool_; }

 private:
  explicit Database(DatabaseOptions options);

  const DatabaseOptions options_;
  const std::unique_ptr<ConnectionPool> pool_;
};

// Seconds that all threads of this process together have waited for statements and commits since its start.
double StatementSeconds();

}  // namespace suggest::storage

#endif  // STORAGE_POSTGRES_DATABASE_H_
