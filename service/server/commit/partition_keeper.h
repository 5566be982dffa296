// Keeps monthly partitions of the decision log made ahead of the clock. suggest_partitions_ahead_months is the alarm:
// below kMonthsAhead for long means that this could not be done; decisions then land in the default partition.
//
// Threads: one caller at a time.
#ifndef SERVICE_SERVER_COMMIT_PARTITION_KEEPER_H_
#define SERVICE_SERVER_COMMIT_PARTITION_KEEPER_H_

#include "absl/status/status.h"
#include "service/server/suggest/suggestion_handlers.h"

namespace suggest::server {

inline constexpr int kMonthsAhead = 3;

class PartitionKeeper {
 public:
  explicit PartitionKeeper(const Surroundings& surroundings) : s_(surroundings) {}

  // One look; makes what is missing.
  absl::Status Poll();

 private:
  const Surroundings s_;
  bool logged_strays_ = false;
};

}  // namespace suggest::server

#endif  // SERVICE_SERVER_COMMIT_PARTITION_KEEPER_H_
