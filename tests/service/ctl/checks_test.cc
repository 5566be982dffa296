#include "service/ctl/checks.h"

#include "gtest/gtest.h"

namespace suggest::ctl {
namespace {

TEST(ChecksTest, OneFailureMakesItUnhealthyAWarningDoesNot) {
  Checks checks;
  checks.Ok("configuration", "fine");
  checks.Warning("clock", "3 s apart");
  EXPECT_TRUE(checks.healthy());
  EXPECT_EQ(checks.ToOutcome().exit, ExitCode::kDone);
  checks.Failed("database", "gone");
  EXPECT_EQ(checks.ToOutcome().exit, ExitCode::kFailed);
}

TEST(ChecksTest, PrintsEachFindingOnOneLine) {
  Checks checks;
  checks.Failed("configuration", "a is wrong\nb is wrong");
  checks.Skipped("database", "no configuration");
  EXPECT_EQ(checks.ToOutcome().text,
            "failed   configuration  a is wrong; b is wrong\n"
            "skipped  database       no configuration\n"
            "not healthy\n");
}

}  // namespace
}  // namespace suggest::ctl
