// The steps from sums to a posterior that every kind of learner shares: in memory, ingester, verify.
#ifndef SERVICE_LEARNING_POSTERIOR_SUMS_H_
#define SERVICE_LEARNING_POSTERIOR_SUMS_H_

#include <Eigen/Core>
#include <cstdint>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "bandit/context.h"
#include "bandit/delay_law.h"
#include "bandit/posterior.h"
#include "bandit/sufficient_statistics.h"
#include "service/learning/settings.h"

namespace suggest::learning {

// The first day of exposure that still teaches at the tick; INT32_MIN when the window is unbounded.
int64_t FirstLiveDay(absl::Time tick, const bandit::Forgetting& forgetting);

// The law that stands before any data.
bandit::DelayLaw PriorDelayLaw(const LearnerSettings& settings);

// Sums exposures that are not mature, with the weights and targets that they have at a tick. Works in batches, so
// memory does not grow with their number; the order of Add decides the last bits.
class PendingSums {
 public:
  // Keeps references to `law`.
  PendingSums(const LearnerSettings& settings, const bandit::ContextLayout& layout, const bandit::DelayLaw& law,
              absl::Time tick);

  // Errors: INVALID_ARGUMENT for a context that does not fit the layout or is not finite.
  absl::Status Add(absl::Time exposed_at, double reward, const bandit::FactoredContext& context);
  // Contexts of one instant whose sum b b' is at hand: `gram` has w = 1 and f = 0, `moment` is sum g b.
  void AddInstant(absl::Time exposed_at, const bandit::SufficientStatistics& gram,
                  const bandit::SufficientStatistics& moment);

  absl::StatusOr<bandit::SufficientStatistics> Finish();

  // The discount of an exposure at the tick, 0 when it is forgotten.
  double Factor(absl::Time exposed_at) const;
  bandit::PendingTarget TargetOf(absl::Time exposed_at, double reward) const;

 private:
  absl::Status Flush();

  const LearnerSettings settings_;
  const bandit::ContextLayout layout_;
  const bandit::DelayLaw& law_;
  const absl::Time tick_;
  bandit::SufficientStatistics sums_;
  Eigen::MatrixXd contexts_;
  Eigen::VectorXd weights_;
  Eigen::VectorXd targets_;
  int rows_ = 0;
};

// The posterior of prior + mature + pending, with the noise fixed or inferred from the mature sums.
// Errors: those of bandit::Posterior::Solve and InferNoiseVariance.
absl::StatusOr<bandit::Posterior> SolvePosterior(const bandit::Prior& prior, const bandit::NoiseModel& noise,
                                                 const bandit::SufficientStatistics& mature,
                                                 const bandit::SufficientStatistics& pending);

}  // namespace suggest::learning

#endif  // SERVICE_LEARNING_POSTERIOR_SUMS_H_
