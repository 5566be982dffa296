#include "service/learning/posterior_sums.h"

#include "bandit/base/status_macros.h"
#include "features/counters.h"

namespace suggest::learning {

int64_t FirstLiveDay(absl::Time tick, const bandit::Forgetting& forgetting) {
  if (forgetting.window_days == 0) return INT32_MIN;
  return features::UtcDay(tick) - forgetting.window_days + 1;
}

bandit::DelayLaw PriorDelayLaw(const LearnerSettings& settings) {
  return bandit::DelayLaw::TruncatedExponential(settings.prior_mean_delay, settings.window);
}

PendingSums::PendingSums(const LearnerSettings& settings, const bandit::ContextLayout& layout, const DelayRule& rule,
                         absl::Time tick)
    : settings_(settings), layout_(layout), rule_(rule), tick_(tick), contexts_(layout), instants_(layout.dim()) {}

double PendingSums::Factor(absl::Time exposed_at) const {
  return settings_.forgetting.Factor(features::UtcDay(exposed_at), features::UtcDay(tick_));
}

bandit::PendingTarget PendingSums::TargetOf(const ExposureView& exposure) const {
  return rule_.TargetOf(settings_, layout_, exposure, tick_);
}

absl::Status PendingSums::Add(const ExposureView& exposure) {
  const double factor = Factor(exposure.exposed_at);
  if (factor == 0) return absl::OkStatus();
  RETURN_IF_ERROR(bandit::ValidateContext(layout_, exposure.context));
  const bandit::PendingTarget target = TargetOf(exposure);
  if (target.weight == 0 && target.target == 0) return absl::OkStatus();
  return contexts_.Add(exposure.context, factor * target.weight, factor * target.target);
}

void PendingSums::AddInstant(absl::Time exposed_at, absl::string_view stratum, const bandit::SufficientStatistics& gram,
                             const bandit::SufficientStatistics& moment) {
  const double factor = Factor(exposed_at);
  if (factor == 0) return;
  const double share = rule_.laws.Of(stratum).Share(tick_ - exposed_at);
  instants_.AddScaled(gram, factor * bandit::Target(rule_.mode, {.share = share}).weight);
  instants_.AddScaled(moment, factor);
}

bandit::SufficientStatistics PendingSums::Finish() {
  bandit::SufficientStatistics sums = contexts_.Sums();
  sums.AddScaled(instants_, 1);
  return sums;
}

}  // namespace suggest::learning
