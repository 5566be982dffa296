#include "bandit/model/posterior.h"

#include "tests/bandit/fixture.h"

namespace suggest::bandit {
namespace {

using Eigen::MatrixXd;
using Eigen::VectorXd;

// A dumb dense solve: Gauss-Jordan with partial pivoting in extended precision.
MatrixXd PlainInverse(const MatrixXd& m) {
  const int n = static_cast<int>(m.rows());
  std::vector<std::vector<long double>> a(n, std::vector<long double>(2 * n, 0.0L));
  for (int i = 0; i < n; ++i) {
    for (int j = 0; j < n; ++j) a[i][j] = m(i, j);
    a[i][n + i] = 1;
  }
  for (int c = 0; c < n; ++c) {
    int pivot = c;
    for (int i = c; i < n; ++i) {
      if (std::abs(a[i][c]) > std::abs(a[pivot][c])) pivot = i;
    }
    std::swap(a[c], a[pivot]);
    for (int j = 2 * n - 1; j >= 0; --j) a[c][j] /= a[c][c];
    for (int i = 0; i < n; ++i) {
      if (i == c) continue;
      for (int j = 2 * n - 1; j >= c; --j) a[i][j] -= a[i][c] * a[c][j];
    }
  }
  MatrixXd inverse(n, n);
  for (int i = 0; i < n; ++i) {
    for (int j = 0; j < n; ++j) inverse(i, j) = static_cast<double>(a[i][n + j]);
  }
  return inverse;
}

TEST(Posterior, IsTheRidgeSolutionWithItsOwnInterceptPrior) {
  CounterRng rng(Seed{1}, 0);
  const Prior prior{2.5, 0.04, 0.07};
  SufficientStatistics sums(6);
  MatrixXd b = MatrixXd::Zero(6, 6);
  VectorXd f = VectorXd::Zero(6);
  for (int i = 0; i < 6; ++i) b(i, i) = i == 0 ? 0.04 : 2.5;
  f[0] = 0.04 * 0.07;
  for (int i = 0; i < 30; ++i) {
    const VectorXd x = RandomVector(6, rng, true);
    const double reward = rng.NextUniform();
    ASSERT_TRUE(sums.AddMature(x, reward).ok());
    b += x * x.transpose();
    f += reward * x;
  }
  const Posterior posterior = *Posterior::Solve(prior, sums, 0.2);
  const MatrixXd inverse = PlainInverse(b);
  EXPECT_LT((posterior.covariance() - inverse).norm(), 1e-13 * inverse.norm());
  EXPECT_LT((posterior.mean() - inverse * f).norm(), 1e-13 * (inverse * f).norm());
  EXPECT_EQ(posterior.covariance(), posterior.covariance().transpose());
  EXPECT_EQ(posterior.noise_variance(), 0.2);
  EXPECT_LT(posterior.residual(), 1e-15);
  EXPECT_LT(posterior.inverse_residual(), 1e-13);
  EXPECT_GE(posterior.condition_number(), 1.0);
}

TEST(Posterior, FromPrecisionReadsTheLowerTriangleAndGivesTheSameBits) {
  CounterRng rng(Seed{2}, 0);
  const ContextLayout layout{3, 3, 1, Interactions::kFull};
  const Posterior posterior = RandomPosterior(layout, 40, rng);
  MatrixXd lower = posterior.precision();
  lower.triangularView<Eigen::StrictlyUpper>().setConstant(1e9);
  const Posterior again = *Posterior::FromPrecision(lower, posterior.moment(), posterior.noise_variance());
  EXPECT_EQ(again.mean(), posterior.mean());
  EXPECT_EQ(again.covariance(), posterior.covariance());
}

TEST(Posterior, ConditionIsThatOfTheScaledColumns) {
  MatrixXd b = MatrixXd::Zero(2, 2);
  b(0, 0) = 1e-200;
  b(1, 1) = 1e200;
  const auto posterior = Posterior::FromPrecision(b, Eigen::Vector2d(1e-200, 1), 1.0);
  ASSERT_TRUE(posterior.ok()) << posterior.status();
  EXPECT_LE(posterior->condition_number(), 16);
  EXPECT_NEAR(posterior->mean()[0], 1.0, 1e-15);
}

TEST(Posterior, RefusesWhatIsNotPositiveDefinite) {
  MatrixXd b = MatrixXd::Identity(2, 2);
  b(1, 0) = 2;
  EXPECT_THAT(Posterior::FromPrecision(b, Eigen::Vector2d(0, 0), 1.0).status(),
              IsError(absl::StatusCode::kInternal, "not positive definite"));
  b(1, 0) = 0;
  b(1, 1) = -1;
  EXPECT_THAT(Posterior::FromPrecision(b, Eigen::Vector2d(0, 0), 1.0).status(),
              IsError(absl::StatusCode::kInternal, "diagonal entry 1 is -1"));
}

TEST(Posterior, RefusesAConditionThatLeavesNoDigits) {
  MatrixXd b = MatrixXd::Identity(2, 2);
  b(1, 0) = 1 - 1e-14;
  EXPECT_THAT(Posterior::FromPrecision(b, Eigen::Vector2d(0, 0), 1.0).status(),
              IsError(absl::StatusCode::kInternal, "condition number"));
}

TEST(Posterior, RejectsBadArgumentsByName) {
  const auto invalid = absl::StatusCode::kInvalidArgument;
  const SufficientStatistics sums(2);
  EXPECT_THAT(Posterior::Solve(Prior{0, 1, 0}, sums, 1).status(), IsError(invalid, "ridge is 0"));
  EXPECT_THAT(Posterior::Solve(Prior{1, -1, 0}, sums, 1).status(), IsError(invalid, "intercept_ridge is -1"));
  EXPECT_THAT(Posterior::Solve(Prior{1, 1, NAN}, sums, 1).status(), IsError(invalid, "base_rate is nan"));
  EXPECT_THAT(Posterior::Solve(Prior{}, sums, 0).status(), IsError(invalid, "noise variance is 0"));
  EXPECT_THAT(Posterior::Solve(Prior{}, sums, INFINITY).status(), IsError(invalid, "noise variance is inf"));
  EXPECT_THAT(Posterior::FromPrecision(MatrixXd::Identity(2, 2), Eigen::Vector3d(0, 0, 0), 1).status(),
              IsError(invalid, "precision is 2 x 2, moment has 3"));
  EXPECT_THAT(Posterior::FromPrecision(MatrixXd::Identity(2, 2), Eigen::Vector2d(0, NAN), 1).status(),
              IsError(invalid, "not finite"));
}

// The residual sum of squares, row by row, against the closed form.
TEST(Noise, InferredVarianceIsTheNormalInverseGammaPlugIn) {
  CounterRng rng(Seed{3}, 0);
  const Prior prior{1.5, 0.02, 0.1};
  SufficientStatistics sums(4);
  std::vector<std::pair<VectorXd, double>> rows;
  for (int i = 0; i < 60; ++i) {
    rows.emplace_back(RandomVector(4, rng, true), rng.NextUniform() < 0.2);
    ASSERT_TRUE(sums.AddMature(rows.back().first, rows.back().second).ok());
  }
  const VectorXd mean = Posterior::Solve(prior, sums, 1.0)->mean();
  VectorXd from_prior = mean;
  from_prior[0] -= 0.1;
  double unexplained = 0.02 * from_prior[0] * from_prior[0] + 1.5 * from_prior.tail(3).squaredNorm();
  for (const auto& [b, r] : rows) unexplained += std::pow(r - b.dot(mean), 2);
  const double expected = (0.5 + 0.5 * unexplained) / (6 + 30 - 1);
  EXPECT_NEAR(*InferNoiseVariance(prior, sums, NoiseModel{0, 6, 0.5}), expected, 1e-13);
}

TEST(Noise, WithoutMatureExposuresIsThePriorsOwn) {
  EXPECT_DOUBLE_EQ(*InferNoiseVariance(Prior{1, 0.01, 0.3}, SufficientStatistics(3), NoiseModel{0, 6, 0.5}), 0.1);
}

TEST(Noise, FixedVarianceIsTakenAsItIs) {
  EXPECT_EQ(*InferNoiseVariance(Prior{}, SufficientStatistics(3), NoiseModel{0.25, 0, 0}), 0.25);
}

// Rewards that the features explain without rest, up to rounding, 200 worlds: each cancels all its digits.
TEST(Noise, IsNeverBelowItsPriorsShare) {
  for (uint64_t seed = 0; seed < 200; ++seed) {
    CounterRng rng(Seed{seed}, 1);
    const VectorXd theta = RandomVector(5, rng);
    SufficientStatistics sums(5);
    for (int i = 0; i < 200; ++i) {
      const VectorXd b = 1e4 * RandomVector(5, rng);
      ASSERT_TRUE(sums.AddMature(b, b.dot(theta)).ok());
    }
    const double variance = *InferNoiseVariance(Prior{1e-12, 1e-12, 0}, sums, NoiseModel{0, 6, 0.5});
    EXPECT_GE(variance, 0.5 / 105);
  }
}

// Pending exposures count in the mean but not in the noise: mature sums with the mean of all can go below zero.
TEST(Noise, UsesTheFitOfMatureExposuresOnly) {
  int negative_with_the_wrong_mean = 0;
  for (uint64_t seed = 0; seed < 200; ++seed) {
    CounterRng rng(Seed{seed}, 2);
    SufficientStatistics mature(5);
    SufficientStatistics all(5);
    for (int i = 0; i < 60; ++i) {
      const VectorXd b = RandomVector(5, rng, true);
      const double reward = rng.NextUniform() < 0.1;
      ASSERT_TRUE(all.AddMature(b, reward).ok());
      if (i < 8) {
        ASSERT_TRUE(mature.AddMature(b, reward).ok());
      }
    }
    const Prior prior{1, 0.01, 0.1};
    const Posterior full = *Posterior::Solve(prior, all, 1.0);
    const double wrong =
        0.05 + 0.5 * (mature.reward_square_sum() + 0.01 * 0.01 - full.mean().dot(full.precision() * full.mean()));
    negative_with_the_wrong_mean += wrong < 0;
    EXPECT_GT(*InferNoiseVariance(prior, mature, NoiseModel{0, 6, 0.05}), 0.0);
  }
  EXPECT_GT(negative_with_the_wrong_mean, 50) << "the trap is real";
}

TEST(Noise, RejectsAPriorOutsideItsRange) {
  const auto invalid = absl::StatusCode::kInvalidArgument;
  const SufficientStatistics sums(2);
  EXPECT_THAT(InferNoiseVariance(Prior{}, sums, NoiseModel{0, 1, 1}).status(), IsError(invalid, "alpha is 1"));
  EXPECT_THAT(InferNoiseVariance(Prior{}, sums, NoiseModel{0, 2, 0}).status(), IsError(invalid, "beta is 0"));
  EXPECT_THAT(InferNoiseVariance(Prior{}, sums, NoiseModel{-1, 2, 1}).status(), IsError(invalid, "is -1"));
  EXPECT_THAT(InferNoiseVariance(Prior{-1}, sums, NoiseModel{0, 2, 1}).status(), IsError(invalid, "ridge is -1"));
}

}  // namespace
}  // namespace suggest::bandit
