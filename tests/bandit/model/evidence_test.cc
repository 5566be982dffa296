#include "bandit/model/evidence.h"

#include <Eigen/Cholesky>
#include <vector>

#include "tests/bandit/fixture.h"

namespace suggest::bandit {
namespace {

struct Rewarded {
  Eigen::MatrixXd contexts;  // n x d, the first column 1
  Eigen::VectorXd rewards;
};

// Rewards of a linear model whose weights have the standard deviation `signal`, with noise of standard deviation 0.3.
Rewarded DrawRewarded(int n, int dim, double signal, uint64_t seed) {
  CounterRng rng(Seed{seed}, 0);
  const auto normal = [&] { return rng.NextNormal(); };
  Rewarded drawn{Eigen::MatrixXd(n, dim), Eigen::VectorXd(n)};
  Eigen::VectorXd weights(dim);
  for (int j = 0; j < dim; ++j) weights[j] = j == 0 ? 0.2 : signal * normal();
  for (int i = 0; i < n; ++i) {
    for (int j = 0; j < dim; ++j) drawn.contexts(i, j) = j == 0 ? 1 : normal() * (j % 3 + 0.5) + 0.2 * j;
    drawn.rewards[i] = drawn.contexts.row(i).dot(weights) + 0.3 * normal();
  }
  return drawn;
}

SufficientStatistics SumsOf(const Rewarded& rewarded) {
  SufficientStatistics sums(static_cast<int>(rewarded.contexts.cols()));
  for (int i = 0; i < rewarded.rewards.size(); ++i) {
    EXPECT_TRUE(sums.AddMature(rewarded.contexts.row(i), rewarded.rewards[i]).ok());
  }
  return sums;
}

// The density of the rewards as one n-dimensional normal or Student distribution with scale matrix
// I + X Lambda^-1 X': no sums, no elimination.
double DenseLogEvidence(const Rewarded& rewarded, const Prior& prior, const NoiseModel& noise) {
  const auto n = rewarded.rewards.size();
  const auto dim = rewarded.contexts.cols();
  Eigen::VectorXd variances = Eigen::VectorXd::Constant(dim, 1 / prior.ridge);
  variances[0] = 1 / prior.intercept_ridge;
  const Eigen::MatrixXd scale =
      Eigen::MatrixXd::Identity(n, n) + rewarded.contexts * variances.asDiagonal() * rewarded.contexts.transpose();
  const Eigen::LLT<Eigen::MatrixXd> factor(scale);
  const Eigen::VectorXd residual = rewarded.rewards - Eigen::VectorXd::Constant(n, prior.base_rate);
  const double square = residual.dot(factor.solve(residual));
  const double log_determinant = 2 * factor.matrixLLT().diagonal().array().log().sum();
  const double half = 0.5 * static_cast<double>(n);
  if (noise.fixed_variance > 0) {
    return -half * std::log(2 * M_PI * noise.fixed_variance) - 0.5 * log_determinant -
           0.5 * square / noise.fixed_variance;
  }
  return std::lgamma(noise.alpha + half) - std::lgamma(noise.alpha) - half * std::log(2 * M_PI) +
         noise.alpha * std::log(noise.beta) - 0.5 * log_determinant -
         (noise.alpha + half) * std::log(noise.beta + 0.5 * square);
}

double BestRidge(const RidgeEvidence& evidence) {
  double best = RidgeGrid().front();
  for (const double ridge : RidgeGrid()) {
    if (evidence.LogEvidence(ridge) >= evidence.LogEvidence(best)) best = ridge;
  }
  return best;
}

TEST(RidgeEvidence, EqualsTheDenseDensityOfTheRewards) {
  for (uint64_t seed = 1; seed <= 40; ++seed) {
    CounterRng rng(Seed{seed}, 7);
    const int dim = 1 + static_cast<int>(rng.Below(7));
    const int n = static_cast<int>(rng.Below(60));
    const Rewarded rewarded = DrawRewarded(n, dim, 0.1, seed);
    const SufficientStatistics sums = SumsOf(rewarded);
    for (const NoiseModel& noise : {NoiseModel{0.2, 6, 0}, NoiseModel{0, 6, 0.4}}) {
      Prior prior{.ridge = 1, .intercept_ridge = 0.01 + rng.NextUniform(), .base_rate = rng.NextUniform()};
      const auto evidence = RidgeEvidence::Create(prior, sums, noise);
      ASSERT_TRUE(evidence.ok()) << evidence.status();
      for (const double ridge : RidgeGrid()) {
        prior.ridge = ridge;
        const double expected = DenseLogEvidence(rewarded, prior, noise);
        // n + 1 terms of about 1e-16 of the largest reward's square over the smallest scale.
        EXPECT_NEAR(evidence->LogEvidence(ridge), expected, 1e-8 * (1 + std::abs(expected)))
            << "seed " << seed << " ridge " << ridge;
      }
    }
  }
}

TEST(RidgeEvidence, PrefersTheRidgeThatTheWeightsWereDrawnWith) {
  // Noise variance over a weight's variance: (0.3 / 0.03)^2 = 100, seen through 60 weights.
  const SufficientStatistics sums = SumsOf(DrawRewarded(4000, 61, 0.03, 5));
  const auto evidence = RidgeEvidence::Create({.intercept_ridge = 0.01, .base_rate = 0.2}, sums, {0, 6, 0.4});
  ASSERT_TRUE(evidence.ok());
  EXPECT_GE(BestRidge(*evidence), 50);
  EXPECT_LE(BestRidge(*evidence), 200);
}

TEST(RidgeEvidence, WithoutASignalItShrinksEverything) {
  const SufficientStatistics sums = SumsOf(DrawRewarded(4000, 21, 0, 6));
  const auto evidence = RidgeEvidence::Create({.intercept_ridge = 0.01, .base_rate = 0.2}, sums, {0, 6, 0.4});
  ASSERT_TRUE(evidence.ok());
  EXPECT_GE(BestRidge(*evidence), 10000);
}

TEST(RidgeEvidence, TheMeanIsTheBestWhereTheEvidenceIsSharp) {
  const SufficientStatistics sums = SumsOf(DrawRewarded(4000, 61, 0.03, 5));
  const auto evidence = RidgeEvidence::Create({.intercept_ridge = 0.01, .base_rate = 0.2}, sums, {0, 6, 0.4});
  ASSERT_TRUE(evidence.ok());
  EXPECT_LT(std::abs(std::log(MeanRidge(*evidence, 4000) / BestRidge(*evidence))), std::log(2.0));
}

TEST(RidgeEvidence, TheMeanStaysBelowAHundredForEachExposure) {
  const SufficientStatistics sums = SumsOf(DrawRewarded(400, 21, 0, 6));
  const auto evidence = RidgeEvidence::Create({.intercept_ridge = 0.01, .base_rate = 0.2}, sums, {0, 6, 0.4});
  ASSERT_TRUE(evidence.ok());
  EXPECT_LE(MeanRidge(*evidence, 400), 40000);
  EXPECT_GE(MeanRidge(*evidence, 400), 400);
  EXPECT_NEAR(MeanRidge(*evidence, 0), 0.01, 1e-12);
}

TEST(RidgeEvidence, OfTheInterceptAloneDoesNotChangeWithTheRidge) {
  const SufficientStatistics sums = SumsOf(DrawRewarded(30, 1, 0, 7));
  const auto evidence = RidgeEvidence::Create({.intercept_ridge = 0.01, .base_rate = 0.2}, sums, {0, 6, 0.4});
  ASSERT_TRUE(evidence.ok());
  EXPECT_EQ(evidence->LogEvidence(1), evidence->LogEvidence(1e6));
}

TEST(RidgeEvidence, RefusesWhatIsOutsideItsRanges) {
  const SufficientStatistics sums(3);
  const auto status = [&](const Prior& prior, const NoiseModel& noise) {
    return RidgeEvidence::Create(prior, sums, noise).status();
  };
  constexpr auto invalid = absl::StatusCode::kInvalidArgument;
  EXPECT_THAT(status({.intercept_ridge = 0}, {0, 6, 0.4}), IsError(invalid, "intercept_ridge is 0"));
  EXPECT_THAT(status({.base_rate = NAN}, {0, 6, 0.4}), IsError(invalid, "base_rate nan"));
  EXPECT_THAT(status({}, {-1, 6, 0.4}), IsError(invalid, "fixed noise variance is -1"));
  EXPECT_THAT(status({}, {0, 6, 0}), IsError(invalid, "beta is 0"));
}

}  // namespace
}  // namespace suggest::bandit
