#include "features/transform.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/features/feature_test_support.h"

namespace suggest::features {
namespace {

TEST(ApplyTransformTest, Log1pIsOddAndAgreesWithLibm) {
  for (const double x : {0.0, 1e-9, 0.5, 3.0, 1e6}) {
    EXPECT_NEAR(ApplyTransform(config::v1::LOG1P, x), std::log1p(x), 1e-14 * (1 + std::log1p(x)));
    EXPECT_EQ(ApplyTransform(config::v1::LOG1P, -x), -ApplyTransform(config::v1::LOG1P, x));
  }
  EXPECT_EQ(ApplyTransform(config::v1::NONE, -2.5), -2.5);
}

TEST(ShapeValueTest, ClipsBeforeTheTransform) {
  const Feature feature = SchemaOf("numeric { column: 'a' transform: LOG1P clip_min: 1 clip_max: 9 }").features(0);
  EXPECT_NEAR(ShapeValue(feature, 100), std::log(10.0), 1e-15);
  EXPECT_NEAR(ShapeValue(feature, -5), std::log(2.0), 1e-15);
  EXPECT_NEAR(ShapeValue(feature, 4), std::log(5.0), 1e-15);
}

TEST(ShapeValueTest, AgesAreNeverNegative) {
  const Feature feature = SchemaOf("age { column: 'a' clip_max: 10 }").features(0);
  EXPECT_EQ(ShapeValue(feature, -3), 0);
  EXPECT_EQ(ShapeValue(feature, 30), 10);
  EXPECT_EQ(ShapeValue(feature, 7), 7);
}

}  // namespace
}  // namespace suggest::features
