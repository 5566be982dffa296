#include "bandit/model/evidence.h"

#include <Eigen/Eigenvalues>
#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <vector>

#include "absl/strings/str_cat.h"
#include "bandit/base/check.h"
#include "bandit/base/portable_math.h"

namespace suggest::bandit {
namespace {

bool AboveZero(double value) {
  return value > 0 && std::isfinite(value);
}

absl::Status CheckEvidenceModel(const Prior& prior, const NoiseModel& noise) {
  if (!AboveZero(prior.intercept_ridge) || !std::isfinite(prior.base_rate)) {
    return absl::InvalidArgumentError(absl::StrCat("intercept_ridge is ", prior.intercept_ridge, " and base_rate ",
                                                   prior.base_rate, ", they must be > 0 and finite"));
  }
  if (noise.fixed_variance != 0) {
    if (AboveZero(noise.fixed_variance)) return absl::OkStatus();
    return absl::InvalidArgumentError(absl::StrCat("fixed noise variance is ", noise.fixed_variance));
  }
  if (AboveZero(noise.alpha) && AboveZero(noise.beta)) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("noise prior alpha is ", noise.alpha, " and beta is ", noise.beta, ", both must be > 0"));
}

}  // namespace

absl::StatusOr<RidgeEvidence> RidgeEvidence::Create(const Prior& prior, const SufficientStatistics& mature,
                                                    const NoiseModel& noise) {
  const absl::Status sound = CheckEvidenceModel(prior, noise);
  if (!sound.ok()) return sound;
  const int rest = mature.dim() - 1;
  const Eigen::MatrixXd sums = mature.precision();
  RidgeEvidence evidence;
  evidence.noise_ = noise;
  evidence.count_ = mature.count();
  evidence.intercept_ridge_ = prior.intercept_ridge;
  evidence.intercept_precision_ = sums(0, 0) + prior.intercept_ridge;
  const double moment = mature.moment()[0] + prior.intercept_ridge * prior.base_rate;
  evidence.unexplained_ = mature.reward_square_sum() + prior.intercept_ridge * prior.base_rate * prior.base_rate -
                          moment * moment / evidence.intercept_precision_;
  if (rest == 0) return evidence;
  const Eigen::VectorXd shared = sums.col(0).tail(rest);
  Eigen::MatrixXd remaining = sums.bottomRightCorner(rest, rest);
  remaining -= shared * shared.transpose() / evidence.intercept_precision_;
  const Eigen::VectorXd target = mature.moment().tail(rest) - shared * (moment / evidence.intercept_precision_);
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> solver(remaining);
  if (solver.info() != Eigen::Success) {
    return absl::InternalError(absl::StrCat("eigenvalues of the sums of dimension ", mature.dim(), " were not found"));
  }
  evidence.eigenvalues_ = solver.eigenvalues().cwiseMax(0.0);
  evidence.squares_ = (solver.eigenvectors().transpose() * target).cwiseAbs2();
  return evidence;
}

double RidgeEvidence::LogEvidence(double ridge) const {
  SUGGEST_CHECK(ridge > 0);
  double determinants = PortableLog(intercept_ridge_) - PortableLog(intercept_precision_);
  double unexplained = unexplained_;
  for (Eigen::Index i = 0; i < eigenvalues_.size(); ++i) {
    determinants -= PortableLog1p(eigenvalues_[i] / ridge);
    unexplained -= squares_[i] / (eigenvalues_[i] + ridge);
  }
  unexplained = std::max(0.0, unexplained);
  const double constant = 0.5 * determinants - 0.5 * count_ * PortableLog(2 * std::numbers::pi);
  if (noise_.fixed_variance > 0) {
    return constant - 0.5 * count_ * PortableLog(noise_.fixed_variance) - 0.5 * unexplained / noise_.fixed_variance;
  }
  const double alpha = noise_.alpha + 0.5 * count_;
  return constant + noise_.alpha * PortableLog(noise_.beta) - alpha * PortableLog(noise_.beta + 0.5 * unexplained) +
         std::lgamma(alpha) - std::lgamma(noise_.alpha);
}

absl::Span<const double> RidgeGrid() {
  static constexpr std::array<double, 28> kGrid = {1e-2, 2e-2, 5e-2, 1e-1, 2e-1, 5e-1, 1,   2,   5,   1e1,
                                                   2e1,  5e1,  1e2,  2e2,  5e2,  1e3,  2e3, 5e3, 1e4, 2e4,
                                                   5e4,  1e5,  2e5,  5e5,  1e6,  2e6,  5e6, 1e7};
  return kGrid;
}

double MeanRidge(const RidgeEvidence& evidence, double count) {
  constexpr double kMostForEach = 100;
  const absl::Span<const double> grid = RidgeGrid();
  const auto end = std::max(grid.begin() + 1, std::upper_bound(grid.begin(), grid.end(), kMostForEach * count));
  std::vector<double> log_evidence;
  for (auto ridge = grid.begin(); ridge != end; ++ridge) log_evidence.push_back(evidence.LogEvidence(*ridge));
  const double highest = *std::max_element(log_evidence.begin(), log_evidence.end());
  double weights = 0;
  double logs = 0;
  for (size_t i = 0; i < log_evidence.size(); ++i) {
    const double weight = PortableExp(log_evidence[i] - highest);
    weights += weight;
    logs += weight * PortableLog(grid[i]);
  }
  return PortableExp(logs / weights);
}

}  // namespace suggest::bandit
