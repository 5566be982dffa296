#include "bandit/score_draws.h"

#include <algorithm>
#include <functional>

#include "bandit/fold_kernel.h"

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

MatrixXd RowsOf(const MatrixXd& features, const std::vector<int>& rows) {
  MatrixXd some(rows.size(), features.cols());
  for (size_t k = 0; k < rows.size(); ++k) some.row(k) = features.row(rows[k]);
  return some;
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

void DrawLanes(const PropensityQuestion& q, const double* normals, const std::vector<double>& signs,
               std::vector<float>& w) {
  const int dim = q.weights.dim();
  w.resize(static_cast<size_t>(dim + 1) * kLanes);
  std::fill_n(w.begin(), kLanes, 1.0f);
  std::vector<double> steps(dim);
  for (int c = 0; c < dim; ++c) {
    for (int i = 0; i <= c; ++i) steps[i] = q.scale * signs[i] * q.weights.factor(c, i);
    double row[kLanes] = {};
    AddRows(normals, steps.data(), c + 1, kLanes, row);
    std::copy_n(row, kLanes, &w[(c + 1) * kLanes]);
  }
}

}  // namespace suggest::bandit
