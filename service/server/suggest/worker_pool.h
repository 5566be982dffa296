// Threads for what may block, so that the threads that carry the network's events never do.
//
// A thread is made when a task comes and none is idle, up to `most_threads` or to what the system allows; then tasks
// wait. Whoever bounds the calls in flight bounds the waiting tasks too.
//
// Threads: Run from any; the destructor waits for all tasks that were taken.
#ifndef SERVICE_SERVER_SUGGEST_WORKER_POOL_H_
#define SERVICE_SERVER_SUGGEST_WORKER_POOL_H_

#include <condition_variable>
#include <deque>
#include <functional>
#include <thread>
#include <vector>

#include "bandit/base/mutex.h"

namespace suggest::server {

class WorkerPool {
 public:
  // Makes the first thread, so that tasks are always worked on. Throws std::system_error when there can be none.
  explicit WorkerPool(int most_threads);
  ~WorkerPool();
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  void Run(std::function<void()> task);

 private:
  void Work();

  const int most_threads_;
  Mutex mutex_;
  std::condition_variable_any arrived_;
  std::deque<std::function<void()>> tasks_ ABSL_GUARDED_BY(mutex_);
  int idle_ ABSL_GUARDED_BY(mutex_) = 0;
  bool ending_ ABSL_GUARDED_BY(mutex_) = false;
  std::vector<std::thread> threads_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace suggest::server

#endif  // SERVICE_SERVER_SUGGEST_WORKER_POOL_H_
