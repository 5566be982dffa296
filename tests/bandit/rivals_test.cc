// The defects that were seen in other systems, each with a test that would have caught it.
#include <algorithm>
#include <cmath>

#include "bandit/model/day_buckets.h"
#include "bandit/model/weight_space.h"
#include "tests/bandit/fixture.h"

namespace suggest::bandit {
namespace {

using Eigen::VectorXd;

struct Recovery {
  double mean_ratio = 0;  // estimate / truth, averaged
  int covered = 0;
  int intervals = 0;
};

Recovery RecoverKnownTheta(int worlds, int rows, double noise_sd) {
  Recovery recovery;
  const int d = 10;
  for (int world = 0; world < worlds; ++world) {
    CounterRng rng(Seed{static_cast<uint64_t>(world)}, 101);
    const VectorXd theta = VectorXd::Constant(d, 0.5) + 0.1 * RandomVector(d, rng);
    SufficientStatistics sums(d);
    for (int i = 0; i < rows; ++i) {
      const VectorXd b = RandomVector(d, rng);
      EXPECT_TRUE(sums.AddMature(b, b.dot(theta) + noise_sd * rng.NextNormal()).ok());
    }
    const Prior prior{1e-3, 1e-3, 0.0};
    const double variance = *InferNoiseVariance(prior, sums, NoiseModel{0, 2, 1e-3});
    const Posterior posterior = *Posterior::Solve(prior, sums, variance);
    for (int k = 0; k < d; ++k) {
      const double sd = std::sqrt(posterior.noise_variance() * posterior.covariance()(k, k));
      recovery.mean_ratio += posterior.mean()[k] / theta[k] / (worlds * d);
      recovery.covered += std::abs(posterior.mean()[k] - theta[k]) <= 1.959963985 * sd;
      ++recovery.intervals;
    }
  }
  return recovery;
}

// Estimates that converge to truth / d, with a variance that is far too small. 400 worlds x 10 weights; intervals
// within a world are nearly independent. 4 standard errors: over seeds, a false alarm in 6e-5 of runs.
TEST(Rivals, Defect1_RecoversAKnownThetaAndItsIntervalsCover95Percent) {
  const Recovery recovery = RecoverKnownTheta(400, 300, 0.3);
  EXPECT_NEAR(recovery.mean_ratio, 1.0, 0.01);
  const double share = static_cast<double>(recovery.covered) / recovery.intervals;
  EXPECT_NEAR(share, 0.95, 4 * std::sqrt(0.95 * 0.05 / recovery.intervals));
}

// A precision that decays below its prior: variance 10^9-fold after an idle month.
TEST(Rivals, Defect2_IdleForgettingReturnsToThePriorAndNeverPastIt) {
  CounterRng rng(Seed{102}, 0);
  DayBuckets buckets(4);
  for (int i = 0; i < 200; ++i) ASSERT_TRUE(buckets.At(i % 5).AddMature(RandomVector(4, rng, true), 0.2).ok());
  const Prior prior{2.0, 0.05, 0.1};
  const Posterior start = *Posterior::Solve(prior, SufficientStatistics(4), 1.0);
  const Forgetting forgetting{0, 0.9};
  VectorXd last = VectorXd::Zero(4);
  for (int today = 5; today < 1000; today += 5) {
    const Posterior idle = *Posterior::Solve(prior, buckets.Total(today, forgetting), 1.0);
    const VectorXd variance = idle.covariance().diagonal();
    for (int k = 0; k < 4; ++k) {
      EXPECT_GE(variance[k], last[k] * (1 - 1e-14)) << "idle time only adds uncertainty";
      EXPECT_LE(variance[k], start.covariance()(k, k) * (1 + 1e-14)) << "never past the prior";
    }
    last = variance;
  }
  EXPECT_LT((last - start.covariance().diagonal()).norm(), 1e-14);
  EXPECT_EQ(Posterior::Solve(prior, buckets.Total(100000, forgetting), 1.0)->covariance(), start.covariance());
}

// Silence that is never learned: the model then sees only successes.
TEST(Rivals, Defect3_CustomersWhoDoNotBuyLowerTheScore) {
  const VectorXd b = Eigen::Vector3d(1, 0.5, -1);
  SufficientStatistics sums(3);
  ASSERT_TRUE(sums.AddMature(b, 1.0).ok());
  double last = Posterior::Solve(Prior{1, 0.01, 0.1}, sums, 1.0)->mean().dot(b);
  for (int i = 0; i < 30; ++i) {
    ASSERT_TRUE(sums.AddMature(b, 0.0).ok());
    const double score = Posterior::Solve(Prior{1, 0.01, 0.1}, sums, 1.0)->mean().dot(b);
    EXPECT_LT(score, last);
    last = score;
  }
  EXPECT_NEAR(last, 1.0 / 31, 0.01);
}

// Contexts cast to half precision: 1 + 2^-12 is then 1, and 70,000 infinite.
TEST(Rivals, Defect6_ContextsKeepDoublePrecision) {
  const World world(ContextLayout{2, 3, 0, Interactions::kFull}, 1, 103);
  const CandidateMatrix catalogue = *CandidateMatrix::Create({1, 1, 0.5, 1, 1 + 1e-13, 0.5, 1, 1, 70000}, 3);
  DecisionProblem problem = world.problem;
  problem.catalogue = &catalogue;
  problem.eligible = {0, 1, 2};
  const auto all = *ScoreAll(problem, PolicySettings{}, 1);
  for (int j = 0; j < 3; ++j) {
    const double plain = PlainContext(problem, j).dot(world.posterior.mean());
    EXPECT_NEAR(all[j].mean, plain, 1e-14 * (1 + std::abs(plain)));
  }
  EXPECT_NE(all[0].mean, all[1].mean);
}

// Exploration switched off by a numerical error: here it is a Status, and the caller keeps the last good version.
TEST(Rivals, Defect6_ANumericalErrorFailsClosed) {
  SufficientStatistics::Parts parts = SufficientStatistics(2).ToParts();
  parts.lower = {1, 5, 1};
  const SufficientStatistics broken = *SufficientStatistics::FromParts(parts);
  EXPECT_THAT(Posterior::Solve(Prior{0.1, 0.1, 0}, broken, 1).status(),
              IsError(absl::StatusCode::kInternal, "not positive definite"));
}

TEST(Rivals, Defect6_TheSameRewardSetTwiceCountsOnce) {
  const VectorXd b = Eigen::Vector2d(1, 2);
  SufficientStatistics once(2), twice(2);
  for (SufficientStatistics* sums : {&once, &twice}) ASSERT_TRUE(sums->AddMature(b, 0).ok());
  ASSERT_TRUE(once.AdjustMature(b, 0, 0.7).ok());
  ASSERT_TRUE(twice.AdjustMature(b, 0, 0.7).ok());
  ASSERT_TRUE(twice.AdjustMature(b, 0.7, 0.7).ok());
  EXPECT_EQ(once.ToParts().moment, twice.ToParts().moment);
  EXPECT_EQ(once.reward_square_sum(), twice.reward_square_sum());
}

// A discount on the new observation in place of the old ones.
TEST(Rivals, Defect7_TheDiscountFallsOnOldExposuresNotOnNewOnes) {
  DayBuckets buckets(1);
  const VectorXd one = VectorXd::Ones(1);
  ASSERT_TRUE(buckets.At(0).AddMature(one, 0).ok());
  ASSERT_TRUE(buckets.At(10).AddMature(one, 1).ok());
  const SufficientStatistics total = buckets.Total(10, Forgetting{0, 0.5});
  EXPECT_EQ(total.moment()[0], 1.0);
  EXPECT_EQ(total.count(), 1.0 + std::pow(0.5, 10));
}

// Rewards below zero that read as "none".
TEST(Rivals, Defect7_NegativeRewardsAreLearned) {
  SufficientStatistics sums(1);
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(sums.AddMature(VectorXd::Ones(1), -0.5).ok());
  EXPECT_NEAR(Posterior::Solve(Prior{1, 1, 0}, sums, 1)->mean()[0], -50.0 / 101, 1e-15);
}

// A first inverse that is right for lambda = 1 only: (lambda I + b b')^-1 by Sherman and Morrison.
TEST(Rivals, Defect7_TheFirstUpdateIsRightForAnyRidge) {
  for (const double ridge : {0.01, 0.5, 1.0, 3.0, 250.0}) {
    const VectorXd b = Eigen::Vector3d(1, -2, 0.5);
    SufficientStatistics sums(3);
    ASSERT_TRUE(sums.AddMature(b, 0.6).ok());
    const Posterior posterior = *Posterior::Solve(Prior{ridge, ridge, 0}, sums, 1.0);
    const Eigen::MatrixXd expected =
        Eigen::MatrixXd::Identity(3, 3) / ridge - b * b.transpose() / (ridge * ridge + ridge * b.squaredNorm());
    EXPECT_LT((posterior.covariance() - expected).norm(), 1e-13 * expected.norm()) << ridge;
    EXPECT_LT((posterior.mean() - 0.6 * b / (ridge + b.squaredNorm())).norm(), 1e-14) << ridge;
  }
}

// Sampling with the variance fixed at 1: here the spread of drawn scores follows sigma and v.
// 4,000 draws: the sample deviation is within 5 standard errors; a false alarm in 6e-7 of seeds.
TEST(Rivals, Defect8_TheSpreadOfDrawsIsScaleTimesSigmaTimesTheDeviation) {
  for (const double noise_variance : {0.01, 4.0}) {
    CounterRng rng(Seed{104}, 0);
    const ContextLayout layout{3, 3, 0, Interactions::kFull};
    const Posterior posterior = RandomPosterior(layout, 40, rng, noise_variance);
    const CandidateMatrix catalogue = RandomCatalogue(1, 3, rng);
    const FoldedPosterior folded(posterior, layout);
    DecisionProblem problem{&folded, layout, &catalogue, RandomVector(3, rng, true), {0}, {}};
    const VectorXd b = PlainContext(problem, 0);
    const double sd = 0.5 * std::sqrt(noise_variance * b.dot(posterior.covariance() * b));
    double square_sum = 0;
    const int n = 4000;
    for (int seed = 0; seed < n; ++seed) {
      const auto all = *ScoreAll(problem, PolicySettings{}, seed);
      square_sum += std::pow((all[0].score - b.dot(posterior.mean())) / sd, 2);
    }
    EXPECT_NEAR(square_sum / n, 1.0, 5 * std::sqrt(2.0 / n));
  }
}

}  // namespace
}  // namespace suggest::bandit
