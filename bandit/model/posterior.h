// The posterior N(mu, sigma^2 B^-1) over the weights of the linear reward model r = b' theta + noise (M6).
//
//   B = Lambda + sum w_i b_i b_i',  f = Lambda mu_0 + sum g_i b_i,  mu = B^-1 f,  Sigma = B^-1,
// with Lambda = diag(intercept_ridge, ridge, ...) and mu_0 = base_rate * e_0 (b[0] = 1 is the intercept).
//
// B is equilibrated before it is factored: S B S with S diagonal, close to diag(B)^(-1/2), so that columns of any scale
// are as good as scaled ones (van der Sluis 1969: within a factor d of the best diagonal scaling). S holds powers of
// two, so scaling rounds nothing. mu is refined with residuals in extended precision; so is Sigma (one Newton-Schulz
// step) when the condition is above 1e5.
//
// Checked, and refused with INTERNAL when it does not hold, so that the caller keeps the last good version:
//   pivots of the scaled factor > 0; condition ||SBS||_1 ||(SBS)^-1||_1 <= kMaxCondition;
//   ||B mu - f|| <= kMaxResidual (||B|| ||mu|| + ||f||); ||SBS (SBS)^-1 - I||_inf <= kMaxInverseResidual.
//
// Immutable once built, so any number of threads may read it. Cost: 2 d^2 doubles, about 3 d^3 multiply-adds.
#ifndef BANDIT_MODEL_POSTERIOR_H_
#define BANDIT_MODEL_POSTERIOR_H_

#include <Eigen/Core>

#include "absl/status/statusor.h"
#include "bandit/model/sufficient_statistics.h"

namespace suggest::bandit {

struct Prior {
  double ridge = 1.0;             // > 0
  double intercept_ridge = 0.01;  // > 0
  double base_rate = 0.0;         // mu_0[0]

  bool operator==(const Prior&) const = default;
};

// How sigma^2 is known. Fixed, or inferred: inverse-gamma(alpha, beta) prior and the plug-in beta_n / (alpha_n - 1).
struct NoiseModel {
  double fixed_variance = 0;  // > 0 fixes it
  double alpha = 6;           // > 1
  double beta = 0;            // > 0
};

class Posterior {
 public:
  static constexpr double kMaxCondition = 1e12;
  static constexpr double kMaxResidual = 1e-10;
  static constexpr double kMaxInverseResidual = 1e-6;

  // `total`: mature and pending sums, without the prior. Empty sums give exactly the prior.
  // Errors: INVALID_ARGUMENT for a prior or a noise variance that is not positive and finite; INTERNAL when a check
  // of the file comment fails.
  static absl::StatusOr<Posterior> Solve(const Prior& prior, const SufficientStatistics& total, double noise_variance);

  // From stored sums that have the prior in them; only the lower triangle of `precision` is read.
  // Errors: as Solve, and INVALID_ARGUMENT for lengths that do not fit or numbers that are not finite.
  static absl::StatusOr<Posterior> FromPrecision(const Eigen::MatrixXd& precision, const Eigen::VectorXd& moment,
                                                 double noise_variance);

  int dim() const { return static_cast<int>(mean_.size()); }
  const Eigen::VectorXd& mean() const { return mean_; }              // mu
  const Eigen::MatrixXd& covariance() const { return covariance_; }  // Sigma = B^-1, symmetric, without sigma^2
  const Eigen::MatrixXd& precision() const { return precision_; }    // B, symmetric
  const Eigen::VectorXd& moment() const { return moment_; }          // f
  double noise_variance() const { return noise_variance_; }          // sigma^2

  // Of the equilibrated matrix, in the 1-norm; >= 1.
  double condition_number() const { return condition_number_; }
  // ||B mu - f|| / (||B|| ||mu|| + ||f||), Frobenius and Euclidean norms.
  double residual() const { return residual_; }
  // ||SBS (SBS)^-1 - I||_inf.
  double inverse_residual() const { return inverse_residual_; }

 private:
  Posterior() = default;

  Eigen::MatrixXd precision_;
  Eigen::VectorXd moment_;
  Eigen::VectorXd mean_;
  Eigen::MatrixXd covariance_;
  double noise_variance_ = 1;
  double condition_number_ = 1;
  double residual_ = 0;
  double inverse_residual_ = 0;
};

// sigma^2 (M9). Inferred from mature exposures with their own fit (B_m, f_m, mu_m: mature sums only, with the prior):
//   alpha_n = alpha + n/2,  beta_n = beta + (s + mu_0' Lambda mu_0 - mu_m' B_m mu_m) / 2,  sigma^2 =
//   beta_n/(alpha_n-1).
// The bracket is a sum of squares, so it is never negative (with the mean of all exposures instead, it can be);
// rounding below zero counts as zero.
// Errors: INVALID_ARGUMENT for a model outside its ranges; INTERNAL as Posterior::Solve.
absl::StatusOr<double> InferNoiseVariance(const Prior& prior, const SufficientStatistics& mature,
                                          const NoiseModel& model);

}  // namespace suggest::bandit

#endif  // BANDIT_MODEL_POSTERIOR_H_
