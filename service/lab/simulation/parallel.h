// Independent pieces of work on several threads.
#ifndef SERVICE_LAB_SIMULATION_PARALLEL_H_
#define SERVICE_LAB_SIMULATION_PARALLEL_H_

#include <functional>

#include "absl/status/status.h"

namespace suggest::simulation {

// work(0), ..., work(count - 1), each once, on up to `jobs` threads; the first error that comes ends it. `work` is
// called from several threads at once. Returns when all threads have ended. REQUIRES: jobs >= 1.
absl::Status ForEachInParallel(int count, int jobs, const std::function<absl::Status(int)>& work);

}  // namespace suggest::simulation

#endif  // SERVICE_LAB_SIMULATION_PARALLEL_H_
