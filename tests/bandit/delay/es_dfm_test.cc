// Numbers "test N" are those of the list of acceptance tests for delayed feedback (docs/delays.md).
#include "bandit/delay/es_dfm.h"

#include <cmath>

#include "bandit/delay/pending.h"
#include "bandit/model/day_buckets.h"
#include "bandit/model/posterior.h"
#include "tests/bandit/fixture.h"
#include "tests/support/instants.h"

namespace suggest::bandit {
namespace {

constexpr absl::Duration kTenDays = absl::Hours(240);
constexpr absl::Duration kMaturity = absl::Hours(264);

ObservedExposure Exposure(absl::Duration purchase_visible) {
  return {.context = Eigen::VectorXd::Ones(1), .age = 20 * kDay, .purchase_visible = purchase_visible};
}

TrainerOptions Options() {
  return {.maturity = kMaturity, .ridge = 1e-6};
}

TEST(EsDfm, Test3_ImmatureExposuresAreRefused) {
  ObservedExposure young = Exposure(kDay);
  young.age = kMaturity - absl::Seconds(1);
  LateCorrectorTrainer late(1, DelayLaw::TruncatedExponential(kDay, kTenDays), Options());
  const auto refused = absl::StatusCode::kFailedPrecondition;
  EXPECT_THAT(late.Add(young), IsError(refused, "is not mature before 264h"));
  EXPECT_EQ(late.size(), 0);
  young.age = kMaturity;
  EXPECT_TRUE(late.Add(young).ok());
}

TEST(EsDfm, ATrainerRefusesWhatDoesNotFit) {
  LateCorrectorTrainer trainer(2, DelayLaw::TruncatedExponential(kDay, kTenDays), Options());
  EXPECT_THAT(trainer.Add(Exposure(kDay)), IsError(kInvalid, "context has 1 entries, the nuisance model 2"));
  ObservedExposure exposure = Exposure(kDay);
  exposure.context = Eigen::Vector2d(1, NAN);
  EXPECT_THAT(trainer.Add(exposure), IsError(kInvalid, "context is not finite"));
  exposure.context = Eigen::Vector2d(1, 0);
  exposure.weight = -1;
  EXPECT_THAT(trainer.Add(exposure), IsError(kInvalid, "exposure weight is -1"));
  EXPECT_THAT(LateCorrector::FromWeights(Eigen::VectorXd::Ones(1), Eigen::VectorXd::Ones(2)).status(),
              IsError(kInvalid, "weights of 1 and 2 entries"));
  EXPECT_THAT(LateCorrector::FromWeights(Eigen::VectorXd::Constant(1, NAN), Eigen::VectorXd::Ones(1)).status(),
              IsError(kInvalid, "not finite"));
}

TEST(EsDfm, ATrainerKeepsItsNewestExposures) {
  TrainerOptions options = Options();
  options.max_exposures = 10;
  LateCorrectorTrainer trainer(1, DelayLaw::TruncatedExponential(kDay, kTenDays), options);
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(trainer.Add(Exposure(9 * kDay)).ok());
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(trainer.Add(Exposure(absl::InfiniteDuration())).ok());
  EXPECT_EQ(trainer.size(), 10);
  EXPECT_LT(trainer.Fit()->LatePurchase(Eigen::VectorXd::Ones(1), 0.5), 0.01);
}

TEST(EsDfm, Test15_WithoutExposuresTheCorrectorIsUntrained) {
  const DelayLaw law = DelayLaw::TruncatedExponential(kDay, kTenDays);
  EXPECT_FALSE(LateCorrectorTrainer(1, law, Options()).Fit()->trained());
}

// Test 15: exposures that all bought at once leave nobody to ask, those that never bought only negatives.
TEST(EsDfm, Test15_OneSidedHistoriesGiveFiniteModels) {
  const Eigen::VectorXd one = Eigen::VectorXd::Ones(1);
  const DelayLaw law = DelayLaw::TruncatedExponential(kDay, kTenDays);
  for (const absl::Duration bought : {absl::Minutes(1), 9 * kDay, absl::InfiniteDuration()}) {
    LateCorrectorTrainer late_trainer(1, law, Options());
    for (int i = 0; i < 50; ++i) {
      ASSERT_TRUE(late_trainer.Add(Exposure(bought)).ok());
    }
    const absl::StatusOr<LateCorrector> late = late_trainer.Fit();
    ASSERT_TRUE(late.ok()) << late.status();
    EXPECT_EQ(late->trained(), bought > kDay);
    if (late->trained()) {
      EXPECT_GT(late->LatePurchase(one, 0.5), 0.0);
      EXPECT_LT(late->LatePurchase(one, 0.5), 1.0);
    }
  }
}

// p = .2, S = .5: P(late | not bought) = 1/9, by the odds p S / (1 - p) with beta = logit p and kappa = 1.
TEST(EsDfm, Test14_LateCorrectorIdentity) {
  const LateCorrector exact =
      *LateCorrector::FromWeights(Eigen::VectorXd::Constant(1, std::log(0.25)), Eigen::VectorXd::Ones(1));
  const Eigen::VectorXd one = Eigen::VectorXd::Ones(1);
  EXPECT_NEAR(exact.LatePurchase(one, 0.5), 0.111111, 1e-6);
  for (const double share : {0.1, 0.3, 0.9}) {
    EXPECT_NEAR(exact.LatePurchase(one, share), LateProbability(0.2, share), 1e-12);
  }
  EXPECT_EQ(exact.LatePurchase(one, 1), 0.0);
}

// 1000 exposures that buy by the law: fitted, the corrector finds beta = logit p and kappa = 1.
TEST(EsDfm, Test14_LateCorrectorLearnsTheIdentity) {
  const DelayLaw law = DelayLaw::TruncatedExponential(3 * kDay, kTenDays);
  LateCorrectorTrainer trainer(1, law, Options());
  for (int i = 0; i < 1000; ++i) {
    ASSERT_TRUE(trainer.Add(Exposure(i < 200 ? law.Quantile((i + 0.5) / 200) : absl::InfiniteDuration())).ok());
  }
  const LateCorrector corrector = *trainer.Fit();
  EXPECT_NEAR(corrector.beta()[0], std::log(0.25), 0.02);
  EXPECT_NEAR(corrector.kappa()[0], 1.0, 0.02);
  EXPECT_NEAR(corrector.LatePurchase(Eigen::VectorXd::Ones(1), 0.5), 1.0 / 9, 0.002);
}

// An imputed target is made anew at each run: whatever was imputed before, what matured is exact (also test 7).
TEST(EsDfm, ImputedTargetsAreRetractedExactly) {
  CounterRng rng(Seed{13}, 0);
  std::vector<Eigen::VectorXd> contexts;
  for (int i = 0; i < 200; ++i) contexts.push_back(RandomVector(3, rng, true));
  const LateCorrector corrector = *LateCorrector::FromWeights(Eigen::Vector3d(-1, 0.2, 0), Eigen::Vector3d::Unit(0));
  const auto run = [&](int mature) {
    SufficientStatistics sums(3);
    for (int i = 0; i < 200; ++i) {
      const double reward = i % 7 == 0 ? 0.5 : 0;
      if (i < mature) {
        EXPECT_TRUE(sums.AddMature(contexts[i], reward).ok());
        continue;
      }
      const PendingTarget pending =
          Target(DelayMode::kEsDfmLabel,
                 {.share = 0.4, .late_probability = corrector.LatePurchase(contexts[i], 0.4), .mean_reward = 0.5});
      EXPECT_TRUE(sums.Add(contexts[i], pending.weight, pending.target).ok());
    }
    return sums;
  };
  run(50);
  run(120);
  SufficientStatistics batch(3);
  for (int i = 0; i < 200; ++i) {
    ASSERT_TRUE(batch.AddMature(contexts[i], i % 7 == 0 ? 0.5 : 0).ok());
  }
  EXPECT_EQ(run(200).moment(), batch.moment());
  EXPECT_EQ(run(200).precision(), batch.precision());
}

// Test 8: gamma = .9, a purchase seen at age 5 counts .9^5 = .59049, the discount of its exposure, not of its arrival.
TEST(DelayedFeedback, Test8_APurchaseIsDiscountedByTheAgeOfItsExposure) {
  const Forgetting forgetting{.discount_per_day = 0.9};
  DayBuckets buckets(1);
  ASSERT_TRUE(buckets.At(0).AddMature(Eigen::VectorXd::Ones(1), 0).ok());
  ASSERT_TRUE(buckets.At(0).AdjustMature(Eigen::VectorXd::Ones(1), 0, 1).ok());  // on day 5
  EXPECT_NEAR(buckets.Total(5, forgetting).moment()[0], 0.59049, 1e-15);
}

}  // namespace
}  // namespace suggest::bandit
