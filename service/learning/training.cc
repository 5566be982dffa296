#include "service/learning/training.h"

#include <algorithm>
#include <utility>

#include "bandit/base/status_macros.h"
#include "service/learning/learner.h"
#include "service/learning/touched_buckets.h"

namespace suggest::learning {
namespace {

constexpr int64_t kReportRows = 1024;

bandit::FactoredContext ContextOf(const features::Pipeline& pipeline, const features::TrainingRows& rows, size_t i) {
  bandit::FactoredContext context;
  context.customer = pipeline.EncodeCustomer(rows.customers[i]);
  context.recommendation = pipeline.EncodeRecommendation(rows.recommendations[i]);
  if (rows.pairs[i].has_value()) context.pair = pipeline.EncodePair(*rows.pairs[i]);
  return ToFactored(ToStored(context));  // as the ledger holds it
}

template <typename T>
std::vector<T> FirstOf(const std::vector<T>& all, size_t n) {
  return {all.begin(), all.begin() + static_cast<std::ptrdiff_t>(n)};
}

features::TrainingRows FirstRows(const features::TrainingRows& rows, size_t n) {
  return {FirstOf(rows.customers, n), FirstOf(rows.recommendations, n), FirstOf(rows.pairs, n)};
}

}  // namespace

features::CounterSettings CounterSettingsOf(const config::v1::Config& config, const bandit::DelayLaw& law) {
  return {.maturity = LearnerSettingsOf(config).maturity(),
          .delay_age_seconds = law.age_seconds(),
          .delay_share = law.share()};
}

absl::StatusOr<Training> TrainAt(const History& history, const Timeline& timeline, const config::v1::Config& config,
                                 absl::Time at, std::vector<std::string>* messages, const Progress& progress) {
  const LearnerSettings settings = LearnerSettingsOf(config);
  const auto end = std::partition_point(timeline.exposures.begin(), timeline.exposures.end(),
                                        [&](const ReplayedExposure& exposure) { return exposure.exposed_at < at; });
  const size_t exposures = static_cast<size_t>(end - timeline.exposures.begin());
  if (exposures == 0) return absl::FailedPreconditionError("the history has no exposure to learn from");
  // The law needs a base rate, and the base rate a law: the law in hand before any data starts.
  const double first_rate = EstimateBaseRate(timeline, at, PriorDelayLaw(settings));
  bandit::DelayLaw law = EstimateDelayLaw(timeline, at, settings, first_rate);
  const double base_rate = EstimateBaseRate(timeline, at, law);
  const double purchase_rate = EstimatePurchaseRate(timeline, at, law);

  const features::CounterSettings counters = CounterSettingsOf(config, law);
  ASSIGN_OR_RETURN(const features::FeatureExtractor extractor,
                   features::FeatureExtractor::Create(config.features(), counters));
  ASSIGN_OR_RETURN(ReplayedRows replayed, ReplayFeatures(history, timeline, extractor, purchase_rate, progress));
  ASSIGN_OR_RETURN(features::Pipeline pipeline,
                   features::Pipeline::Fit(config.features(), counters, FirstRows(replayed.rows, exposures), messages));
  Training training{.pipeline = std::move(pipeline),
                    .law = std::move(law),
                    .base_rate = base_rate,
                    .purchase_rate = purchase_rate,
                    .exposures = exposures,
                    .contexts = {},
                    .popularity = std::move(replayed.popularity)};
  training.contexts.reserve(timeline.exposures.size());
  for (size_t i = 0; i < timeline.exposures.size(); ++i) {
    training.contexts.push_back(ContextOf(training.pipeline, replayed.rows, i));
  }
  return training;
}

absl::StatusOr<Learned> PosteriorAt(const Training& training, const Timeline& timeline,
                                    const config::v1::Config& config, absl::Time at, const Progress& progress) {
  Learner learner(LearnerSettingsOf(config), training.pipeline.layout(), PriorOf(config, training.base_rate),
                  NoiseOf(config, training.base_rate));
  const int64_t total = static_cast<int64_t>(training.exposures);
  for (int64_t i = 0; i < total; ++i) {
    const ReplayedExposure& exposure = timeline.exposures[i];
    RETURN_IF_ERROR(learner.BookExposure(i, exposure.exposed_at, training.contexts[i], exposure.stratum));
    for (const RewardChange& change : exposure.rewards) {
      if (change.visible_at >= at) break;
      RETURN_IF_ERROR(learner.SetReward(i, change.reward, change.visible_at));
    }
    if ((i + 1) % kReportRows == 0) Report(progress, "learn", i + 1, total);
  }
  ASSIGN_OR_RETURN(bandit::Posterior posterior, learner.Step(at));
  return Learned{std::move(posterior), learner.ridge().ridge};
}

}  // namespace suggest::learning
