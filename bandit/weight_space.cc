#include "bandit/weight_space.h"

#include <cmath>

#include "absl/strings/str_cat.h"
#include "bandit/base/check.h"
#include "bandit/base/status_macros.h"

namespace suggest::bandit {
namespace {

using Eigen::MatrixXd;
using Eigen::VectorXd;

// A x for every column x of `columns`.
MatrixXd Fold(const ContextLayout& layout, const VectorXd& customer, const MatrixXd& columns) {
  const int rows = layout.recommendation_dim;
  MatrixXd out(rows + layout.pair_dim, columns.cols());
  for (int j = 0; j < columns.cols(); ++j) {
    const auto x = columns.col(j);
    auto y = out.col(j);
    if (layout.interactions == Interactions::kFull) {
      y.head(rows) = customer[0] * x.head(rows);
      for (int c = 1; c < layout.customer_dim; ++c) y.head(rows) += customer[c] * x.segment(c * rows, rows);
    } else {
      y[0] = x[0];
      for (int c = 1; c < layout.customer_dim; ++c) y[0] += customer[c] * x[c];
      y.segment(1, rows - 1) = x.segment(layout.customer_dim, rows - 1);
    }
    y.tail(layout.pair_dim) = x.tail(layout.pair_dim);
  }
  return out;
}

// Cholesky that allows for directions whose variance is lost in rounding: their column is zero.
absl::StatusOr<MatrixXd> SemidefiniteFactor(const MatrixXd& covariance) {
  constexpr double kRounding = 1e-10;  // of the diagonal entry: below it a negative pivot is rounding
  const int n = static_cast<int>(covariance.rows());
  MatrixXd factor = MatrixXd::Zero(n, n);
  for (int j = 0; j < n; ++j) {
    double pivot = covariance(j, j);
    for (int k = 0; k < j; ++k) pivot -= factor(j, k) * factor(j, k);
    if (!(pivot >= -kRounding * covariance(j, j)) || !std::isfinite(pivot)) {
      return absl::InternalError(absl::StrCat("covariance of the customer's weights: pivot ", j, " is ", pivot,
                                              ", its variance ", covariance(j, j)));
    }
    if (pivot <= 1e-15 * covariance(j, j)) continue;
    factor(j, j) = std::sqrt(pivot);
    for (int i = j + 1; i < n; ++i) {
      double sum = covariance(i, j);
      for (int k = 0; k < j; ++k) sum -= factor(i, k) * factor(j, k);
      factor(i, j) = sum / factor(j, j);
    }
  }
  return factor;
}

}  // namespace

absl::StatusOr<JointNormal> FoldCustomer(const Posterior& posterior, const ContextLayout& layout,
                                         const VectorXd& customer) {
  SUGGEST_CHECK(posterior.dim() == layout.dim() && customer.size() == layout.customer_dim);
  JointNormal weights;
  weights.mean = Fold(layout, customer, posterior.mean());
  const MatrixXd half = Fold(layout, customer, posterior.covariance()).transpose();
  const MatrixXd covariance = posterior.noise_variance() * Fold(layout, customer, half);
  if (!weights.mean.allFinite() || !covariance.allFinite()) {
    return absl::InternalError("the customer's weights are not finite");
  }
  ASSIGN_OR_RETURN(weights.factor, SemidefiniteFactor(covariance));
  return weights;
}

VectorXd Draw(const JointNormal& weights, double scale, CounterRng& rng) {
  VectorXd w = weights.mean;
  for (int j = 0; j < weights.dim(); ++j) {
    const double step = scale * rng.NextNormal();
    for (int i = j; i < weights.dim(); ++i) w[i] += step * weights.factor(i, j);
  }
  return w;
}

double FixedOrderScore(absl::Span<const double> row, absl::Span<const double> pair, const VectorXd& w) {
  const double* weight = w.data();
  double sum = 0;
  for (const double z : row) sum += z * *weight++;
  for (const double p : pair) sum += p * *weight++;
  return sum;
}

double StandardDeviation(const JointNormal& weights, absl::Span<const double> row, absl::Span<const double> pair) {
  double variance = 0;
  for (int j = 0; j < weights.dim(); ++j) {
    double sum = 0;
    for (size_t i = j; i < row.size(); ++i) sum += weights.factor(i, j) * row[i];
    for (size_t p = 0; p < pair.size(); ++p) {
      if (row.size() + p >= static_cast<size_t>(j)) sum += weights.factor(row.size() + p, j) * pair[p];
    }
    variance += sum * sum;
  }
  return std::sqrt(variance);
}

}  // namespace suggest::bandit
