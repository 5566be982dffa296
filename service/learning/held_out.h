// How well a model that learned up to the cut predicts the exposures from the cut on.
#ifndef SERVICE_LEARNING_HELD_OUT_H_
#define SERVICE_LEARNING_HELD_OUT_H_

#include <optional>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "bandit/model/posterior.h"
#include "service/learning/replay.h"
#include "service/learning/training.h"
#include "suggest/config/v1/config.pb.h"
#include "suggest/model/v1/report.pb.h"

namespace suggest::learning {

struct Bootstrap {
  int resamples = 200;
  uint64_t seed = 1;
};

// Of the exposures after the training's, with all rewards there are. `data_end`: what happened before it is known.
// Measures that cannot be had (no purchase, say) are left at 0.
// Errors: FAILED_PRECONDITION when no exposure is left.
absl::StatusOr<model::v1::HeldOut> EvaluateHeldOut(const History& history, const Timeline& timeline,
                                                   const Training& training, const bandit::Posterior& posterior,
                                                   const LearnerSettings& settings, absl::Time data_end,
                                                   const Bootstrap& bootstrap);

}  // namespace suggest::learning

#endif  // SERVICE_LEARNING_HELD_OUT_H_
