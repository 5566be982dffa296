#include "service/lab/simulation/delay_calibration.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "google/protobuf/util/message_differencer.h"
#include "tests/support/status_matchers.h"

namespace suggest::simulation {
namespace {

using ::google::protobuf::util::MessageDifferencer;
using ::suggest::testing::StatusIs;
using ::testing::HasSubstr;

TEST(DelayCalibrationTest, TheSameSeedGivesTheSameFiguresWithAnyNumberOfThreads) {
  DelayCalibrationOptions options{.repetitions = 6, .exposures = 200};
  ASSERT_OK_AND_ASSIGN(const auto one, RunDelayCalibration(options));
  options.jobs = 3;
  ASSERT_OK_AND_ASSIGN(const auto three, RunDelayCalibration(options));
  EXPECT_TRUE(MessageDifferencer::Equals(one, three));
  options.seed = 2;
  ASSERT_OK_AND_ASSIGN(const auto other, RunDelayCalibration(options));
  EXPECT_NE(one.modes(0).bias().mean(), other.modes(0).bias().mean());
}

// Every mode is given the same exposures, so with few of them the biased one is already below the oracle.
TEST(DelayCalibrationTest, BookingSilenceAsRefusalReadsTooLow) {
  ASSERT_OK_AND_ASSIGN(const auto calibration, RunDelayCalibration({.repetitions = 5, .exposures = 1000}));
  const auto& oracle = calibration.modes(0);
  const auto& fake_negative = calibration.modes(calibration.modes_size() - 1);
  ASSERT_EQ(fake_negative.name(), "fake_negative");
  EXPECT_LT(fake_negative.bias().mean(), oracle.bias().mean() - 0.03);
}

TEST(DelayCalibrationTest, RefusesOptionsOutsideTheirRanges) {
  const auto expect = [](DelayCalibrationOptions options, const char* message) {
    EXPECT_THAT(RunDelayCalibration(options), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(message)));
  };
  expect({.repetitions = 0}, "repetitions is 0");
  expect({.exposures = -1}, "exposures is -1");
  expect({.elapsed_hours = 168}, "elapsed_hours is 168, expected 1 to 167");
  expect({.jobs = 0}, "jobs is 0");
}

TEST(DelayCalibrationTest, TheTableHasEveryMode) {
  ASSERT_OK_AND_ASSIGN(const auto calibration, RunDelayCalibration({.repetitions = 2, .exposures = 100}));
  const std::string table = FormatDelayCalibration(calibration);
  EXPECT_THAT(table, HasSubstr("2 repetitions of 100 pending exposures"));
  for (const char* name :
       {"\noracle", "\nexposure", "\nexpected_label", "\nes_dfm_iw ", "\nes_dfm_iw, count form", "\nfake_negative"}) {
    EXPECT_THAT(table, HasSubstr(name));
  }
}

}  // namespace
}  // namespace suggest::simulation
