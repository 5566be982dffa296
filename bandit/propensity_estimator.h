// The estimator that propensity.h describes, for a Thompson policy without its floor.
//
// Pruning. A candidate enters the slate when its score reaches the cut, the `slate`-th best score of the others. The
// cut of the candidates of highest mean alone is never above it. Of that cut, pilot draws estimate mean, variance and
// covariance with w; s_k - cut is taken for normal, so P(k in slate) is at most about Phi(-(E cut - mean_k) / sd(s_k -
// cut)). The candidates of smallest probability are left out as long as the sum of theirs is at most `neglected`, which
// so bounds the probability that any of them enters the slate, and the error of every propensity (in the tests' cases
// the true sum is below it; the normal is an approximation). A union bound over pairs leaves five to twenty times as
// many contenders.
//
// What is left is counted in blocks of kLanes draws (normal_points.h) by propensity_kernel.h: of each contender k, g =
// 1 / ((1 - beta_k) sd_j) is fixed, and only the breakpoint x_k = x_j + (s_k - s_j) g changes from draw to draw. g > 0:
// k stands above j left of it (a fall), g < 0: right of it (a rise). With falls f_1 >= f_2 >= ... and rises r_1 <= r_2
// <= ..., j has exactly i falls and l rises above it on [max(f_i+1, r_l), min(f_i, r_l+1)], so only the first `slate`
// of each matter.
#ifndef BANDIT_PROPENSITY_ESTIMATOR_H_
#define BANDIT_PROPENSITY_ESTIMATOR_H_

#include <Eigen/Core>
#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "absl/types/span.h"
#include "bandit/propensity.h"
#include "bandit/random.h"
#include "bandit/weight_space.h"

namespace suggest::bandit {

inline constexpr double kNeglected = 1e-3;
inline constexpr int kMaxPropensityDraws = 16384;

struct PropensityQuestion {
  const Eigen::MatrixXd& features;  // one row a_k' per eligible candidate, in the order that breaks ties
  const JointNormal& weights;
  double scale = 0.5;             // v > 0
  int slate = 1;                  // slots that the policy fills
  int draws = 128;                // rounded up to whole blocks, at least two; at most kMaxPropensityDraws
  double neglected = kNeglected;  // 0 <: expected slots that pruning may overlook; 0: prunes nothing
  // Asked before each block of draws; when it says false, nothing is estimated. Empty: no bound.
  std::function<bool()> time_left = {};
};

struct PropensityTarget {
  int row = 0;    // of features
  int rank = -1;  // whose probability at_rank is; -1: not asked for
};

struct PropensityAnswer {
  std::vector<PropensityEstimate> estimates;  // by target; may be 0
  int contenders = 0;                         // rows left after pruning
};

// nullopt when the time was not enough. `rng`: of a stream that the choosing draw never used.
// Cost: candidates x dim x (dim / 2 + a few) multiply-adds for pruning, then draws x contenders x (dim + a few
// operations per target), of which a vector does several at a time.
std::optional<PropensityAnswer> EstimatePropensities(const PropensityQuestion& question,
                                                     absl::Span<const PropensityTarget> targets, CounterRng rng);

}  // namespace suggest::bandit

#endif  // BANDIT_PROPENSITY_ESTIMATOR_H_
