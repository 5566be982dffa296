#include "service/lab/simulation/observer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace suggest::simulation {
namespace {

using ::testing::IsEmpty;

class ObserverTest : public ::testing::Test {
 protected:
  ObserverTest() : company_(CompanyOptions{}), observer_(company_) {
    exposure_.recommendation = 3;
    exposure_.at = company_.Midnight(1);
    exposure_.purchased_at = company_.Midnight(5);
    exposure_.refunded_at = company_.Midnight(9);
  }

  features::DayCounts Sum() const {
    features::DayCounts sum;
    for (const auto& [day, counts] : observer_.RecommendationHistory(3).days) {
      sum.exposures += counts.exposures, sum.conversions += counts.conversions, sum.purchases += counts.purchases;
    }
    return sum;
  }

  Company company_;
  Observer observer_;
  Exposure exposure_;
};

TEST_F(ObserverTest, AnEventCountsFromTheTickAfterItOn) {
  observer_.Watch(exposure_);
  EXPECT_THAT(observer_.Advance(exposure_.at), IsEmpty());
  EXPECT_EQ(Sum(), (features::DayCounts{0, 0, 0}));
  EXPECT_THAT(observer_.Advance(exposure_.purchased_at), IsEmpty());
  EXPECT_EQ(Sum(), (features::DayCounts{1, 0, 0}));
  const auto changes = observer_.Advance(exposure_.purchased_at + absl::Seconds(1));
  ASSERT_EQ(changes.size(), 1u);
  EXPECT_EQ(changes[0].visible_at, exposure_.purchased_at);
  EXPECT_DOUBLE_EQ(changes[0].reward, company_.recommendations()[3].price / 100);
  EXPECT_EQ(Sum(), (features::DayCounts{1, 1, 1}));
}

TEST_F(ObserverTest, ARefundTakesRewardAndCountsBack) {
  observer_.Watch(exposure_);
  const auto changes = observer_.Advance(company_.Midnight(30));
  ASSERT_EQ(changes.size(), 2u);
  EXPECT_GT(changes[0].reward, 0);
  EXPECT_EQ(changes[1].reward, 0);
  EXPECT_EQ(Sum(), (features::DayCounts{1, 0, 0}));
}

TEST_F(ObserverTest, APaymentAfterTheWindowIsNoReward) {
  exposure_.purchased_at = exposure_.at + kAttributionWindow;
  exposure_.refunded_at = absl::InfiniteFuture();
  observer_.Watch(exposure_);
  EXPECT_THAT(observer_.Advance(company_.Midnight(100)), IsEmpty());
  EXPECT_EQ(Sum(), (features::DayCounts{1, 0, 1}));
}

}  // namespace
}  // namespace suggest::simulation
