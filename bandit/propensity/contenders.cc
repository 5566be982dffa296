#include "bandit/propensity/contenders.h"

#include <Eigen/Cholesky>
#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <memory>
#include <numeric>
#include <utility>

#include "bandit/base/portable_math.h"
#include "bandit/choose/score_kernel.h"
#include "bandit/choose/selector.h"
#include "bandit/propensity/propensity_kernel.h"
#include "bandit/propensity/score_draws.h"

namespace suggest::bandit {
namespace {

using Eigen::MatrixXd;
using Eigen::MatrixXf;
using Eigen::VectorXd;

constexpr int kMoreLeaders = 30;  // whose scores the cut is estimated from, beside a slate of them

// Enough draws to regress on every dimension.
int PilotBlocks(int dim) {
  return std::max(2, 3 * dim / kLanes + 1);
}

// The `count` candidates of highest mean.
std::vector<int> Leaders(const PropensityQuestion& q, int count) {
  std::vector<int> leaders;
  for (const Ranked& one : SelectBest(q.catalogue, q.eligible, q.pairs, q.weights.mean, count, KernelWidth::kAuto)) {
    leaders.push_back(one.candidate);
  }
  return leaders;
}

// The score that it takes to enter the slate, relative to the leaders' mean score: what all scores share falls out.
struct Cut {
  VectorXd leaders;  // mean of their rows
  double mean = 0;   // above the leaders' mean score
  double variance = 0;
  VectorXd with_weights;  // covariance with w
};

// From pilot draws of the leaders' scores alone: the `slate`-th best of them is never above that of all. By regression
// on the draws' normals, which is exact while one candidate is the cut.
Cut EstimateCut(const PropensityQuestion& q) {
  const int leaders = std::min(q.eligible.size(), q.slate + kMoreLeaders);
  const MatrixXd rows = q.RowsOf(Leaders(q, leaders));
  Cut cut;
  cut.leaders = rows.colwise().mean();
  const MatrixXf columns = Centred(q, rows, cut.leaders);
  const double last = rows.row(0).dot(q.weights.mean) - columns(0, 0);  // the mean score of the last in the slate
  const int dim = q.weights.dim();
  const Blocks points(dim, CounterRng(Seed{0}, 0));
  WeightDraws weights(q, points);
  std::vector<float> scores(static_cast<size_t>(leaders) * kLanes), best(static_cast<size_t>(q.slate) * kLanes);
  std::vector<int> all(leaders);
  std::iota(all.begin(), all.end(), 0);
  const std::vector<float> gain(leaders, 1.0f);
  const Lanes zero = {};
  const int draws = PilotBlocks(dim) * kLanes;
  MatrixXd normals(dim + 1, draws);  // above a row of ones
  normals.row(dim).setOnes();
  VectorXd above(draws);
  for (int begin = 0; begin < draws; begin += kLanes) {
    const int block = begin / kLanes;
    ScoreLanes(columns.data(), leaders, dim + 1, weights.At(block), scores.data());
    std::fill(best.begin(), best.end(), kNeverReached);
    OfferBreakpoints(scores.data(), all.data(), gain.data(), leaders, zero, zero, q.slate, best.data());
    for (int lane = 0; lane < kLanes; ++lane) {
      above[begin + lane] = best[static_cast<size_t>(q.slate - 1) * kLanes + lane];
      for (int c = 0; c < dim; ++c) normals(c, begin + lane) = points.signs()[c] * points.At(block)[c * kLanes + lane];
    }
  }
  MatrixXd squares = MatrixXd::Zero(dim + 1, dim + 1);
  squares.selfadjointView<Eigen::Lower>().rankUpdate(normals);
  const VectorXd coefficients = squares.selfadjointView<Eigen::Lower>().llt().solve(normals * above);
  const VectorXd slopes = coefficients.head(dim);
  cut.mean = last + coefficients[dim] - cut.leaders.dot(q.weights.mean);
  cut.variance = slopes.squaredNorm() +
                 (above - normals.transpose() * coefficients).squaredNorm() / static_cast<double>(draws - dim - 1);
  cut.with_weights = q.weights.factor.triangularView<Eigen::Lower>() * slopes;
  cut.with_weights *= q.scale;
  return cut;
}

// The cut as the pass over the panel reads it: single precision, and of the pair features only what they add for a
// candidate that has none.
class PanelCut {
 public:
  PanelCut(const PropensityQuestion& q, const Cut& cut, const MatrixXd& factor) {
    const int cols = q.catalogue.cols(), pair_dim = q.weights.dim() - cols;
    const auto keep = [this](const auto& numbers) {
      for (const double number : numbers) numbers_.push_back(static_cast<float>(number));
    };
    const VectorXd d = -cut.leaders.tail(pair_dim);
    keep(cut.leaders.head(cols));
    keep(q.weights.mean.head(cols));
    keep(cut.with_weights.head(cols));
    keep(VectorXd(factor.bottomLeftCorner(pair_dim, cols).transpose() * d));
    for (int i = 0; i < cols; ++i) keep(factor.col(i).segment(i, cols - i));
    form_.cols = cols;
    form_.leaders = numbers_.data();
    form_.w_mean = form_.leaders + cols;
    form_.with_cut = form_.w_mean + cols;
    form_.offsets = form_.with_cut + cols;
    form_.factor = form_.offsets + cols;
    form_.mean = static_cast<float>(cut.mean - d.dot(q.weights.mean.tail(pair_dim)));
    form_.variance = static_cast<float>(cut.variance - 2.0 * d.dot(cut.with_weights.tail(pair_dim)));
    form_.own_constant =
        static_cast<float>((factor.bottomRightCorner(pair_dim, pair_dim).transpose() * d).squaredNorm());
  }

  const CutForm& form() const { return form_; }

 private:
  std::vector<float> numbers_;
  CutForm form_;
};

// By how many standard deviations of their difference a candidate's score is short of the cut; 0 where it is not.
struct Shortfall {
  int candidate = 0;
  float deviations = 0;
};

// SquaredShortfalls in double, for a candidate with pair features.
double SquaredShortfall(const PropensityQuestion& q, const Cut& cut, const MatrixXd& factor, int candidate) {
  const VectorXd d = q.RowsOf({&candidate, 1}).row(0).transpose() - cut.leaders;
  const double gap = cut.mean - d.dot(q.weights.mean);
  if (gap <= 0.0) return 0.0;
  const double own = (factor.transpose() * d).squaredNorm();
  return gap * gap / std::max(own + cut.variance - 2.0 * d.dot(cut.with_weights), 1e-6 * own);
}

// Those eligible candidates that are short by less than `far` deviations.
std::vector<Shortfall> ShortByLess(const PropensityQuestion& q, const Cut& cut, double far) {
  const MatrixXd factor = q.scale * q.weights.factor;
  const PanelCut panel_cut(q, cut, factor);
  const CandidateSet::Cover cover = q.eligible.CoverOf(q.catalogue.rows());
  const size_t block_size = static_cast<size_t>(kPanelRows) * q.catalogue.cols();
  const auto limit = static_cast<float>(far * far);
  std::vector<float> scratch(static_cast<size_t>(kLanes) * q.catalogue.cols());
  float squares[kPanelRows];
  std::vector<Shortfall> near;
  const std::vector<uint64_t>& words = cover.mask->words();
  for (size_t block = 0; block < words.size(); ++block) {
    if (words[block] == 0) continue;
    SquaredShortfalls(q.catalogue.panel() + block * block_size, panel_cut.form(), scratch.data(), squares);
    for (uint64_t left = words[block]; left != 0; left &= left - 1) {
      const int lane = std::countr_zero(left);
      const float square = squares[lane];
      if (square >= limit) continue;
      const int candidate = static_cast<int>(block) * kPanelRows + lane;
      if (!cover.exact && !q.eligible.Contains(candidate)) continue;
      if (!q.pairs.empty() && !PairOf(q.pairs, candidate).empty()) continue;
      near.push_back({candidate, square > 0 ? std::sqrt(square) : 0.0f});  // 0 where it is beyond single precision
    }
  }
  for (const PairRow& pair : q.pairs) {
    if (!q.eligible.Contains(pair.candidate)) continue;
    const double square = SquaredShortfall(q, cut, factor, pair.candidate);
    if (square >= limit) continue;
    near.push_back({pair.candidate, square > 0 ? static_cast<float>(std::sqrt(square)) : 0.0f});
  }
  return near;
}

// The shortfall from which on candidates are left out: their probabilities to reach the cut add up to at most
// `neglected`.
float LimitOf(const std::vector<Shortfall>& near, double neglected) {
  constexpr int kBins = 256;
  constexpr float kPerUnit = 16;
  std::vector<float> tails;
  for (const Shortfall& one : near) tails.push_back(one.deviations);
  NormalTails(tails.data(), static_cast<int>(tails.size()), tails.data());
  double mass[kBins] = {};
  for (size_t k = 0; k < near.size(); ++k) {
    mass[static_cast<int>(std::min(kPerUnit * near[k].deviations, kBins - 1.0f))] += tails[k];
  }
  double total = 0;
  int first = kBins;
  while (first > 0 && total + mass[first - 1] <= neglected) total += mass[--first];
  return first / kPerUnit;
}

// By mean: then what is offered later rarely enters the largest.
std::vector<int> BestFirst(const PropensityQuestion& q, std::vector<int> candidates) {
  std::vector<std::pair<double, int>> order;
  order.reserve(candidates.size());
  for (const int one : candidates) {
    order.emplace_back(-FixedOrderScore(q.catalogue.row(one), PairOf(q.pairs, one), q.weights.mean), one);
  }
  std::sort(order.begin(), order.end());
  std::transform(order.begin(), order.end(), candidates.begin(), [](const auto& one) { return one.second; });
  return candidates;
}

// Those that may be in the slate, highest mean first.
std::vector<int> Prune(const PropensityQuestion& q) {
  const int n = q.eligible.size();
  if (q.neglected == 0 || n <= q.slate) return BestFirst(q, q.eligible.ToVector());
  // A sixteenth of what may be neglected goes to those that are so far off that nobody counts how many they are.
  const double uncounted = q.neglected / 16;
  const std::vector<Shortfall> near = ShortByLess(q, EstimateCut(q), -NormalQuantile(uncounted / n));
  const float limit = LimitOf(near, q.neglected - uncounted);
  std::vector<int> contenders;
  for (const Shortfall& one : near) {
    if (one.deviations < limit) contenders.push_back(one.candidate);
  }
  return BestFirst(q, std::move(contenders));
}

}  // namespace

std::vector<int> Contenders(const PropensityQuestion& q, absl::Span<const PropensityTarget> targets) {
  std::shared_ptr<const std::vector<int>> likely = q.memo == nullptr ? nullptr : q.memo->Contenders(q);
  if (likely == nullptr) {
    likely = std::make_shared<const std::vector<int>>(Prune(q));
    if (q.memo != nullptr) q.memo->KeepContenders(q, likely);
  }
  std::vector<int> contenders = *likely;
  for (const PropensityTarget& target : targets) {
    if (std::find(contenders.begin(), contenders.end(), target.candidate) == contenders.end()) {
      contenders.push_back(target.candidate);
    }
  }
  return contenders;
}

}  // namespace suggest::bandit
