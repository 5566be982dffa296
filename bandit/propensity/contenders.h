// Which candidates propensities have to be counted among.
//
// Pruning. A candidate enters the slate when its score reaches the cut, the `slate`-th best score of the others. The
// cut of the candidates of highest mean alone is never above it. Of that cut, pilot draws estimate mean, variance and
// covariance with w; s_k - cut is taken for normal, so P(k in slate) is at most about Phi(-(E cut - mean_k) / sd(s_k -
// cut)). The candidates of smallest probability are left out as long as the sum of theirs is at most `neglected`, which
// so bounds, as far as the normal holds, the probability that any of them enters the slate and the error of every
// propensity; the tests hold the true sum to twice that. A union bound over pairs leaves several times as many. The
// pilot draws are the same for every question, so what is pruned depends on no seed.
#ifndef BANDIT_PROPENSITY_CONTENDERS_H_
#define BANDIT_PROPENSITY_CONTENDERS_H_

#include <vector>

#include "absl/types/span.h"
#include "bandit/propensity/propensity_question.h"

namespace suggest::bandit {

// The candidates that may be in the slate, highest mean first; then those of the targets that are not among them.
std::vector<int> Contenders(const PropensityQuestion& q, absl::Span<const PropensityTarget> targets);

}  // namespace suggest::bandit

#endif  // BANDIT_PROPENSITY_CONTENDERS_H_
