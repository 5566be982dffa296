// A million updates, held against sums and a solve in extended precision (rivals.md, defect 8).
//
// Errors are measured where they can be attained: after scaling each column by diag(B)^(-1/2), so that a column in
// units of 1e-4 counts as much as one of 1e4. Two equal columns leave the prior's ridge as the only thing that tells
// them apart: the scaled condition is then about 1e6 times that of independent columns, and 1e-8 is what double
// precision sums of a million rows can carry.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdio>
#include <vector>

#include "bandit/base/random.h"
#include "bandit/model/posterior.h"

namespace suggest::bandit {
namespace {

constexpr int kDim = 100;
constexpr int kRows = 1'000'000;
using Wide = std::vector<long double>;

// Packs d x d row by row.
struct Oracle {
  Wide precision = Wide(kDim * kDim, 0.0L);
  Wide moment = Wide(kDim, 0.0L);

  void Add(const Eigen::VectorXd& b, double reward) {
    for (int i = 0; i < kDim; ++i) {
      const long double bi = b[i];
      for (int j = 0; j <= i; ++j) precision[i * kDim + j] += bi * b[j];
      moment[i] += reward * bi;
    }
  }

  // Inverse of the precision by Cholesky, lower triangle by lower triangle.
  Wide Inverse() const {
    Wide l(kDim * kDim, 0.0L), inverse(kDim * kDim, 0.0L);
    for (int i = 0; i < kDim; ++i) {
      for (int j = 0; j <= i; ++j) {
        long double sum = precision[i * kDim + j];
        for (int k = 0; k < j; ++k) sum -= l[i * kDim + k] * l[j * kDim + k];
        l[i * kDim + j] = i == j ? std::sqrt(sum) : sum / l[j * kDim + j];
      }
    }
    for (int c = 0; c < kDim; ++c) {
      Wide x(kDim, 0.0L);
      for (int i = c; i < kDim; ++i) {
        long double sum = i == c ? 1.0L : 0.0L;
        for (int k = c; k < i; ++k) sum -= l[i * kDim + k] * x[k];
        x[i] = sum / l[i * kDim + i];
      }
      for (int i = kDim - 1; i >= 0; --i) {
        for (int k = i + 1; k < kDim; ++k) x[i] -= l[k * kDim + i] * x[k];
        x[i] /= l[i * kDim + i];
      }
      for (int i = 0; i < kDim; ++i) inverse[i * kDim + c] = x[i];
    }
    return inverse;
  }
};

// ||D (Sigma - truth) D||_F / ||D truth D||_F with D = diag(B)^(1/2).
double ScaledError(const Posterior& posterior, const Oracle& oracle, const Wide& truth) {
  long double error = 0;
  long double size = 0;
  for (int i = 0; i < kDim; ++i) {
    for (int j = 0; j < kDim; ++j) {
      const long double scale = oracle.precision[i * kDim + i] * oracle.precision[j * kDim + j];
      const long double value = truth[i * kDim + j];
      error += scale * (posterior.covariance()(i, j) - value) * (posterior.covariance()(i, j) - value);
      size += scale * value * value;
    }
  }
  return static_cast<double>(std::sqrt(error / size));
}

// Updates one by one; `make` shapes a row of independent uniforms on [-1, 1] with a leading 1.
template <typename Shape>
void ExpectStable(const char* name, Shape shape) {
  const Prior prior{1.0, 0.01, 0.05};
  SufficientStatistics sums(kDim);
  Oracle oracle;
  CounterRng rng(Seed{8}, 0);
  Eigen::VectorXd b(kDim);
  for (int row = 0; row < kRows; ++row) {
    for (int k = 0; k < kDim; ++k) b[k] = 2 * rng.NextUniform() - 1;
    b[0] = 1;
    shape(b);
    const double reward = rng.NextUniform() < 0.05 ? 1.0 : 0.0;
    ASSERT_TRUE(sums.AddMature(b, reward).ok());
    oracle.Add(b, reward);
  }
  for (int k = 0; k < kDim; ++k) oracle.precision[k * kDim + k] += k == 0 ? 0.01L : 1.0L;
  const auto posterior = Posterior::Solve(prior, sums, 0.05);
  ASSERT_TRUE(posterior.ok()) << posterior.status();

  const Eigen::VectorXd residual = posterior->precision() * posterior->mean() - posterior->moment();
  const double size = posterior->precision().norm() * posterior->mean().norm() + posterior->moment().norm();
  EXPECT_LE(residual.norm(), 1e-10 * size);
  const double error = ScaledError(*posterior, oracle, oracle.Inverse());
  EXPECT_LE(error, 1e-8);
  EXPECT_LE(posterior->inverse_residual(), 1e-8);
  std::printf("%s: condition %.2e, residual %.1e, ||B Sigma - I|| %.1e, covariance error %.1e\n", name,
              posterior->condition_number(), posterior->residual(), posterior->inverse_residual(), error);
}

TEST(PosteriorStability, AMillionUpdates) {
  ExpectStable("plain", [](Eigen::VectorXd&) {});
}

TEST(PosteriorStability, AMillionUpdatesWithColumnsScaledOverEightDecades) {
  ExpectStable("scaled", [](Eigen::VectorXd& b) {
    for (int k = 1; k < kDim; ++k) b[k] *= std::pow(10.0, -4 + 8.0 * (k - 1) / (kDim - 2));
  });
}

TEST(PosteriorStability, AMillionUpdatesWithDuplicatedColumns) {
  ExpectStable("duplicated", [](Eigen::VectorXd& b) {
    for (int k = 50; k < 60; ++k) b[k] = b[k - 10];
  });
}

}  // namespace
}  // namespace suggest::bandit
