#include "bandit/model/joint_rows.h"

#include <algorithm>

namespace suggest::bandit {

absl::Span<const double> PairOf(const std::vector<PairRow>& pairs, int candidate) {
  const auto it = std::lower_bound(pairs.begin(), pairs.end(), candidate,
                                   [](const PairRow& row, int value) { return row.candidate < value; });
  if (it == pairs.end() || it->candidate != candidate) return {};
  return absl::MakeConstSpan(it->values.data(), it->values.size());
}

Eigen::MatrixXd JointRows(const CandidateMatrix& catalogue, const std::vector<PairRow>& pairs, int pair_dim,
                          absl::Span<const int> candidates) {
  const int cols = catalogue.cols();
  Eigen::MatrixXd rows(candidates.size(), cols + pair_dim);
  rows.rightCols(pair_dim).setZero();
  for (size_t k = 0; k < candidates.size(); ++k) {
    const absl::Span<const double> own = catalogue.row(candidates[k]);
    for (int c = 0; c < cols; ++c) rows(k, c) = own[c];
    if (pairs.empty()) continue;
    const absl::Span<const double> pair = PairOf(pairs, candidates[k]);
    for (size_t p = 0; p < pair.size(); ++p) rows(k, cols + p) = pair[p];
  }
  return rows;
}

}  // namespace suggest::bandit
