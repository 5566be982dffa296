// How well a model that learned up to the cut predicts the exposures from the cut on (report.proto, HeldOut).
//
// Two questions, each with measures of its own kind and with baselines in the same unit:
//   chance   was it bought? The expected reward over the worth of a purchase of that recommendation, where the worth is
//            the mean reward of the purchases before the cut, a recommendation's own drawn to that of all by
//            kWorthStrength purchases.
//   value    what did it bring? The expected reward times the reward cap, in the declared currency.
// Baselines: the training mean for everybody; popularity, the smoothed purchase rate at the decision (times the worth).
#ifndef SERVICE_LEARNING_HELD_OUT_H_
#define SERVICE_LEARNING_HELD_OUT_H_

#include <functional>
#include <optional>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "bandit/model/posterior.h"
#include "service/learning/replay.h"
#include "service/learning/training.h"
#include "suggest/config/v1/config.pb.h"
#include "suggest/model/v1/report.pb.h"

namespace suggest::learning {

inline constexpr double kWorthStrength = 5;

struct Bootstrap {
  int resamples = 200;
  uint64_t seed = 1;
};

// What really is expected of an exposure; only a simulated company can tell.
struct TrueExpectation {
  double chance = 0;  // of a purchase that counts
  double reward = 0;  // in [0, 1]
};
using TruthOf = std::function<TrueExpectation(const ReplayedExposure&)>;

// Of the exposures after the training's, with all rewards there are. `data_end`: what happened before it is known.
// Measures that cannot be had (no purchase, say) are NaN. `truth` may be empty.
// Errors: FAILED_PRECONDITION when no exposure is left.
absl::StatusOr<model::v1::HeldOut> EvaluateHeldOut(const History& history, const Timeline& timeline,
                                                   const Training& training, const Learned& learned,
                                                   const config::v1::Config& config, absl::Time cut,
                                                   absl::Time data_end, const Bootstrap& bootstrap,
                                                   const TruthOf& truth);

}  // namespace suggest::learning

#endif  // SERVICE_LEARNING_HELD_OUT_H_
