// ComparePolicies: runs over seeds, their means and standard errors, and the table.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "bandit/base/mutex.h"
#include "bandit/base/status_macros.h"
#include "service/common/config.h"
#include "service/lab/simulation/estimates.h"
#include "service/lab/simulation/parallel.h"
#include "service/lab/simulation/policy_runs.h"

namespace suggest::simulation {
namespace {

using model::v1::Estimate;
using model::v1::PairedDifference;
using model::v1::PolicyComparison;
using model::v1::PolicyResult;

// All policies of one company.
struct SeedRuns {
  std::vector<PolicyRun> runs;
  int64_t history_exposures = 0;
};

// Runs seeds on several threads.
class SeedRunner {
 public:
  SeedRunner(const ComparisonOptions& options, const config::v1::Config& config)
      : options_(options), config_(config), seeds_(options.seeds) {}

  absl::StatusOr<std::vector<SeedRuns>> Run() {
    RETURN_IF_ERROR(ForEachInParallel(options_.seeds, options_.jobs, [this](int seed) { return RunSeed(seed); }));
    return std::move(seeds_);
  }

 private:
  absl::Status RunSeed(int index) {
    CompanyOptions company_options = options_.company;
    company_options.seed += static_cast<uint64_t>(index);
    const Company company(company_options);
    const Truth truth(company);
    const History history = PlayHistory(company, truth);
    SeedRuns& seed = seeds_[index];  // no other thread touches it
    seed.history_exposures = static_cast<int64_t>(history.world.exposures().size());
    for (const PolicySpec& spec : options_.policies) {
      ASSIGN_OR_RETURN(PolicyRun run, RunPolicy(company, truth, history, spec, config_, options_.tick_days));
      seed.runs.push_back(std::move(run));
      MutexLock lock(mutex_);
      ++done_;
      if (options_.progress) options_.progress(done_, static_cast<int64_t>(options_.seeds) * options_.policies.size());
    }
    return absl::OkStatus();
  }

  const ComparisonOptions& options_;
  const config::v1::Config& config_;
  std::vector<SeedRuns> seeds_;
  Mutex mutex_;
  int64_t done_ ABSL_GUARDED_BY(mutex_) = 0;
};

// Mean and standard error over seeds of number(seed).
template <typename Number>
Estimate OverSeeds(const std::vector<SeedRuns>& seeds, Number number) {
  std::vector<double> numbers;
  for (const SeedRuns& seed : seeds) numbers.push_back(number(seed));
  return MeanOf(numbers);
}

// Numbers of policy `p` in one seed, some of them relative to the oracle.
double QuarterShare(const SeedRuns& seed, int quarter, size_t p, size_t oracle) {
  return seed.runs[p].reward[quarter] / seed.runs[oracle].reward[quarter];
}
double YearShare(const SeedRuns& seed, size_t p, size_t oracle) {
  return seed.runs[p].YearReward() / seed.runs[oracle].YearReward();
}
double RewardPerSuggestion(const SeedRuns& seed, size_t p) {
  return seed.runs[p].reward[3] / static_cast<double>(seed.runs[p].suggestions[3]);
}

std::string PolicyName(const PolicySpec& spec) {
  switch (spec.chooser) {
    case Chooser::kPopular:
      return "POPULAR";
    case Chooser::kUniform:
      return "UNIFORM";
    case Chooser::kExpert:
      return "EXPERT";
    case Chooser::kOracle:
      return "ORACLE";
    case Chooser::kModel:
      break;
  }
  switch (spec.kind) {
    case bandit::PolicyKind::kThompson:
      return "THOMPSON";
    case bandit::PolicyKind::kLinUcb:
      return "LIN_UCB";
    case bandit::PolicyKind::kGreedy:
      return "GREEDY";
    default:
      return "EPSILON_GREEDY";
  }
}

PolicyResult Describe(const PolicySpec& spec, const config::v1::Config& config) {
  PolicyResult result;
  result.set_name(spec.name);
  result.set_policy(PolicyName(spec));
  result.set_exploration_floor(spec.floor);
  result.set_exploration_scale(spec.scale);
  if (spec.chooser != Chooser::kModel && spec.chooser != Chooser::kPopular) return result;
  result.set_warm_start(spec.warm_start);
  if (spec.chooser == Chooser::kPopular) return result;
  result.set_interactions(spec.interactions);
  const absl::Duration window = ToAbslDuration(config.learning().learning_window());
  if (spec.window) result.set_window_days(static_cast<int>(absl::ToInt64Hours(window) / 24));
  return result;
}

PolicyResult Summarise(const std::vector<SeedRuns>& seeds, const PolicySpec& spec, const config::v1::Config& config,
                       size_t p, size_t oracle) {
  PolicyResult result = Describe(spec, config);
  result.set_dimension(seeds[0].runs[p].dimension);
  *result.mutable_first_quarter_share() =
      OverSeeds(seeds, [&](const SeedRuns& s) { return QuarterShare(s, 0, p, oracle); });
  *result.mutable_last_quarter_share() =
      OverSeeds(seeds, [&](const SeedRuns& s) { return QuarterShare(s, 3, p, oracle); });
  *result.mutable_last_quarter_reward() =
      OverSeeds(seeds, [&](const SeedRuns& s) { return RewardPerSuggestion(s, p); });
  *result.mutable_year_reward() = OverSeeds(seeds, [&](const SeedRuns& s) { return s.runs[p].YearReward(); });
  *result.mutable_year_share() = OverSeeds(seeds, [&](const SeedRuns& s) { return YearShare(s, p, oracle); });
  *result.mutable_year_regret() = OverSeeds(seeds, [&](const SeedRuns& s) { return s.runs[p].regret; });
  *result.mutable_suggestions() = OverSeeds(seeds, [&](const SeedRuns& s) {
    const auto& made = s.runs[p].suggestions;
    return static_cast<double>(made[0] + made[1] + made[2] + made[3]);
  });
  *result.mutable_purchases() =
      OverSeeds(seeds, [&](const SeedRuns& s) { return static_cast<double>(s.runs[p].purchases); });
  *result.mutable_different_top_three() =
      OverSeeds(seeds, [&](const SeedRuns& s) { return s.runs[p].different_top_three; });
  return result;
}

// Of the reference, given the policy's difference to it.
std::string Verdict(const Estimate& difference) {
  if (difference.mean() < -2 * difference.standard_error()) return "ahead";
  return difference.mean() > 2 * difference.standard_error() ? "behind" : "tie";
}

PairedDifference Difference(const std::vector<SeedRuns>& seeds, const std::string& name, size_t p, size_t oracle) {
  PairedDifference difference;
  difference.set_policy(name);
  const auto quarter = [&](int q) {
    return OverSeeds(seeds,
                     [&](const SeedRuns& s) { return QuarterShare(s, q, p, oracle) - QuarterShare(s, q, 0, oracle); });
  };
  *difference.mutable_first_quarter_share() = quarter(0);
  *difference.mutable_last_quarter_share() = quarter(3);
  *difference.mutable_last_quarter_reward() =
      OverSeeds(seeds, [&](const SeedRuns& s) { return RewardPerSuggestion(s, p) - RewardPerSuggestion(s, 0); });
  *difference.mutable_year_share() =
      OverSeeds(seeds, [&](const SeedRuns& s) { return YearShare(s, p, oracle) - YearShare(s, 0, oracle); });
  difference.set_reference_first_quarter(Verdict(difference.first_quarter_share()));
  difference.set_reference_last_quarter(Verdict(difference.last_quarter_share()));
  difference.set_reference_year(Verdict(difference.year_share()));
  return difference;
}

absl::Status CheckOptions(const ComparisonOptions& options) {
  if (options.seeds < 1) return absl::InvalidArgumentError(absl::StrCat("seeds is ", options.seeds, ", expected >= 1"));
  if (options.jobs < 1) return absl::InvalidArgumentError(absl::StrCat("jobs is ", options.jobs, ", expected >= 1"));
  if (options.tick_days < 1) {
    return absl::InvalidArgumentError(absl::StrCat("tick_days is ", options.tick_days, ", expected >= 1"));
  }
  const bool oracle = std::any_of(options.policies.begin(), options.policies.end(),
                                  [](const PolicySpec& spec) { return spec.chooser == Chooser::kOracle; });
  return oracle ? absl::OkStatus() : absl::InvalidArgumentError("policies has no oracle to compare with");
}

}  // namespace

absl::StatusOr<PolicyComparison> ComparePolicies(const ComparisonOptions& options, const config::v1::Config& config) {
  RETURN_IF_ERROR(CheckOptions(options));
  ASSIGN_OR_RETURN(const std::vector<SeedRuns> seeds, SeedRunner(options, config).Run());
  const auto oracle_at = std::find_if(options.policies.begin(), options.policies.end(),
                                      [](const PolicySpec& spec) { return spec.chooser == Chooser::kOracle; });
  const size_t oracle = oracle_at - options.policies.begin();

  PolicyComparison comparison;
  comparison.set_seeds(options.seeds);
  comparison.set_days(options.company.year_days);
  comparison.set_tick_days(options.tick_days);
  comparison.set_customers_at_start(options.company.customers_at_start);
  comparison.set_customers_at_end(options.company.customers_at_end);
  comparison.set_recommendations(options.company.recommendations);
  comparison.set_history_exposures(
      OverSeeds(seeds, [](const SeedRuns& s) { return static_cast<double>(s.history_exposures); }).mean());
  comparison.set_reference(options.policies[0].name);
  for (size_t p = 0; p < options.policies.size(); ++p) {
    *comparison.add_policies() = Summarise(seeds, options.policies[p], config, p, oracle);
    if (p > 0) *comparison.add_differences() = Difference(seeds, options.policies[p].name, p, oracle);
  }
  return comparison;
}

}  // namespace suggest::simulation
