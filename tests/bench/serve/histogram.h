// Latencies in buckets whose width grows with the value.
//
// A value below 128 ns has a bucket of its own; above, each power of two is cut into 64 equal buckets. So a percentile
// read back is at most 1/64 (1.6 %) too high and never too low: percentiles give the upper edge of their bucket, but no
// more than the largest value seen.
//
// Cost: 29 KiB; recording is O(1). Threads: none; one histogram per thread, then Merge.
#ifndef TESTS_BENCH_SERVE_HISTOGRAM_H_
#define TESTS_BENCH_SERVE_HISTOGRAM_H_

#include <cstdint>
#include <vector>

#include "absl/time/time.h"

namespace suggest::bench {

class Histogram {
 public:
  Histogram();

  // Negative durations count as 0.
  void Record(absl::Duration value);
  void Merge(const Histogram& other);

  int64_t count() const { return count_; }
  absl::Duration max() const { return absl::Nanoseconds(max_); }
  // The smallest bucket edge with at least `share` of the values at or below it; zero when nothing was recorded.
  // REQUIRES: 0 <= share <= 1.
  absl::Duration Percentile(double share) const;

 private:
  std::vector<int64_t> buckets_;
  int64_t count_ = 0;
  int64_t max_ = 0;
};

}  // namespace suggest::bench

#endif  // TESTS_BENCH_SERVE_HISTOGRAM_H_
