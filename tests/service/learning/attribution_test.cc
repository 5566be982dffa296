#include "service/learning/attribution.h"

#include <limits>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/instants.h"
#include "tests/support/status_matchers.h"

namespace suggest::learning {
namespace {

using storage::PurchaseStatus;
using ::suggest::testing::IsOk;
using ::suggest::testing::StatusIs;
using ::testing::HasSubstr;

const AttributionRules kRules{10 * kDay, absl::Minutes(5)};

absl::Time SinceEpoch(double days) {
  return absl::UnixEpoch() + days * kDay;
}

Attribution Judge(const PurchaseFacts& purchase, const std::vector<KnownExposure>& exposures) {
  return Attribute(purchase, exposures, SinceEpoch(100), kRules);
}

TEST(AttributionTest, TheWindowBeginsAtTheExposureAndEndsBeforeItsLastInstant) {
  const std::vector<KnownExposure> exposures = {{"s1", "hat", SinceEpoch(1)}};
  EXPECT_EQ(Judge({"hat", "", SinceEpoch(1)}, exposures).suggestion_id, "s1");
  EXPECT_EQ(Judge({"hat", "", SinceEpoch(11) - absl::Microseconds(1)}, exposures).suggestion_id, "s1");
  EXPECT_EQ(Judge({"hat", "", SinceEpoch(11)}, exposures).status, PurchaseStatus::kLate);
}

TEST(AttributionTest, TheNamedExposureComesBeforeTheNewest) {
  const std::vector<KnownExposure> exposures = {
      {"s1", "hat", SinceEpoch(1)}, {"s2", "scarf", SinceEpoch(2)}, {"s3", "hat", SinceEpoch(3)}};
  EXPECT_EQ(Judge({"hat", "s1", SinceEpoch(4)}, exposures).suggestion_id, "s1");
  EXPECT_EQ(Judge({"hat", "s2", SinceEpoch(4)}, exposures).suggestion_id, "s2");
  EXPECT_EQ(Judge({"hat", "unknown", SinceEpoch(4)}, exposures).suggestion_id, "s3");
}

TEST(AttributionTest, ANamedExposureWhoseWindowIsOverGivesWayToOneThatIsOpen) {
  const std::vector<KnownExposure> exposures = {{"s1", "hat", SinceEpoch(1)}, {"s2", "hat", SinceEpoch(12)}};
  EXPECT_EQ(Judge({"hat", "s1", SinceEpoch(13)}, exposures).suggestion_id, "s2");
}

TEST(AttributionTest, TheOrderOfExposuresDoesNotMatter) {
  const KnownExposure a{"s1", "hat", SinceEpoch(1)}, b{"s2", "hat", SinceEpoch(1)};
  EXPECT_EQ(Judge({"hat", "", SinceEpoch(2)}, {a, b}).suggestion_id, "s2");
  EXPECT_EQ(Judge({"hat", "", SinceEpoch(2)}, {b, a}).suggestion_id, "s2");
}

TEST(AttributionTest, AnOpenWindowComesBeforeTheClockSkew) {
  const std::vector<KnownExposure> exposures = {{"s1", "hat", SinceEpoch(1)}, {"s2", "hat", SinceEpoch(5)}};
  EXPECT_EQ(Judge({"hat", "", SinceEpoch(5) - absl::Minutes(1)}, exposures).suggestion_id, "s1");
}

TEST(AttributionTest, WithinTheSkewAnEarlyPurchaseCountsAndBeyondItWaits) {
  const std::vector<KnownExposure> exposures = {{"s1", "hat", SinceEpoch(1)}};
  EXPECT_EQ(Judge({"hat", "", SinceEpoch(1) - absl::Minutes(5)}, exposures).status, PurchaseStatus::kAttributed);
  const Attribution early = Judge({"hat", "", SinceEpoch(1) - absl::Minutes(5) - absl::Microseconds(1)}, exposures);
  EXPECT_EQ(early.status, PurchaseStatus::kEarly);
  EXPECT_THAT(early.reason, HasSubstr("s1"));
}

TEST(AttributionTest, TheFutureWaitsAndTheUnknownIsAnOrphan) {
  const std::vector<KnownExposure> exposures = {{"s1", "hat", SinceEpoch(99)}};
  EXPECT_EQ(Judge({"hat", "", SinceEpoch(100) + absl::Microseconds(1)}, exposures).status, PurchaseStatus::kFuture);
  EXPECT_EQ(Judge({"scarf", "", SinceEpoch(99.5)}, exposures).status, PurchaseStatus::kOrphan);
  EXPECT_EQ(Judge({"scarf", "", SinceEpoch(99.5)}, {}).status, PurchaseStatus::kOrphan);
}

TEST(AttributionTest, ARepeatWithinTheWindowContinuesTheNearestExposure) {
  const std::vector<KnownExposure> booked = {{"s1", "hat", SinceEpoch(1)}, {"s2", "hat", SinceEpoch(12)}};
  EXPECT_EQ(Continues(SinceEpoch(2), booked, kRules.window)->suggestion_id, "s1");
  EXPECT_EQ(Continues(SinceEpoch(10), booked, kRules.window)->suggestion_id, "s2");  // found late: still one exposure
  EXPECT_EQ(Continues(SinceEpoch(22), booked, kRules.window), nullptr);
  EXPECT_EQ(Continues(SinceEpoch(-9), booked, kRules.window), nullptr);
}

TEST(DeclaredValueTest, ConvertsAndRefusesNamingTheValue) {
  const MoneyRules money{"EUR", 100, {{"USD", 0.9}}};
  EXPECT_EQ(*DeclaredValue(10, "", money), 10);
  EXPECT_EQ(*DeclaredValue(10, "EUR", money), 10);
  EXPECT_DOUBLE_EQ(*DeclaredValue(10, "USD", money), 9);
  EXPECT_THAT(DeclaredValue(10, "GBP", money), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("GBP")));
  EXPECT_THAT(DeclaredValue(-0.5, "", money), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("-0.5")));
  EXPECT_THAT(DeclaredValue(std::numeric_limits<double>::quiet_NaN(), "", money),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("not a number")));
}

TEST(RewardOfTest, ClipsTheNetValue) {
  EXPECT_EQ(RewardOf(40, 100), 0.4);
  EXPECT_EQ(RewardOf(160, 100), 1);
  EXPECT_EQ(RewardOf(-1, 100), 0);
}

}  // namespace
}  // namespace suggest::learning
