// Sums of pending exposures, as every kind of learner makes them: in memory, ingester, verify.
#ifndef SERVICE_LEARNING_POSTERIOR_SUMS_H_
#define SERVICE_LEARNING_POSTERIOR_SUMS_H_

#include <cstdint>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "bandit/delay/delay_law.h"
#include "bandit/model/context.h"
#include "bandit/model/factored_sums.h"
#include "bandit/model/sufficient_statistics.h"
#include "service/learning/delay_rule.h"
#include "service/learning/settings.h"

namespace suggest::learning {

// The first day of exposure that still teaches at the tick; INT32_MIN when the window is unbounded.
int64_t FirstLiveDay(absl::Time tick, const bandit::Forgetting& forgetting);

// The law that stands before any data.
bandit::DelayLaw PriorDelayLaw(const LearnerSettings& settings);

// Sums exposures that are not mature, with the weights and targets that they have at a tick. Memory does not grow with
// their number. Slots of one decision should follow each other (factored_sums.h); the order of Add decides the last
// bits.
class PendingSums {
 public:
  // Keeps a reference to `rule`.
  PendingSums(const LearnerSettings& settings, const bandit::ContextLayout& layout, const DelayRule& rule,
              absl::Time tick);

  // Errors: INVALID_ARGUMENT for a context that does not fit the layout or is not finite.
  absl::Status Add(const ExposureView& exposure);
  // Contexts of one instant and stratum, none of whose weights depends on its context, and whose sum b b' is at hand:
  // `gram` has w = 1 and f = 0, `moment` is sum g b.
  void AddInstant(absl::Time exposed_at, absl::string_view stratum, const bandit::SufficientStatistics& gram,
                  const bandit::SufficientStatistics& moment);

  bandit::SufficientStatistics Finish();

  // The discount of an exposure at the tick, 0 when it is forgotten.
  double Factor(absl::Time exposed_at) const;
  bandit::PendingTarget TargetOf(const ExposureView& exposure) const;

 private:
  const LearnerSettings settings_;
  const bandit::ContextLayout layout_;
  const DelayRule& rule_;
  const absl::Time tick_;
  bandit::FactoredSums contexts_;
  bandit::SufficientStatistics instants_;
};

}  // namespace suggest::learning

#endif  // SERVICE_LEARNING_POSTERIOR_SUMS_H_
