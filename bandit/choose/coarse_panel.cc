#include "bandit/choose/coarse_panel.h"

#include <algorithm>
#include <cmath>

namespace suggest::bandit {
namespace {

constexpr double kLargest = 127;                // of q
constexpr int kLargestByte = 255;               // of q + 128, and of what a kernel may be given
constexpr double kLargestWeight = 32639;        // of v: 127 256 + 127
constexpr double kMostTogether = 0x1p31 / 256;  // sum |v|: times 255 it stays below 2^31
constexpr double kTiny = 1e-280;                // below it quotients lose their digits, or overflow
constexpr double kHuge = 1e30;

int ToWhole(double value, double largest) {
  return static_cast<int>(std::lround(std::clamp(value, -largest, largest)));
}

uint32_t Low(int value, int bits) {
  return static_cast<uint32_t>(value) & ((1U << bits) - 1);
}

// The digit of v = 256 high + low, both in -128 .. 127.
int HighDigit(int v) {
  return (v + 128) >> 8;
}

int LowDigit(int v) {
  return v - 256 * HighDigit(v);
}

// Puts the weight of column `place` of four where the kernels look for it.
void Set(int place, int v, FourWeights* weights) {
  (place % 2 == 0 ? weights->even : weights->odd) |= Low(v, 16) << (16 * (place / 2));
  weights->high |= Low(HighDigit(v), 8) << (8 * place);
  weights->low |= Low(LowDigit(v), 8) << (8 * place);
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
  lines_.assign(static_cast<size_t>(blocks_) * fours() * (4 * kPanelRows / sizeof(Line)), Line{});
  for (size_t k = 0; k < columns_.size(); ++k) {
    const auto [c, step] = columns_[k];
    for (size_t j = 0; j < rows; ++j) {
      const double offset = row_major[j * cols + c] - middles[c];
      const int q = ToWhole(offset / step, kLargest);
      const size_t four = j / kPanelRows * fours() + k / 4;
      const size_t place = (four * kPanelRows + j % kPanelRows) * 4 + k % 4;
      lines_[place / sizeof(Line)].bytes[place % sizeof(Line)] = static_cast<uint8_t>(q + 128);
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
    weights.unit = std::max(sum / (kMostTogether - static_cast<double>(columns_.size())), largest / kLargestWeight);
  }
  weights.fours.assign(fours(), {});
  for (size_t k = 0; k < columns_.size(); ++k) {
    const double slope = w[columns_[k].index] * columns_[k].step;
    const int v = ToWhole(slope / weights.unit, kLargestWeight);
    error += kLargest * (std::abs(slope - weights.unit * v) + rounding * std::abs(slope));
    Set(static_cast<int>(k % 4), v, &weights.fours[k / 4]);
    weights.most_low += kLargestByte * std::max(0, LowDigit(v));
  }
  weights.bound = (1.0 + 1e-6) * error / weights.unit;
  if (!(weights.bound < 0x1p30)) weights.fours.clear();
  return weights;
}

ScorePass CoarsePanel::PassOver(const Weights& weights, absl::Span<const uint64_t> eligible) const {
  return {data(), fours(), static_cast<int>(eligible.size()), weights.fours.data(), weights.most_low, eligible.data()};
}

}  // namespace suggest::bandit
