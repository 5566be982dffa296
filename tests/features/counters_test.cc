#include "features/counters.h"

#include <gmock/gmock.h>
#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include <cmath>

#include "tests/features/feature_test_support.h"

namespace suggest::features {
namespace {

using config::v1::Counter;

Counter CounterOf(const std::string& text) {
  Counter counter;
  SUGGEST_CHECK(google::protobuf::TextFormat::ParseFromString(text, &counter));
  return counter;
}

double Evaluate(const std::string& counter, const DayHistory& history, const std::string& tick) {
  return EvaluateCounter(CounterOf(counter), TestSettings(), history, At(tick));
}

DayHistory Purchases(const std::vector<std::string>& instants) {
  DayHistory history;
  for (const std::string& instant : instants) history.AddPurchase(At(instant));
  return history;
}

TEST(UtcDayTest, RoundsDownAlsoBeforeTheEpoch) {
  EXPECT_EQ(UtcDay(absl::UnixEpoch()), 0);
  EXPECT_EQ(UtcDay(At("1970-01-01T23:59:59Z")), 0);
  EXPECT_EQ(UtcDay(At("1970-01-02T00:00:00Z")), 1);
  EXPECT_EQ(UtcDay(At("1969-12-31T23:59:59.5Z")), -1);
  EXPECT_EQ(UtcDay(At("1969-12-31T00:00:00Z")), -1);
  EXPECT_EQ(UtcDay(At("1969-12-30T23:00:00Z")), -2);
}

TEST(CountTest, WindowHoldsTheTicksDayAndTheDaysBefore) {
  const DayHistory history =
      Purchases({"2026-03-01T10:00:00Z", "2026-03-03T10:00:00Z", "2026-03-03T11:00:00Z", "2026-03-05T01:00:00Z"});
  const std::string three_days = "event: PURCHASES count { window_days: 3 }";
  EXPECT_EQ(Evaluate(three_days, history, "2026-03-05T12:00:00Z"), 3);
  EXPECT_EQ(Evaluate(three_days, history, "2026-03-06T00:00:00Z"), 1);
  EXPECT_EQ(Evaluate(three_days, history, "2026-03-08T00:00:00Z"), 0);
  EXPECT_EQ(Evaluate("event: PURCHASES count { clip_max: 2 }", history, "2026-03-05T12:00:00Z"), 2);
  EXPECT_NEAR(Evaluate("event: PURCHASES count { transform: LOG1P }", history, "2026-04-01T00:00:00Z"), std::log(5.0),
              1e-15);
}

TEST(CountTest, EventsAreKeptApart) {
  DayHistory history;
  history.AddExposure(At("2026-03-01T10:00:00Z"), 5);
  history.AddConversion(At("2026-03-01T10:00:00Z"), 2);
  history.AddPurchase(At("2026-03-04T10:00:00Z"), 3);
  const std::string tick = "2026-03-05T00:00:00Z";
  EXPECT_EQ(Evaluate("event: EXPOSURES count { clip_max: 99 }", history, tick), 5);
  EXPECT_EQ(Evaluate("event: CONVERSIONS count { clip_max: 99 }", history, tick), 2);
  EXPECT_EQ(Evaluate("event: PURCHASES count { clip_max: 99 }", history, tick), 3);
}

TEST(CountTest, ARefundTakesBackWhatWasCounted) {
  DayHistory history = Purchases({"2026-03-01T10:00:00Z", "2026-03-02T10:00:00Z"});
  history.AddPurchase(At("2026-03-02T10:00:00Z"), -1);
  EXPECT_EQ(Evaluate("event: PURCHASES count { clip_max: 99 }", history, "2026-03-05T00:00:00Z"), 1);
}

TEST(AgeSinceLastTest, CountsDaysToTheTickAndCaps) {
  const DayHistory history = Purchases({"2026-03-01T12:00:00Z", "2026-03-03T12:00:00Z"});
  const std::string age = "event: PURCHASES age_since_last { cap_days: 30 }";
  EXPECT_EQ(Evaluate(age, history, "2026-03-04T00:00:00Z"), 0.5);
  EXPECT_EQ(Evaluate(age, history, "2026-05-04T00:00:00Z"), 30);
  EXPECT_EQ(Evaluate(age, DayHistory(), "2026-05-04T00:00:00Z"), 30);
  EXPECT_EQ(Evaluate("event: EXPOSURES age_since_last { cap_days: 30 }", history, "2026-03-04T00:00:00Z"), 30);
}

TEST(AgeSinceLastTest, AnEventAfterTheTickFallsBackToTheEndOfTheLastDayBefore) {
  const DayHistory history = Purchases({"2026-03-01T12:00:00Z", "2026-03-09T12:00:00Z"});
  const std::string age = "event: PURCHASES age_since_last { cap_days: 30 }";
  EXPECT_EQ(Evaluate(age, history, "2026-03-04T00:00:00Z"), 2);
  EXPECT_EQ(Evaluate(age, history, "2026-03-01T00:00:00Z"), 0);
  EXPECT_EQ(Evaluate(age, history, "2026-02-28T00:00:00Z"), 30);
}

// 10 exposures on March 1 with 2 conversions, 8 on March 14 with 1; tick on March 15 at noon; maturity 10 days.
// March 1: mature (its end + 10 d = March 12). March 14: young; age from its middle (noon) = 1 day, share .5 * 1/2.
class SmoothedRateTest : public ::testing::Test {
 protected:
  SmoothedRateTest() {
    history_.AddExposure(At("2026-03-01T09:00:00Z"), 10);
    history_.AddConversion(At("2026-03-01T09:00:00Z"), 2);
    history_.AddExposure(At("2026-03-14T20:00:00Z"), 8);
    history_.AddConversion(At("2026-03-14T20:00:00Z"), 1);
  }
  double Rate(const std::string& more) const {
    return Evaluate("smoothed_rate { prior_rate: 0.1 strength: 20 " + more + "}", history_, "2026-03-15T12:00:00Z");
  }
  DayHistory history_;
};

TEST_F(SmoothedRateTest, MatureDenominatorLeavesYoungExposuresAndTheirConversionsOut) {
  EXPECT_DOUBLE_EQ(Rate("denominator: MATURE"), (2.0 + 2) / (20 + 10));
}

TEST_F(SmoothedRateTest, DelayCorrectedDenominatorCountsByTheShareVisible) {
  EXPECT_DOUBLE_EQ(Rate("denominator: DELAY_CORRECTED"), (2.0 + 3) / (20 + 10 * 1.0 + 8 * 0.25));
  EXPECT_EQ(Rate(""), Rate("denominator: DELAY_CORRECTED"));
}

TEST_F(SmoothedRateTest, WindowForgetsOldExposures) {
  EXPECT_DOUBLE_EQ(Rate("window_days: 5"), (2.0 + 1) / (20 + 8 * 0.25));
}

TEST_F(SmoothedRateTest, ExposuresOfTheTicksOwnDayAgeFromTheMiddleOfItsPast) {
  history_ = DayHistory();
  history_.AddExposure(At("2026-03-15T03:00:00Z"), 4);  // middle 06:00: age 6 h = 1/8 of 2 days, share 1/16
  EXPECT_DOUBLE_EQ(Rate(""), 2.0 / (20 + 4.0 / 16));
}

TEST_F(SmoothedRateTest, MaturityComesAtTheEndOfTheDayPlusMaturity) {
  const std::string mature = "smoothed_rate { prior_rate: 0.1 strength: 20 denominator: MATURE }";
  EXPECT_DOUBLE_EQ(Evaluate(mature, history_, "2026-03-11T23:59:59Z"), 0.1);
  EXPECT_DOUBLE_EQ(Evaluate(mature, history_, "2026-03-12T00:00:00Z"), 4.0 / 30);
}

TEST(CounterSettingsTest, ShareIsPiecewiseLinear) {
  const CounterSettings settings = TestSettings();
  EXPECT_EQ(settings.ShareVisible(-absl::Hours(1)), 0);
  EXPECT_EQ(settings.ShareVisible(absl::ZeroDuration()), 0);
  EXPECT_DOUBLE_EQ(settings.ShareVisible(absl::Hours(24)), 0.25);
  EXPECT_DOUBLE_EQ(settings.ShareVisible(absl::Hours(48)), 0.5);
  EXPECT_DOUBLE_EQ(settings.ShareVisible(absl::Hours(6 * 24)), 0.75);
  EXPECT_EQ(settings.ShareVisible(absl::Hours(10 * 24)), 1);
  EXPECT_EQ(settings.ShareVisible(absl::Hours(99 * 24)), 1);
  const CounterSettings at_zero{absl::Hours(1), {0, 10}, {0.5, 1}};
  EXPECT_EQ(at_zero.ShareVisible(absl::ZeroDuration()), 0.5);
}

TEST(CounterSettingsTest, RefusesMaturityAndLawsThatMakeNoSense) {
  EXPECT_EQ(TestSettings().Validate(), absl::OkStatus());
  const auto code = [](const CounterSettings& settings) { return settings.Validate().code(); };
  const absl::Duration day = absl::Hours(24);
  EXPECT_EQ(code({absl::ZeroDuration(), {}, {}}), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(code({absl::InfiniteDuration(), {}, {}}), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(code({day, {1}, {}}), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(code({day, {2, 1}, {0.1, 0.2}}), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(code({day, {1, 2}, {0.2, 0.1}}), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(code({day, {1, 2}, {0.2, 1.1}}), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(code({day, {-1}, {0.2}}), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(code({day, {1}, {std::nan("")}}), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(code({day, {std::nan("")}, {0.5}}), absl::StatusCode::kInvalidArgument);
}

TEST(DayHistoryTest, MergeIsTheSumAndOrderFree) {
  DayHistory a = Purchases({"2026-03-01T12:00:00Z"}), b = Purchases({"2026-03-01T13:00:00Z", "2026-03-02T12:00:00Z"});
  b.AddExposure(At("2026-02-01T00:00:00Z"));
  DayHistory ab = a, ba = b;
  ab.Merge(b);
  ba.Merge(a);
  EXPECT_EQ(ab, ba);
  EXPECT_EQ(ab.days.at(UtcDay(At("2026-03-01T00:00:00Z"))).purchases, 2);
  EXPECT_EQ(ab.last_purchased_at, At("2026-03-02T12:00:00Z"));
}

TEST(DayHistoryTest, RoundTripsThroughItsProto) {
  DayHistory history = Purchases({"2026-03-01T12:00:00.123456789Z", "1969-03-02T12:00:00Z"});
  history.AddExposure(At("2026-02-01T00:00:00Z"), 3);
  history.AddConversion(At("2026-02-01T00:00:00Z"));
  const absl::StatusOr<DayHistory> back = DayHistory::FromProto(history.ToProto());
  ASSERT_TRUE(back.ok()) << back.status();
  EXPECT_EQ(*back, history);
  EXPECT_EQ(*DayHistory::FromProto(DayHistory().ToProto()), DayHistory());
}

TEST(DayHistoryTest, RefusesDaysOutOfOrder) {
  model::v1::DayHistory proto;
  proto.add_days()->set_day(7);
  proto.add_days()->set_day(7);
  EXPECT_EQ(DayHistory::FromProto(proto).status().code(), absl::StatusCode::kDataLoss);
}

TEST(DayHistoryTest, IsEmptyOnlyWithoutEvents) {
  EXPECT_TRUE(DayHistory().empty());
  EXPECT_FALSE(Purchases({"2026-03-01T12:00:00Z"}).empty());
}

}  // namespace
}  // namespace suggest::features
