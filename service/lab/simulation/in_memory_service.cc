#include "service/lab/simulation/in_memory_service.h"

#include <algorithm>
#include <utility>

#include "absl/memory/memory.h"
#include "bandit/base/check.h"
#include "bandit/base/status_macros.h"
#include "bandit/delay/delay_law.h"
#include "service/learning/settings.h"

namespace suggest::simulation {
namespace {

features::CounterSettings CounterSettingsOf(const learning::LearnerSettings& settings) {
  const bandit::DelayLaw law = bandit::DelayLaw::TruncatedExponential(settings.prior_mean_delay, settings.window);
  return {settings.maturity(), law.age_seconds(), law.share()};
}

// Raw features of the history's exposures, in order, as an ingest every `tick` would have let them be known.
absl::StatusOr<features::TrainingRows> ReplayRows(const Company& company, const features::FeatureExtractor& extractor,
                                                  const History& history, absl::Duration tick, Observer& observer) {
  features::TrainingRows rows;
  std::vector<features::RawSide> catalogue(company.recommendations().size());
  for (const Exposure& exposure : history.world.exposures()) {
    const absl::Time due = company.options().year_start - absl::Ceil(company.options().year_start - exposure.at, tick);
    if (due > observer.tick()) {
      observer.Advance(due);
      for (size_t r = 0; r < catalogue.size(); ++r) {
        ASSIGN_OR_RETURN(catalogue[r], observer.Recommendation(extractor, static_cast<int>(r)));
      }
    }
    ASSIGN_OR_RETURN(features::RawSide customer, observer.Customer(extractor, exposure.customer, exposure.at));
    rows.customers.push_back(std::move(customer));
    rows.recommendations.push_back(catalogue[exposure.recommendation]);
    rows.pairs.push_back(std::nullopt);
    observer.Watch(exposure);
  }
  return rows;
}

}  // namespace

InMemoryService::InMemoryService(const Company& company, const config::v1::Config& config, features::Pipeline pipeline,
                                 Observer observer)
    : company_(&company),
      pipeline_(std::move(pipeline)),
      layout_(pipeline_.layout()),
      observer_(std::move(observer)),
      base_rate_(config.learning().base_rate()),
      learner_(learning::LearnerSettingsOf(config), layout_, learning::PriorOf(config, config.learning().base_rate()),
               learning::NoiseOf(config, config.learning().base_rate())) {}

absl::StatusOr<std::unique_ptr<InMemoryService>> InMemoryService::ColdStart(const Company& company,
                                                                            const config::v1::Config& config) {
  ASSIGN_OR_RETURN(
      features::Pipeline pipeline,
      features::Pipeline::FromSchema(config.features(), CounterSettingsOf(learning::LearnerSettingsOf(config))));
  return absl::WrapUnique(new InMemoryService(company, config, std::move(pipeline), Observer(company)));
}

absl::StatusOr<std::unique_ptr<InMemoryService>> InMemoryService::WarmStart(const Company& company,
                                                                            const config::v1::Config& config,
                                                                            const History& history,
                                                                            absl::Duration tick) {
  const features::CounterSettings settings = CounterSettingsOf(learning::LearnerSettingsOf(config));
  ASSIGN_OR_RETURN(const auto extractor, features::FeatureExtractor::Create(config.features(), settings));
  Observer observer(company);
  ASSIGN_OR_RETURN(const auto rows, ReplayRows(company, extractor, history, tick, observer));
  ASSIGN_OR_RETURN(features::Pipeline pipeline, features::Pipeline::Fit(config.features(), settings, rows, nullptr));

  // A second observer hands the learner the payments; the first one has counted them already.
  auto service = absl::WrapUnique(new InMemoryService(company, config, std::move(pipeline), std::move(observer)));
  Observer payments(company);
  const std::vector<Exposure>& exposures = history.world.exposures();
  for (size_t i = 0; i < exposures.size(); ++i) {
    payments.Watch(exposures[i]);
    bandit::FactoredContext context = {service->pipeline_.EncodeCustomer(rows.customers[i]),
                                       service->pipeline_.EncodeRecommendation(rows.recommendations[i]),
                                       {}};
    RETURN_IF_ERROR(service->learner_.BookExposure(exposures[i].id, exposures[i].at, std::move(context)));
  }
  for (const RewardChange& change : payments.Advance(service->observer_.tick())) {
    RETURN_IF_ERROR(service->learner_.SetReward(change.exposure, change.reward, change.visible_at));
  }
  return service;
}

absl::Status InMemoryService::Tick(absl::Time now) {
  for (const RewardChange& change : observer_.Advance(now)) {
    RETURN_IF_ERROR(learner_.SetReward(change.exposure, change.reward, change.visible_at));
  }
  ASSIGN_OR_RETURN(posterior_, learner_.Step(now));
  folded_.emplace(*posterior_, layout_);
  return EncodeCatalogue();
}

absl::Status InMemoryService::EncodeCatalogue() {
  std::vector<double> rows;
  for (size_t r = 0; r < company_->recommendations().size(); ++r) {
    ASSIGN_OR_RETURN(const auto raw, observer_.Recommendation(pipeline_.extractor(), static_cast<int>(r)));
    const Eigen::VectorXd encoded = pipeline_.EncodeRecommendation(raw);
    rows.insert(rows.end(), encoded.begin(), encoded.end());
  }
  ASSIGN_OR_RETURN(catalogue_, bandit::CandidateMatrix::Create(std::move(rows), layout_.recommendation_dim));
  return absl::OkStatus();
}

absl::StatusOr<bandit::DecisionProblem> InMemoryService::Problem(int customer, absl::Time at,
                                                                 bandit::CandidateSet candidates) {
  SUGGEST_CHECK(folded_.has_value());
  ASSIGN_OR_RETURN(const auto raw, observer_.Customer(pipeline_.extractor(), customer, at));
  last_customer_ = pipeline_.EncodeCustomer(raw);
  return bandit::DecisionProblem{&*folded_, layout_, &*catalogue_, last_customer_, std::move(candidates), {}};
}

absl::StatusOr<std::vector<int>> InMemoryService::Choose(int customer, absl::Time at,
                                                         const std::vector<int>& candidates,
                                                         const bandit::PolicySettings& policy, int count,
                                                         uint64_t seed) {
  ASSIGN_OR_RETURN(const bandit::DecisionProblem problem, Problem(customer, at, candidates));
  ASSIGN_OR_RETURN(const bandit::Slate slate, bandit::ChooseSlate(problem, policy, count, seed));
  std::vector<int> chosen;
  for (const bandit::ScoredCandidate& item : slate.items) chosen.push_back(item.candidate);
  return chosen;
}

absl::Status InMemoryService::Expose(const Exposure& exposure) {
  observer_.Watch(exposure);
  const absl::Span<const double> row = catalogue_->row(exposure.recommendation);
  bandit::FactoredContext context = {last_customer_, Eigen::VectorXd::Map(row.data(), row.size()), {}};
  return learner_.BookExposure(exposure.id, exposure.at, std::move(context));
}

std::vector<double> InMemoryService::Popularity() const {
  std::vector<double> popularity;
  for (size_t r = 0; r < company_->recommendations().size(); ++r) {
    popularity.push_back(features::Popularity(observer_.RecommendationHistory(static_cast<int>(r)), base_rate_));
  }
  return popularity;
}

}  // namespace suggest::simulation
