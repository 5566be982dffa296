// Says how far long work is, how fast it goes and how long it will take: one line that is rewritten on a terminal, else
// a line every few seconds (a log, a pipe).
//
//   replay: 41,200 of 120,000 (34 %), 2,056/s, 0:38 left
//
// The rate is the whole phase's so far. Work that ends before the first line was due prints nothing. Not thread-safe.
#ifndef SERVICE_CLI_PROGRESS_LINE_H_
#define SERVICE_CLI_PROGRESS_LINE_H_

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "service/cli/sink.h"
#include "service/common/clock.h"

namespace suggest::cli {

class ProgressLine {
 public:
  // Both must outlive the line. `wall` is real time, also when the command itself runs on an accelerated clock.
  ProgressLine(Sink& err, const Clock& wall, bool terminal);
  // Ends the last phase.
  ~ProgressLine();
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;

  // `done` of `total` in the named phase; total 0 = not known. A new name ends the phase before and starts the clock.
  void Update(absl::string_view phase, int64_t done, int64_t total);

  // Prints the phase's sum ("replay: 120,000 in 0:58, 2,068/s") if it printed anything before. Idempotent.
  void Finish();

 private:
  std::string Describe(absl::Time now) const;

  Sink& err_;
  const Clock& wall_;
  const bool terminal_;
  std::string phase_;
  absl::Time started_ = absl::InfinitePast();
  absl::Time last_printed_ = absl::InfinitePast();
  bool printed_ = false;
  int64_t done_ = 0;
  int64_t total_ = 0;
};

// "0:07", "12:30", "3:04:05"; rounded to seconds.
std::string ClockFace(absl::Duration duration);

}  // namespace suggest::cli

#endif  // SERVICE_CLI_PROGRESS_LINE_H_
