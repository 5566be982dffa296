#include "tests/bench/micro/company.h"

#include <numeric>
#include <utility>
#include <vector>

#include "absl/time/clock.h"
#include "bandit/base/check.h"
#include "service/decision/config.h"

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

}  // namespace suggest::bench
