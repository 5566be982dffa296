#include "service/server/commit/decision_announcer.h"

#include <utility>
#include <vector>

#include "bandit/base/status_macros.h"

namespace suggest::server {
namespace {

constexpr absl::Duration kPeriod = absl::Milliseconds(100);
constexpr size_t kMostAtOnce = 1000;  // of one payload's list

}  // namespace

void DecisionAnnouncer::Add(const std::string& customer_id) {
  MutexLock lock(mutex_);
  if (any_) return;
  customers_.insert(customer_id);
  if (customers_.size() <= kMost) return;
  customers_.clear();
  any_ = true;
}

absl::Status DecisionAnnouncer::Send() {
  std::vector<std::string> ids;
  bool any = false;
  {
    MutexLock lock(mutex_);
    ids.assign(customers_.begin(), customers_.end());
    any = std::exchange(any_, false);
    customers_.clear();
  }
  if (ids.empty() && !any) return absl::OkStatus();
  absl::Status status;
  if (any) status = store_.AnnounceDecisions(origin_, {});
  for (size_t begin = 0; !any && status.ok() && begin < ids.size(); begin += kMostAtOnce) {
    status = store_.AnnounceDecisions(origin_, absl::MakeConstSpan(ids).subspan(begin, kMostAtOnce));
  }
  if (!status.ok()) {
    MutexLock lock(mutex_);
    customers_.clear();
    any_ = true;
  }
  return status;
}

void DecisionAnnouncer::Run(StopSignal& stop) {
  while (!stop.WaitFor(kPeriod)) {
    if (!Send().ok() && stop.WaitFor(absl::Seconds(1))) break;
  }
  Send().IgnoreError();
}

}  // namespace suggest::server
