#include "service/cli/session.h"

#include <utility>

#include "bandit/base/status_macros.h"
#include "service/common/config.h"
#include "storage/postgres/migrator.h"

namespace suggest::cli {

absl::StatusOr<config::v1::Config> ReadConfig(const Invocation& invocation) {
  return LoadConfig(invocation.flags.Text("config"));
}

absl::StatusOr<std::unique_ptr<storage::Database>> OpenDatabase(const Invocation& invocation,
                                                                const config::v1::Config& config) {
  storage::DatabaseOptions options;
  options.connection = config.database().connection();
  options.pool_size = config.database().pool_size();
  options.statement_timeout = absl::InfiniteDuration();
  options.application_name = invocation.program;
  return storage::Database::Open(std::move(options));
}

absl::StatusOr<Session> OpenSession(const Invocation& invocation) {
  Session session;
  ASSIGN_OR_RETURN(session.config, ReadConfig(invocation));
  ASSIGN_OR_RETURN(session.database, OpenDatabase(invocation, session.config));
  RETURN_IF_ERROR(storage::CheckVersion(*session.database));
  return session;
}

}  // namespace suggest::cli
