#include "service/server/commit/partition_keeper.h"

#include "bandit/base/status_macros.h"
#include "storage/postgres/partition_store.h"

namespace suggest::server {

absl::Status PartitionKeeper::Poll() {
  storage::PartitionStore store(s_.database);
  const absl::Time now = s_.clock->Now();
  ASSIGN_OR_RETURN(storage::PartitionStatus status, store.Status(now));
  if (status.months_ahead < kMonthsAhead) {
    const absl::StatusOr<int> made = store.EnsureAhead(now, kMonthsAhead);
    if (!made.ok()) {
      s_.metrics->SetPartitionsAhead(status.months_ahead);
      s_.log->Write(LogLevel::kError, "partitions not made", {{"message", made.status().message()}});
      return made.status();
    }
    if (*made > 0) s_.log->Write(LogLevel::kInfo, "partitions made", {{"partitions", *made}});
    ASSIGN_OR_RETURN(status, store.Status(now));
  }
  s_.metrics->SetPartitionsAhead(status.months_ahead);
  if (status.default_has_rows && !logged_strays_) {
    s_.log->Write(LogLevel::kWarning, "decisions outside all monthly partitions", {});
  }
  logged_strays_ = status.default_has_rows;
  return absl::OkStatus();
}

}  // namespace suggest::server
