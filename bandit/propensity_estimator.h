// The estimator that propensity.h describes, for a Thompson policy without its floor.
#ifndef BANDIT_PROPENSITY_ESTIMATOR_H_
#define BANDIT_PROPENSITY_ESTIMATOR_H_

#include <Eigen/Core>
#include <vector>

#include "absl/types/span.h"
#include "bandit/propensity.h"
#include "bandit/random.h"
#include "bandit/weight_space.h"

namespace suggest::bandit {

// `features`: one row a_k' per eligible candidate, in the order that breaks ties. `returned`: rows of `features` in the
// order served; the slate that the policy fills has returned.size() slots. Estimates are in the order of `returned`.
// REQUIRES: scale > 0, draws >= 2.
// Cost: draws x candidates x (dim + slate) multiply-adds.
std::vector<PropensityEstimate> EstimatePropensities(const Eigen::MatrixXd& features, const JointNormal& weights,
                                                     double scale, absl::Span<const int> returned, int draws,
                                                     CounterRng rng);

// At what standardised own score x a candidate is first, in the slate, and at its rank: masses under N(0, 1).
// Candidate k stands above while x < own_x + difference_k g_k (g_k > 0), while x > it (g_k < 0), or always or never
// (g_k = 0: by the sign of the difference, a tie by `index`).
struct RankMasses {
  double first = 0;
  double in_slate = 0;
  double at_rank = 0;
};
RankMasses SweepRank(const Eigen::VectorXd& scores, const Eigen::VectorXd& gains, int index, double own_x, int slate,
                     int rank);

}  // namespace suggest::bandit

#endif  // BANDIT_PROPENSITY_ESTIMATOR_H_
