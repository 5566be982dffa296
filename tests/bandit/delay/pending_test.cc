// Numbers "test N" are those of the list of acceptance tests for delayed feedback (docs/delays.md).
#include "bandit/delay/pending.h"

#include "bandit/model/posterior.h"
#include "tests/bandit/fixture.h"

namespace suggest::bandit {
namespace {

// Test 5: d = 1, b = 1, lambda = 1; 10 mature exposures with 2 purchases, 10 pending ones at F = .3 with 1 purchase.
// `p` is what the imputing modes believe.
double HandFixtureMean(DelayMode mode, double p = 0) {
  const Eigen::VectorXd b = Eigen::VectorXd::Ones(1);
  SufficientStatistics sums(1);
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(sums.AddMature(b, i < 2).ok());
  for (int i = 0; i < 10; ++i) {
    const PendingTarget pending = Target(mode, {.share = 0.3,
                                                .reward_seen = i < 1 ? 1.0 : 0.0,
                                                .purchase_probability = p,
                                                .late_probability = LateProbability(p, 0.3)});
    EXPECT_TRUE(sums.Add(b, pending.weight, pending.target).ok());
  }
  return Posterior::Solve(Prior{1.0, 1.0, 0.0}, sums, 1.0)->mean()[0];
}

TEST(Pending, Test5_HandFixtureOfExposureFakeNegativeAndWait) {
  EXPECT_NEAR(HandFixtureMean(DelayMode::kExposure), 3.0 / 14, 1e-15);
  EXPECT_NEAR(HandFixtureMean(DelayMode::kFakeNegative), 3.0 / 21, 1e-15);
  EXPECT_NEAR(HandFixtureMean(DelayMode::kWait), 2.0 / 11, 1e-15);
}

TEST(Pending, Test5_HandFixtureOfTheImputingModes) {
  EXPECT_NEAR(HandFixtureMean(DelayMode::kExpectedLabel, 0.2), 0.2066869, 5e-8);
  double p = 0.2;
  for (int step = 0; step < 100; ++step) p = HandFixtureMean(DelayMode::kExpectedLabel, p);
  EXPECT_NEAR(p, 0.2101413, 5e-8) << "the fixed point of EM";
  EXPECT_NEAR(HandFixtureMean(DelayMode::kEsDfmLabel, 0.2), 0.2066869, 5e-8) << "with a perfect corrector: the same";
}

// Test 6: b = (1, x), truth (.1, .1); the old item (x = 0) at F = 1, the new one (x = 1, worth .2) at F = .3.
Eigen::VectorXd OldAndNewItem(DelayMode mode) {
  SufficientStatistics sums(2);
  const double n = 1e9;  // exposures of each, in expectation; the prior then does not matter
  EXPECT_TRUE(sums.Add(Eigen::Vector2d(1, 0), n, 0.1 * n).ok());
  const double p = 0.2;
  const double share = 0.3;
  for (const double bought : {1.0, 0.0}) {
    const double count = n * (bought > 0 ? p * share : 1 - p * share);
    const PendingTarget pending = Target(mode, {.share = share,
                                                .reward_seen = bought,
                                                .purchase_probability = p,
                                                .late_probability = LateProbability(p, share)});
    EXPECT_TRUE(sums.Add(Eigen::Vector2d(1, 1), count * pending.weight, count * pending.target).ok());
  }
  return Posterior::Solve(Prior{1e-3, 1e-3, 0.0}, sums, 1.0)->mean();
}

TEST(Pending, Test6_UnbiasedModesDoNotMakeANewItemLookWorse) {
  for (const DelayMode mode : {DelayMode::kExposure, DelayMode::kExpectedLabel, DelayMode::kEsDfmLabel}) {
    const Eigen::VectorXd mean = OldAndNewItem(mode);
    EXPECT_NEAR(mean[0], 0.1, 1e-9);
    EXPECT_NEAR(mean[1], 0.1, 1e-9);
  }
}

TEST(Pending, Test6_FakeNegativeFailsHere) {
  const Eigen::VectorXd fake = OldAndNewItem(DelayMode::kFakeNegative);
  EXPECT_NEAR(fake[0], 0.1, 1e-9);
  EXPECT_NEAR(fake[1], -0.04, 1e-9) << "the known bias of the mode: the better new item looks worse";
}

// Test 14.
TEST(Pending, Test14_ImputedTargetIsConditionalOnNoPurchaseByThisAge) {
  EXPECT_NEAR(LateProbability(0.2, 0.5), 1.0 / 9, 1e-15);
  EXPECT_NEAR(LateProbability(0.2, 0.3), 0.1489362, 5e-8);
}

// The mean target of a group of exposures, a share p F of which bought, is p; for the unconditional imputation it is
// not: .28 for .20.
TEST(Pending, Test14_MeanTargetOfAGroupIsItsPurchaseRate) {
  const double p = 0.2;
  const double share = 0.5;
  const PendingFacts bought{.share = share, .reward_seen = 1, .purchase_probability = p};
  const PendingFacts waiting{.share = share, .purchase_probability = p};
  const auto group = [&](double imputed) {
    return p * share * Target(DelayMode::kExpectedLabel, bought).target + (1 - p * share) * imputed;
  };
  EXPECT_NEAR(group(Target(DelayMode::kExpectedLabel, waiting).target), 0.20, 1e-15);
  EXPECT_NEAR(group(p), 0.28, 1e-15) << "the mistake that the test above would catch";
}

TEST(Pending, TheSeenRewardCountsWholeInTheExposureMode) {
  const PendingFacts facts{.share = 0.3, .reward_seen = 0.8};
  EXPECT_EQ(Target(DelayMode::kExposure, facts), (PendingTarget{0.3, 0.8}));
  EXPECT_EQ(Target(DelayMode::kFakeNegative, facts), (PendingTarget{1.0, 0.8}));
  EXPECT_EQ(Target(DelayMode::kWait, facts), (PendingTarget{0.0, 0.0}));
}

// Purchases worth .25 and .75 in equal parts, p = .2, F = .5: expected reward .1.
TEST(Pending, RewardsBelowOneKeepTheirMean) {
  const double mean_reward = 0.5;
  const double share = 0.5;
  const double p = PurchaseProbability(0.1, mean_reward);
  EXPECT_NEAR(p, 0.2, 1e-15);
  for (const DelayMode mode : {DelayMode::kExpectedLabel, DelayMode::kEsDfmLabel}) {
    double mean = 0;
    for (const double reward : {0.25, 0.75}) {
      mean += p * share / 2 * Target(mode, {.share = share, .reward_seen = reward}).target;
    }
    mean += (1 - p * share) * Target(mode, {.share = share,
                                            .purchase_probability = p,
                                            .late_probability = LateProbability(p, share),
                                            .mean_reward = mean_reward})
                                  .target;
    EXPECT_NEAR(mean, 0.1, 1e-15);
  }
}

TEST(Pending, ARefundedPurchaseIsNotImputedAgain) {
  const PendingFacts refunded{
      .share = 0.5, .purchase_seen = true, .purchase_probability = 0.2, .late_probability = 0.1};
  EXPECT_EQ(Target(DelayMode::kExpectedLabel, refunded).target, 0.0);
  EXPECT_EQ(Target(DelayMode::kEsDfmLabel, refunded).target, 0.0);
}

// Test 15: predictions outside [0, 1], a share of 1, a mean reward that nobody has seen yet.
TEST(Pending, Test15_DegenerateFactsGiveFiniteTargets) {
  EXPECT_EQ(PurchaseProbability(-0.3, 1), kMinProbability);
  EXPECT_EQ(PurchaseProbability(7, 1), 1 - kMinProbability);
  EXPECT_NEAR(PurchaseProbability(0.1, 0), 0.1, 1e-15);
  for (const double p : {-1.0, 0.0, 0.5, 1.0, 2.0}) {
    for (const double share : {0.0, 1e-3, 0.5, 1.0}) {
      const double late = LateProbability(p, share);
      EXPECT_GE(late, 0.0);
      EXPECT_LE(late, 1 - kMinProbability);
    }
    EXPECT_EQ(LateProbability(p, 1.0), 0.0);
  }
}

}  // namespace
}  // namespace suggest::bandit
