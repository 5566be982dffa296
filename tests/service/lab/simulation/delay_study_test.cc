#include "service/lab/simulation/delay_study.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "google/protobuf/util/message_differencer.h"
#include "tests/support/status_matchers.h"

namespace suggest::simulation {
namespace {

using ::google::protobuf::util::MessageDifferencer;
using ::suggest::testing::StatusIs;
using ::testing::HasSubstr;

DelayStudyOptions SmallStudy() {
  DelayStudyOptions options;
  options.world.scenario = *FindDelayScenario("exp_drift");
  options.world.days = 3;
  options.world.decisions_per_hour = 4;
  options.world.window_hours = 24;
  options.learner.elapsed_hours = 2;
  options.replicates = 3;
  return options;
}

TEST(DelayStudyTest, ComparesEveryModeWithTheOracleAndTheReference) {
  ASSERT_OK_AND_ASSIGN(const auto study, RunDelayStudy(SmallStudy()));
  ASSERT_EQ(study.modes_size(), static_cast<int>(DelayModeSpecs().size()));
  for (const auto& mode : study.modes()) {
    EXPECT_GT(mode.regret().mean(), 0) << mode.name();
    EXPECT_GT(mode.regret().standard_error(), 0) << mode.name();
    ASSERT_EQ(mode.regret_by_day_size(), 3) << mode.name();
    EXPECT_LT(mode.regret_by_day(0).mean(), mode.regret_by_day(1).mean()) << mode.name();
    EXPECT_EQ(mode.regret_by_day(2).mean(), mode.regret().mean()) << mode.name();
    EXPECT_NEAR(mode.difference().mean(), mode.regret().mean() - study.modes(1).regret().mean(), 1e-9) << mode.name();
  }
  EXPECT_EQ(study.modes(0).ratio_to_oracle().mean(), 1);
  EXPECT_EQ(study.modes(1).ratio_to_reference().mean(), 1);
  EXPECT_EQ(study.modes(1).difference().mean(), 0);
  EXPECT_EQ(study.modes(1).difference().standard_error(), 0);
}

TEST(DelayStudyTest, TheSameSeedGivesTheSameStudyWithAnyNumberOfThreads) {
  DelayStudyOptions options = SmallStudy();
  ASSERT_OK_AND_ASSIGN(const auto one, RunDelayStudy(options));
  options.jobs = 3;
  ASSERT_OK_AND_ASSIGN(const auto three, RunDelayStudy(options));
  EXPECT_TRUE(MessageDifferencer::Equals(one, three));
  options.seed = 2;
  ASSERT_OK_AND_ASSIGN(const auto other, RunDelayStudy(options));
  EXPECT_NE(one.modes(0).regret().mean(), other.modes(0).regret().mean());
}

// Common random numbers: what a mode lives through does not depend on which others are compared with it, and a mode
// that is told the truth and one that finds it differ less in pairs than each varies.
TEST(DelayStudyTest, AModesRunDoesNotDependOnTheOthers) {
  DelayStudyOptions options = SmallStudy();
  ASSERT_OK_AND_ASSIGN(const auto all, RunDelayStudy(options));
  ASSERT_OK_AND_ASSIGN(options.modes, FindDelayModes({"wait"}));
  ASSERT_OK_AND_ASSIGN(const auto few, RunDelayStudy(options));
  ASSERT_EQ(few.modes_size(), 3);
  for (const auto& mode : few.modes()) {
    for (const auto& same : all.modes()) {
      if (same.name() == mode.name()) {
        EXPECT_EQ(same.regret().mean(), mode.regret().mean()) << mode.name();
      }
    }
  }
}

TEST(DelayStudyTest, ProgressCountsEveryRun) {
  DelayStudyOptions options = SmallStudy();
  options.modes = *FindDelayModes({"wait"});
  int64_t calls = 0;
  options.progress = [&](int64_t done, int64_t all) {
    EXPECT_EQ(done, ++calls);
    EXPECT_EQ(all, 9);
  };
  ASSERT_OK(RunDelayStudy(options));
  EXPECT_EQ(calls, 9);
}

TEST(DelayStudyTest, RefusesOptionsOutsideTheirRanges) {
  const auto expect = [](auto change, const char* message) {
    DelayStudyOptions options = SmallStudy();
    change(options);
    EXPECT_THAT(RunDelayStudy(options), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(message)));
  };
  using Options = DelayStudyOptions;
  expect([](Options& o) { o.replicates = 0; }, "replicates is 0");
  expect([](Options& o) { o.jobs = 0; }, "jobs is 0");
  expect([](Options& o) { o.world.days = 0; }, "days is 0");
  expect([](Options& o) { o.world.decisions_per_hour = 0; }, "decisions_per_hour is 0");
  expect([](Options& o) { o.world.candidates = 0; }, "candidates is 0");
  expect([](Options& o) { o.world.dim = 1; }, "dim is 1");
  expect([](Options& o) { o.world.window_hours = 1; }, "window_hours is 1");
  expect([](Options& o) { o.world.scenario.drift_days = -1; }, "drift_days is -1");
  expect([](Options& o) { o.world.scenario.forget_days = -2; }, "forget_days is -2");
  expect([](Options& o) { o.scale = -0.5; }, "scale is -0.5");
  expect([](Options& o) { o.scale = std::numeric_limits<double>::infinity(); }, "scale is inf");
  expect([](Options& o) { o.learner.ridge = 0; }, "ridge is 0");
  expect([](Options& o) { o.learner.elapsed_hours = 0; }, "elapsed_hours is 0");
  expect([](Options& o) { o.learner.elapsed_hours = 24; }, "elapsed_hours is 24, expected 1 to 23");
  expect([](Options& o) { o.modes.erase(o.modes.begin()); }, "modes has no \"oracle\"");
  expect([](Options& o) { o.modes.erase(o.modes.begin() + 1); }, "modes has no \"exposure\"");
}

TEST(DelayStudyTest, TheTableHasTheSettingAndEveryMode) {
  DelayStudyOptions options = SmallStudy();
  options.modes = *FindDelayModes({"wait"});
  ASSERT_OK_AND_ASSIGN(const auto study, RunDelayStudy(options));
  const std::string table = FormatDelayStudy(study);
  EXPECT_THAT(table, HasSubstr("exp_drift: 3 replicates of 3 days"));
  EXPECT_THAT(table, HasSubstr("window 24 hours"));
  EXPECT_THAT(table, HasSubstr("forgetting 15 days"));
  for (const char* name : {"\noracle", "\nexposure", "\nwait"}) EXPECT_THAT(table, HasSubstr(name));
}

}  // namespace
}  // namespace suggest::simulation
