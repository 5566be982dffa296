#include "service/common/timestamps.h"

#include <gtest/gtest.h>

namespace suggest {
namespace {

TEST(TimestampsTest, KeepNanosecondsThereAndBackBeforeAndAfter1970) {
  for (const int64_t nanos : {int64_t{0}, int64_t{1'767'225'600'123'456'789}, int64_t{-1}, int64_t{-1'500'000'000}}) {
    const absl::Time time = absl::FromUnixNanos(nanos);
    EXPECT_EQ(ToAbslTime(ToProtoTimestamp(time)), time);
    EXPECT_GE(ToProtoTimestamp(time).nanos(), 0);
  }
}

TEST(TimestampsTest, PrintsUtcWithTheDigitsThatItTakes) {
  EXPECT_EQ(FormatInstant(absl::FromUnixNanos(1'767'225'600'123'456'789)), "2026-01-01T00:00:00.123456789Z");
  EXPECT_EQ(FormatInstant(absl::FromUnixSeconds(1'767'225'600)), "2026-01-01T00:00:00Z");
}

TEST(TimestampsTest, TheDataCutIsTheTickToTheNanosecond) {
  model::v1::ModelVersion model;
  *model.mutable_lineage()->mutable_data_cut() = ToProtoTimestamp(absl::FromUnixNanos(5));
  EXPECT_EQ(DataCutOf(model), absl::FromUnixNanos(5));
}

}  // namespace
}  // namespace suggest
