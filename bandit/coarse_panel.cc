#include "bandit/coarse_panel.h"

#include <algorithm>
#include <cmath>

#include "bandit/score_kernel.h"

namespace suggest::bandit {
namespace {

constexpr double kLargest = 32767;       // of q and of v
constexpr double kMostTogether = 65534;  // sum |v|: times kLargest it stays below 2^31
constexpr double kTiny = 1e-280;         // below it quotients lose their digits, or overflow
constexpr double kHuge = 1e30;

int16_t ToWhole(double value) {
  return static_cast<int16_t>(std::lround(std::clamp(value, -kLargest, kLargest)));
}

}  // namespace

CoarsePanel::CoarsePanel(absl::Span<const double> row_major, int cols) {
  const size_t rows = row_major.size() / cols;
  blocks_ = static_cast<int>((rows + kPanelRows - 1) / kPanelRows);
  std::vector<double> middles(cols, 0.0), halves(cols, 0.0);
  maxima_.assign(cols, 0.0);
  residuals_.assign(cols, 0.0);
  for (int c = 0; c < cols && rows > 0; ++c) {
    double lowest = row_major[c], highest = row_major[c];
    for (size_t j = 0; j < rows; ++j) {
      lowest = std::min(lowest, row_major[j * cols + c]);
      highest = std::max(highest, row_major[j * cols + c]);
    }
    middles[c] = lowest / 2 + highest / 2;
    halves[c] = std::max(highest - middles[c], middles[c] - lowest);
    maxima_[c] = std::max(std::abs(lowest), std::abs(highest));
    if (halves[c] > kTiny && maxima_[c] < kHuge) {
      columns_.push_back({c, halves[c] / kLargest});
    } else {
      residuals_[c] = halves[c];
    }
  }
  lines_.assign(static_cast<size_t>(blocks_) * pairs() * (2 * kPanelRows / 32), Line{});
  for (size_t k = 0; k < columns_.size(); ++k) {
    const auto [c, step] = columns_[k];
    for (size_t j = 0; j < rows; ++j) {
      const double offset = row_major[j * cols + c] - middles[c];
      const int16_t q = ToWhole(offset / step);
      const size_t pair = j / kPanelRows * pairs() + k / 2;
      const size_t place = (pair * kPanelRows + j % kPanelRows) * 2 + k % 2;
      lines_[place / 32].values[place % 32] = q;
      residuals_[c] = std::max(residuals_[c], std::abs(offset - step * q));
    }
  }
}

CoarsePanel::Weights CoarsePanel::Quantise(const Eigen::VectorXd& w) const {
  const int cols = static_cast<int>(maxima_.size());
  const double rounding = (cols + 8) * 0x1p-53;  // of the exact score in double, and of what is worked out here
  Weights weights;
  double error = 0;
  double size = 0;
  for (int c = 0; c < cols; ++c) {
    error += std::abs(w[c]) * (residuals_[c] + rounding * maxima_[c]);
    size += std::abs(w[c]) * maxima_[c];
  }
  double sum = 0;
  double largest = 0;
  for (const Column& column : columns_) {
    const double slope = std::abs(w[column.index]) * column.step;
    sum += slope;
    largest = std::max(largest, slope);
  }
  if (!(size < kHuge) || (sum > 0 && sum < kTiny)) return weights;
  if (sum > 0) {
    weights.unit = std::max(sum / (kMostTogether - static_cast<double>(columns_.size())), largest / kLargest);
  }
  weights.pairs.assign(pairs(), 0);
  for (size_t k = 0; k < columns_.size(); ++k) {
    const double slope = w[columns_[k].index] * columns_[k].step;
    const int16_t v = ToWhole(slope / weights.unit);
    error += kLargest * (std::abs(slope - weights.unit * v) + rounding * std::abs(slope));
    const auto bits = static_cast<uint32_t>(static_cast<uint16_t>(v)) << (k % 2 == 0 ? 0 : 16);
    weights.pairs[k / 2] |= static_cast<int32_t>(bits);
  }
  weights.bound = (1.0 + 1e-6) * error / weights.unit;
  if (!(weights.bound < kLargest * kMostTogether)) weights.pairs.clear();
  return weights;
}

}  // namespace suggest::bandit
