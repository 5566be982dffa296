#include "tests/bench/serve/usage.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "bandit/base/check.h"

namespace suggest::bench {
namespace {

std::string ReadProc(pid_t pid, absl::string_view file) {
  std::ifstream in(absl::StrCat("/proc/", pid, "/", file));
  return std::string(std::istreambuf_iterator<char>(in), {});
}

ProcessStat StatOf(pid_t pid) {
  const std::string line = ReadProc(pid, "stat");
  return line.empty() ? ProcessStat{} : ParseStat(line);
}

absl::Duration ToDuration(int64_t ticks) {
  return absl::Seconds(1) * ticks / sysconf(_SC_CLK_TCK);
}

int64_t ToInt(absl::string_view text) {
  int64_t value = 0;
  SUGGEST_CHECK(absl::SimpleAtoi(text, &value));
  return value;
}

}  // namespace

// Numbered from 1 in proc(5): 4 is the parent, 14 to 17 are utime, stime, cutime, cstime. The part after ") " begins
// with field 3.
ProcessStat ParseStat(absl::string_view line) {
  const size_t name_end = line.rfind(") ");
  SUGGEST_CHECK(name_end != absl::string_view::npos);
  const std::vector<absl::string_view> fields = absl::StrSplit(line.substr(name_end + 2), ' ');
  SUGGEST_CHECK(fields.size() > 14);
  return {static_cast<pid_t>(ToInt(fields[1])), ToInt(fields[11]) + ToInt(fields[12]),
          ToInt(fields[13]) + ToInt(fields[14])};
}

// "cpu", user, nice, system, idle, iowait, ... (proc(5)).
int64_t ParseIdleTicks(absl::string_view line) {
  const std::vector<absl::string_view> fields = absl::StrSplit(line, ' ', absl::SkipEmpty());
  SUGGEST_CHECK(fields.size() > 5 && fields[0] == "cpu");
  return ToInt(fields[4]) + ToInt(fields[5]);
}

absl::Duration IdleTime() {
  std::ifstream in("/proc/stat");
  std::string line;
  std::getline(in, line);
  return ToDuration(ParseIdleTicks(line));
}

absl::Duration CpuTime(pid_t pid) {
  return ToDuration(StatOf(pid).ticks);
}

absl::Duration CpuTimeOfFamily(pid_t pid) {
  const ProcessStat head = StatOf(pid);
  int64_t ticks = head.ticks + head.waited_ticks;
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    int64_t other = 0;
    if (!absl::SimpleAtoi(entry.path().filename().string(), &other)) continue;
    const ProcessStat stat = StatOf(static_cast<pid_t>(other));
    if (stat.parent == pid) ticks += stat.ticks;
  }
  return ToDuration(ticks);
}

absl::Duration OwnCpuTime() {
  rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return absl::DurationFromTimeval(usage.ru_utime) + absl::DurationFromTimeval(usage.ru_stime);
}

int64_t ResidentBytes(pid_t pid) {
  const std::string statm = ReadProc(pid, "statm");
  const std::vector<absl::string_view> fields = absl::StrSplit(statm, ' ');
  return fields.size() > 1 ? ToInt(fields[1]) * sysconf(_SC_PAGESIZE) : 0;
}

int OpenFiles(pid_t pid) {
  std::error_code gone;
  const std::filesystem::directory_iterator files(absl::StrCat("/proc/", pid, "/fd"), gone);
  return gone ? 0 : static_cast<int>(std::distance(begin(files), end(files)));
}

}  // namespace suggest::bench
