// What `suggestctl doctor` and the start of the service ask the database.
#ifndef STORAGE_POSTGRES_DIAGNOSTICS_H_
#define STORAGE_POSTGRES_DIAGNOSTICS_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "storage/postgres/database.h"

namespace suggest::storage {

struct ServerInfo {
  std::string version;     // e.g. "15.6 (Debian 15.6-0+deb12u1)"
  int version_number = 0;  // e.g. 150006
  std::string database;
  absl::Time server_time;    // the server's clock when it answered; compare with the caller's
  bool in_recovery = false;  // a standby: nothing can be written
};

absl::StatusOr<ServerInfo> QueryServer(Database& db);

// Checks that each source view is there with the contract's columns and types, and can be read.
// Errors: FAILED_PRECONDITION listing every view and column that is missing or of the wrong type, joined by "; ".
absl::Status CheckSourceViews(Database& db);

// Settings of the server, the database or the role that change what an answer is worth: what is set, and why it
// matters.
struct SettingFinding {
  bool failed = false;  // the service does not work with it; else it works, with less safety
  std::string message;
};
// Empty when all is well. `connections` is how many this configuration may open.
absl::StatusOr<std::vector<SettingFinding>> CheckSettings(Database& db, int connections);

// What is wrong with the learner's own rows: no row of suggest.learner, a model of another basis, exposures that are
// set aside, buckets that do not fit the model. Empty when nothing is. Errors: FAILED_PRECONDITION before the
// migrations.
absl::StatusOr<std::vector<std::string>> CheckLearnerRows(Database& db);

// A table that tells of its changes (suggest.watch_customers, suggest.watch_recommendations).
struct WatchedTable {
  std::string table;
  std::string kind;     // "customers" or "recommendations"
  std::string problem;  // empty: its triggers work
};
absl::StatusOr<std::vector<WatchedTable>> ListWatched(Database& db);

}  // namespace suggest::storage

#endif  // STORAGE_POSTGRES_DIAGNOSTICS_H_
