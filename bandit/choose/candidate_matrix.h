// The catalogue as scoring reads it: one row z~_r per recommendation, in double and in two panels.
//
// The coarse one is what the selecting kernel streams (coarse_panel.h), the one in single precision what propensities
// are pruned by (shortfall_kernel.h): blocks of kPanelRows candidates, and within a block column after column, so that
// one cache line holds one column of 16 candidates. Rows past the end are zero.
//
// Built once per (model version, catalogue version), then immutable and safe for any number of readers.
// Bytes: 14 per entry.
#ifndef BANDIT_CHOOSE_CANDIDATE_MATRIX_H_
#define BANDIT_CHOOSE_CANDIDATE_MATRIX_H_

#include <cstddef>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "bandit/choose/coarse_panel.h"
#include "bandit/choose/score_kernel.h"

namespace suggest::bandit {

class CandidateMatrix {
 public:
  // `row_major` holds rows x cols numbers, each row z~_r with a leading 1.
  // Errors: INVALID_ARGUMENT when the size does not fit, cols < 1, or a number is not finite (names row and column).
  static absl::StatusOr<CandidateMatrix> Create(std::vector<double> row_major, int cols);

  int rows() const { return rows_; }
  int cols() const { return cols_; }
  absl::Span<const double> row(int i) const {
    return absl::MakeConstSpan(values_).subspan(static_cast<size_t>(i) * cols_, cols_);
  }

  const float* panel() const { return panel_.data()->values; }  // blocks() * kPanelRows * cols()
  int blocks() const { return (rows_ + kPanelRows - 1) / kPanelRows; }
  const CoarsePanel& coarse() const { return coarse_; }

 private:
  struct alignas(64) Line {
    float values[16];
  };

  CandidateMatrix() = default;

  int rows_ = 0;
  int cols_ = 0;
  std::vector<double> values_;
  std::vector<Line> panel_;
  CoarsePanel coarse_;
};

}  // namespace suggest::bandit

#endif  // BANDIT_CHOOSE_CANDIDATE_MATRIX_H_
