#include "service/cli/progress_line.h"

#include <cmath>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "service/cli/table.h"

namespace suggest::cli {
namespace {

constexpr absl::Duration kTerminalEvery = absl::Milliseconds(200);
constexpr absl::Duration kLogEvery = absl::Seconds(5);

std::string Rate(int64_t done, absl::Duration elapsed) {
  const double seconds = absl::ToDoubleSeconds(elapsed);
  if (seconds <= 0) return "-/s";
  const double rate = static_cast<double>(done) / seconds;
  if (rate < 10) return absl::StrCat(Significant(rate, 2), "/s");
  return absl::StrCat(GroupDigits(std::llround(rate)), "/s");
}

}  // namespace

std::string ClockFace(absl::Duration duration) {
  const int64_t seconds = std::llround(absl::ToDoubleSeconds(duration));
  if (seconds < 3600) return absl::StrFormat("%d:%02d", seconds / 60, seconds % 60);
  return absl::StrFormat("%d:%02d:%02d", seconds / 3600, seconds / 60 % 60, seconds % 60);
}

ProgressLine::ProgressLine(Sink& err, const Clock& wall, bool terminal) : err_(err), wall_(wall), terminal_(terminal) {}

ProgressLine::~ProgressLine() {
  Finish();
}

void ProgressLine::Update(absl::string_view phase, int64_t done, int64_t total) {
  const absl::Time now = wall_.Now();
  if (phase != phase_) {
    Finish();
    phase_ = std::string(phase);
    started_ = now;
    last_printed_ = now;
  }
  done_ = done;
  total_ = total;
  if (now - last_printed_ < (terminal_ ? kTerminalEvery : kLogEvery)) return;
  last_printed_ = now;
  printed_ = true;
  err_.Write(terminal_ ? absl::StrCat("\r", Describe(now), "\x1b[K") : absl::StrCat(Describe(now), "\n"));
}

void ProgressLine::Finish() {
  if (printed_) {
    const absl::Duration elapsed = wall_.Now() - started_;
    err_.Write(absl::StrCat(terminal_ ? "\r" : "", phase_, ": ", GroupDigits(done_), " in ", ClockFace(elapsed), ", ",
                            Rate(done_, elapsed), terminal_ ? "\x1b[K" : "", "\n"));
  }
  printed_ = false;
  phase_.clear();
}

std::string ProgressLine::Describe(absl::Time now) const {
  const absl::Duration elapsed = now - started_;
  std::string text = absl::StrCat(phase_, ": ", GroupDigits(done_));
  if (total_ > 0) {
    absl::StrAppend(&text, " of ", GroupDigits(total_), " (", 100 * done_ / total_, " %)");
  }
  absl::StrAppend(&text, ", ", Rate(done_, elapsed));
  if (total_ > 0 && done_ > 0) {
    const double left = static_cast<double>(total_ - done_) / static_cast<double>(done_);
    absl::StrAppend(&text, ", ", ClockFace(elapsed * left), " left");
  }
  return text;
}

}  // namespace suggest::cli
