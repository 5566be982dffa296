// The best candidates under one weight vector, over a whole catalogue, not all of it scored in double (M18).
//
// A kernel in whole numbers streams the coarse panel once, comparing with the threshold as it goes (score_kernel.h),
// and keeps every candidate whose score could be among the best `count`: with |s^ - s| <= E for all candidates (s^ the
// whole number, s in double, in the same unit and less a common constant; coarse_panel.h), those with s^ >= T^ - 2E,
// where T^ is the count-th largest s^ (and some a little below it, for a rounding to single precision). The kept ones
// are scored in double in a fixed order, so the result does not depend on the kernel.
#ifndef BANDIT_CHOOSE_SELECTOR_H_
#define BANDIT_CHOOSE_SELECTOR_H_

#include <Eigen/Core>
#include <vector>

#include "absl/types/span.h"
#include "bandit/choose/candidate_matrix.h"
#include "bandit/choose/candidate_set.h"
#include "bandit/choose/scoring.h"

namespace suggest::bandit {

struct Ranked {
  int candidate = 0;
  double score = 0;
};

// Whether a stands before b: higher score first, equal scores by candidate.
inline bool Before(const Ranked& a, const Ranked& b) {
  return a.score != b.score ? a.score > b.score : a.candidate < b.candidate;
}

// Sorts the best `count` to the front and drops the rest.
void KeepBest(std::vector<Ranked>& ranked, int count);

// The best min(count, eligible) candidates by z~_j' w_r + p_j' w_p, best first. `w` = [w_r; w_p].
std::vector<Ranked> SelectBest(const CandidateMatrix& catalogue, const CandidateSet& eligible,
                               const std::vector<PairRow>& pairs, const Eigen::VectorXd& w, int count,
                               KernelWidth width);

}  // namespace suggest::bandit

#endif  // BANDIT_CHOOSE_SELECTOR_H_
