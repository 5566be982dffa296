// Scenarios against the floor: serve, serve_large, propensity.
#include <algorithm>
#include <limits>

#include "absl/strings/str_cat.h"
#include "tests/bench/measurement.h"
#include "tests/bench/serve/scenarios.h"

namespace suggest::bench {
namespace {

constexpr double kShareOfCapacity = 0.7;

Detail With(Detail detail, const Detail& more) {
  detail.insert(detail.end(), more.begin(), more.end());
  return detail;
}

void AnswerBeforeCommit(Company* company) {
  config::v1::Commit* const commit = company->config.mutable_database()->mutable_commit();
  commit->set_durability(config::v1::Commit::ASYNC);
  commit->clear_linger();  // as is the default for this durability
}

Detail About(const Company& company) {
  return {{"exposures", static_cast<double>(company.exposures)},
          {"dimension", static_cast<double>(company.dimension)},
          {"v", company.config.choice().exploration_scale()}};
}

double SlowerCapacity(const Comparison& comparison) {
  return std::min(comparison.MedianRate(comparison.suggestd), comparison.MedianRate(comparison.floor));
}

// What the answers say of their propensities.
Detail PropensityDetail(Contest& contest, const Company& company) {
  std::vector<double> first = {0};
  std::vector<double> in_slate = {0};
  double deferred = 0;
  for (const v1::SuggestResponse& answer : contest.answers()) {
    deferred += answer.propensity_status() == v1::DEFERRED;
    for (const v1::Suggestion& suggestion : answer.suggestions()) {
      if (!suggestion.has_propensity()) continue;
      if (suggestion.rank() == 1) first.push_back(suggestion.propensity().first_standard_error());
      in_slate.push_back(suggestion.propensity().in_slate_standard_error());
    }
  }
  const double measured = contest.suggestd().Metric("suggest_propensity_contenders_count");
  const double contenders = contest.suggestd().Metric("suggest_propensity_contenders_sum");
  return {{"draws", static_cast<double>(company.config.choice().propensity_draws())},
          {"se_first", Median(first)},
          {"se_in_slate", Median(in_slate)},
          {"share_deferred", deferred / contest.answers().size()},
          {"contenders", measured > 0 ? contenders / measured : std::numeric_limits<double>::quiet_NaN()}};
}

void MeasurePropensity(Bench& bench, Stage stage, double target, const std::string& name) {
  Company company = bench.Fresh(stage, bench.effort().recommendations, "propensity_" + name);
  AnswerBeforeCommit(&company);
  company.config.mutable_choice()->mutable_propensity_time()->set_seconds(1);
  Contest contest(bench.places(), company, bench.effort(), "propensity_" + name);
  const Comparison closed = contest.Closed();
  Print({"propensity", name + "/throughput", Median(closed.RateRatios()), "ratio", Target{target, Better::kMore},
         With(With(About(company), PropensityDetail(contest, company)), closed.Describe())});
}

// Returns the rate that was offered in the open loop.
double MeasureAsync(Bench& bench, const Company& company) {
  Contest contest(bench.places(), company, bench.effort(), "serve");
  const Comparison closed = contest.Closed();
  Print({"serve", "async/throughput", Median(closed.RateRatios()), "ratio", Target{0.65, Better::kMore},
         With(About(company), closed.Describe())});
  const double rate = kShareOfCapacity * SlowerCapacity(closed);
  const Comparison open = contest.Open(rate);
  Print({"serve", "async/p99", open.MedianLatencyRatio(0.99), "ratio", Target{2, Better::kLess},
         With({{"offered_per_s", rate}}, open.Describe())});
  return rate;
}

// `rate`: of the open loop, so that its tail can be compared with that of the log.
void MeasureWithoutLog(Bench& bench, const Company& company, double rate) {
  Contest contest(bench.places(), company, bench.effort(), "discarded", "suggest_bench_discarding");
  const Comparison closed = contest.Closed();
  Print({"serve", "discarded/throughput", Median(closed.RateRatios()), "ratio", Target{0.75, Better::kMore},
         With(About(company), closed.Describe())});
  const Comparison open = contest.Open(rate);
  Print({"serve",
         "discarded/p99",
         open.MedianLatencyRatio(0.99),
         "ratio",
         {},
         With({{"offered_per_s", rate}}, open.Describe())});
}

}  // namespace

void RunServe(Bench& bench) {
  Company company = bench.Fresh(Stage::kWarmStart, bench.effort().recommendations, "serve");
  AnswerBeforeCommit(&company);
  const double rate = MeasureAsync(bench, company);
  MeasureWithoutLog(bench, company, rate);
}

void RunServeLarge(Bench& bench) {
  Company company = bench.Fresh(Stage::kWarmStart, bench.effort().large_catalogue, "serve_large");
  AnswerBeforeCommit(&company);
  Contest contest(bench.places(), company, bench.effort(), "serve_large");
  const Comparison closed = contest.Closed();
  Print({"serve_large", "async/throughput", Median(closed.RateRatios()), "ratio", Target{0.30, Better::kMore},
         With(About(company), closed.Describe())});
}

void RunPropensity(Bench& bench) {
  MeasurePropensity(bench, Stage::kYear, 0.30, "after_a_year");
  MeasurePropensity(bench, Stage::kWarmStart, 0.15, "after_the_warm_start");
}

}  // namespace suggest::bench
