#include "service/lab/simulation/policy_runs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "google/protobuf/util/message_differencer.h"
#include "service/lab/simulation/in_memory_service.h"
#include "service/lab/simulation/simulator_config.h"
#include "tests/support/status_matchers.h"

namespace suggest::simulation {
namespace {

using ::google::protobuf::util::MessageDifferencer;
using ::suggest::testing::StatusIs;
using ::testing::HasSubstr;

// A small company for a season: quick, and all parts are used.
ComparisonOptions SmallComparison() {
  ComparisonOptions options;
  options.company.customers_before = 100;
  options.company.customers_at_start = 150;
  options.company.customers_at_end = 300;
  options.company.history_days = 200;
  options.company.year_days = 84;
  options.seeds = 2;
  options.policies = StandardPolicies(SimulatorConfig());
  return options;
}

TEST(PolicyRunsTest, NoPolicyEarnsMoreThanTheOracle) {
  ASSERT_OK_AND_ASSIGN(const auto comparison, ComparePolicies(SmallComparison(), SimulatorConfig()));
  for (const auto& policy : comparison.policies()) {
    EXPECT_GE(policy.year_regret().mean(), 0) << policy.name();
    EXPECT_LE(policy.year_share().mean(), 1) << policy.name();
    EXPECT_LE(policy.last_quarter_share().mean(), 1) << policy.name();
    EXPECT_GT(policy.year_share().mean(), 0.3) << policy.name();
    if (policy.name() == "oracle") {
      EXPECT_EQ(policy.year_regret().mean(), 0);
      EXPECT_EQ(policy.year_share().mean(), 1);
    }
  }
}

TEST(PolicyRunsTest, TheSameSeedsGiveTheSameReportWithAnyNumberOfThreads) {
  ComparisonOptions options = SmallComparison();
  options.policies.resize(1);
  options.policies.push_back({"oracle", Chooser::kOracle});
  options.seeds = 3;
  ASSERT_OK_AND_ASSIGN(const auto one, ComparePolicies(options, SimulatorConfig()));
  options.jobs = 3;
  ASSERT_OK_AND_ASSIGN(const auto three, ComparePolicies(options, SimulatorConfig()));
  EXPECT_TRUE(MessageDifferencer::Equals(one, three));
}

TEST(PolicyRunsTest, AllRunsOfASeedMeetTheSameCustomers) {
  ComparisonOptions options = SmallComparison();
  options.seeds = 1;
  ASSERT_OK_AND_ASSIGN(const auto comparison, ComparePolicies(options, SimulatorConfig()));
  for (const auto& policy : comparison.policies()) {
    EXPECT_EQ(policy.suggestions().mean(), comparison.policies(0).suggestions().mean()) << policy.name();
  }
}

TEST(PolicyRunsTest, WithoutInteractionsEverybodyGetsTheSameRanking) {
  ComparisonOptions options = SmallComparison();
  options.seeds = 1;
  ASSERT_OK_AND_ASSIGN(const auto comparison, ComparePolicies(options, SimulatorConfig()));
  for (const auto& policy : comparison.policies()) {
    if (policy.name() == "Thompson, no interactions") {
      EXPECT_EQ(policy.different_top_three().mean(), 0);
    }
    if (policy.name() == "Thompson") {
      EXPECT_GT(policy.different_top_three().mean(), 0.5);
    }
  }
}

TEST(PolicyRunsTest, AColdStartHasNoComponentsAndAWarmStartHas) {
  const Company company(SmallComparison().company);
  const Truth truth(company);
  ASSERT_OK_AND_ASSIGN(const auto cold, InMemoryService::ColdStart(company, SimulatorConfig()));
  ASSERT_OK_AND_ASSIGN(const auto warm, InMemoryService::WarmStart(company, SimulatorConfig(),
                                                                   PlayHistory(company, truth), absl::Hours(24 * 7)));
  EXPECT_GT(cold->dim(), warm->dim());
}

TEST(PolicyRunsTest, ProgressCountsEveryRun) {
  ComparisonOptions options = SmallComparison();
  options.policies = {{"uniform", Chooser::kUniform}, {"oracle", Chooser::kOracle}};
  int64_t calls = 0;
  options.progress = [&](int64_t done, int64_t all) {
    EXPECT_EQ(done, ++calls);
    EXPECT_EQ(all, 4);
  };
  ASSERT_OK(ComparePolicies(options, SimulatorConfig()));
  EXPECT_EQ(calls, 4);
}

TEST(PolicyRunsTest, RefusesOptionsOutsideTheirRanges) {
  const auto expect = [](auto change, const char* message) {
    ComparisonOptions options = SmallComparison();
    change(options);
    EXPECT_THAT(ComparePolicies(options, SimulatorConfig()),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(message)));
  };
  expect([](ComparisonOptions& o) { o.seeds = 0; }, "seeds is 0");
  expect([](ComparisonOptions& o) { o.jobs = 0; }, "jobs is 0");
  expect([](ComparisonOptions& o) { o.tick_days = -1; }, "tick_days is -1");
  expect([](ComparisonOptions& o) { o.policies.pop_back(); }, "no oracle");
}

TEST(PolicyRunsTest, ReportsTheErrorOfARun) {
  config::v1::Config config = SimulatorConfig();
  config.mutable_features()->mutable_features(2)->mutable_age()->set_column("no_such_column");
  EXPECT_THAT(ComparePolicies(SmallComparison(), config),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("no_such_column")));
}

TEST(PolicyRunsTest, TheTableNamesEachPolicyAndTheVerdict) {
  model::v1::PolicyComparison comparison;
  comparison.set_reference("Thompson");
  comparison.add_policies()->set_name("Thompson");
  comparison.add_policies()->set_name("popular");
  auto* difference = comparison.add_differences();
  difference->set_policy("popular");
  difference->mutable_last_quarter_share()->set_mean(-0.066);
  difference->set_reference_last_quarter("ahead");
  const std::string table = FormatTable(comparison);
  EXPECT_THAT(table, HasSubstr("\nThompson"));
  EXPECT_THAT(table, HasSubstr("-6.6"));
  EXPECT_THAT(table, HasSubstr("ahead"));
}

}  // namespace
}  // namespace suggest::simulation
