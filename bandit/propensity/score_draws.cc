#include "bandit/propensity/score_draws.h"

#include <algorithm>
#include <functional>

#include "bandit/model/fold_kernel.h"

namespace suggest::bandit {

using Eigen::MatrixXd;
using Eigen::MatrixXf;
using Eigen::VectorXd;

VectorXd Product(const MatrixXd& features, const VectorXd& x) {
  VectorXd out = VectorXd::Zero(features.rows());
  AddRows(features.data(), x.data(), static_cast<int>(features.cols()), static_cast<int>(features.rows()), out.data());
  return out;
}

VectorXd TimesCovariance(const JointNormal& weights, const VectorXd& a) {
  const auto lower = weights.factor.triangularView<Eigen::Lower>();
  const VectorXd half = lower.transpose() * a;
  return lower * half;
}

MatrixXf Centred(const PropensityQuestion& q, const MatrixXd& rows, const VectorXd& centre) {
  const VectorXd means = rows * q.weights.mean;
  VectorXd sorted = means;
  const Eigen::Index place = std::min<Eigen::Index>(q.slate, means.size()) - 1;
  std::nth_element(sorted.begin(), sorted.begin() + place, sorted.end(), std::greater<>());
  MatrixXf columns(rows.cols() + 1, rows.rows());
  columns.row(0) = (means.array() - sorted[place]).cast<float>().transpose();
  columns.bottomRows(rows.cols()) = (rows.rowwise() - centre.transpose()).transpose().cast<float>();
  return columns;
}

Blocks::Blocks(int dim, CounterRng rng) : points_(NormalPoints::OfDimension(dim)), signs_(dim) {
  // An odd step visits every block of the table once before it returns to the first.
  first_ = static_cast<uint32_t>(rng.NextUint64());
  step_ = static_cast<uint32_t>(rng.NextUint64()) | 1;
  for (double& sign : signs_) sign = rng.NextUniform() < 0.5 ? -1.0 : 1.0;
}

WeightDraws::WeightDraws(const PropensityQuestion& q, const Blocks& points)
    : points_(points), dim_(q.weights.dim()), w_(static_cast<size_t>(dim_ + 1) * kLanes, 1.0f) {
  factor_.reserve(static_cast<size_t>(dim_) * dim_);
  for (int c = 0; c < dim_; ++c) {
    for (int i = 0; i < dim_; ++i) {
      factor_.push_back(static_cast<float>(q.scale * points.signs()[i] * q.weights.factor(c, i)));
    }
  }
}

const float* WeightDraws::At(int block) {
  ScoreLanes(factor_.data(), dim_, dim_, points_.At(block), &w_[kLanes]);
  return w_.data();
}

}  // namespace suggest::bandit
