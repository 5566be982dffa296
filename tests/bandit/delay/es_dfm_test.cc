// Numbers "test N" are those of the list of acceptance tests for delayed feedback (docs/delays.md).
#include "bandit/delay/es_dfm.h"

#include <cmath>

#include "bandit/delay/pending.h"
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

// 1000 exposures, p = .2, S = .5 at a waiting time of one day: 100 buy before it, 100 after it.
EsDfmModel Trained() {
  EsDfmTrainer trainer(1, Options());
  for (int i = 0; i < 1000; ++i) {
    const absl::Duration bought = i < 100 ? kDay / 2 : i < 200 ? 3 * kDay : absl::InfiniteDuration();
    EXPECT_TRUE(trainer.Add(Exposure(bought), kDay).ok());
  }
  return *trainer.Fit();
}

TEST(EsDfm, Test3_NuisanceTargetsAndTheTraps) {
  const Eigen::VectorXd one = Eigen::VectorXd::Ones(1);
  EXPECT_NEAR(Trained().DelayedPositive(one), 0.100, 1e-6)
      << ".500: negatives left out of f_dp (trap A); .091: trained on the stream with duplicates (trap B)";
  EXPECT_NEAR(Trained().RealNegative(one), 0.888889, 1e-6);
}

TEST(EsDfm, Test3_ImmatureExposuresAreRefused) {
  ObservedExposure young = Exposure(kDay);
  young.age = kMaturity - absl::Seconds(1);
  EsDfmTrainer trainer(1, Options());
  LateCorrectorTrainer late(1, DelayLaw::TruncatedExponential(kDay, kTenDays), Options());
  const auto refused = absl::StatusCode::kFailedPrecondition;
  EXPECT_THAT(trainer.Add(young, kDay), IsError(refused, "is not mature before 264h"));
  EXPECT_THAT(late.Add(young), IsError(refused, "is not mature before 264h"));
  EXPECT_EQ(trainer.size() + late.size(), 0);
  young.age = kMaturity;
  EXPECT_TRUE(trainer.Add(young, kDay).ok());
  EXPECT_TRUE(late.Add(young).ok());
}

TEST(EsDfm, TrainersRefuseWhatDoesNotFit) {
  EsDfmTrainer trainer(2, Options());
  EXPECT_THAT(trainer.Add(Exposure(kDay), kDay), IsError(kInvalid, "context has 1 entries, the nuisance model 2"));
  ObservedExposure exposure = Exposure(kDay);
  exposure.context = Eigen::Vector2d(1, NAN);
  EXPECT_THAT(trainer.Add(exposure, kDay), IsError(kInvalid, "context is not finite"));
  exposure.context = Eigen::Vector2d(1, 0);
  EXPECT_THAT(trainer.Add(exposure, absl::ZeroDuration()), IsError(kInvalid, "waiting time is 0"));
  exposure.weight = -1;
  EXPECT_THAT(trainer.Add(exposure, kDay), IsError(kInvalid, "exposure weight is -1"));
  EXPECT_THAT(EsDfmModel::FromWeights(Eigen::VectorXd::Ones(1), Eigen::VectorXd::Ones(2)).status(),
              IsError(kInvalid, "weights of 1 and 2 entries"));
  EXPECT_THAT(LateCorrector::FromWeights(Eigen::VectorXd::Constant(1, NAN), Eigen::VectorXd::Ones(1)).status(),
              IsError(kInvalid, "not finite"));
}

TEST(EsDfm, ATrainerKeepsItsNewestExposures) {
  TrainerOptions options = Options();
  options.max_exposures = 10;
  EsDfmTrainer trainer(1, options);
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(trainer.Add(Exposure(3 * kDay), kDay).ok());
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(trainer.Add(Exposure(absl::InfiniteDuration()), kDay).ok());
  EXPECT_EQ(trainer.size(), 10);
  EXPECT_LT(trainer.Fit()->DelayedPositive(Eigen::VectorXd::Ones(1)), 0.01);
}

TEST(EsDfm, Test15_UntrainedModelsAreFakeNegatives) {
  const EsDfmModel model = *EsDfmTrainer(1, Options()).Fit();
  EXPECT_FALSE(model.trained());
  EXPECT_EQ(model.Weights(Eigen::VectorXd::Ones(1), WeightForm::kPublished), (LabelWeights{1, 1}));
  const DelayLaw law = DelayLaw::TruncatedExponential(kDay, kTenDays);
  EXPECT_FALSE(LateCorrectorTrainer(1, law, Options()).Fit()->trained());
}

// Test 15: exposures that all bought at once leave nobody to ask, those that never bought only negatives.
TEST(EsDfm, Test15_OneSidedHistoriesGiveFiniteModels) {
  const Eigen::VectorXd one = Eigen::VectorXd::Ones(1);
  const DelayLaw law = DelayLaw::TruncatedExponential(kDay, kTenDays);
  for (const absl::Duration bought : {absl::Minutes(1), 9 * kDay, absl::InfiniteDuration()}) {
    EsDfmTrainer trainer(1, Options());
    LateCorrectorTrainer late_trainer(1, law, Options());
    for (int i = 0; i < 50; ++i) {
      ASSERT_TRUE(trainer.Add(Exposure(bought), kDay).ok());
      ASSERT_TRUE(late_trainer.Add(Exposure(bought)).ok());
    }
    const LabelWeights weights = trainer.Fit()->Weights(one, WeightForm::kPublished);
    EXPECT_TRUE(weights.positive >= 1 && weights.positive < 2) << weights.positive;
    EXPECT_TRUE(weights.negative > 0 && weights.negative < 2) << weights.negative;
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

TEST(EsDfm, WaitingTimesAreSampledByTheirShares) {
  const WaitingTime waiting = *WaitingTime::Create({kDay, 2 * kDay, 5 * kDay}, {0.2, 0.5, 0.3});
  CounterRng rng(Seed{9}, 0);
  int counts[6] = {};
  for (int i = 0; i < 10000; ++i) ++counts[waiting.Sample(rng) / kDay];
  EXPECT_NEAR(counts[1], 2000, 200);  // five standard deviations
  EXPECT_NEAR(counts[2], 5000, 250);
  EXPECT_NEAR(counts[5], 3000, 230);
  EXPECT_EQ(WaitingTime(kDay).Sample(rng), kDay);
  const WaitingTimes times{.otherwise = WaitingTime(kDay), .strata = {{"slow", waiting}}};
  EXPECT_EQ(times.Of("slow").times().size(), 3u);
  EXPECT_EQ(times.Of("fast").times().size(), 1u);
}

TEST(EsDfm, RefusesWaitingTimesThatAreNoDistribution) {
  EXPECT_THAT(WaitingTime::Create({}, {}).status(), IsError(kInvalid, "0 times"));
  EXPECT_THAT(WaitingTime::Create({kDay}, {0.5, 0.5}).status(), IsError(kInvalid, "1 times and 2 shares"));
  EXPECT_THAT(WaitingTime::Create({kDay, kDay}, {0.5, 0.5}).status(), IsError(kInvalid, "waiting time 1 is 24h"));
  EXPECT_THAT(WaitingTime::Create({kDay, 2 * kDay}, {1.5, -0.5}).status(), IsError(kInvalid, "share 1 is -0.5"));
  EXPECT_THAT(WaitingTime::Create({kDay}, {0.9}).status(), IsError(kInvalid, "sum to 0.9"));
}

// Test 5: 10 exposures at the waiting time, {5 negatives, 1 positive}, and one late purchase of those; f_dp = .1.
TEST(EventAccumulator, Test5_HandFixture) {
  const Eigen::VectorXd one = Eigen::VectorXd::Ones(1);
  EventAccumulator events(1);
  const LabelWeights weights = EsDfmWeights(0.1, 8.0 / 9);
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(events.AddLabel(0, one, false, 0, weights).ok());
  ASSERT_TRUE(events.AddLabel(0, one, true, 1, weights).ok());
  ASSERT_TRUE(events.AddLatePurchase(0, one, 1, weights).ok());
  const Posterior posterior = *Posterior::Solve(Prior{1, 1, 0}, events.Total(0, {}), 1.0);
  EXPECT_NEAR(posterior.mean()[0], 2.2 / 8.0888889, 1e-7);
}

// Test 5, FSIW at p = .2, F = .3 beside 10 mature exposures with 2 purchases: 10 pending ones, 1 of which bought.
TEST(EventAccumulator, Test5_FsiwHandFixture) {
  const Eigen::VectorXd one = Eigen::VectorXd::Ones(1);
  SufficientStatistics sums(1);
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(sums.AddMature(one, i < 2).ok());
  const LabelWeights weights = FsiwWeights(0.2, 0.3);
  ASSERT_TRUE(sums.Add(one, weights.positive, weights.positive).ok());
  for (int i = 0; i < 9; ++i) ASSERT_TRUE(sums.Add(one, weights.negative, 0).ok());
  EXPECT_NEAR(Posterior::Solve(Prior{1, 1, 0}, sums, 1.0)->mean()[0], 0.2425025, 1e-7);
}

TEST(EventAccumulator, ForgetsByTheDayOfTheExposureAndRefusesWildWeights) {
  const Eigen::VectorXd one = Eigen::VectorXd::Ones(1);
  EventAccumulator events(1);
  ASSERT_TRUE(events.AddLabel(3, one, true, 0.5, {1.2, 0.9}).ok());
  const Forgetting forgetting{.window_days = 5, .discount_per_day = 0.9};
  EXPECT_NEAR(events.Total(5, forgetting).moment()[0], 0.6 * 0.81, 1e-15);
  EXPECT_EQ(events.Total(8, forgetting).weight(), 0.0);
  EXPECT_THAT(events.AddLabel(3, one, true, 1, {2.5, 1}), IsError(kInvalid, "event weight is 2.5"));
  EXPECT_THAT(events.AddLabel(3, one, false, 0, {1, 0}), IsError(kInvalid, "event weight is 0"));
  EXPECT_THAT(events.AddLabel(3, one, false, 0, {1, NAN}), IsError(kInvalid, "event weight is nan"));
}

// An imputed target is made anew at each run: whatever was imputed before, what matured is exact (also test 7), and
// es_dfm_iw is not.
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
  EventAccumulator events(3);
  for (int i = 0; i < 200; ++i) {
    ASSERT_TRUE(batch.AddMature(contexts[i], i % 7 == 0 ? 0.5 : 0).ok());
    ASSERT_TRUE(events.AddLabel(0, contexts[i], i % 7 == 0, 0.5, EsDfmWeights(0.05, 0.95)).ok());
  }
  EXPECT_EQ(run(200).moment(), batch.moment());
  EXPECT_EQ(run(200).precision(), batch.precision());
  EXPECT_GT((events.Total(0, {}).precision() - batch.precision()).norm(), 1.0);
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
