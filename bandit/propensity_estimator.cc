#include "bandit/propensity_estimator.h"

#include <Eigen/Cholesky>
#include <algorithm>
#include <cmath>
#include <functional>
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

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr int kMoreLeaders = 30;  // whose scores the cut is estimated from, beside a slate of them
using Eigen::MatrixXf;
using Lanes = float[kLanes];

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

// Rows of [.][lane]: ones, then v L times the block's normals, of which `signs` flips dimensions: w without its mean.
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

// The blocks of points that one question uses: numbered, and other ones for another decision.
class Blocks {
 public:
  Blocks(int dim, CounterRng rng) : points_(NormalPoints::OfDimension(dim)), signs_(dim) {
    // An odd step visits every block of the table once before it returns to the first.
    first_ = static_cast<uint32_t>(rng.NextUint64());
    step_ = static_cast<uint32_t>(rng.NextUint64()) | 1;
    for (double& sign : signs_) sign = rng.NextUniform() < 0.5 ? -1.0 : 1.0;
  }

  const double* At(int index) const {
    return points_.block(static_cast<int>((first_ + static_cast<uint32_t>(index) * step_) % kNormalBlocks));
  }
  const std::vector<double>& signs() const { return signs_; }

 private:
  const NormalPoints& points_;
  uint32_t first_ = 0;
  uint32_t step_ = 1;
  std::vector<double> signs_;
};

MatrixXd RowsOf(const MatrixXd& features, const std::vector<int>& rows) {
  MatrixXd some(rows.size(), features.cols());
  for (size_t k = 0; k < rows.size(); ++k) some.row(k) = features.row(rows[k]);
  return some;
}

// A column per row, for DrawLanes: its mean score above that of the `slate`-th best, then the row relative to `centre`. So
// the scores that compete for a slot are small numbers.
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

// Enough draws to regress on every dimension.
int PilotBlocks(int dim) {
  return std::max(2, 3 * dim / kLanes + 1);
}

// The `count` rows of highest mean.
std::vector<int> Leaders(const VectorXd& means, int count) {
  std::vector<int> rows(means.size());
  std::iota(rows.begin(), rows.end(), 0);
  std::nth_element(rows.begin(), rows.begin() + count - 1, rows.end(),
                   [&](int a, int b) { return means[a] != means[b] ? means[a] > means[b] : a < b; });
  rows.resize(count);
  return rows;
}

// The score that it takes to enter the slate. Its variance and covariance are of the score above the leaders' mean: what
// all scores share falls out of them.
struct Cut {
  VectorXd leaders;  // mean of their rows
  double mean = 0;
  double variance = 0;    // relative to the leaders
  VectorXd with_weights;  // covariance with w
};

// From pilot draws (blocks from number `pilot` on) of the leaders' scores alone: the `slate`-th best of them is never
// above that of all. By regression on the draws' normals, which is exact while one candidate is the cut.
Cut EstimateCut(const PropensityQuestion& q, const VectorXd& means, const Blocks& points, int pilot) {
  const int leaders = static_cast<int>(std::min<Eigen::Index>(means.size(), q.slate + kMoreLeaders));
  const MatrixXd rows = RowsOf(q.features, Leaders(means, leaders));
  Cut cut;
  cut.leaders = rows.colwise().mean();
  const MatrixXf columns = Centred(q, rows, cut.leaders);
  const double last = rows.row(0).dot(q.weights.mean) - columns(0, 0);  // mean score of the last in the slate
  const int dim = q.weights.dim();
  std::vector<float> w, scores(static_cast<size_t>(leaders) * kLanes), best(static_cast<size_t>(q.slate) * kLanes);
  std::vector<int> all(leaders);
  std::iota(all.begin(), all.end(), 0);
  const std::vector<float> gain(leaders, 1.0f);
  const Lanes zero = {};
  const int draws = PilotBlocks(dim) * kLanes;
  MatrixXd normals(dim + 1, draws);  // above a row of ones
  normals.row(dim).setOnes();
  VectorXd above(draws);
  for (int begin = 0; begin < draws; begin += kLanes) {
    const double* const block = points.At(pilot + begin / kLanes);
    DrawLanes(q, block, points.signs(), w);
    ScoreLanes(columns.data(), leaders, dim + 1, w.data(), scores.data());
    std::fill(best.begin(), best.end(), -kInfinity);
    OfferBreakpoints(scores.data(), all.data(), gain.data(), leaders, zero, zero, q.slate, best.data());
    for (int lane = 0; lane < kLanes; ++lane) {
      above[begin + lane] = best[static_cast<size_t>(q.slate - 1) * kLanes + lane];
      for (int c = 0; c < dim; ++c) normals(c, begin + lane) = points.signs()[c] * block[c * kLanes + lane];
    }
  }
  MatrixXd squares = MatrixXd::Zero(dim + 1, dim + 1);
  squares.selfadjointView<Eigen::Lower>().rankUpdate(normals);
  const VectorXd coefficients = squares.selfadjointView<Eigen::Lower>().llt().solve(normals * above);
  const VectorXd slopes = coefficients.head(dim);
  cut.mean = last + coefficients[dim];
  cut.variance = slopes.squaredNorm() +
                 (above - normals.transpose() * coefficients).squaredNorm() / static_cast<double>(draws - dim - 1);
  cut.with_weights = q.weights.factor.triangularView<Eigen::Lower>() * slopes;
  cut.with_weights *= q.scale;
  return cut;
}

// By how many standard deviations of their difference a row's score is short of the cut; 0 where it is not.
Eigen::VectorXf Shortfalls(const PropensityQuestion& q, const VectorXd& means, const Cut& cut) {
  const double v2 = q.scale * q.scale;
  const VectorXd shared = v2 * TimesCovariance(q.weights, cut.leaders);
  const double constant = cut.leaders.dot(shared);
  const VectorXd variances = Variances(q.features, q.weights);
  const VectorXd with_leaders = Product(q.features, shared);
  const VectorXd with_cut = Product(q.features, cut.with_weights);
  const double leaders_with_cut = cut.leaders.dot(cut.with_weights);
  Eigen::VectorXf shortfalls(means.size());
  for (Eigen::Index k = 0; k < means.size(); ++k) {
    const double own = std::max(0.0, v2 * variances[k] + constant - 2.0 * with_leaders[k]);  // of s_k above the leaders
    const double spread = own + cut.variance - 2.0 * (with_cut[k] - leaders_with_cut);
    const double sd = std::sqrt(std::max(spread, 1e-6 * own));
    const double gap = cut.mean - means[k];
    shortfalls[k] = gap <= 0.0 ? 0.0f : (sd > 0.0 ? static_cast<float>(gap / sd) : kInfinity);
  }
  return shortfalls;
}

// The shortfall from which on rows are left out: their probabilities to reach the cut add up to at most `neglected`.
float LimitOf(const Eigen::VectorXf& shortfalls, double neglected) {
  constexpr int kBins = 256;
  constexpr float kPerUnit = 16;
  std::vector<float> tails(shortfalls.size());
  NormalTails(shortfalls.data(), static_cast<int>(shortfalls.size()), tails.data());
  double mass[kBins] = {};
  const auto bin = [&](float x) { return static_cast<int>(std::min(kPerUnit * x, kBins - 1.0f)); };
  for (Eigen::Index k = 0; k < shortfalls.size(); ++k) mass[bin(shortfalls[k])] += tails[k];
  double total = 0;
  int first = kBins;
  while (first > 0 && total + mass[first - 1] <= neglected) total += mass[--first];
  return first / kPerUnit;
}

// The rows that may be in the slate, ascending, and all targets.
std::vector<int> Contenders(const PropensityQuestion& q, absl::Span<const PropensityTarget> targets,
                            const Blocks& points, int pilot) {
  const int n = static_cast<int>(q.features.rows());
  const bool all = q.neglected == 0 || n <= q.slate;
  std::vector<int> kept(n, all);
  for (const PropensityTarget& target : targets) kept[target.row] = 1;
  if (!all) {
    const VectorXd means = Product(q.features, q.weights.mean);
    const Eigen::VectorXf shortfalls = Shortfalls(q, means, EstimateCut(q, means, points, pilot));
    const float limit = LimitOf(shortfalls, q.neglected);
    for (int k = 0; k < n; ++k) kept[k] |= shortfalls[k] < limit;
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
    for (const float lane : mass) total += lane;
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
  std::vector<float> gain;

  void Add(int k, double g) {
    index.push_back(k);
    gain.push_back(static_cast<float>(g));
  }
};

struct Target {
  int place = 0;  // among the contenders
  int rank = -1;
  float sd = 0;    // with v
  Side falls, rises;
  std::vector<int> level;  // contenders whose lead does not depend on the own score
  BlockMeans first, in_slate, at_rank;
};

// By mean: then what is offered later rarely enters the largest.
std::vector<int> BestFirst(const PropensityQuestion& q, std::vector<int> rows) {
  std::vector<std::pair<double, int>> order;
  order.reserve(rows.size());
  for (const int row : rows) order.emplace_back(-q.features.row(row).dot(q.weights.mean), row);
  std::sort(order.begin(), order.end());
  std::transform(order.begin(), order.end(), rows.begin(), [](const auto& one) { return one.second; });
  return rows;
}

class Estimator {
 public:
  Estimator(const PropensityQuestion& question, absl::Span<const PropensityTarget> targets, std::vector<int> contenders)
      : q_(question), contenders_(BestFirst(question, std::move(contenders))), dim_(question.weights.dim()) {
    rows_ = RowsOf(q_.features, contenders_);
    centre_ = rows_.colwise().mean();
    columns_ = Centred(q_, rows_, centre_);
    scores_.resize(contenders_.size() * kLanes);
    falls_.resize(q_.slate * kLanes);
    rises_.resize(q_.slate * kLanes);
    own_columns_.resize(dim_, targets.size());
    own_.resize(targets.size() * kLanes);
    for (const PropensityTarget& target : targets) {
      targets_.push_back(Prepare(target));
      own_columns_.col(targets_.size() - 1) = rows_.row(targets_.back().place).cast<float>();
    }
  }

  int contenders() const { return static_cast<int>(contenders_.size()); }

  // Counts one block; `signs` flips dimensions.
  void Count(const double* normals, const std::vector<double>& signs) {
    DrawLanes(q_, normals, signs, w_);
    ScoreLanes(columns_.data(), contenders(), dim_ + 1, w_.data(), scores_.data());
    ScoreLanes(own_columns_.data(), static_cast<int>(targets_.size()), dim_, &w_[kLanes], own_.data());
    for (size_t t = 0; t < targets_.size(); ++t) Count(targets_[t], &own_[t * kLanes]);
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
    target.place = static_cast<int>(std::find(contenders_.begin(), contenders_.end(), asked.row) - contenders_.begin());
    target.rank = asked.rank;
    const VectorXd own = rows_.row(target.place);
    const VectorXd shared = TimesCovariance(q_.weights, own);
    const double variance = own.dot(shared);
    const double sd = variance > 0 ? q_.scale * std::sqrt(variance) : 0.0;
    target.sd = static_cast<float>(sd);
    const VectorXd covariances = Product(rows_, shared);
    for (int k = 0; k < contenders(); ++k) {
      if (k == target.place) continue;
      const double gap = sd > 0 ? 1.0 - covariances[k] / variance : 0.0;
      if (std::abs(gap) <= 1e-12 || (std::abs(gap) < 1e-6 && rows_.row(k) == own.transpose())) {
        target.level.push_back(k);
      } else if (gap > 0) {
        target.falls.Add(k, 1.0 / (gap * sd));
      } else {
        target.rises.Add(k, -1.0 / (gap * sd));
      }
    }
    return target;
  }

  const float* ScoresOf(int place) const { return &scores_[static_cast<size_t>(place) * kLanes]; }

  // Those of `level` that are above whatever the own score is: falls at infinity.
  void OfferLevel(const Target& target) {
    const float* own = ScoresOf(target.place);
    for (const int k : target.level) {
      for (int lane = 0; lane < kLanes; ++lane) {
        const float lead = ScoresOf(k)[lane] - own[lane];
        if (lead < 0 || (lead == 0 && contenders_[k] > contenders_[target.place])) continue;
        for (int i = q_.slate - 1; i > 0; --i) falls_[i * kLanes + lane] = falls_[(i - 1) * kLanes + lane];
        falls_[lane] = kInfinity;
      }
    }
  }

  // `deviation`: of the own score from its mean.
  void Count(Target& target, const float* deviation) {
    const float* own = ScoresOf(target.place);
    Lanes x, minus_x;
    for (int lane = 0; lane < kLanes; ++lane) {
      x[lane] = target.sd > 0 ? deviation[lane] / target.sd : 0.0f;
      minus_x[lane] = -x[lane];
    }
    std::fill(falls_.begin(), falls_.end(), -kInfinity);
    std::fill(rises_.begin(), rises_.end(), -kInfinity);
    OfferBreakpoints(scores_.data(), target.falls.index.data(), target.falls.gain.data(),
                     static_cast<int>(target.falls.index.size()), own, x, q_.slate, falls_.data());
    OfferBreakpoints(scores_.data(), target.rises.index.data(), target.rises.gain.data(),
                     static_cast<int>(target.rises.index.size()), own, minus_x, q_.slate, rises_.data());
    OfferLevel(target);
    const int places = q_.slate * kLanes;
    Survivals(falls_.data(), places, false, falls_.data());
    Survivals(rises_.data(), places, true, rises_.data());
    Lanes first = {}, at_rank = {}, in_slate = {};
    AddRankMass(falls_.data(), rises_.data(), 0, first);
    target.first.Add(first);
    if (target.rank > 0) AddRankMass(falls_.data(), rises_.data(), target.rank, at_rank);
    if (target.rank >= 0) target.at_rank.Add(target.rank == 0 ? first : at_rank);
    AddSlateMass(falls_.data(), rises_.data(), q_.slate, in_slate);
    target.in_slate.Add(in_slate);
  }

  const PropensityQuestion& q_;
  const std::vector<int> contenders_;  // rows, by mean
  const int dim_;
  MatrixXd rows_;                      // one per contender
  VectorXd centre_;                    // mean of the rows
  MatrixXf columns_;                   // one per contender, as in Centred
  MatrixXf own_columns_;               // the row of each target
  std::vector<float> w_;               // as of DrawLanes
  std::vector<float> own_;             // [target][lane]
  std::vector<float> scores_;          // [contender][lane]
  std::vector<float> falls_, rises_;  // [place][lane] of the target at hand; rises negated; then their survivals
  std::vector<Target> targets_;
};

}  // namespace

std::optional<PropensityAnswer> EstimatePropensities(const PropensityQuestion& question,
                                                     absl::Span<const PropensityTarget> targets, CounterRng rng) {
  SUGGEST_CHECK(question.scale > 0 && question.slate >= 1 && question.draws <= kMaxPropensityDraws);
  const auto late = [&] { return question.time_left && !question.time_left(); };
  const int blocks = std::max(2, (question.draws + kLanes - 1) / kLanes);
  const Blocks points(question.weights.dim(), rng);
  Estimator estimator(question, targets, Contenders(question, targets, points, blocks));
  for (int b = 0; b < blocks; ++b) {
    if (late()) return std::nullopt;
    estimator.Count(points.At(b), points.signs());
  }
  return PropensityAnswer{estimator.Estimates(blocks), estimator.contenders()};
}

}  // namespace suggest::bandit
