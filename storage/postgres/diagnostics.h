// What `suggestctl doctor` and the start of the service ask the database.
#ifndef STORAGE_POSTGRES_DIAGNOSTICS_H_
#define STORAGE_POSTGRES_DIAGNOSTICS_H_

#include <string>

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

}  // namespace suggest::storage

#endif  // STORAGE_POSTGRES_DIAGNOSTICS_H_
