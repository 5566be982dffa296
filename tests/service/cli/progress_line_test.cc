#include "service/cli/progress_line.h"

#include "tests/service/cli/test_run.h"

namespace suggest::cli {
namespace {

class ProgressLineTest : public ::testing::Test {
 protected:
  ManualClock wall_{absl::FromUnixSeconds(1000)};
  StringSink err_;
};

TEST_F(ProgressLineTest, WritesALineEveryFewSecondsWhenNotATerminal) {
  ProgressLine line(err_, wall_, /*terminal=*/false);
  for (int i = 0; i <= 120; ++i) {
    line.Update("replay", i * 1000, 240000);
    wall_.Advance(absl::Milliseconds(100));
  }
  line.Finish();
  EXPECT_EQ(err_.text(),
            "replay: 50,000 of 240,000 (20 %), 10,000/s, 0:19 left\n"
            "replay: 100,000 of 240,000 (41 %), 10,000/s, 0:14 left\n"
            "replay: 120,000 in 0:12, 9,917/s\n");
}

TEST_F(ProgressLineTest, RewritesOneLineOnATerminal) {
  ProgressLine line(err_, wall_, /*terminal=*/true);
  line.Update("import", 0, 4);
  wall_.Advance(absl::Seconds(1));
  line.Update("import", 1, 4);
  wall_.Advance(absl::Seconds(3));
  line.Update("import", 4, 4);
  line.Finish();
  EXPECT_EQ(err_.text(),
            "\rimport: 1 of 4 (25 %), 1.0/s, 0:03 left\x1b[K"
            "\rimport: 4 of 4 (100 %), 1.0/s, 0:00 left\x1b[K"
            "\rimport: 4 in 0:04, 1.0/s\x1b[K\n");
}

TEST_F(ProgressLineTest, SaysNothingAboutWorkThatIsDoneAtOnce) {
  ProgressLine line(err_, wall_, /*terminal=*/false);
  line.Update("import", 0, 10);
  line.Update("import", 10, 10);
  line.Finish();
  EXPECT_EQ(err_.text(), "");
}

TEST_F(ProgressLineTest, LeavesOutShareAndTimeLeftWhenTheTotalIsUnknown) {
  ProgressLine line(err_, wall_, /*terminal=*/false);
  line.Update("read", 0, 0);
  wall_.Advance(absl::Seconds(5));
  line.Update("read", 15, 0);
  EXPECT_EQ(err_.text(), "read: 15, 3.0/s\n");
}

TEST_F(ProgressLineTest, TimesEachPhaseByItself) {
  ProgressLine line(err_, wall_, /*terminal=*/false);
  line.Update("read", 0, 0);
  wall_.Advance(absl::Seconds(60));
  line.Update("fit", 0, 100);
  wall_.Advance(absl::Seconds(10));
  line.Update("fit", 50, 100);
  EXPECT_EQ(err_.text(), "fit: 50 of 100 (50 %), 5.0/s, 0:10 left\n");
}

TEST(ClockFaceTest, ShowsHoursOnlyWhenThereAreAny) {
  EXPECT_EQ(ClockFace(absl::Seconds(7)), "0:07");
  EXPECT_EQ(ClockFace(absl::Seconds(750)), "12:30");
  EXPECT_EQ(ClockFace(absl::Seconds(11045)), "3:04:05");
}

}  // namespace
}  // namespace suggest::cli
