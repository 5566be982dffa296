#include "service/learning/posterior_sums.h"

#include "bandit/base/status_macros.h"
#include "bandit/pending.h"
#include "features/counters.h"

namespace suggest::learning {
namespace {

constexpr int kBatchRows = 256;

}  // namespace

int64_t FirstLiveDay(absl::Time tick, const bandit::Forgetting& forgetting) {
  if (forgetting.window_days == 0) return INT32_MIN;
  return features::UtcDay(tick) - forgetting.window_days + 1;
}

bandit::DelayLaw PriorDelayLaw(const LearnerSettings& settings) {
  return bandit::DelayLaw::TruncatedExponential(settings.prior_mean_delay, settings.window);
}

PendingSums::PendingSums(const LearnerSettings& settings, const bandit::ContextLayout& layout,
                         const bandit::DelayLaw& law, absl::Time tick)
    : settings_(settings),
      layout_(layout),
      law_(law),
      tick_(tick),
      sums_(layout.dim()),
      contexts_(kBatchRows, layout.dim()),
      weights_(kBatchRows),
      targets_(kBatchRows) {}

double PendingSums::Factor(absl::Time exposed_at) const {
  return settings_.forgetting.Factor(features::UtcDay(exposed_at), features::UtcDay(tick_));
}

bandit::PendingTarget PendingSums::TargetOf(absl::Time exposed_at, double reward) const {
  return bandit::Target(settings_.delay_mode, {.share = law_.Share(tick_ - exposed_at), .reward_seen = reward});
}

absl::Status PendingSums::Add(absl::Time exposed_at, double reward, const bandit::FactoredContext& context) {
  const double factor = Factor(exposed_at);
  if (factor == 0) return absl::OkStatus();
  const bandit::PendingTarget target = TargetOf(exposed_at, reward);
  if (target.weight == 0 && target.target == 0) return absl::OkStatus();
  RETURN_IF_ERROR(bandit::ValidateContext(layout_, context));
  contexts_.row(rows_) = bandit::AssembleContext(layout_, context);
  weights_[rows_] = factor * target.weight;
  targets_[rows_] = factor * target.target;
  if (++rows_ == kBatchRows) return Flush();
  return absl::OkStatus();
}

void PendingSums::AddInstant(absl::Time exposed_at, const bandit::SufficientStatistics& gram,
                             const bandit::SufficientStatistics& moment) {
  const double factor = Factor(exposed_at);
  if (factor == 0) return;
  sums_.AddScaled(gram, factor * TargetOf(exposed_at, 0).weight);
  sums_.AddScaled(moment, factor);
}

absl::Status PendingSums::Flush() {
  if (rows_ == 0) return absl::OkStatus();
  RETURN_IF_ERROR(sums_.AddBatch(contexts_.topRows(rows_), weights_.head(rows_), targets_.head(rows_)));
  rows_ = 0;
  return absl::OkStatus();
}

absl::StatusOr<bandit::SufficientStatistics> PendingSums::Finish() {
  RETURN_IF_ERROR(Flush());
  return sums_;
}

absl::StatusOr<bandit::Posterior> SolvePosterior(const bandit::Prior& prior, const bandit::NoiseModel& noise,
                                                 const bandit::SufficientStatistics& mature,
                                                 const bandit::SufficientStatistics& pending) {
  ASSIGN_OR_RETURN(const double variance, bandit::InferNoiseVariance(prior, mature, noise));
  bandit::SufficientStatistics total = mature;
  total.AddScaled(pending, 1);
  return bandit::Posterior::Solve(prior, total, variance);
}

}  // namespace suggest::learning
