#include "bandit/choose/shortlist.h"

#include <algorithm>
#include <cmath>
#include <functional>

namespace suggest::bandit {
namespace {

// Up to here counting beats quickselect.
constexpr size_t kCounted = 256;

// The largest float that is not above `value`.
float RoundDown(double value) {
  const auto rounded = static_cast<float>(value);
  return rounded <= value ? rounded : std::nextafter(rounded, -std::numeric_limits<float>::infinity());
}

float Select(const std::vector<float>& values, int k) {
  if (values.size() <= kCounted) return KthLargest(values.data(), static_cast<int>(values.size()), k);
  std::vector<float> copy = values;
  std::nth_element(copy.begin(), copy.begin() + k - 1, copy.end(), std::greater<>());
  return copy[k - 1];
}

}  // namespace

Shortlist::Shortlist(int count, double margin)
    : count_(count), margin_(margin), limit_(2 * static_cast<size_t>(count)) {
  candidates_.reserve(limit_ + 64);
  scores_.reserve(limit_ + 64);
}

void Shortlist::AppendTo(std::vector<int>* candidates) {
  Compact();
  candidates->insert(candidates->end(), candidates_.begin(), candidates_.end());
}

void Shortlist::Compact() {
  const size_t offered = scores_.size();
  if (offered <= static_cast<size_t>(count_)) return;
  threshold_ = std::max(threshold_, RoundDown(Select(scores_, count_) - margin_));
  size_t kept = 0;
  for (size_t i = 0; i < offered; ++i) {
    candidates_[kept] = candidates_[i];
    scores_[kept] = scores_[i];
    kept += scores_[i] >= threshold_;
  }
  candidates_.resize(kept);
  scores_.resize(kept);
  limit_ = std::max<size_t>(2 * static_cast<size_t>(count_), 2 * kept);
}

}  // namespace suggest::bandit
