#include "bandit/model/posterior.h"

#include <Eigen/Cholesky>
#include <algorithm>
#include <cmath>
#include <vector>

#include "absl/strings/str_cat.h"
#include "bandit/base/status_macros.h"

namespace suggest::bandit {
namespace {

using Eigen::MatrixXd;
using Eigen::VectorXd;

constexpr double kRefineAbove = 1e5;  // condition from which Sigma gets its Newton step

double OneNorm(const MatrixXd& m) {
  return m.cwiseAbs().colwise().sum().maxCoeff();
}

absl::Status CheckPrior(const Prior& prior) {
  if (!(prior.ridge > 0) || !std::isfinite(prior.ridge)) {
    return absl::InvalidArgumentError(absl::StrCat("ridge is ", prior.ridge, ", it must be > 0"));
  }
  if (!(prior.intercept_ridge > 0) || !std::isfinite(prior.intercept_ridge)) {
    return absl::InvalidArgumentError(absl::StrCat("intercept_ridge is ", prior.intercept_ridge, ", it must be > 0"));
  }
  if (!std::isfinite(prior.base_rate)) {
    return absl::InvalidArgumentError(absl::StrCat("base_rate is ", prior.base_rate));
  }
  return absl::OkStatus();
}

// f - B x in extended precision (x87, the same on every x86-64 machine). B symmetric.
VectorXd Residual(const MatrixXd& b, const VectorXd& f, const VectorXd& x) {
  std::vector<long double> sums(f.data(), f.data() + f.size());
  for (int j = 0; j < b.cols(); ++j) {
    const long double xj = x[j];
    const double* column = b.data() + static_cast<ptrdiff_t>(j) * b.rows();
    for (int i = 0; i < b.rows(); ++i) sums[i] -= column[i] * xj;
  }
  VectorXd residual(f.size());
  for (int i = 0; i < f.size(); ++i) residual[i] = static_cast<double>(sums[i]);
  return residual;
}

// One Newton-Schulz step X + X (I - B X), the bracket in extended precision: the error e becomes about e^2.
MatrixXd RefineInverse(const MatrixXd& b, const MatrixXd& x) {
  MatrixXd bracket(b.rows(), b.cols());
  for (int j = 0; j < b.cols(); ++j) {
    bracket.col(j) = Residual(b, VectorXd::Unit(b.rows(), j), x.col(j));
  }
  MatrixXd refined = x;
  refined.noalias() += x * bracket;
  return refined;
}

void Symmetrise(MatrixXd& m) {
  for (int j = 0; j < m.cols(); ++j) {
    for (int i = 0; i < j; ++i) {
      const double middle = 0.5 * (m(i, j) + m(j, i));
      m(i, j) = middle;
      m(j, i) = middle;
    }
  }
}

// A symmetric positive definite system with its diagonal scaled into [1, 4).
struct Equilibrated {
  VectorXd scale;   // about diag(B)^(-1/2), powers of two
  MatrixXd matrix;  // S B S
  Eigen::LLT<MatrixXd> factor;
};

absl::StatusOr<Equilibrated> Factor(const MatrixXd& precision) {
  Equilibrated system;
  system.scale.resize(precision.rows());
  for (int i = 0; i < precision.rows(); ++i) {
    if (!(precision(i, i) > 0)) {
      return absl::InternalError(absl::StrCat("precision matrix: diagonal entry ", i, " is ", precision(i, i)));
    }
    system.scale[i] = std::ldexp(1.0, -(std::ilogb(precision(i, i)) >> 1));
  }
  system.matrix = system.scale.asDiagonal() * precision * system.scale.asDiagonal();
  system.factor.compute(system.matrix);
  if (system.factor.info() != Eigen::Success) {
    return absl::InternalError(
        absl::StrCat("precision matrix of dimension ", precision.rows(), " is not positive definite"));
  }
  return system;
}

VectorXd SolveRefined(const Equilibrated& system, const VectorXd& right) {
  VectorXd x = system.factor.solve(right);
  for (int step = 0; step < 2; ++step) x += system.factor.solve(Residual(system.matrix, right, x));
  return x;
}

MatrixXd WithPrior(const Prior& prior, const SufficientStatistics& sums) {
  MatrixXd precision = sums.precision();
  precision.diagonal().array() += prior.ridge;
  precision(0, 0) = sums.precision_lower()(0, 0) + prior.intercept_ridge;
  return precision;
}

VectorXd MomentWithPrior(const Prior& prior, const SufficientStatistics& sums) {
  VectorXd moment = sums.moment();
  moment[0] += prior.intercept_ridge * prior.base_rate;
  return moment;
}

absl::Status CheckAtMost(const char* what, double value, double bound) {
  if (value <= bound) return absl::OkStatus();
  return absl::InternalError(absl::StrCat("posterior refused: ", what, " is ", value, ", above ", bound));
}

}  // namespace

absl::StatusOr<Posterior> Posterior::Solve(const Prior& prior, const SufficientStatistics& total,
                                           double noise_variance) {
  RETURN_IF_ERROR(CheckPrior(prior));
  return FromPrecision(WithPrior(prior, total), MomentWithPrior(prior, total), noise_variance);
}

absl::StatusOr<Posterior> Posterior::FromPrecision(const MatrixXd& precision, const VectorXd& moment,
                                                   double noise_variance) {
  if (precision.rows() != precision.cols() || precision.rows() != moment.size() || moment.size() == 0) {
    return absl::InvalidArgumentError(absl::StrCat("precision is ", precision.rows(), " x ", precision.cols(),
                                                   ", moment has ", moment.size(), " entries"));
  }
  if (!(noise_variance > 0) || !std::isfinite(noise_variance)) {
    return absl::InvalidArgumentError(absl::StrCat("noise variance is ", noise_variance, ", it must be > 0"));
  }
  Posterior p;
  p.precision_ = precision.selfadjointView<Eigen::Lower>();
  p.moment_ = moment;
  p.noise_variance_ = noise_variance;
  if (!p.precision_.allFinite() || !moment.allFinite()) {
    return absl::InvalidArgumentError("precision or moment holds a number that is not finite");
  }

  ASSIGN_OR_RETURN(const Equilibrated system, Factor(p.precision_));
  MatrixXd inverse = system.factor.solve(MatrixXd::Identity(p.precision_.rows(), p.precision_.cols()));
  p.condition_number_ = OneNorm(system.matrix) * OneNorm(inverse);
  RETURN_IF_ERROR(CheckAtMost("condition number", p.condition_number_, kMaxCondition));
  if (p.condition_number_ > kRefineAbove) inverse = RefineInverse(system.matrix, inverse);
  Symmetrise(inverse);
  const MatrixXd identity_error =
      system.matrix * inverse - MatrixXd::Identity(p.precision_.rows(), p.precision_.cols());
  p.inverse_residual_ = OneNorm(identity_error.transpose());
  RETURN_IF_ERROR(CheckAtMost("||B Sigma - I||", p.inverse_residual_, kMaxInverseResidual));
  p.covariance_ = system.scale.asDiagonal() * inverse * system.scale.asDiagonal();
  Symmetrise(p.covariance_);

  p.mean_ = system.scale.asDiagonal() * SolveRefined(system, system.scale.asDiagonal() * moment);
  const double size = p.precision_.norm() * p.mean_.norm() + moment.norm();
  p.residual_ = size > 0 ? Residual(p.precision_, moment, p.mean_).norm() / size : 0.0;
  RETURN_IF_ERROR(CheckAtMost("||B mu - f||", p.residual_, kMaxResidual));
  return p;
}

absl::StatusOr<double> InferNoiseVariance(const Prior& prior, const SufficientStatistics& mature,
                                          const NoiseModel& model) {
  if (model.fixed_variance != 0) {
    if (model.fixed_variance > 0 && std::isfinite(model.fixed_variance)) return model.fixed_variance;
    return absl::InvalidArgumentError(absl::StrCat("fixed noise variance is ", model.fixed_variance));
  }
  RETURN_IF_ERROR(CheckPrior(prior));
  if (!(model.alpha > 1) || !(model.beta > 0) || !std::isfinite(model.alpha + model.beta)) {
    return absl::InvalidArgumentError(
        absl::StrCat("noise prior alpha is ", model.alpha, " and beta is ", model.beta, ", they must be > 1 and > 0"));
  }
  ASSIGN_OR_RETURN(const Equilibrated system, Factor(WithPrior(prior, mature)));
  const VectorXd scaled = system.scale.asDiagonal() * MomentWithPrior(prior, mature);
  const double explained = scaled.dot(SolveRefined(system, scaled));  // mu_m' B_m mu_m = f_m' mu_m
  const double prior_square = prior.intercept_ridge * prior.base_rate * prior.base_rate;
  const double unexplained = std::max(0.0, mature.reward_square_sum() + prior_square - explained);
  return (model.beta + 0.5 * unexplained) / (model.alpha + 0.5 * mature.count() - 1.0);
}

}  // namespace suggest::bandit
