// When the calls of an open loop are due: evenly, at a fixed rate, whatever became of the earlier ones.
//
// A call's latency counts from the instant at which it was due, not from when it was sent: a server that stalls delays
// the calls that pile up behind, and each of them says so. A closed loop would send fewer calls meanwhile and leave the
// stall out of its percentiles ("coordinated omission", G. Tene, How NOT to Measure Latency, 2015).
#ifndef TESTS_BENCH_SERVE_SCHEDULE_H_
#define TESTS_BENCH_SERVE_SCHEDULE_H_

#include <cstdint>

#include "absl/time/time.h"
#include "bandit/base/check.h"

namespace suggest::bench {

class Schedule {
 public:
  // Calls a second. REQUIRES: rate > 0.
  explicit Schedule(double rate) : rate_(rate) { SUGGEST_CHECK(rate > 0); }

  // From the start to call n, n = 0, 1, ... Computed from n, so that no rounding adds up.
  absl::Duration Due(int64_t n) const {
    return absl::Nanoseconds(static_cast<int64_t>(1e9 * (static_cast<double>(n) / rate_)));
  }

  // How many calls are due before `length` has passed.
  int64_t CallsWithin(absl::Duration length) const {
    auto calls = static_cast<int64_t>(absl::ToDoubleSeconds(length) * rate_);
    while (Due(calls) < length) ++calls;
    while (calls > 0 && Due(calls - 1) >= length) --calls;
    return calls;
  }

 private:
  double rate_;
};

}  // namespace suggest::bench

#endif  // TESTS_BENCH_SERVE_SCHEDULE_H_
