#include "service/lab/simulation/delay_modes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "tests/support/status_matchers.h"

namespace suggest::simulation {
namespace {

using ::suggest::testing::StatusIs;
using ::testing::AllOf;
using ::testing::HasSubstr;

std::vector<std::string> Names(const std::vector<DelayModeSpec>& specs) {
  std::vector<std::string> names;
  for (const DelayModeSpec& spec : specs) names.push_back(spec.name);
  return names;
}

TEST(DelayModesTest, EveryModeOfTheLearnerIsCompared) {
  std::set<bandit::DelayMode> modes;
  for (const DelayModeSpec& spec : DelayModeSpecs()) modes.insert(spec.mode);
  EXPECT_EQ(modes.size(), 5);
  EXPECT_EQ(DelayModeSpecs()[0].name, kNoDelayMode);
  EXPECT_EQ(DelayModeSpecs()[1].name, kReferenceMode);
}

TEST(DelayModesTest, TheOracleAndTheReferenceAreAlwaysThere) {
  ASSERT_OK_AND_ASSIGN(const auto all, FindDelayModes({}));
  EXPECT_EQ(Names(all), Names(DelayModeSpecs()));
  ASSERT_OK_AND_ASSIGN(const auto two, FindDelayModes({"wait", "expected_label"}));
  EXPECT_THAT(Names(two), ::testing::ElementsAre("oracle", "exposure", "expected_label", "wait"));
}

TEST(DelayModesTest, AnUnknownModeIsNamedAndTheKnownOnesListed) {
  EXPECT_THAT(
      FindDelayModes({"exposure", "hope"}),
      StatusIs(absl::StatusCode::kInvalidArgument, AllOf(HasSubstr("\"hope\""), HasSubstr("oracle, exposure,"))));
}

}  // namespace
}  // namespace suggest::simulation
