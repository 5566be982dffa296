#include "bandit/propensity_estimator.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <utility>

#include "bandit/base/check.h"
#include "bandit/base/portable_math.h"
#include "bandit/fold_kernel.h"
#include "bandit/normal_points.h"
#include "bandit/propensity_kernel.h"

namespace suggest::bandit {
namespace {

using Eigen::MatrixXd;
using Eigen::VectorXd;

constexpr double kInfinity = std::numeric_limits<double>::infinity();
using Lanes = double[kLanes];

// features * x, in a fixed order.
VectorXd Product(const MatrixXd& features, const VectorXd& x) {
  VectorXd out = VectorXd::Zero(features.rows());
  AddRows(features.data(), x.data(), static_cast<int>(features.cols()), static_cast<int>(features.rows()), out.data());
  return out;
}

// C a, with C = L L'.
VectorXd TimesCovariance(const JointNormal& weights, const VectorXd& a) {
  const auto lower = weights.factor.triangularView<Eigen::Lower>();
  const VectorXd half = lower.transpose() * a;
  return lower * half;
}

// a_k' C a_k of every row.
VectorXd Variances(const MatrixXd& features, const JointNormal& weights) {
  const int n = static_cast<int>(features.rows()), m = weights.dim();
  VectorXd variances = VectorXd::Zero(n);
  for (int i = 0; i < m; ++i) {
    VectorXd part = VectorXd::Zero(n);
    AddRows(features.data() + static_cast<ptrdiff_t>(i) * n, weights.factor.data() + static_cast<ptrdiff_t>(i) * m + i,
            m - i, n, part.data());
    AddSquares(part.data(), n, variances.data());
  }
  return variances;
}

// The rows that may be in the slate, ascending, and all targets.
std::vector<int> Contenders(const PropensityQuestion& q, absl::Span<const PropensityTarget> targets) {
  const int n = static_cast<int>(q.features.rows());
  std::vector<int> kept(n, q.neglected == 0 || n <= q.slate);
  for (const PropensityTarget& target : targets) kept[target.row] = 1;
  if (q.neglected > 0 && n > q.slate) {
    const VectorXd means = Product(q.features, q.weights.mean);
    const VectorXd variances = Variances(q.features, q.weights);
    const double quantile = NormalQuantile(q.neglected / (static_cast<double>(n) * q.slate));
    const double limit = quantile * quantile * q.scale * q.scale;
    std::vector<int> best(n);
    std::iota(best.begin(), best.end(), 0);
    std::nth_element(best.begin(), best.begin() + q.slate - 1, best.end(),
                     [&](int a, int b) { return means[a] != means[b] ? means[a] > means[b] : a < b; });
    for (int i = 0; i < q.slate; ++i) {
      const int b = best[i];
      const VectorXd covariances = Product(q.features, TimesCovariance(q.weights, q.features.row(b)));
      KeepContenders(means.data(), variances.data(), covariances.data(), n, means[b], variances[b], limit, kept.data());
    }
  }
  std::vector<int> contenders;
  for (int k = 0; k < n; ++k) {
    if (kept[k]) contenders.push_back(k);
  }
  return contenders;
}

// Mean of the blocks and the standard error of that mean.
struct BlockMeans {
  double sum = 0;
  double square_sum = 0;

  void Add(const Lanes& mass) {
    double total = 0;
    for (const double lane : mass) total += lane;
    const double mean = total / kLanes;
    sum += mean;
    square_sum += mean * mean;
  }

  Probability Estimate(int blocks) const {
    const double mean = sum / blocks;
    const double variance = std::max(0.0, square_sum / blocks - mean * mean) / (blocks - 1);
    return {std::min(1.0, mean), std::sqrt(variance)};
  }
};

// Contenders that stand above a target on one side of a breakpoint, and how steeply the breakpoint moves.
struct Side {
  std::vector<int> index;
  std::vector<double> gain;

  void Add(int k, double g) {
    index.push_back(k);
    gain.push_back(g);
  }
};

struct Target {
  int place = 0;  // among the contenders
  int rank = -1;
  double mean = 0;
  double sd = 0;  // with v
  Side falls, rises;
  std::vector<int> level;  // contenders whose lead does not depend on the own score
  BlockMeans first, in_slate, at_rank;
};

class Estimator {
 public:
  Estimator(const PropensityQuestion& question, absl::Span<const PropensityTarget> targets)
      : q_(question), contenders_(Contenders(question, targets)), dim_(question.weights.dim()) {
    rows_.resize(dim_, contenders_.size());
    for (size_t k = 0; k < contenders_.size(); ++k) rows_.col(k) = q_.features.row(contenders_[k]);
    scores_.resize(contenders_.size() * kLanes);
    falls_.resize(q_.slate * kLanes);
    rises_.resize(q_.slate * kLanes);
    for (const PropensityTarget& target : targets) targets_.push_back(Prepare(target));
  }

  int contenders() const { return static_cast<int>(contenders_.size()); }

  // Counts one block; `signs` flips dimensions.
  void Count(const double* normals, const std::vector<double>& signs) {
    std::vector<double> w(dim_ * kLanes);
    for (int c = 0; c < dim_; ++c) std::fill_n(&w[c * kLanes], kLanes, q_.weights.mean[c]);
    for (int i = 0; i < dim_; ++i) {
      for (int c = i; c < dim_; ++c) {
        const double step = q_.scale * signs[i] * q_.weights.factor(c, i);
        AddRows(normals + i * kLanes, &step, 1, kLanes, &w[c * kLanes]);
      }
    }
    ScoreLanes(rows_.data(), contenders(), dim_, w.data(), scores_.data());
    for (Target& target : targets_) Count(target);
  }

  std::vector<PropensityEstimate> Estimates(int blocks) const {
    std::vector<PropensityEstimate> estimates;
    for (const Target& t : targets_) {
      estimates.push_back({t.first.Estimate(blocks), t.in_slate.Estimate(blocks), t.at_rank.Estimate(blocks)});
    }
    return estimates;
  }

 private:
  Target Prepare(const PropensityTarget& asked) const {
    Target target;
    target.place =
        static_cast<int>(std::lower_bound(contenders_.begin(), contenders_.end(), asked.row) - contenders_.begin());
    target.rank = asked.rank;
    const VectorXd own = rows_.col(target.place);
    const VectorXd shared = TimesCovariance(q_.weights, own);
    const double variance = own.dot(shared);
    target.mean = own.dot(q_.weights.mean);
    target.sd = variance > 0 ? q_.scale * std::sqrt(variance) : 0.0;
    for (int k = 0; k < contenders(); ++k) {
      if (k == target.place) continue;
      const double gap = target.sd > 0 ? 1.0 - rows_.col(k).dot(shared) / variance : 0.0;
      if (std::abs(gap) <= 1e-12 || (std::abs(gap) < 1e-6 && rows_.col(k) == own)) {
        target.level.push_back(k);
      } else if (gap > 0) {
        target.falls.Add(k, 1.0 / (gap * target.sd));
      } else {
        target.rises.Add(k, -1.0 / (gap * target.sd));
      }
    }
    return target;
  }

  const double* ScoresOf(int place) const { return &scores_[static_cast<size_t>(place) * kLanes]; }

  // Those of `level` that are above whatever the own score is: falls at infinity.
  void OfferLevel(const Target& target) {
    const double* own = ScoresOf(target.place);
    for (const int k : target.level) {
      for (int lane = 0; lane < kLanes; ++lane) {
        const double lead = ScoresOf(k)[lane] - own[lane];
        if (lead < 0 || (lead == 0 && k > target.place)) continue;
        for (int i = q_.slate - 1; i > 0; --i) falls_[i * kLanes + lane] = falls_[(i - 1) * kLanes + lane];
        falls_[lane] = kInfinity;
      }
    }
  }

  void Count(Target& target) {
    const double* own = ScoresOf(target.place);
    Lanes x, minus_x;
    for (int lane = 0; lane < kLanes; ++lane) {
      x[lane] = target.sd > 0 ? (own[lane] - target.mean) / target.sd : 0.0;
      minus_x[lane] = -x[lane];
    }
    std::fill(falls_.begin(), falls_.end(), -kInfinity);
    std::fill(rises_.begin(), rises_.end(), -kInfinity);
    OfferBreakpoints(scores_.data(), target.falls.index.data(), target.falls.gain.data(),
                     static_cast<int>(target.falls.index.size()), own, x, q_.slate, falls_.data());
    OfferBreakpoints(scores_.data(), target.rises.index.data(), target.rises.gain.data(),
                     static_cast<int>(target.rises.index.size()), own, minus_x, q_.slate, rises_.data());
    OfferLevel(target);
    Lanes first = {}, at_rank = {}, in_slate = {};
    AddRankMass(falls_.data(), rises_.data(), 0, first);
    target.first.Add(first);
    if (target.rank > 0) AddRankMass(falls_.data(), rises_.data(), target.rank, at_rank);
    if (target.rank >= 0) target.at_rank.Add(target.rank == 0 ? first : at_rank);
    AddSlateMass(falls_.data(), rises_.data(), q_.slate, in_slate);
    target.in_slate.Add(in_slate);
  }

  const PropensityQuestion& q_;
  const std::vector<int> contenders_;
  const int dim_;
  MatrixXd rows_;                      // one column per contender
  std::vector<double> scores_;         // [contender][lane]
  std::vector<double> falls_, rises_;  // [place][lane] of the target at hand; rises negated
  std::vector<Target> targets_;
};

}  // namespace

std::optional<PropensityAnswer> EstimatePropensities(const PropensityQuestion& question,
                                                     absl::Span<const PropensityTarget> targets, CounterRng rng) {
  SUGGEST_CHECK(question.scale > 0 && question.slate >= 1 && question.draws <= kMaxPropensityDraws);
  const auto late = [&] { return question.time_left && !question.time_left(); };
  const int blocks = std::max(2, (question.draws + kLanes - 1) / kLanes);
  Estimator estimator(question, targets);
  const NormalPoints& points = NormalPoints::OfDimension(question.weights.dim());
  // An odd step visits every block of the table once before it returns to the first.
  const auto start = static_cast<uint32_t>(rng.NextUint64());
  const auto step = static_cast<uint32_t>(rng.NextUint64()) | 1;
  std::vector<double> signs(question.weights.dim());
  for (double& sign : signs) sign = rng.NextUniform() < 0.5 ? -1.0 : 1.0;
  for (int b = 0; b < blocks; ++b) {
    if (late()) return std::nullopt;
    estimator.Count(points.block(static_cast<int>((start + b * step) % kNormalBlocks)), signs);
  }
  return PropensityAnswer{estimator.Estimates(blocks), estimator.contenders()};
}

}  // namespace suggest::bandit
