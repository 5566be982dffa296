// The configuration and the database that a command works with.
#ifndef SERVICE_CLI_SESSION_H_
#define SERVICE_CLI_SESSION_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "service/cli/command.h"
#include "storage/postgres/database.h"
#include "suggest/config/v1/config.pb.h"

namespace suggest::cli {

struct Session {
  config::v1::Config config;
  std::unique_ptr<storage::Database> database;
};

// The file of --config, with defaults, valid as a whole. REQUIRES: the command's ConfigUse is kRequired.
absl::StatusOr<config::v1::Config> ReadConfig(const Invocation& invocation);

// The configured database, without a bound on the time of a statement: a command may work for long, and is watched by
// whoever started it. Connects at the first use.
absl::StatusOr<std::unique_ptr<storage::Database>> OpenDatabase(const Invocation& invocation,
                                                                const config::v1::Config& config);

// Both, once the database is known to be at this build's version.
// Errors: those of LoadConfig and storage::CheckVersion; UNAVAILABLE.
absl::StatusOr<Session> OpenSession(const Invocation& invocation);

}  // namespace suggest::cli

#endif  // SERVICE_CLI_SESSION_H_
