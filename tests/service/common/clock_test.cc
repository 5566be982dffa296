#include "service/common/clock.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/status_matchers.h"

namespace suggest {
namespace {

using ::suggest::testing::StatusIs;
using ::testing::HasSubstr;

TEST(ClockTest, AcceleratedClockRunsAtItsRateFromItsStart) {
  const absl::Time epoch = absl::FromUnixSeconds(1'000);
  const absl::Time start = absl::FromUnixSeconds(50'000);
  const AcceleratedClock clock(epoch, start, 3600);
  EXPECT_EQ(clock.At(epoch), start);
  EXPECT_EQ(clock.At(epoch + absl::Seconds(24)), start + absl::Hours(24));
}

TEST(ClockTest, TwoClocksOfTheSameTextAgree) {
  const char* text = "2026-01-01T00:00:00Z,2020-01-01T00:00:00Z,1000";
  const auto a = ParseClock(text);
  const auto b = ParseClock(text);
  ASSERT_TRUE(a.ok() && b.ok());
  const absl::Time before = (*a)->Now();
  const absl::Time between = (*b)->Now();
  EXPECT_LE(before, between);
  EXPECT_LE(between, (*a)->Now());
}

TEST(ClockTest, EmptyTextIsTheSystemClock) {
  const auto clock = ParseClock("");
  ASSERT_TRUE(clock.ok());
  EXPECT_NE(dynamic_cast<SystemClock*>(clock->get()), nullptr);
}

TEST(ClockTest, NamesThePartThatCannotBeRead) {
  EXPECT_THAT(ParseClock("tomorrow"), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("'tomorrow'")));
  EXPECT_THAT(ParseClock("x,2020-01-01T00:00:00Z,2"),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("wall epoch 'x'")));
  EXPECT_THAT(ParseClock("2020-01-01T00:00:00Z,y,2"),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("start 'y'")));
  for (const char* rate : {"0", "-1", "nan", "inf", "fast"}) {
    EXPECT_THAT(ParseClock(std::string("2020-01-01T00:00:00Z,2020-01-01T00:00:00Z,") + rate),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(rate)));
  }
}

TEST(ClockTest, ATimeThatNoDecisionCanHaveIsRefusedAtStart) {
  for (const char* text :
       {"2026-01-01T00:00:00Z,1969-12-31T00:00:00Z,1", "1969-01-01T00:00:00Z,2026-01-01T00:00:00Z,1",
        "2026-01-01T00:00:00Z,10889-08-03T00:00:00Z,1", "2026-01-01T00:00:00Z,2026-01-01T00:00:00Z,1e9",
        "2001-01-01T00:00:00Z,2026-01-01T00:00:00Z,1000000", "2999-01-01T00:00:00Z,2026-01-01T00:00:00Z,1000"}) {
    EXPECT_THAT(ParseClock(text), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("clock: "))) << text;
  }
}

}  // namespace
}  // namespace suggest
