#include "bandit/propensity_estimator.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "bandit/base/check.h"
#include "bandit/base/portable_math.h"

namespace suggest::bandit {
namespace {

using Eigen::MatrixXd;
using Eigen::VectorXd;

// Keeps the first `capacity` of what is offered, in ascending order.
class SmallestFew {
 public:
  explicit SmallestFew(int capacity) : capacity_(capacity) { values_.reserve(capacity + 1); }

  void Offer(double value) {
    if (static_cast<int>(values_.size()) == capacity_ && value >= values_.back()) return;
    values_.insert(std::upper_bound(values_.begin(), values_.end(), value), value);
    if (static_cast<int>(values_.size()) > capacity_) values_.pop_back();
  }

  const std::vector<double>& values() const { return values_; }

 private:
  int capacity_;
  std::vector<double> values_;
};

// An end of an interval with its tail Phi(-|x|), so that no mass suffers from cancellation.
struct End {
  double x;
  double tail;
};

End MakeEnd(double x) {
  return {x, NormalCdf(-std::abs(x))};
}

double Mass(const End& lo, const End& hi) {
  double mass = 0;
  if (lo.x > 0) {
    mass = lo.tail - hi.tail;
  } else if (hi.x <= 0) {
    mass = hi.tail - lo.tail;
  } else {
    mass = 1.0 - lo.tail - hi.tail;
  }
  return std::max(0.0, mass);
}

// g_k = 1 / ((1 - beta_k) sd), 0 where the difference to k does not depend on the own score.
VectorXd Gains(const MatrixXd& features, const JointNormal& weights, double scale, int j, double sd) {
  VectorXd gains = VectorXd::Zero(features.rows());
  if (!(sd > 0)) return gains;
  const VectorXd own = features.row(j);
  const VectorXd shared = weights.factor * (weights.factor.transpose() * own);
  const double variance = sd * sd / (scale * scale);
  const VectorXd beta = features * shared / variance;
  for (int k = 0; k < gains.size(); ++k) {
    const double gap = 1.0 - beta[k];
    if (std::abs(gap) > 1e-12) gains[k] = 1.0 / (gap * sd);
  }
  for (int k = 0; k < gains.size(); ++k) {
    if (std::abs(1.0 - beta[k]) < 1e-6 && features.row(k) == features.row(j)) gains[k] = 0.0;
  }
  return gains;
}

// Mean and standard error of one sequence.
struct Accumulator {
  double sum = 0;
  double square_sum = 0;

  void Add(double value) {
    sum += value;
    square_sum += value * value;
  }

  Probability Estimate(int n) const {
    const double mean = sum / n;
    const double variance = std::max(0.0, square_sum / n - mean * mean) / (n - 1);
    return {std::min(1.0, mean), std::sqrt(variance)};
  }
};

struct Returned {
  int row;
  int rank;
  double mean;
  double sd;  // with v
  VectorXd gains;
  Accumulator first, in_slate, at_rank;
};

std::vector<Returned> Prepare(const MatrixXd& features, const JointNormal& weights, double scale,
                              absl::Span<const int> rows) {
  std::vector<Returned> returned;
  for (size_t rank = 0; rank < rows.size(); ++rank) {
    const VectorXd own = features.row(rows[rank]);
    Returned item{rows[rank],
                  static_cast<int>(rank),
                  own.dot(weights.mean),
                  scale * (weights.factor.transpose() * own).norm(),
                  {},
                  {},
                  {},
                  {}};
    item.gains = Gains(features, weights, scale, item.row, item.sd);
    returned.push_back(std::move(item));
  }
  return returned;
}

// Scores of all rows; equal rows get equal bits, whatever their places.
VectorXd ScoreRows(const MatrixXd& features, const VectorXd& w) {
  VectorXd scores = VectorXd::Zero(features.rows());
  for (int c = 0; c < features.cols(); ++c) scores += w[c] * features.col(c);
  return scores;
}

// What was served has a positive probability, even where no draw found any.
void NeverZero(Probability& p, double ceiling, int draws) {
  if (p.value > 0) return;
  p.value = std::min(ceiling, 1.0 / (draws + 1));
  p.standard_error = p.value;
}

}  // namespace

RankMasses SweepRank(const VectorXd& scores, const VectorXd& gains, int index, double own_x, int slate, int rank) {
  SmallestFew falls(slate);  // negated breakpoints: the largest
  SmallestFew rises(slate);
  int above = 0;
  for (int k = 0; k < scores.size(); ++k) {
    if (k == index) continue;
    const double difference = scores[k] - scores[index];
    if (gains[k] > 0) {
      falls.Offer(-(own_x + difference * gains[k]));
    } else if (gains[k] < 0) {
      rises.Offer(own_x + difference * gains[k]);
    } else if (difference > 0 || (difference == 0 && k < index)) {
      ++above;
    }
  }
  std::vector<std::pair<double, int>> events;
  for (const double x : falls.values()) events.emplace_back(-x, -1);
  for (const double x : rises.values()) events.emplace_back(x, +1);
  std::sort(events.begin(), events.end());
  events.emplace_back(HUGE_VAL, 0);

  RankMasses masses;
  int now = above + static_cast<int>(falls.values().size());
  End lo{-HUGE_VAL, 0.0};
  for (const auto& [x, step] : events) {
    const End hi = MakeEnd(x);
    if (now < slate) {
      const double mass = Mass(lo, hi);
      masses.in_slate += mass;
      if (now == 0) masses.first += mass;
      if (now == rank) masses.at_rank += mass;
    }
    now += step;
    lo = hi;
  }
  return masses;
}

std::vector<PropensityEstimate> EstimatePropensities(const MatrixXd& features, const JointNormal& weights, double scale,
                                                     absl::Span<const int> returned, int draws, CounterRng rng) {
  SUGGEST_CHECK(scale > 0 && draws >= 2);
  const int slate = static_cast<int>(returned.size());
  std::vector<Returned> items = Prepare(features, weights, scale, returned);
  for (int draw = 0; draw < draws; ++draw) {
    const VectorXd scores = ScoreRows(features, Draw(weights, scale, rng));
    for (Returned& item : items) {
      const double own_x = item.sd > 0 ? (scores[item.row] - item.mean) / item.sd : 0.0;
      const RankMasses masses = SweepRank(scores, item.gains, item.row, own_x, slate, item.rank);
      item.first.Add(masses.first);
      item.in_slate.Add(masses.in_slate);
      item.at_rank.Add(masses.at_rank);
    }
  }
  std::vector<PropensityEstimate> estimates;
  for (const Returned& item : items) {
    PropensityEstimate estimate{item.first.Estimate(draws), item.in_slate.Estimate(draws),
                                item.at_rank.Estimate(draws)};
    NeverZero(estimate.in_slate, 1.0, draws);
    NeverZero(estimate.at_rank, estimate.in_slate.value, draws);
    if (item.rank == 0) NeverZero(estimate.first, estimate.in_slate.value, draws);
    estimates.push_back(estimate);
  }
  return estimates;
}

}  // namespace suggest::bandit
