#include "tests/bench/serve/histogram.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace suggest::bench {
namespace {

TEST(HistogramTest, EmptyHasZeros) {
  const Histogram empty;
  EXPECT_EQ(empty.count(), 0);
  EXPECT_EQ(empty.Percentile(0.5), absl::ZeroDuration());
  EXPECT_EQ(empty.max(), absl::ZeroDuration());
}

// One value of each size, from 0 to beyond a day: the oracle is the value itself.
TEST(HistogramTest, GivesEachValueBackWithinItsBucket) {
  for (int64_t value = 0; value < int64_t{100'000'000'000'000}; value += 1 + value / 3) {
    Histogram histogram;
    histogram.Record(absl::Nanoseconds(value));
    histogram.Record(absl::Nanoseconds(4 * value + 4));  // so that the largest one does not cap the edge
    const int64_t read = absl::ToInt64Nanoseconds(histogram.Percentile(0.5));
    ASSERT_GE(read, value);
    ASSERT_LE(read, value + value / 64);
  }
}

TEST(HistogramTest, PercentilesAreThoseOfTheSortedValues) {
  Histogram histogram;
  std::vector<int64_t> values;
  for (int64_t i = 0; i < 10'000; ++i) values.push_back(1'000 + i * i % 7'919 * 613);
  for (const int64_t value : values) histogram.Record(absl::Nanoseconds(value));
  std::sort(values.begin(), values.end());
  for (const double share : {0.0, 0.01, 0.5, 0.9, 0.99, 0.999, 1.0}) {
    const auto rank = std::max<int64_t>(1, static_cast<int64_t>(std::ceil(share * values.size())));
    const int64_t exact = values[rank - 1];
    const int64_t read = absl::ToInt64Nanoseconds(histogram.Percentile(share));
    EXPECT_GE(read, exact) << share;
    EXPECT_LE(read, exact + exact / 64) << share;
  }
  EXPECT_EQ(histogram.Percentile(1), absl::Nanoseconds(values.back()));
  EXPECT_EQ(histogram.max(), absl::Nanoseconds(values.back()));
}

TEST(HistogramTest, MergedEqualsRecordedTogether) {
  Histogram a, b, both;
  for (int i = 1; i < 1'000; ++i) {
    const absl::Duration value = absl::Microseconds(i * 37 % 501);
    (i % 3 == 0 ? a : b).Record(value);
    both.Record(value);
  }
  a.Merge(b);
  EXPECT_EQ(a.count(), both.count());
  EXPECT_EQ(a.max(), both.max());
  for (const double share : {0.1, 0.5, 0.99}) EXPECT_EQ(a.Percentile(share), both.Percentile(share));
}

TEST(HistogramTest, ANegativeDurationCountsAsZero) {
  Histogram histogram;
  histogram.Record(absl::Nanoseconds(-5));
  EXPECT_EQ(histogram.count(), 1);
  EXPECT_EQ(histogram.Percentile(1), absl::ZeroDuration());
}

}  // namespace
}  // namespace suggest::bench
