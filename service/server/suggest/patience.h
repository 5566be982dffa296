// Holds requests that need the database while it is away, for a while and not too many at once.
//
// Threads: any.
#ifndef SERVICE_SERVER_SUGGEST_PATIENCE_H_
#define SERVICE_SERVER_SUGGEST_PATIENCE_H_

#include <algorithm>
#include <atomic>
#include <chrono>

#include "absl/status/statusor.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "service/common/config.h"
#include "service/server/metrics.h"
#include "service/server/rpc/call.h"
#include "suggest/config/v1/config.pb.h"

namespace suggest::server {

class Patience {
 public:
  // `config` is complete and valid. `metrics` must outlive it.
  Patience(const config::v1::Database& config, Metrics* metrics)
      : hold_for_(absl::ToChronoNanoseconds(ToAbslDuration(config.hold_for()))),
        most_held_(config.max_held_requests()),
        metrics_(metrics) {}

  // What `attempt` returns. While that is UNAVAILABLE it is tried again, until hold_for has passed or the caller has
  // gone; when too many wait already, not. An UNAVAILABLE that is returned says when to come back.
  template <typename Attempt>
  auto Run(const CallContext& context, Attempt attempt) -> decltype(attempt()) {
    auto result = attempt();
    if (result.status().code() != absl::StatusCode::kUnavailable) return result;
    if (held_.fetch_add(1) < most_held_) {
      metrics_->SetHeldRequests(held_.load());
      const auto give_up = std::chrono::steady_clock::now() + hold_for_;
      absl::Duration pause = absl::Milliseconds(5);
      while (result.status().code() == absl::StatusCode::kUnavailable && !context.Gone() &&
             std::chrono::steady_clock::now() < give_up) {
        absl::SleepFor(pause);
        pause = std::min(2 * pause, absl::Milliseconds(100));
        result = attempt();
      }
    }
    held_.fetch_sub(1);
    metrics_->SetHeldRequests(held_.load());
    if (result.status().code() == absl::StatusCode::kUnavailable) return WithRetryHint(result.status());
    return result;
  }

 private:
  const std::chrono::nanoseconds hold_for_;
  const int most_held_;
  Metrics* const metrics_;
  std::atomic<int> held_{0};
};

}  // namespace suggest::server

#endif  // SERVICE_SERVER_SUGGEST_PATIENCE_H_
