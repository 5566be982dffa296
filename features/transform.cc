#include "features/transform.h"

#include <algorithm>
#include <cmath>

#include "bandit/base/portable_math.h"

namespace suggest::features {
namespace {

double Clip(const config::v1::Numeric& bounds, double x) {
  if (bounds.has_clip_min()) x = std::max(x, bounds.clip_min());
  if (bounds.has_clip_max()) x = std::min(x, bounds.clip_max());
  return x;
}

}  // namespace

double ApplyTransform(config::v1::Transform transform, double x) {
  if (transform != config::v1::LOG1P) return x;
  return std::copysign(PortableLog1p(std::abs(x)), x);
}

double ShapeValue(const config::v1::Feature& feature, double x) {
  using Feature = config::v1::Feature;
  if (feature.kind_case() == Feature::kNumeric) {
    return ApplyTransform(feature.numeric().transform(), Clip(feature.numeric(), x));
  }
  if (feature.kind_case() == Feature::kAge) {
    const config::v1::Age& age = feature.age();
    x = std::max(x, 0.0);
    return ApplyTransform(age.transform(), age.has_clip_max() ? std::min(x, age.clip_max()) : x);
  }
  return x;
}

}  // namespace suggest::features
