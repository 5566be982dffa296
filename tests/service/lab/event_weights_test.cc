// Numbers "test N" are those of the list of acceptance tests for delayed feedback (docs/delays.md).
#include "service/lab/event_weights.h"

#include <cmath>

#include "bandit/model/posterior.h"
#include "tests/bandit/fixture.h"
#include "tests/support/instants.h"

namespace suggest::lab {
namespace {

using bandit::CounterRng;
using bandit::Forgetting;
using bandit::IsError;
using bandit::kInvalid;
using bandit::ObservedExposure;
using bandit::Posterior;
using bandit::Prior;
using bandit::Seed;
using bandit::SufficientStatistics;
using bandit::TrainerOptions;

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

TEST(EsDfmTrainerTest, Test3_NuisanceTargetsAndTheTraps) {
  const Eigen::VectorXd one = Eigen::VectorXd::Ones(1);
  EXPECT_NEAR(Trained().DelayedPositive(one), 0.100, 1e-6)
      << ".500: negatives left out of f_dp (trap A); .091: trained on the stream with duplicates (trap B)";
  EXPECT_NEAR(Trained().RealNegative(one), 0.888889, 1e-6);
}

TEST(EsDfmTrainerTest, ATrainerKeepsItsNewestExposures) {
  TrainerOptions options = Options();
  options.max_exposures = 10;
  EsDfmTrainer trainer(1, options);
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(trainer.Add(Exposure(3 * kDay), kDay).ok());
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(trainer.Add(Exposure(absl::InfiniteDuration()), kDay).ok());
  EXPECT_EQ(trainer.size(), 10);
  EXPECT_LT(trainer.Fit()->DelayedPositive(Eigen::VectorXd::Ones(1)), 0.01);
}

TEST(EsDfmTrainerTest, WaitingTimesAreSampledByTheirShares) {
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

TEST(EsDfmTrainerTest, RefusesWaitingTimesThatAreNoDistribution) {
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

TEST(EsDfmTrainerTest, Test3_AnImmatureExposureIsRefused) {
  ObservedExposure young = Exposure(kDay);
  young.age = kMaturity - absl::Seconds(1);
  EsDfmTrainer trainer(1, Options());
  EXPECT_THAT(trainer.Add(young, kDay), IsError(absl::StatusCode::kFailedPrecondition, "is not mature before 264h"));
  EXPECT_EQ(trainer.size(), 0);
  young.age = kMaturity;
  EXPECT_TRUE(trainer.Add(young, kDay).ok());
}

TEST(EsDfmTrainerTest, RefusesWhatDoesNotFit) {
  EsDfmTrainer trainer(1, Options());
  EXPECT_THAT(trainer.Add(Exposure(kDay), absl::ZeroDuration()), IsError(kInvalid, "waiting time is 0"));
  EXPECT_THAT(EsDfmModel::FromWeights(Eigen::VectorXd::Ones(1), Eigen::VectorXd::Ones(2)).status(),
              IsError(kInvalid, "weights of 1 and 2 entries"));
}

TEST(EsDfmTrainerTest, Test15_AnUntrainedModelMeansFakeNegatives) {
  const EsDfmModel model = *EsDfmTrainer(1, Options()).Fit();
  EXPECT_FALSE(model.trained());
  EXPECT_EQ(model.Weights(Eigen::VectorXd::Ones(1), WeightForm::kPublished), (LabelWeights{1, 1}));
}

TEST(EsDfmTrainerTest, Test15_OneSidedHistoriesGiveFiniteWeights) {
  for (const absl::Duration bought : {absl::Minutes(1), 9 * kDay, absl::InfiniteDuration()}) {
    EsDfmTrainer trainer(1, Options());
    for (int i = 0; i < 50; ++i) ASSERT_TRUE(trainer.Add(Exposure(bought), kDay).ok());
    const LabelWeights weights = trainer.Fit()->Weights(Eigen::VectorXd::Ones(1), WeightForm::kPublished);
    EXPECT_TRUE(weights.positive >= 1 && weights.positive < 2) << weights.positive;
    EXPECT_TRUE(weights.negative > 0 && weights.negative < 2) << weights.negative;
  }
}

TEST(EventAccumulator, Test7_TheSumsOfEventsAreNotTheExactOnesOnceAllIsMature) {
  const Eigen::VectorXd one = Eigen::VectorXd::Ones(1);
  SufficientStatistics batch(1);
  EventAccumulator events(1);
  for (int i = 0; i < 200; ++i) {
    ASSERT_TRUE(batch.AddMature(one, i % 7 == 0 ? 0.5 : 0).ok());
    ASSERT_TRUE(events.AddLabel(0, one, i % 7 == 0, 0.5, EsDfmWeights(0.05, 0.95)).ok());
  }
  EXPECT_GT((events.Total(0, {}).precision() - batch.precision()).norm(), 0.5);
}

}  // namespace
}  // namespace suggest::lab
