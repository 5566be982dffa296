// The order of policies that the product promises, on four companies over a year (docs have the table of 20).
//
// Seeds are fixed, so a run repeats exactly. Were the draws to change, each claim below ("by more than two standard
// errors") would fail by chance with the probability that Student's t with 3 degrees of freedom exceeds the margin seen
// less two: with 20 seeds the differences are 8 to 42 standard errors, with 4 about half as many, so below 3 % for the
// closest.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "service/lab/simulation/policy_runs.h"
#include "service/lab/simulation/simulator_config.h"
#include "tests/support/status_matchers.h"

namespace suggest::simulation {
namespace {

TEST(PolicyOrderTest, ThompsonIsAheadOfUniformPopularAndItselfWithoutInteractions) {
  const config::v1::Config config = SimulatorConfig();
  const std::set<std::string> wanted = {"Thompson", "Thompson, no interactions", "popular", "uniform", "oracle"};
  ComparisonOptions options;
  options.seeds = 4;
  options.jobs = 2;
  for (const PolicySpec& spec : StandardPolicies(config)) {
    if (wanted.contains(spec.name)) options.policies.push_back(spec);
  }
  ASSERT_OK_AND_ASSIGN(const auto comparison, ComparePolicies(options, config));
  SCOPED_TRACE(FormatTable(comparison));
  for (const auto& difference : comparison.differences()) {
    EXPECT_EQ(difference.reference_last_quarter(), difference.policy() == "oracle" ? "behind" : "ahead")
        << difference.policy();
  }
  const auto& uniform = comparison.policies(3);
  ASSERT_EQ(uniform.name(), "uniform");
  EXPECT_LT(uniform.last_quarter_share().mean(), 1 / 1.5);  // the oracle is worth one and a half times as much
}

}  // namespace
}  // namespace suggest::simulation
