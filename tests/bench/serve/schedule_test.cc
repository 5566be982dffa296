#include "tests/bench/serve/schedule.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace suggest::bench {
namespace {

TEST(ScheduleTest, CallsAreEvenlySpacedFromTheStart) {
  const Schedule schedule(4000);
  EXPECT_EQ(schedule.Due(0), absl::ZeroDuration());
  EXPECT_EQ(schedule.Due(1), absl::Microseconds(250));
  EXPECT_EQ(schedule.Due(4000), absl::Seconds(1));
}

TEST(ScheduleTest, RoundingDoesNotAddUp) {
  const Schedule schedule(3);
  EXPECT_EQ(schedule.Due(3'000'000'000), absl::Seconds(1'000'000'000));
}

TEST(ScheduleTest, CountsTheCallsDueBeforeTheEnd) {
  EXPECT_EQ(Schedule(100).CallsWithin(absl::Seconds(2)), 200);  // the one at 2 s is outside
  EXPECT_EQ(Schedule(0.5).CallsWithin(absl::Seconds(3)), 2);    // at 0 and 2 s
  EXPECT_EQ(Schedule(100).CallsWithin(absl::ZeroDuration()), 0);
  for (const double rate : {7.0, 333.3, 12345.6}) {
    const Schedule schedule(rate);
    const int64_t calls = schedule.CallsWithin(absl::Seconds(5));
    EXPECT_LT(schedule.Due(calls - 1), absl::Seconds(5)) << rate;
    EXPECT_GE(schedule.Due(calls), absl::Seconds(5)) << rate;
  }
}

}  // namespace
}  // namespace suggest::bench
