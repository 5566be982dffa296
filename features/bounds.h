// The range within which values are encoded: what the training rows span, widened (docs/math.md M1a). A value beyond it
// counts as its bound, so no single value, in whatever unit it came, can outweigh all that was learned.
#ifndef FEATURES_BOUNDS_H_
#define FEATURES_BOUNDS_H_

#include <algorithm>
#include <cstdint>
#include <limits>
#include <vector>

namespace suggest::features {

struct Bounds {
  double lower = -std::numeric_limits<double>::infinity();
  double upper = std::numeric_limits<double>::infinity();

  // NaN stays NaN.
  double Clip(double x) const { return x < lower ? lower : x > upper ? upper : x; }
  bool bounded() const { return lower > -std::numeric_limits<double>::infinity(); }
  // Whether x is a number outside.
  bool Exceeded(double x) const { return x < lower || x > upper; }
};

// [q1 - 3 (q99 - q1), q99 + 3 (q99 - q1)], q1 and q99 the 1 % and 99 % quantiles of `values`, each the outer one of two
// values that it lies between; where they are equal, their least and greatest value stand in for them. Unbounded when
// `values` is empty or all of one value. NaNs are passed over. Cost: O(n).
Bounds WidenedSpan(std::vector<double> values);

// center -+ 100 scale: for a schema whose values nobody has seen yet. REQUIRES: scale > 0.
Bounds WidenedScale(double center, double scale);

// Values that were beyond their bounds when they were encoded, since the process began. Thread-safe.
int64_t ClippedValues();
void CountClippedValues(int64_t values);

}  // namespace suggest::features

#endif  // FEATURES_BOUNDS_H_
