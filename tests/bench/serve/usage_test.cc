#include "tests/bench/serve/usage.h"

#include <fcntl.h>
#include <unistd.h>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace suggest::bench {
namespace {

TEST(UsageTest, ReadsAStatLineWhoseCommandHoldsBlanksAndParentheses) {
  const ProcessStat stat = ParseStat("42 (odd) name) S 7 42 42 0 -1 4194304 1 2 3 4 100 20 300 4 20 0 1 0 999");
  EXPECT_EQ(stat.parent, 7);
  EXPECT_EQ(stat.ticks, 120);
  EXPECT_EQ(stat.waited_ticks, 304);
}

TEST(UsageTest, ReadsHowLongTheProcessorsHadNothingToRun) {
  EXPECT_EQ(ParseIdleTicks("cpu  100 2 30 4000 50 6 7 8 9 10"), 4050);
  EXPECT_GT(IdleTime(), absl::ZeroDuration());
}

TEST(UsageTest, SeesItsOwnProcess) {
  const absl::Duration before = OwnCpuTime();
  volatile double sum = 0;
  while (OwnCpuTime() < before + absl::Milliseconds(50)) sum = sum + 1;
  EXPECT_GE(CpuTime(getpid()), absl::Milliseconds(30));  // counted in ticks of 10 ms
  EXPECT_GT(ResidentBytes(getpid()), 1 << 20);
}

TEST(UsageTest, CountsOpenFiles) {
  const int before = OpenFiles(getpid());
  const int file = open("/dev/null", O_RDONLY);
  EXPECT_EQ(OpenFiles(getpid()), before + 1);
  close(file);
  EXPECT_EQ(OpenFiles(getpid()), before);
}

TEST(UsageTest, AProcessThatIsGoneCostsNothing) {
  EXPECT_EQ(CpuTime(-1), absl::ZeroDuration());
  EXPECT_EQ(ResidentBytes(-1), 0);
  EXPECT_EQ(OpenFiles(-1), 0);
}

}  // namespace
}  // namespace suggest::bench
