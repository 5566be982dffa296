#include "service/lab/simulation/parallel.h"

#include <algorithm>
#include <atomic>
#include <thread>
#include <vector>

#include "bandit/base/check.h"
#include "bandit/base/mutex.h"

namespace suggest::simulation {
namespace {

class FirstError {
 public:
  // False once there is one.
  bool Note(const absl::Status& status) {
    MutexLock lock(mutex_);
    status_.Update(status);
    return status_.ok();
  }
  absl::Status status() {
    MutexLock lock(mutex_);
    return status_;
  }

 private:
  Mutex mutex_;
  absl::Status status_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace

absl::Status ForEachInParallel(int count, int jobs, const std::function<absl::Status(int)>& work) {
  SUGGEST_CHECK(jobs >= 1);
  std::atomic<int> next = 0;
  FirstError error;
  const auto take = [&] {
    for (int i = next++; i < count; i = next++) {
      if (!error.Note(work(i))) return;
    }
  };
  std::vector<std::thread> threads;
  for (int j = 0; j < std::min(jobs, count); ++j) threads.emplace_back(take);
  for (std::thread& thread : threads) thread.join();
  return error.status();
}

}  // namespace suggest::simulation
