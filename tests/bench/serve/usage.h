// What processes cost, read from /proc.
#ifndef TESTS_BENCH_SERVE_USAGE_H_
#define TESTS_BENCH_SERVE_USAGE_H_

#include <sys/types.h>

#include <cstdint>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace suggest::bench {

// Processor time in user and system mode so far; zero when the process is gone.
absl::Duration CpuTime(pid_t pid);
// Of a process and all its children, those that have ended and were waited for included.
absl::Duration CpuTimeOfFamily(pid_t pid);
absl::Duration OwnCpuTime();

// Of all processors of the machine together: for how long they had nothing to run.
absl::Duration IdleTime();

int64_t ResidentBytes(pid_t pid);
int OpenFiles(pid_t pid);

// Fields of a line of /proc/PID/stat, after the command's name, which may itself hold blanks and parentheses.
struct ProcessStat {
  pid_t parent = 0;
  int64_t ticks = 0;         // user and system
  int64_t waited_ticks = 0;  // of children that have ended
};
ProcessStat ParseStat(absl::string_view line);

// Ticks without work, those with an outstanding request to a disk included, of the first line of /proc/stat.
int64_t ParseIdleTicks(absl::string_view line);

}  // namespace suggest::bench

#endif  // TESTS_BENCH_SERVE_USAGE_H_
