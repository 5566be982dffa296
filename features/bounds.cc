#include "features/bounds.h"

#include <atomic>
#include <cmath>
#include <cstddef>

namespace suggest::features {
namespace {

constexpr double kTail = 0.01;
constexpr double kWidening = 3;
constexpr double kScales = 100;

std::atomic<int64_t> clipped_values{0};

Bounds Widen(double low, double high) {
  return {low - kWidening * (high - low), high + kWidening * (high - low)};
}

}  // namespace

Bounds WidenedSpan(std::vector<double> values) {
  std::erase_if(values, [](double x) { return std::isnan(x); });
  if (values.empty()) return {};
  const double last = static_cast<double>(values.size() - 1);
  const auto at = [&](double place) {
    const auto nth = values.begin() + static_cast<std::ptrdiff_t>(place);
    std::nth_element(values.begin(), nth, values.end());
    return *nth;
  };
  const double low = at(std::floor(kTail * last)), high = at(std::ceil((1 - kTail) * last));
  if (low < high) return Widen(low, high);
  const auto [least, greatest] = std::minmax_element(values.begin(), values.end());
  return *least < *greatest ? Widen(*least, *greatest) : Bounds();
}

Bounds WidenedScale(double center, double scale) {
  return {center - kScales * scale, center + kScales * scale};
}

int64_t ClippedValues() {
  return clipped_values.load(std::memory_order_relaxed);
}

void CountClippedValues(int64_t values) {
  if (values != 0) clipped_values.fetch_add(values, std::memory_order_relaxed);
}

}  // namespace suggest::features
