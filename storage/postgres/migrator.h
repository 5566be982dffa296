// Numbered SQL files that bring a database to the state this build expects.
//
// migrations/NNNN_name.sql are embedded at build time, numbered from 1 without gaps. Each runs in one transaction
// together with its row in suggest.schema_migrations(version, name, sha256, applied_at), under a transaction-level
// advisory lock, so parallel runs wait for each other and apply each file once. A file that was applied is never
// edited: its checksum is compared. Migrations only add, so old and new replicas can run side by side.
#ifndef STORAGE_POSTGRES_MIGRATOR_H_
#define STORAGE_POSTGRES_MIGRATOR_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "storage/postgres/database.h"

namespace suggest::storage {

struct Migration {
  int version = 0;  // 1, 2, 3, ...
  absl::string_view name;
  absl::string_view sql;
  absl::string_view sha256;  // of sql, 64 hexadecimal digits
};

// Those of this build, ascending.
absl::Span<const Migration> EmbeddedMigrations();

// Applies what is missing, up to and including version `up_to` (0 = all), and returns the names of what it applied;
// none when the database was up to date. `now` is recorded as applied_at.
// Errors: FAILED_PRECONDITION when the database is newer than this build or an applied file was edited; nothing is
// changed then. The error of a failing file names it; the files before it stay applied.
absl::StatusOr<std::vector<std::string>> Migrate(Database& db, absl::Time now, int up_to = 0);
absl::StatusOr<std::vector<std::string>> Migrate(Database& db, absl::Span<const Migration> migrations, absl::Time now,
                                                 int up_to = 0);

// The highest version applied; 0 for a database that was never migrated.
absl::StatusOr<int> CurrentVersion(Database& db);

// OK when the database is exactly at this build's version.
// Errors: FAILED_PRECONDITION naming both versions when it is older or newer, or the file that was edited.
absl::Status CheckVersion(Database& db);
absl::Status CheckVersion(Database& db, absl::Span<const Migration> migrations);

}  // namespace suggest::storage

#endif  // STORAGE_POSTGRES_MIGRATOR_H_
