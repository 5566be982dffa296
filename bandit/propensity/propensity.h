// Propensities: how probably the policy, given the same inputs, would have served what it served (M14, M15).
//
// For a Thompson policy the scores are s_k = a_k' w with w ~ N(m, C). For a returned candidate j, w is split into its
// own score t = s_j ~ N(mean_j, sd_j^2) and the part of w orthogonal to C a_j, which is independent of t:
//   s_k = (s_k - beta_k s_j) + beta_k t,   beta_k = a_k' C a_j / (a_j' C a_j).
// Given the orthogonal part, k stands above j on a half-line of t, so the rank of j is piecewise constant in t, and one
// draw contributes exact Gaussian masses of the intervals where j is first, in the slate, at its rank. Averages of
// masses over draws are unbiased, positive however rare the event, and vary far less than counts of 0 and 1.
//
// The draws are fixed quasi-random points (normal_points.h) taken by another random stream than the one that chose, so
// that the estimate does not know the outcome. Should every draw's mass be zero all the same for what was served, and
// no floor be there, 1 / (draws + 1) is given, with itself as standard error: never 0.
//
// With an exploration floor e over K eligible candidates and a slate of m (design section 4):
//   P(first) = e/K + (1-e) p,   P(in slate) = e m/K + (1-e) p_m,   P(at rank) = e/K + (1-e) p_rank.
#ifndef BANDIT_PROPENSITY_PROPENSITY_H_
#define BANDIT_PROPENSITY_PROPENSITY_H_

namespace suggest::bandit {

enum class PropensityStatus {
  kEstimated,  // from draws independent of the one that chose
  kExact,      // closed form: uniform, or deterministic with a floor
  kDeferred,   // the time was not enough, or no draws were asked for; the numbers are all 0
  kNoOverlap,  // deterministic without floor: 1 for what was served
};

struct Probability {
  double value = 0;
  double standard_error = 0;  // 0: exact
};

struct PropensityEstimate {
  Probability first;     // P(ranked first)
  Probability in_slate;  // P(in the slate)
  Probability at_rank;   // P(at the rank that it has)
};

}  // namespace suggest::bandit

#endif  // BANDIT_PROPENSITY_PROPENSITY_H_
