#include "service/lab/simulation/world.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "service/lab/simulation/expert.h"

namespace suggest::simulation {
namespace {

using ::testing::Contains;
using ::testing::Not;

class WorldTest : public ::testing::Test {
 protected:
  WorldTest() : company_(CompanyOptions{}), truth_(company_), world_(company_, truth_) {}

  // Exposes one customer after the other until somebody buys.
  Exposure FirstSale(int recommendation) {
    for (int c = 0; c < 500; ++c) {
      const absl::Time at = company_.Midnight(10);
      const Exposure exposure = world_.Expose(world_.View(c, at), recommendation, at);
      if (exposure.attributed() && !exposure.refunded()) return exposure;
    }
    ADD_FAILURE() << "nobody bought";
    return {};
  }

  Company company_;
  Truth truth_;
  World world_;
};

TEST_F(WorldTest, DoesNotOfferWhatLiesOpenAndOffersItAgainAfterTheWindow) {
  const absl::Time at = company_.Midnight(3);
  ASSERT_THAT(world_.Candidates(4, at), Contains(7));
  Exposure exposure;
  int customer = 4;
  for (;; ++customer) {  // somebody who does not buy
    exposure = world_.Expose(world_.View(customer, at), 7, at);
    if (!exposure.purchased()) break;
  }
  EXPECT_THAT(world_.Candidates(customer, at + kAttributionWindow - absl::Seconds(1)), Not(Contains(7)));
  EXPECT_THAT(world_.Candidates(customer, at + kAttributionWindow), Contains(7));
  EXPECT_THAT(world_.Candidates(customer + 1, at), Contains(7));
}

TEST_F(WorldTest, NeverOffersAgainWhatWasBought) {
  const Exposure sale = FirstSale(2);
  EXPECT_THAT(world_.Candidates(sale.customer, sale.at + absl::Hours(24 * 300)), Not(Contains(2)));
  EXPECT_EQ(world_.RecentPurchases(sale.customer, sale.purchased_at - absl::Seconds(1)), 0);
  EXPECT_EQ(world_.RecentPurchases(sale.customer, sale.purchased_at), 1);
  EXPECT_EQ(world_.RecentPurchases(sale.customer, sale.purchased_at + absl::Hours(24 * 180)), 0);
}

TEST_F(WorldTest, OffersAnItemOnlyFromItsFirstDay) {
  const int late = 35;
  const int from = company_.recommendations()[late].active_from_day;
  EXPECT_THAT(world_.Candidates(0, company_.Midnight(from) - absl::Seconds(1)), Not(Contains(late)));
  EXPECT_THAT(world_.Candidates(0, company_.Midnight(from)), Contains(late));
}

TEST_F(WorldTest, ACopyGoesItsOwnWay) {
  World copy = world_;
  FirstSale(2);
  EXPECT_TRUE(copy.exposures().empty());
  EXPECT_FALSE(world_.exposures().empty());
}

TEST_F(WorldTest, NobodyBuysAnItemTwice) {
  const Exposure sale = FirstSale(5);
  for (int day = 100; day < 365; ++day) {
    const absl::Time at = company_.Midnight(day);
    EXPECT_FALSE(world_.Expose(world_.View(sale.customer, at), 5, at).purchased());
  }
}

// Over seeds 1 to 20: 6,400 exposures with a standard deviation of 50, sold at 9 % with one of 0.6 %.
TEST(ExpertTest, AYearOfHistoryHasAboutSixThousandExposures) {
  const Company company(CompanyOptions{});
  const Truth truth(company);
  const History history = PlayHistory(company, truth);
  const auto& exposures = history.world.exposures();
  EXPECT_NEAR(exposures.size(), 6400, 250);
  const auto sold = std::count_if(exposures.begin(), exposures.end(), [](const Exposure& e) { return e.purchased(); });
  EXPECT_NEAR(static_cast<double>(sold) / exposures.size(), 0.09, 0.03);

  int64_t kept = 0;
  for (size_t i = 0; i < history.choices.size(); ++i) {
    const ExpertChoice& choice = history.choices[i];
    if (i > 0) {
      EXPECT_LE(history.choices[i - 1].at, choice.at);
    }
    EXPECT_LT(choice.at, company.options().year_start);
    if (choice.exposure < 0) continue;
    EXPECT_EQ(choice.exposure, kept++);
    EXPECT_EQ(exposures[choice.exposure].recommendation, choice.recommendation);
    EXPECT_EQ(exposures[choice.exposure].at, choice.at);
  }
  EXPECT_EQ(kept, static_cast<int64_t>(exposures.size()));
}

}  // namespace
}  // namespace suggest::simulation
