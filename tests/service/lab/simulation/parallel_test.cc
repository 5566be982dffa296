#include "service/lab/simulation/parallel.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <vector>

#include "tests/support/status_matchers.h"

namespace suggest::simulation {
namespace {

using ::suggest::testing::StatusIs;

TEST(ParallelTest, EveryPieceIsDoneOnceWithAnyNumberOfThreads) {
  for (const int jobs : {1, 3, 100}) {
    std::vector<std::atomic<int>> done(20);
    ASSERT_OK(ForEachInParallel(20, jobs, [&](int i) {
      ++done[i];
      return absl::OkStatus();
    }));
    for (const auto& times : done) EXPECT_EQ(times, 1) << jobs;
  }
  EXPECT_OK(ForEachInParallel(0, 2, [](int) { return absl::InternalError("not called"); }));
}

TEST(ParallelTest, TheFirstErrorEndsIt) {
  int calls = 0;
  EXPECT_THAT(ForEachInParallel(20, 1,
                                [&](int i) {
                                  ++calls;
                                  return i == 3 ? absl::InternalError("three") : absl::OkStatus();
                                }),
              StatusIs(absl::StatusCode::kInternal, "three"));
  EXPECT_EQ(calls, 4);
}

}  // namespace
}  // namespace suggest::simulation
