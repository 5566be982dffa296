#include "bandit/contenders.h"

#include <Eigen/Cholesky>
#include <algorithm>
#include <cmath>
#include <numeric>

#include "bandit/fold_kernel.h"
#include "bandit/propensity_kernel.h"

namespace suggest::bandit {
namespace {

using Eigen::MatrixXd;
using Eigen::MatrixXf;
using Eigen::VectorXd;

constexpr int kMoreLeaders = 30;  // whose scores the cut is estimated from, beside a slate of them

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

// The score that it takes to enter the slate. Its variance and covariance are of the score above the leaders' mean:
// what all scores share falls out of them.
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
    std::fill(best.begin(), best.end(), kNeverReached);
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
    shortfalls[k] = gap <= 0.0 ? 0.0f : (sd > 0.0 ? static_cast<float>(gap / sd) : -kNeverReached);
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

}  // namespace

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

}  // namespace suggest::bandit
