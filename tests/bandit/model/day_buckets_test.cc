#include "bandit/model/day_buckets.h"

#include "bandit/model/posterior.h"
#include "tests/bandit/fixture.h"

namespace suggest::bandit {
namespace {

constexpr Prior kPrior{2.5, 0.01, 0.08};

DayBuckets Filled(int days, int per_day) {
  CounterRng rng(Seed{11}, 0);
  DayBuckets buckets(4);
  for (int day = 0; day < days; ++day) {
    for (int i = 0; i < per_day; ++i) EXPECT_TRUE(buckets.At(day).AddMature(RandomVector(4, rng, true), 0.1).ok());
  }
  return buckets;
}

TEST(DayBuckets, AnEmptyWindowIsExactlyThePrior) {
  const DayBuckets buckets = Filled(10, 20);
  const SufficientStatistics total = buckets.Total(40, Forgetting{30, 1.0});
  const Posterior posterior = *Posterior::Solve(kPrior, total, 0.1);
  const Posterior prior = *Posterior::Solve(kPrior, SufficientStatistics(4), 0.1);
  EXPECT_EQ(posterior.mean(), prior.mean());
  EXPECT_EQ(posterior.covariance(), prior.covariance());
  EXPECT_NEAR(prior.mean()[0], 0.08, 1e-16);
  EXPECT_NEAR(prior.covariance()(0, 0), 100, 1e-13);
  EXPECT_NEAR(prior.covariance()(1, 1), 0.4, 1e-16);
  EXPECT_EQ(prior.covariance()(0, 1), 0);
}

TEST(DayBuckets, TheWindowCountsWholeDaysAndNoMore) {
  const DayBuckets buckets = Filled(10, 2);
  EXPECT_EQ(buckets.Total(9, Forgetting{1, 1.0}).count(), 2);
  EXPECT_EQ(buckets.Total(9, Forgetting{3, 1.0}).count(), 6);
  EXPECT_EQ(buckets.Total(9, Forgetting{0, 1.0}).count(), 20);
  EXPECT_EQ(buckets.Total(18, Forgetting{10, 1.0}).count(), 2);
  EXPECT_EQ(buckets.Total(19, Forgetting{10, 1.0}).count(), 0);
}

// delayed_feedback.md section 7, item 8: a purchase seen at age 5 adds .9^5 b, whenever it was booked.
TEST(DayBuckets, ALatePurchaseIsDiscountedByTheAgeOfItsExposure) {
  DayBuckets buckets(2);
  const Eigen::Vector2d b(1, -2);
  ASSERT_TRUE(buckets.At(0).AddMature(b, 0).ok());
  ASSERT_TRUE(buckets.At(0).AdjustMature(b, 0, 1).ok());
  const SufficientStatistics total = buckets.Total(5, Forgetting{0, 0.9});
  EXPECT_NEAR(total.moment()[0], 0.59049, 1e-15);
  EXPECT_NEAR(total.moment()[1], -2 * 0.59049, 1e-15);
  EXPECT_NEAR(total.precision()(1, 1), 4 * 0.59049, 1e-15);
  EXPECT_NEAR(total.count(), 0.59049, 1e-15);
  EXPECT_NEAR(total.reward_square_sum(), 0.59049, 1e-15);
}

TEST(DayBuckets, TheNewestDayCountsWhole) {
  const Forgetting forgetting{0, 0.9};
  EXPECT_EQ(forgetting.Factor(7, 7), 1.0);
  EXPECT_EQ(forgetting.Factor(8, 7), 1.0) << "a day to come, by clock skew";
  EXPECT_LT(forgetting.Factor(6, 7), 1.0);
}

TEST(DayBuckets, TotalsDoNotDependOnTheOrderOfArrival) {
  CounterRng rng(Seed{12}, 0);
  std::vector<Eigen::VectorXd> contexts;
  for (int i = 0; i < 40; ++i) contexts.push_back(RandomVector(4, rng, true));
  DayBuckets forward(4), backward(4);
  for (int i = 0; i < 40; ++i) {
    ASSERT_TRUE(forward.At(i).AddMature(contexts[i], 0.5).ok());
    ASSERT_TRUE(backward.At(39 - i).AddMature(contexts[39 - i], 0.5).ok());
  }
  const Forgetting forgetting{30, 0.99};
  EXPECT_EQ(forward.Total(45, forgetting).precision(), backward.Total(45, forgetting).precision());
  EXPECT_EQ(forward.Total(45, forgetting).moment(), backward.Total(45, forgetting).moment());
}

TEST(DayBuckets, DropBeforeFreesOldDaysOnly) {
  DayBuckets buckets = Filled(10, 1);
  buckets.DropBefore(7);
  EXPECT_EQ(buckets.days().size(), 3u);
  EXPECT_EQ(buckets.Find(6), nullptr);
  EXPECT_NE(buckets.Find(7), nullptr);
}

}  // namespace
}  // namespace suggest::bandit
