// The service's only source of time. Everything below service/ takes an absl::Time as an argument; a program makes one
// Clock and hands out what it reads.
//
// Text form (flag --clock of suggestd and suggestctl):
//   "system"                              the machine's clock
//   "<wall epoch>,<start>,<rate>"         start + rate * (wall clock - wall epoch), instants as RFC 3339
// The accelerated form has no state, so several programs and replicas that are given the same text agree on the time.
//
// Threads: all clocks are immutable and may be read by any number of threads.
#ifndef SERVICE_COMMON_CLOCK_H_
#define SERVICE_COMMON_CLOCK_H_

#include <memory>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace suggest {

class Clock {
 public:
  virtual ~Clock() = default;
  virtual absl::Time Now() const = 0;
};

class SystemClock : public Clock {
 public:
  absl::Time Now() const override;
};

// start + rate * (wall - wall_epoch).
class AcceleratedClock : public Clock {
 public:
  // REQUIRES: rate > 0.
  AcceleratedClock(absl::Time wall_epoch, absl::Time start, double rate);

  absl::Time Now() const override;
  // The instant that this clock shows when the machine's clock shows `wall`.
  absl::Time At(absl::Time wall) const;

 private:
  absl::Time wall_epoch_;
  absl::Time start_;
  double rate_;
};

// Errors: INVALID_ARGUMENT naming the part of the text that cannot be read, or a rate that is not positive.
absl::StatusOr<std::unique_ptr<Clock>> ParseClock(absl::string_view text);

}  // namespace suggest

#endif  // SERVICE_COMMON_CLOCK_H_
