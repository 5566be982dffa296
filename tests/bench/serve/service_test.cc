#include "tests/bench/serve/service.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace suggest::bench {
namespace {

TEST(SumOfMetricTest, AddsTheLabelSetsOfThatNameOnly) {
  const char* const text =
      "# TYPE suggest_x_total counter\n"
      "suggest_x_total{code=\"OK\"} 3\n"
      "suggest_x_total{code=\"UNAVAILABLE\"} 4\n"
      "suggest_x_total_seconds 100\n"
      "suggest_y 2.5\n";
  EXPECT_EQ(SumOfMetric(text, "suggest_x_total"), 7);
  EXPECT_EQ(SumOfMetric(text, "suggest_y"), 2.5);
  EXPECT_EQ(SumOfMetric(text, "suggest_z"), 0);
}

}  // namespace
}  // namespace suggest::bench
