#include "tests/bench/measurement.h"

#include <limits>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace suggest::bench {
namespace {

TEST(MeasurementTest, IsOneJsonLineWithWhatIsThere) {
  EXPECT_EQ(ToJsonLine({"serve", "floor", 5120.5, "calls/s", {}, {}}),
            R"({"bench":"serve","name":"floor","value":5120.5,"unit":"calls/s"})");
  EXPECT_EQ(ToJsonLine({"serve", "async", 0.7, "ratio", Target{0.65, Better::kMore}, {{"floor", 5000}, {"d", 289}}}),
            R"({"bench":"serve","name":"async","value":0.7,"unit":"ratio","target":0.65,"better":"more",)"
            R"("detail":{"floor":5000,"d":289}})");
}

TEST(MeasurementTest, WhatIsNoNumberIsNull) {
  EXPECT_EQ(ToJsonLine({"serve", "x", std::numeric_limits<double>::infinity(), "s", {}, {}}),
            R"({"bench":"serve","name":"x","value":null,"unit":"s"})");
}

TEST(MeasurementTest, MedianIsTheMiddleOne) {
  EXPECT_EQ(Median({3}), 3);
  EXPECT_EQ(Median({9, 1, 5}), 5);
  EXPECT_EQ(Median({4, 1, 8, 2}), 3);
}

}  // namespace
}  // namespace suggest::bench
