// What becomes of a value between its reading and scaling: clip, then transform. The same bits on every machine.
#ifndef FEATURES_TRANSFORM_H_
#define FEATURES_TRANSFORM_H_

#include "suggest/config/v1/features.pb.h"

namespace suggest::features {

// NONE: x. LOG1P: sign(x) log(1 + |x|), which is the usual log1p for x >= 0 and defined for all x.
double ApplyTransform(config::v1::Transform transform, double x);

// Clip and transform of a numeric, boolean or age feature. REQUIRES: x finite.
double ShapeValue(const config::v1::Feature& feature, double x);

}  // namespace suggest::features

#endif  // FEATURES_TRANSFORM_H_
