#include "tests/bench/micro/company.h"

#include <numeric>
#include <utility>
#include <vector>

#include "absl/time/clock.h"
#include "bandit/base/check.h"
#include "google/protobuf/util/json_util.h"
#include "google/protobuf/util/time_util.h"
#include "service/common/config.h"
#include "service/lab/simulation/csv_writer.h"

namespace suggest::bench {
namespace {

simulation::CompanyOptions OptionsOf(Knowledge knowledge, int recommendations) {
  simulation::CompanyOptions options;
  options.recommendations = recommendations;
  options.late_recommendations = 0;
  if (knowledge == Knowledge::kYear) {
    options.customers_before = 500;
    options.customers_at_start = 5'000;
    options.customers_at_end = 5'000;
    options.contact_interval_days = 14;  // twice that in the history
  }
  return options;
}

config::v1::Config BenchConfig() {
  absl::StatusOr<config::v1::Config> config = LoadConfig(SUGGEST_SOURCE_DIR "/tests/bench/serve/suggest.textproto");
  SUGGEST_CHECK(config.ok());
  return *std::move(config);
}

}  // namespace

LearntCompany::LearntCompany(Knowledge knowledge, int recommendations)
    : company_(OptionsOf(knowledge, recommendations)), truth_(company_) {
  const simulation::History history = simulation::PlayHistory(company_, truth_);
  exposures_ = static_cast<int64_t>(history.world.exposures().size());
  const absl::Time begin = absl::Now();
  auto service = simulation::InMemoryService::WarmStart(company_, BenchConfig(), history, 7 * absl::Hours(24));
  replay_time_ = absl::Now() - begin;
  SUGGEST_CHECK(service.ok());
  service_ = *std::move(service);
  SUGGEST_CHECK(service_->Tick(company_.Midnight(0)).ok());
}

bandit::DecisionProblem LearntCompany::Problem(int index, int candidates) {
  std::vector<int> eligible(candidates);
  std::iota(eligible.begin(), eligible.end(), 0);
  const bool all = candidates == static_cast<int>(company_.recommendations().size());
  auto problem = service_->Problem(
      index % company_.CustomersOn(0), company_.Midnight(0),
      all ? bandit::CandidateSet(bandit::CandidateMask::All(candidates)) : bandit::CandidateSet(std::move(eligible)));
  SUGGEST_CHECK(problem.ok());
  return *std::move(problem);
}

std::shared_ptr<const decision::Serving> LearntCompany::Serving() const {
  const bandit::Posterior& posterior = service_->posterior();
  model::v1::ModelVersion model;
  model.set_version(1);
  *model.mutable_lineage()->mutable_data_cut() =
      google::protobuf::util::TimeUtil::MicrosecondsToTimestamp(absl::ToUnixMicros(service_->observer().tick()));
  *model.mutable_pipeline() = service_->pipeline().ToProto();
  model::v1::PosteriorState* const state = model.mutable_posterior();
  state->set_dimension(posterior.dim());
  for (int row = 0; row < posterior.dim(); ++row) {
    for (int column = 0; column <= row; ++column) state->add_precision(posterior.precision()(row, column));
    state->add_moment(posterior.moment()[row]);
  }
  state->set_noise_variance(posterior.noise_variance());
  std::vector<storage::RecommendationRecord> records;
  for (size_t r = 0; r < company_.recommendations().size(); ++r) {
    const simulation::Recommendation& recommendation = company_.recommendations()[r];
    storage::RecommendationRecord record;
    record.recommendation_id = recommendation.id;
    record.title = recommendation.id;
    SUGGEST_CHECK(
        google::protobuf::util::MessageToJsonString(
            simulation::ToAttributes(simulation::RecommendationFields(recommendation)), &record.attributes_json)
            .ok());
    records.push_back(std::move(record));
    model::v1::RecommendationCounters* const counters = model.add_recommendation_counters();
    counters->set_recommendation_id(recommendation.id);
    *counters->mutable_history() = service_->observer().RecommendationHistory(static_cast<int>(r)).ToProto();
  }
  auto snapshot = decision::Snapshot::FromModel(model);
  SUGGEST_CHECK(snapshot.ok());
  auto catalogue = decision::Catalogue::FromRecords(records);
  SUGGEST_CHECK(catalogue.ok());
  auto serving = decision::Serving::Create(*std::move(snapshot), *std::move(catalogue));
  SUGGEST_CHECK(serving.ok());
  return *std::move(serving);
}

storage::CustomerState LearntCompany::Customer(int index) const {
  const int customer = index % company_.CustomersOn(0);
  storage::CustomerState state;
  state.attributes = simulation::ToAttributes(simulation::CustomerFields(company_, customer, 0));
  for (const auto& [recommendation_id, history] : service_->observer().CustomerHistory(customer)) {
    bool bought = false;
    for (const auto& [day, counts] : history.days) {
      state.history.push_back({.recommendation_id = recommendation_id,
                               .day = day,
                               .exposures = counts.exposures,
                               .conversions = counts.conversions,
                               .purchases = counts.purchases,
                               .last_exposed_at = history.last_exposed_at,
                               .last_purchased_at = history.last_purchased_at});
      bought = bought || counts.purchases > 0;
    }
    if (bought) state.bought.push_back(recommendation_id);
  }
  return state;
}

}  // namespace suggest::bench
