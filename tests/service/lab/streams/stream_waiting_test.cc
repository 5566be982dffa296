#include "service/lab/streams/stream_waiting.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/status_matchers.h"

namespace suggest::streams {
namespace {

using ::suggest::testing::StatusIs;
using ::testing::HasSubstr;

constexpr int64_t kDaySeconds = 86400;

// The k-th of 100 conversions comes k minutes after its click where cat1 is 1, and k hours after it where it is 2.
ConversionLog TwoLevels() {
  ConversionLog log{.bits = 8, .clicks = {}};
  for (int i = 0; i < 200; ++i) {
    Click click{.at = i};
    click.features[kIntegerColumns] = i % 2 + 1;
    click.converted_at = click.at + (i / 2 + 1) * (i % 2 == 0 ? 60 : 3600);
    log.clicks.push_back(click);
  }
  Click rare{.at = 200, .converted_at = 205};
  rare.features[kIntegerColumns] = 9;
  log.clicks.push_back(rare);
  return log;
}

TEST(StreamWaitingTest, ColumnsHaveNames) {
  EXPECT_EQ(*FeatureColumn("int1"), 0);
  EXPECT_EQ(*FeatureColumn("int8"), 7);
  EXPECT_EQ(*FeatureColumn("cat1"), 8);
  EXPECT_EQ(*FeatureColumn("cat9"), 16);
  for (const char* name : {"", "int0", "int9", "cat10", "price", "int"}) {
    EXPECT_THAT(FeatureColumn(name), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("int1 to int8"))) << name;
  }
}

TEST(StreamWaitingTest, ASlowLevelWaitsUntilTheSameShareOfItsConversionsHasCome) {
  const ConversionLog log = TwoLevels();
  ASSERT_OK_AND_ASSIGN(const lab::WaitingTimes times, WaitingTimesOf(log, {}, kIntegerColumns, {0.4}));
  EXPECT_EQ(times.Of("1").times(), std::vector<absl::Duration>{absl::Minutes(40)});
  EXPECT_EQ(times.Of("2").times(), std::vector<absl::Duration>{absl::Hours(40)});
  EXPECT_EQ(times.Of("9").times(), times.otherwise.times()) << "one conversion says nothing of a level";
}

TEST(StreamWaitingTest, WithoutSharesTheLevelsShowWhatTheWaitingTimeShowsOfAll) {
  const ConversionLog log = TwoLevels();
  // Half an hour shows 30 of the fast level, none of the slow one, and the rare click: 31 of 201.
  ASSERT_OK_AND_ASSIGN(const lab::WaitingTimes times, WaitingTimesOf(log, {.waiting = 1800}, kIntegerColumns, {}));
  EXPECT_EQ(times.Of("1").times(), std::vector<absl::Duration>{absl::Minutes(16)});
  EXPECT_EQ(times.Of("2").times(), std::vector<absl::Duration>{absl::Hours(16)});
  EXPECT_EQ(times.otherwise.times(), std::vector<absl::Duration>{absl::Minutes(30)});
}

TEST(StreamWaitingTest, AClickDrawsEvenlyFromTheTimesOfItsLevel) {
  ConversionLog log = TwoLevels();
  ASSERT_OK_AND_ASSIGN(const lab::WaitingTimes times, WaitingTimesOf(log, {}, kIntegerColumns, {0.25, 0.75}));
  DrawWaiting(kIntegerColumns, times, 7, &log);
  int early = 0;
  for (int i = 0; i < 200; i += 2) {
    EXPECT_TRUE(log.clicks[i].waiting == 25 * 60 || log.clicks[i].waiting == 75 * 60) << log.clicks[i].waiting;
    early += log.clicks[i].waiting == 25 * 60 ? 1 : 0;
  }
  EXPECT_NEAR(early, 50, 25);  // five standard deviations
  ConversionLog again = TwoLevels();
  DrawWaiting(kIntegerColumns, times, 7, &again);
  for (size_t i = 0; i < log.clicks.size(); ++i) EXPECT_EQ(log.clicks[i].waiting, again.clicks[i].waiting);
}

TEST(StreamWaitingTest, AMethodReadsALabelWhenItsClickHasWaited) {
  ConversionLog log{.bits = 8, .clicks = {{.at = 40 * kDaySeconds}, {.at = 40 * kDaySeconds}}};
  log.clicks[1].waiting = 7200;
  const std::vector<StreamRow> rows = RowsOf(Method::kEsDfm, log, {});
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[0].at, 40 * kDaySeconds + 900);
  EXPECT_EQ(rows[1].at, 40 * kDaySeconds + 7200);
  EXPECT_EQ(RowsOf(Method::kOracle, log, {})[1].at, 40 * kDaySeconds);
}

TEST(StreamWaitingTest, AHistoryWithoutMatureConversionsIsRefused) {
  const ConversionLog log{.bits = 8, .clicks = {{.at = 29 * kDaySeconds, .converted_at = 29 * kDaySeconds + 1}}};
  EXPECT_THAT(WaitingTimesOf(log, {}, 0, {}),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("nothing to take waiting times from")));
}

}  // namespace
}  // namespace suggest::streams
