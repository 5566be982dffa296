// Ends background loops promptly: a loop waits here between rounds, and Stop() wakes all of them at once. Wake() begins
// one round early.
//
// Threads: every member may be called from any thread.
#ifndef SERVICE_SERVER_STOP_SIGNAL_H_
#define SERVICE_SERVER_STOP_SIGNAL_H_

#include <chrono>
#include <condition_variable>
#include <mutex>

#include "absl/time/time.h"

namespace suggest::server {

class StopSignal {
 public:
  void Stop() {
    {
      std::lock_guard<std::mutex> lock(mutex_);
      stopped_ = true;
    }
    changed_.notify_all();
  }

  // Ends one wait that is under way, or the next.
  void Wake() {
    {
      std::lock_guard<std::mutex> lock(mutex_);
      woken_ = true;
    }
    changed_.notify_one();
  }

  bool stopped() const {
    std::lock_guard<std::mutex> lock(mutex_);
    return stopped_;
  }

  // Returns true as soon as Stop() is called, false at Wake() or after `timeout` of the machine's time.
  bool WaitFor(absl::Duration timeout) {
    std::unique_lock<std::mutex> lock(mutex_);
    changed_.wait_for(lock, absl::ToChronoNanoseconds(timeout), [this] { return stopped_ || woken_; });
    woken_ = false;
    return stopped_;
  }

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  bool stopped_ = false;
  bool woken_ = false;
};

}  // namespace suggest::server

#endif  // SERVICE_SERVER_STOP_SIGNAL_H_
