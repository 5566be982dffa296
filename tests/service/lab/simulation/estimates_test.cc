#include "service/lab/simulation/estimates.h"

#include <gtest/gtest.h>

#include <cmath>

namespace suggest::simulation {
namespace {

TEST(EstimatesTest, MeanHasTheStandardErrorOfIndependentNumbers) {
  const auto estimate = MeanOf({1, 2, 3, 6});
  EXPECT_DOUBLE_EQ(estimate.mean(), 3);
  EXPECT_DOUBLE_EQ(estimate.standard_error(), std::sqrt((4 + 1 + 0 + 9) / 3.0 / 4.0));
  EXPECT_EQ(MeanOf({5}).standard_error(), 0);
}

TEST(EstimatesTest, PairedNumbersCancelWhatTheyShare) {
  EXPECT_DOUBLE_EQ(PairedDifferenceOf({11, 102, 1003}, {10, 100, 1000}).mean(), 2);
  EXPECT_DOUBLE_EQ(PairedDifferenceOf({11, 102, 1003}, {10, 100, 1000}).standard_error(), 1 / std::sqrt(3.0));
  const auto ratio = PairedRatioOf({2, 20, 200}, {1, 10, 100});
  EXPECT_DOUBLE_EQ(ratio.mean(), 2);
  EXPECT_NEAR(ratio.standard_error(), 0, 1e-15);
}

// a = (3, 5), b = (1, 3): R = 2, a - R b = (1, -1), of standard error 1; over mean(b) = 2.
TEST(EstimatesTest, RatioHasTheFirstOrderError) {
  const auto ratio = PairedRatioOf({3, 5}, {1, 3});
  EXPECT_DOUBLE_EQ(ratio.mean(), 2);
  EXPECT_DOUBLE_EQ(ratio.standard_error(), 0.5);
}

}  // namespace
}  // namespace suggest::simulation
