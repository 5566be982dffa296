#include "service/cli/outcome.h"

#include "gtest/gtest.h"

namespace suggest::cli {
namespace {

TEST(OutcomeTest, AStatusCarriesItsExitCode) {
  EXPECT_EQ(ExitCodeOf(absl::OkStatus()), ExitCode::kDone);
  EXPECT_EQ(ExitCodeOf(absl::InternalError("x")), ExitCode::kFailed);
  EXPECT_EQ(ExitCodeOf(absl::InvalidArgumentError("from a server")), ExitCode::kFailed);
  EXPECT_EQ(ExitCodeOf(UsageError("x")), ExitCode::kUsage);
  EXPECT_EQ(ExitCodeOf(WithExitCode(absl::InternalError("x"), ExitCode::kNothingToDo)), ExitCode::kNothingToDo);
}

TEST(OutcomeTest, OnlyAbortedMeansAlreadyRunning) {
  EXPECT_EQ(ExitCodeOf(AlreadyRunningIfAborted(absl::AbortedError("x"))), ExitCode::kNothingToDo);
  EXPECT_EQ(ExitCodeOf(AlreadyRunningIfAborted(absl::UnavailableError("x"))), ExitCode::kFailed);
  EXPECT_TRUE(AlreadyRunningIfAborted(absl::OkStatus()).ok());
}

}  // namespace
}  // namespace suggest::cli
