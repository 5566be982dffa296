// Policies compared on the made-up company: each policy lives through the same year, with its own choices, for each of
// several seeds (a seed is a company). All runs of a seed share its history and, by counter-based draws, the answers to
// every (customer, recommendation, day) that more than one of them comes to.
//
// Rewards are expectations under the truth of what was suggested: P(kept) E[reward | exposed]. The oracle knows that
// number and takes the best slate, decision by decision; it does not plan ahead. Regret compares with the best slate
// for the customer as the policy has left him.
#ifndef SERVICE_LAB_SIMULATION_POLICY_RUNS_H_
#define SERVICE_LAB_SIMULATION_POLICY_RUNS_H_

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "bandit/choose/scoring.h"
#include "service/lab/simulation/company.h"
#include "service/lab/simulation/expert.h"
#include "service/lab/simulation/truth.h"
#include "suggest/config/v1/config.pb.h"
#include "suggest/model/v1/simulation.pb.h"

namespace suggest::simulation {

enum class Chooser { kModel, kPopular, kUniform, kExpert, kOracle };

struct PolicySpec {
  std::string name;  // unique in a comparison
  Chooser chooser = Chooser::kModel;
  // Of kModel: kThompson, kLinUcb, kGreedy or kEpsilonGreedy.
  bandit::PolicyKind kind = bandit::PolicyKind::kThompson;
  double scale = 0;
  double floor = 0;
  bool warm_start = true;
  bool window = true;  // false: everything is remembered
  bool interactions = true;
};

// The table of the documentation: the reference first, one change at a time, then the other policies.
std::vector<PolicySpec> StandardPolicies(const config::v1::Config& config);

// One policy in one company.
struct PolicyRun {
  std::array<double, 4> reward = {};  // by quarter
  std::array<int64_t, 4> suggestions = {};
  double regret = 0;
  int64_t purchases = 0;  // within the attribution window, realised
  int dimension = 0;
  double different_top_three = 0;

  double YearReward() const { return reward[0] + reward[1] + reward[2] + reward[3]; }
};

absl::StatusOr<PolicyRun> RunPolicy(const Company& company, const Truth& truth, const History& history,
                                    const PolicySpec& spec, const config::v1::Config& config, int tick_days);

struct ComparisonOptions {
  CompanyOptions company;  // its seed is the first of `seeds` consecutive ones
  int seeds = 20;
  int tick_days = 7;
  int jobs = 1;                      // threads
  std::vector<PolicySpec> policies;  // must have one of kOracle; the first one is the reference
  // Called with (runs done, runs in all), one call at a time.
  std::function<void(int64_t, int64_t)> progress;
};

// Errors: INVALID_ARGUMENT for options outside their ranges, and whatever a run returns (the first one of them).
absl::StatusOr<model::v1::PolicyComparison> ComparePolicies(const ComparisonOptions& options,
                                                            const config::v1::Config& config);

// For the screen: one line per policy, differences to the reference beside it.
std::string FormatTable(const model::v1::PolicyComparison& comparison);

}  // namespace suggest::simulation

#endif  // SERVICE_LAB_SIMULATION_POLICY_RUNS_H_
