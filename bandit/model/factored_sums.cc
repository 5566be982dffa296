#include "bandit/model/factored_sums.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "absl/strings/str_cat.h"
#include "bandit/base/check.h"
#include "bandit/base/status_macros.h"

namespace suggest::bandit {
namespace {

int Triangle(int n) {
  return n * (n + 1) / 2;
}

// Place of (i, j) among the pairs i >= j, row by row.
int PairIndex(int i, int j) {
  return i >= j ? Triangle(i) + j : Triangle(j) + i;
}

// out[(i, j)] += scale v_i v_j.
void AddPairs(const Eigen::VectorXd& v, double scale, Eigen::Ref<Eigen::VectorXd> out) {
  int at = 0;
  for (int i = 0; i < v.size(); ++i) {
    out.segment(at, i + 1) += scale * v[i] * v.head(i + 1);
    at += i + 1;
  }
}

}  // namespace

FactoredSums::FactoredSums(const ContextLayout& layout)
    : layout_(layout),
      factored_(layout.interactions == Interactions::kFull),
      moment_(Eigen::VectorXd::Zero(layout.dim())) {
  if (factored_) {
    slots_ = Eigen::VectorXd::Zero(Triangle(layout.recommendation_dim));
    customer_products_.resize(Triangle(layout.customer_dim), kBlock);
    slot_products_.resize(slots_.size(), kBlock);
    products_ = Eigen::MatrixXd::Zero(Triangle(layout.customer_dim), slots_.size());
  }
  const int row_dim = factored_ ? layout.pair_dim : layout.dim();
  if (row_dim > 0) {
    rows_.resize(layout.dim(), kBlock);
    weighted_rows_.resize(row_dim, kBlock);
    row_sums_ = Eigen::MatrixXd::Zero(row_dim, layout.dim());
  }
}

absl::Status FactoredSums::Add(const FactoredContext& context, double weight, double target) {
  RETURN_IF_ERROR(ValidateContext(layout_, context));
  if (!std::isfinite(weight) || weight < 0) {
    return absl::InvalidArgumentError(absl::StrCat("weight is ", weight, ", it must be finite and at least 0"));
  }
  if (!std::isfinite(target)) return absl::InvalidArgumentError(absl::StrCat("reward is ", target));
  if (target != 0) AddMoment(context, target);
  if (weight != 0) {
    if (factored_) AddProducts(context, weight);
    const bool has_pair = context.pair.size() > 0 && !context.pair.isZero(0);
    if (!factored_ || has_pair) AddRow(context, weight);
  }
  weight_ += weight;
  return absl::OkStatus();
}

absl::Status FactoredSums::AddMature(const FactoredContext& context, double reward) {
  RETURN_IF_ERROR(Add(context, 1, reward));
  count_ += 1;
  reward_sum_ += reward;
  reward_square_sum_ += reward * reward;
  return absl::OkStatus();
}

void FactoredSums::AddMoment(const FactoredContext& context, double target) {
  if (!factored_) {
    moment_ += target * AssembleContext(layout_, context);
    return;
  }
  const int r = layout_.recommendation_dim;
  for (int i = 0; i < layout_.customer_dim; ++i) {
    moment_.segment(i * r, r) += (target * context.customer[i]) * context.recommendation;
  }
  if (context.pair.size() > 0) moment_.tail(layout_.pair_dim) += target * context.pair;
}

void FactoredSums::AddProducts(const FactoredContext& context, double weight) {
  if (!open_ || customer_ != context.customer) {
    CloseDecision();
    customer_ = context.customer;
    open_ = true;
  }
  AddPairs(context.recommendation, weight, slots_);
}

void FactoredSums::AddRow(const FactoredContext& context, double weight) {
  rows_.col(row_count_) = AssembleContext(layout_, context);
  weighted_rows_.col(row_count_) = weight * rows_.col(row_count_).tail(weighted_rows_.rows());
  if (++row_count_ == kBlock) Flush();
}

void FactoredSums::CloseDecision() {
  if (!open_) return;
  customer_products_.col(columns_).setZero();
  AddPairs(customer_, 1, customer_products_.col(columns_));
  slot_products_.col(columns_) = slots_;
  slots_.setZero();
  open_ = false;
  if (++columns_ == kBlock) Flush();
}

void FactoredSums::Flush() {
  if (columns_ > 0) {
    products_.noalias() += customer_products_.leftCols(columns_) * slot_products_.leftCols(columns_).transpose();
    columns_ = 0;
  }
  if (row_count_ > 0) {
    row_sums_.noalias() += weighted_rows_.leftCols(row_count_) * rows_.leftCols(row_count_).transpose();
    row_count_ = 0;
  }
}

// B's lower triangle from T: entry ((i, r), (j, s)) is T[(i, j), (r, s)].
void FactoredSums::ExpandProducts(Eigen::MatrixXd& precision) const {
  const int c = layout_.customer_dim, r = layout_.recommendation_dim;
  for (int j = 0; j < c; ++j) {
    for (int s = 0; s < r; ++s) {
      for (int i = j; i < c; ++i) {
        const int pair = PairIndex(i, j);
        for (int t = i == j ? s : 0; t < r; ++t) precision(i * r + t, j * r + s) = products_(pair, PairIndex(t, s));
      }
    }
  }
}

SufficientStatistics FactoredSums::Sums() {
  CloseDecision();
  Flush();
  const int d = layout_.dim();
  Eigen::MatrixXd precision = Eigen::MatrixXd::Zero(d, d);
  if (factored_) ExpandProducts(precision);
  if (row_sums_.rows() > 0) precision.bottomRows(row_sums_.rows()) += row_sums_;
  SufficientStatistics::Parts parts;
  parts.lower.reserve(static_cast<size_t>(Triangle(d)));
  for (int i = 0; i < d; ++i) {
    for (int j = 0; j <= i; ++j) parts.lower.push_back(precision(i, j));
  }
  parts.moment.assign(moment_.begin(), moment_.end());
  parts.weight = weight_;
  parts.count = count_;
  parts.reward_sum = reward_sum_;
  parts.reward_square_sum = reward_square_sum_;
  absl::StatusOr<SufficientStatistics> sums = SufficientStatistics::FromParts(parts);
  SUGGEST_CHECK(sums.ok());  // finite, because all that was added was
  return *std::move(sums);
}

}  // namespace suggest::bandit
