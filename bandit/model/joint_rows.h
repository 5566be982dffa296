// The joint rows a_k = [z~_k; p_k] of candidates: recommendation features from the catalogue, pair features of the few
// that have any.
#ifndef BANDIT_MODEL_JOINT_ROWS_H_
#define BANDIT_MODEL_JOINT_ROWS_H_

#include <Eigen/Core>
#include <vector>

#include "absl/types/span.h"
#include "bandit/choose/candidate_matrix.h"

namespace suggest::bandit {

// Pair features of one candidate, by its row in the catalogue.
struct PairRow {
  int candidate = 0;
  Eigen::VectorXd values;  // pair_dim
};

// Pair features of a candidate, or empty. `pairs` ascending by candidate.
absl::Span<const double> PairOf(const std::vector<PairRow>& pairs, int candidate);

// One row per candidate, of catalogue.cols() + pair_dim numbers; pair features that a candidate has not are zero.
Eigen::MatrixXd JointRows(const CandidateMatrix& catalogue, const std::vector<PairRow>& pairs, int pair_dim,
                          absl::Span<const int> candidates);

}  // namespace suggest::bandit

#endif  // BANDIT_MODEL_JOINT_ROWS_H_
