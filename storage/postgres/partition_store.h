// The monthly partitions of the decision log.
//
// A month's table is suggest.decisions_yYYYYmMM, from the first instant of the month (UTC) to that of the next. A
// decision outside all months lands in suggest.decisions_default: nothing is lost, but Status tells.
#ifndef STORAGE_POSTGRES_PARTITION_STORE_H_
#define STORAGE_POSTGRES_PARTITION_STORE_H_

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "storage/postgres/database.h"

namespace suggest::storage {

struct PartitionStatus {
  int partitions = 0;    // months that have one
  int months_ahead = 0;  // months after the one of `now` without a gap; -1 when the present month has none
  bool default_has_rows = false;
};

class PartitionStore {
 public:
  explicit PartitionStore(Database* db) : db_(db) {}

  // Makes the partitions of the month of `now` and of the `months` after it where they are missing; returns how many
  // it made. Rows of such a month that waited in the default partition move into it. Safe in parallel (an advisory
  // lock). Decisions are appended to existing partitions meanwhile.
  // Errors: ABORTED when a lock was not free within 5 s; call again.
  absl::StatusOr<int> EnsureAhead(absl::Time now, int months);

  absl::StatusOr<PartitionStatus> Status(absl::Time now) const;

 private:
  Database* const db_;
};

}  // namespace suggest::storage

#endif  // STORAGE_POSTGRES_PARTITION_STORE_H_
