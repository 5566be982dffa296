// What propensities are asked of (propensity_estimator.h).
#ifndef BANDIT_PROPENSITY_PROPENSITY_QUESTION_H_
#define BANDIT_PROPENSITY_PROPENSITY_QUESTION_H_

#include <functional>
#include <vector>

#include "bandit/choose/candidate_matrix.h"
#include "bandit/choose/candidate_set.h"
#include "bandit/choose/customer_memo.h"
#include "bandit/model/joint_rows.h"
#include "bandit/model/weight_space.h"

namespace suggest::bandit {

inline constexpr double kNeglected = 1e-3;
inline constexpr int kMaxPropensityDraws = 16384;

struct PropensityQuestion {
  const CandidateMatrix& catalogue;
  const CandidateSet& eligible;
  const std::vector<PairRow>& pairs;  // ascending by candidate
  const JointNormal& weights;         // of [z~_r; p]
  double scale = 0.5;                 // v > 0
  int slate = 1;                      // slots that the policy fills
  int draws = 64;                     // rounded up to whole blocks, at least two; at most kMaxPropensityDraws
  double neglected = kNeglected;      // 0 <: expected slots that pruning may overlook; 0: prunes nothing
  // Asked before each block of draws; when it says false, nothing is estimated. Empty: no bound.
  std::function<bool()> time_left = {};
  CustomerMemo* memo = nullptr;  // of this posterior and catalogue; null: none

  // a_k' of each of these candidates.
  Eigen::MatrixXd RowsOf(absl::Span<const int> candidates) const {
    return JointRows(catalogue, pairs, weights.dim() - catalogue.cols(), candidates);
  }
};

// REQUIRES: the candidate is eligible.
struct PropensityTarget {
  int candidate = 0;
  int rank = -1;  // whose probability at_rank is; -1: not asked for
};

}  // namespace suggest::bandit

#endif  // BANDIT_PROPENSITY_PROPENSITY_QUESTION_H_
