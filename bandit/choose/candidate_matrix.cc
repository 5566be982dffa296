#include "bandit/choose/candidate_matrix.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"

namespace suggest::bandit {
namespace {

// Values beyond single precision are cut.
float ToFloat(double value) {
  constexpr double kLargest = std::numeric_limits<float>::max();
  return static_cast<float>(std::clamp(value, -kLargest, kLargest));
}

}  // namespace

absl::StatusOr<CandidateMatrix> CandidateMatrix::Create(std::vector<double> row_major, int cols) {
  if (cols < 1 || row_major.size() % cols != 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("catalogue of ", row_major.size(), " numbers does not fit rows of ", cols));
  }
  CandidateMatrix matrix;
  matrix.cols_ = cols;
  matrix.rows_ = static_cast<int>(row_major.size() / cols);
  matrix.panel_.assign(static_cast<size_t>(matrix.blocks()) * cols * (kPanelRows / 16), Line{});
  for (int i = 0; i < matrix.rows_; ++i) {
    for (int c = 0; c < cols; ++c) {
      const double value = row_major[static_cast<size_t>(i) * cols + c];
      if (!std::isfinite(value)) {
        return absl::InvalidArgumentError(absl::StrCat("catalogue row ", i, ", column ", c, " is ", value));
      }
      const size_t block = i / kPanelRows;
      const size_t place = (block * cols + c) * kPanelRows + i % kPanelRows;
      matrix.panel_[place / 16].values[place % 16] = ToFloat(value);
    }
  }
  matrix.coarse_ = CoarsePanel(row_major, cols);
  matrix.values_ = std::move(row_major);
  return matrix;
}

}  // namespace suggest::bandit
