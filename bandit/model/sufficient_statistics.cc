#include "bandit/model/sufficient_statistics.h"

#include <cmath>

#include "absl/strings/str_cat.h"
#include "bandit/base/check.h"
#include "bandit/base/status_macros.h"

namespace suggest::bandit {

SufficientStatistics::SufficientStatistics(int dim)
    : precision_(Eigen::MatrixXd::Zero(dim, dim)), moment_(Eigen::VectorXd::Zero(dim)) {
  SUGGEST_CHECK(dim >= 1);
}

absl::StatusOr<SufficientStatistics> SufficientStatistics::FromParts(const Parts& parts) {
  const size_t dim = parts.moment.size();
  if (dim == 0 || parts.lower.size() != dim * (dim + 1) / 2) {
    return absl::DataLossError(absl::StrCat("sums of dimension ", dim, " need ", dim * (dim + 1) / 2,
                                            " entries of the triangle, there are ", parts.lower.size()));
  }
  SufficientStatistics sums(static_cast<int>(dim));
  size_t next = 0;
  for (size_t i = 0; i < dim; ++i) {
    for (size_t j = 0; j <= i; ++j) sums.precision_(i, j) = parts.lower[next++];
    sums.moment_[i] = parts.moment[i];
  }
  sums.weight_ = parts.weight;
  sums.count_ = parts.count;
  sums.reward_sum_ = parts.reward_sum;
  sums.reward_square_sum_ = parts.reward_square_sum;
  const double scalars = parts.weight + parts.count + parts.reward_sum + parts.reward_square_sum;
  if (!sums.precision_.allFinite() || !sums.moment_.allFinite() || !std::isfinite(scalars)) {
    return absl::DataLossError(absl::StrCat("sums of dimension ", dim, " hold a number that is not finite"));
  }
  return sums;
}

SufficientStatistics::Parts SufficientStatistics::ToParts() const {
  Parts parts;
  parts.lower.reserve(dim() * (dim() + 1) / 2);
  for (int i = 0; i < dim(); ++i) {
    for (int j = 0; j <= i; ++j) parts.lower.push_back(precision_(i, j));
  }
  parts.moment.assign(moment_.data(), moment_.data() + dim());
  parts.weight = weight_;
  parts.count = count_;
  parts.reward_sum = reward_sum_;
  parts.reward_square_sum = reward_square_sum_;
  return parts;
}

absl::Status SufficientStatistics::Check(const Eigen::VectorXd& context, double weight, double target) const {
  if (context.size() != dim()) {
    return absl::InvalidArgumentError(absl::StrCat("context has ", context.size(), " features, the sums have ", dim()));
  }
  for (int i = 0; i < dim(); ++i) {
    if (!std::isfinite(context[i])) {
      return absl::InvalidArgumentError(absl::StrCat("context feature ", i, " is ", context[i]));
    }
  }
  if (!std::isfinite(weight) || weight < 0) {
    return absl::InvalidArgumentError(absl::StrCat("weight is ", weight, ", it must be finite and at least 0"));
  }
  if (!std::isfinite(target)) return absl::InvalidArgumentError(absl::StrCat("reward is ", target));
  return absl::OkStatus();
}

void SufficientStatistics::AddUnchecked(const Eigen::VectorXd& context, double weight, double target) {
  for (int j = 0; j < dim(); ++j) {
    const double scaled = weight * context[j];
    precision_.col(j).tail(dim() - j) += scaled * context.tail(dim() - j);
  }
  moment_ += target * context;
  weight_ += weight;
}

absl::Status SufficientStatistics::Add(const Eigen::VectorXd& context, double weight, double target) {
  RETURN_IF_ERROR(Check(context, weight, target));
  AddUnchecked(context, weight, target);
  return absl::OkStatus();
}

absl::Status SufficientStatistics::AddBatch(const Eigen::MatrixXd& contexts, const Eigen::VectorXd& weights,
                                            const Eigen::VectorXd& targets) {
  SUGGEST_CHECK(contexts.rows() == weights.size() && contexts.rows() == targets.size());
  for (int i = 0; i < contexts.rows(); ++i) RETURN_IF_ERROR(Check(contexts.row(i), weights[i], targets[i]));
  if (contexts.rows() == 0) return absl::OkStatus();
  const Eigen::MatrixXd weighted = weights.cwiseSqrt().asDiagonal() * contexts;
  precision_.selfadjointView<Eigen::Lower>().rankUpdate(weighted.transpose());
  moment_.noalias() += contexts.transpose() * targets;
  weight_ += weights.sum();
  return absl::OkStatus();
}

absl::Status SufficientStatistics::AddMature(const Eigen::VectorXd& context, double reward) {
  RETURN_IF_ERROR(Check(context, 1.0, reward));
  AddUnchecked(context, 1.0, reward);
  count_ += 1;
  reward_sum_ += reward;
  reward_square_sum_ += reward * reward;
  return absl::OkStatus();
}

absl::Status SufficientStatistics::AdjustMature(const Eigen::VectorXd& context, double old_reward, double new_reward) {
  RETURN_IF_ERROR(Check(context, 1.0, old_reward));
  RETURN_IF_ERROR(Check(context, 1.0, new_reward));
  moment_ += (new_reward - old_reward) * context;
  reward_sum_ += new_reward - old_reward;
  reward_square_sum_ += new_reward * new_reward - old_reward * old_reward;
  return absl::OkStatus();
}

void SufficientStatistics::AddScaled(const SufficientStatistics& other, double factor) {
  SUGGEST_CHECK(other.dim() == dim());
  precision_.triangularView<Eigen::Lower>() += factor * other.precision_;
  moment_ += factor * other.moment_;
  weight_ += factor * other.weight_;
  count_ += factor * other.count_;
  reward_sum_ += factor * other.reward_sum_;
  reward_square_sum_ += factor * other.reward_square_sum_;
}

Eigen::MatrixXd SufficientStatistics::precision() const {
  return precision_.selfadjointView<Eigen::Lower>();
}

}  // namespace suggest::bandit
