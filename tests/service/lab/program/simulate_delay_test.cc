// suggestlab simulate-delay.
#include <gmock/gmock.h>

#include <fstream>
#include <iterator>

#include "tests/service/lab/program/test_run.h"
#include "tests/support/temporary_folder.h"

namespace suggest::lab {
namespace {

using ::suggest::testing::TemporaryFolder;
using ::testing::HasSubstr;
using ::testing::StartsWith;

RunResult Simulate(std::vector<std::string> flags) {
  flags.insert(flags.begin(), "simulate-delay");
  return RunLab(flags);
}

// A study of a second.
const std::vector<std::string> kSmall = {"--scenario=hetero_drift", "--replicates=2", "--days=2",
                                         "--window-hours=24",       "--modes=wait",   "--modes=exposure_strata",
                                         "--decisions-per-hour=3",  "--jobs=1"};

std::vector<std::string> SmallWith(std::vector<std::string> more) {
  std::vector<std::string> flags = kSmall;
  flags.insert(flags.end(), more.begin(), more.end());
  return flags;
}

TEST(SimulateDelayTest, PrintsTheSettingThatTheFlagsAskFor) {
  const RunResult result = Simulate(SmallWith(
      {"--format=json", "--seed=5", "--scale=0.5", "--forget=10", "--drift=20", "--ridge=0.1", "--elapsed-hours=3"}));
  ASSERT_EQ(result.exit, 0) << result.err;
  EXPECT_EQ(result.At({"scenario"}).string_value(), "hetero_drift");
  for (const auto& [name, value] : std::vector<std::pair<std::string, double>>{{"replicates", 2},
                                                                               {"days", 2},
                                                                               {"decisions_per_hour", 3},
                                                                               {"window_hours", 24},
                                                                               {"exploration_scale", 0.5},
                                                                               {"ridge", 0.1},
                                                                               {"drift_days", 20},
                                                                               {"forget_days", 10},
                                                                               {"elapsed_hours", 3}}) {
    EXPECT_EQ(result.At({name}).number_value(), value) << name;
  }
  const google::protobuf::Value modes = result.At({"modes"});
  ASSERT_EQ(modes.list_value().values_size(), 4);
  const auto& strata = modes.list_value().values(2).struct_value().fields();
  EXPECT_EQ(strata.at("name").string_value(), "exposure_strata");
  EXPECT_GT(strata.at("regret").struct_value().fields().at("mean").number_value(), 0);
  EXPECT_EQ(strata.at("regret_by_day").list_value().values_size(), 2);
}

TEST(SimulateDelayTest, TheSameSeedPrintsTheSameTable) {
  const RunResult first = Simulate(SmallWith({"--seed=3"}));
  ASSERT_EQ(first.exit, 0) << first.err;
  EXPECT_THAT(first.out, StartsWith("hetero_drift: 2 replicates of 2 days"));
  EXPECT_EQ(first.out, Simulate(SmallWith({"--seed=3"})).out);
  EXPECT_NE(first.out, Simulate(SmallWith({"--seed=4"})).out);
}

TEST(SimulateDelayTest, WritesItsCharts) {
  const TemporaryFolder folder;
  ASSERT_EQ(Simulate(SmallWith({"--plots", folder.path()})).exit, 0);
  for (const char* name : {"/regret_hetero_drift.svg", "/ratio_hetero_drift.svg"}) {
    std::ifstream file(folder.path() + name);
    const std::string text(std::istreambuf_iterator<char>(file), {});
    EXPECT_THAT(text, StartsWith("<svg")) << name;
    EXPECT_THAT(text, HasSubstr("exposure_strata")) << name;
  }
  const RunResult failed = Simulate(SmallWith({"--plots", folder.path() + "/missing"}));
  EXPECT_EQ(failed.exit, 1);
  EXPECT_THAT(failed.err, HasSubstr("missing/regret_hetero_drift.svg"));
}

TEST(SimulateDelayTest, CalibratesWithoutALoop) {
  const RunResult result =
      Simulate({"--scenario=calibration", "--replicates=2", "--elapsed-hours=10", "--format=json"});
  ASSERT_EQ(result.exit, 0) << result.err;
  EXPECT_EQ(result.At({"repetitions"}).number_value(), 2);
  EXPECT_EQ(result.At({"elapsed_hours"}).number_value(), 10);
  EXPECT_EQ(result.At({"modes"}).list_value().values_size(), 6);
}

TEST(SimulateDelayTest, RefusesWhatItWouldNotRead) {
  for (const auto& [flags, words] : std::vector<std::pair<std::vector<std::string>, std::string>>{
           {{"--scenario=expo"}, "--scenario: \"expo\""},
           {{"--scenario=exp", "--replicates=0"}, "--replicates: \"0\""},
           {{"--scenario=exp", "--scale=-1"}, "--scale: \"-1\""},
           {{"--scenario=exp", "--forget=-1"}, "--forget: \"-1\""},
           {{"--scenario=exp", "--ridge=0"}, "--ridge: \"0\""},
           {{"--scenario=exp", "--window-hours=1"}, "--window-hours: \"1\""},
           {{"--scenario=exp", "--window-hours=24", "--elapsed-hours=24"}, "elapsed_hours is 24, expected 1 to 23"},
           {{"--scenario=exp", "--modes=wait,hope"}, "--modes: mode is \"hope\""},
           {{"--scenario=exp", "--seeds=3"}, "unknown flag --seeds"},
           {{"--scenario=calibration", "--days=3"}, "--days: not with --scenario calibration"},
           {{"--scenario=calibration", "--elapsed-hours=168"}, "elapsed_hours is 168"},
           {{"--replicates=3"}, "--scenario NAME is required"}}) {
    const RunResult result = Simulate(flags);
    EXPECT_EQ(result.exit, 2) << result.err;
    EXPECT_THAT(result.err, HasSubstr(words));
    EXPECT_EQ(result.out, "");
  }
}

}  // namespace
}  // namespace suggest::lab
