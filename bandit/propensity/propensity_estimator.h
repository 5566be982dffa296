// The estimator that propensity.h describes, for a Thompson policy without its floor.
//
// First the candidates that can hardly enter the slate are left out (contenders.h).
//
// What is left is counted in blocks of kLanes draws (normal_points.h) by propensity_kernel.h and breakpoint_kernel.h:
// of each contender k, g = 1 / ((1 - beta_k) sd_j) is fixed, and only the breakpoint x_k = x_j + (s_k - s_j) g changes
// from draw to draw. g > 0: k stands above j left of it (a fall), g < 0: right of it (a rise). With falls f_1 >= f_2 >=
// ... and rises r_1 <= r_2 <= ..., j has exactly i falls and l rises above it on [max(f_i+1, r_l), min(f_i, r_l+1)], so
// only the first `slate` of each matter.
#ifndef BANDIT_PROPENSITY_PROPENSITY_ESTIMATOR_H_
#define BANDIT_PROPENSITY_PROPENSITY_ESTIMATOR_H_

#include <optional>
#include <vector>

#include "absl/types/span.h"
#include "bandit/base/random.h"
#include "bandit/propensity/propensity.h"
#include "bandit/propensity/propensity_question.h"

namespace suggest::bandit {

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

#endif  // BANDIT_PROPENSITY_PROPENSITY_ESTIMATOR_H_
