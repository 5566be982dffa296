#include "service/server/suggest/worker_pool.h"

#include <system_error>
#include <utility>

namespace suggest::server {

WorkerPool::WorkerPool(int most_threads) : most_threads_(most_threads) {
  MutexLock lock(mutex_);
  threads_.emplace_back([this] { Work(); });
}

WorkerPool::~WorkerPool() {
  std::vector<std::thread> threads;
  {
    MutexLock lock(mutex_);
    ending_ = true;
    threads.swap(threads_);
  }
  arrived_.notify_all();
  for (std::thread& thread : threads) thread.join();
}

void WorkerPool::Run(std::function<void()> task) {
  {
    MutexLock lock(mutex_);
    tasks_.push_back(std::move(task));
    if (static_cast<int>(tasks_.size()) > idle_ && static_cast<int>(threads_.size()) < most_threads_) {
      try {
        threads_.emplace_back([this] { Work(); });
        return;
      } catch (const std::system_error&) {
        // The limit on processes is reached: the task waits for one of the threads that there are.
      }
    }
  }
  arrived_.notify_one();
}

void WorkerPool::Work() {
  while (true) {
    std::function<void()> task;
    {
      MutexLock lock(mutex_);
      ++idle_;
      while (tasks_.empty() && !ending_) arrived_.wait(mutex_);
      --idle_;
      if (tasks_.empty()) return;
      task = std::move(tasks_.front());
      tasks_.pop_front();
    }
    task();
  }
}

}  // namespace suggest::server
