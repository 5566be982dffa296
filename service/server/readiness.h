// Whether this replica can answer Suggest, and if not, why. What /readyz and the health service show.
//
// Threads: any.
#ifndef SERVICE_SERVER_READINESS_H_
#define SERVICE_SERVER_READINESS_H_

#include <string>
#include <utility>

#include "absl/status/status.h"
#include "bandit/base/mutex.h"
#include "bandit/base/status_macros.h"
#include "service/server/commit/spool_keeper.h"
#include "service/server/follow/serving_state.h"

namespace suggest::server {

class Readiness {
 public:
  // Both must outlive it. `spool` stands in for a database that is away; null: nothing does.
  explicit Readiness(const ServingState* serving, const SpoolKeeper* spool = nullptr)
      : serving_(serving), spool_(spool) {}

  // OK, or UNAVAILABLE with the reason: draining, the database cannot be reached and nothing stands in for it, no
  // model, no catalogue.
  absl::Status Check() const {
    {
      ReaderLock lock(mutex_);
      if (draining_) return absl::UnavailableError("draining");
      if (spool_ == nullptr || !SpoolKeeper::SaysAway(database_)) RETURN_IF_ERROR(database_);
    }
    return serving_->Get().status();
  }

  // What an operator should know beside it; may be empty.
  std::string Note() const { return spool_ == nullptr ? "" : spool_->Describe(); }

  // What the last look at the database found.
  void SetDatabase(absl::Status status) {
    MutexLock lock(mutex_);
    database_ = std::move(status);
  }

  // From now on never ready again.
  void Drain() {
    MutexLock lock(mutex_);
    draining_ = true;
  }

 private:
  const ServingState* const serving_;
  const SpoolKeeper* const spool_;
  mutable Mutex mutex_;
  bool draining_ ABSL_GUARDED_BY(mutex_) = false;
  absl::Status database_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace suggest::server

#endif  // SERVICE_SERVER_READINESS_H_
