#include "bandit/model/folded_posterior.h"

#include <algorithm>
#include <cmath>

#include "absl/container/inlined_vector.h"
#include "absl/strings/str_cat.h"
#include "bandit/base/check.h"
#include "bandit/base/status_macros.h"
#include "bandit/model/fold_kernel.h"

namespace suggest::bandit {
namespace {

using Eigen::MatrixXd;
using Eigen::VectorXd;

// Of numbers that a fold keeps without an allocation: those of 17 columns.
constexpr size_t kInlined = 160;

// Turns the lower triangle of `a` into its Cholesky factor, column by column, and zeroes the upper one. Directions
// whose variance is lost in rounding get a zero column.
absl::Status FactorInPlace(MatrixXd& a) {
  constexpr double kRounding = 1e-10;  // of the diagonal entry: below it a negative pivot is rounding
  const int n = static_cast<int>(a.rows());
  const VectorXd variance = a.diagonal();
  for (int j = 0; j < n; ++j) {
    const double pivot = a(j, j);
    if (!std::isfinite(pivot)) return absl::InternalError("the covariance of the customer's weights is not finite");
    if (pivot < -kRounding * variance[j]) {
      return absl::InternalError(absl::StrCat("covariance of the customer's weights: pivot ", j, " is ", pivot,
                                              ", its variance ", variance[j]));
    }
    const double root = pivot <= 1e-15 * variance[j] ? 0.0 : std::sqrt(pivot);
    for (int i = 0; i < j; ++i) a(i, j) = 0.0;
    a(j, j) = root;
    for (int i = j + 1; i < n; ++i) a(i, j) = root == 0.0 ? 0.0 : a(i, j) / root;
    for (int k = j + 1; k < n; ++k) {
      const double factor = a(k, j);
      for (int i = k; i < n; ++i) a(i, k) -= a(i, j) * factor;
    }
  }
  return absl::OkStatus();
}

}  // namespace

FoldedPosterior::FoldedPosterior(const Posterior& posterior, const ContextLayout& layout) : layout_(layout) {
  SUGGEST_CHECK(posterior.dim() == layout.dim());
  const bool full = layout.interactions == Interactions::kFull;
  head_ = full ? layout.recommendation_dim : 1;
  tail_ = layout.recommendation_dim + layout.pair_dim - head_;
  for (int c = 0; c < layout.customer_dim; ++c) {
    for (int r = 0; r < head_; ++r) mean_head_.push_back(posterior.mean()[Head(c, r)]);
  }
  for (int t = 0; t < tail_; ++t) mean_tail_.push_back(posterior.mean()[Tail(t)]);
  PackCovariance(posterior);
}

int FoldedPosterior::Head(int c, int r) const {
  return c * head_ + r;
}

int FoldedPosterior::Tail(int t) const {
  return layout_.customer_dim * head_ + t;
}

void FoldedPosterior::PackCovariance(const Posterior& posterior) {
  const MatrixXd& sigma = posterior.covariance();
  const double noise = posterior.noise_variance();
  for (int c = 0; c < layout_.customer_dim; ++c) {
    for (int d = c; d < layout_.customer_dim; ++d) {
      for (int column = 0; column < head_; ++column) {
        for (int row = column; row < head_; ++row) {
          const double one = sigma(Head(c, row), Head(d, column));
          const double other = sigma(Head(d, row), Head(c, column));
          quadratic_.push_back(noise * (c == d ? one : one + other));
        }
      }
    }
    for (int column = 0; column < head_; ++column) {
      for (int t = 0; t < tail_; ++t) linear_.push_back(noise * sigma(Tail(t), Head(c, column)));
    }
  }
  for (int column = 0; column < tail_; ++column) {
    for (int row = column; row < tail_; ++row) constant_.push_back(noise * sigma(Tail(row), Tail(column)));
  }
}

absl::StatusOr<JointNormal> FoldedPosterior::Fold(const VectorXd& customer) const {
  SUGGEST_CHECK(customer.size() == layout_.customer_dim);
  VectorXd z = customer;
  if (layout_.interactions == Interactions::kNone) z[0] = 1.0;  // the intercept is not the customer's
  const int dim = static_cast<int>(z.size());
  absl::InlinedVector<double, kInlined> products;
  for (int c = 0; c < dim; ++c) {
    for (int d = c; d < dim; ++d) products.push_back(z[c] * z[d]);
  }
  absl::InlinedVector<double, kInlined> head(head_ * (head_ + 1) / 2, 0.0);
  absl::InlinedVector<double, kInlined> cross(head_ * tail_, 0.0);
  AddRows(quadratic_.data(), products.data(), static_cast<int>(products.size()), static_cast<int>(head.size()),
          head.data());
  AddRows(linear_.data(), z.data(), dim, static_cast<int>(cross.size()), cross.data());

  JointNormal weights;
  weights.mean = VectorXd::Zero(head_ + tail_);
  AddRows(mean_head_.data(), z.data(), dim, head_, weights.mean.data());
  std::copy(mean_tail_.begin(), mean_tail_.end(), weights.mean.data() + head_);
  weights.factor.resize(head_ + tail_, head_ + tail_);
  auto next = head.begin();
  for (int column = 0; column < head_; ++column) {
    for (int row = column; row < head_; ++row) weights.factor(row, column) = *next++;
    for (int t = 0; t < tail_; ++t) weights.factor(head_ + t, column) = cross[column * tail_ + t];
  }
  auto rest = constant_.begin();
  for (int column = head_; column < head_ + tail_; ++column) {
    for (int row = column; row < head_ + tail_; ++row) weights.factor(row, column) = *rest++;
  }
  if (!weights.mean.allFinite()) return absl::InternalError("the customer's weights are not finite");
  RETURN_IF_ERROR(FactorInPlace(weights.factor));
  return weights;
}

}  // namespace suggest::bandit
