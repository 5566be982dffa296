#include "service/cli/flags.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "service/cli/outcome.h"

namespace suggest::cli {
namespace {

using ::testing::ElementsAre;

const std::vector<FlagSpec>& FlagTable() {
  static const auto* const table = new std::vector<FlagSpec>{
      {.name = "dry-run", .kind = FlagKind::kSwitch},
      {.name = "data", .value_name = "DIR"},
      {.name = "mode", .kind = FlagKind::kChoice, .value_name = "MODE", .choices = {"fast", "slow"}},
      {.name = "count", .kind = FlagKind::kInteger, .value_name = "N", .minimum = 1, .maximum = 100},
      {.name = "share", .kind = FlagKind::kReal, .value_name = "X", .minimum = 0, .maximum = 1},
      {.name = "timeout", .kind = FlagKind::kDuration, .value_name = "DURATION"},
      {.name = "at", .kind = FlagKind::kTime, .value_name = "TIME"},
      {.name = "server", .kind = FlagKind::kAddress, .value_name = "HOST:PORT"},
      {.name = "exclude", .kind = FlagKind::kList, .value_name = "ID"},
  };
  return *table;
}

Flags Parsed(const std::vector<std::string>& arguments) {
  absl::StatusOr<Flags> flags = Flags::Parse(FlagTable(), arguments);
  EXPECT_TRUE(flags.ok()) << flags.status();
  return *std::move(flags);
}

TEST(FlagsTest, ReadsEveryKindInBothForms) {
  const Flags flags = Parsed({"--dry-run", "--data", "a dir", "--mode=slow", "--count", "7", "--share=0.25",
                              "--timeout", "1m30s", "--at=2026-01-02T03:04:05Z", "--server", "[::1]:7070"});
  EXPECT_TRUE(flags.Switch("dry-run"));
  EXPECT_EQ(flags.Text("data"), "a dir");
  EXPECT_EQ(flags.Text("mode"), "slow");
  EXPECT_EQ(flags.Integer("count", 0), 7);
  EXPECT_EQ(flags.Real("share", 0), 0.25);
  EXPECT_EQ(flags.Duration("timeout", absl::ZeroDuration()), absl::Seconds(90));
  EXPECT_EQ(flags.Time("at", absl::InfinitePast()), absl::FromUnixSeconds(1767323045));
  EXPECT_EQ(flags.Text("server"), "[::1]:7070");
}

TEST(FlagsTest, GivesDefaultsForWhatIsAbsent) {
  const Flags flags = Parsed({});
  EXPECT_FALSE(flags.Has("data"));
  EXPECT_FALSE(flags.Switch("dry-run"));
  EXPECT_EQ(flags.Text("data", "here"), "here");
  EXPECT_EQ(flags.Integer("count", 3), 3);
  EXPECT_THAT(flags.List("exclude"), ElementsAre());
}

TEST(FlagsTest, CollectsListsAndPositionalsInOrder) {
  const Flags flags = Parsed({"first", "--exclude", "a", "-1", "--exclude=b", "--", "--data"});
  EXPECT_THAT(flags.List("exclude"), ElementsAre("a", "b"));
  EXPECT_THAT(flags.positionals(), ElementsAre("first", "-1", "--data"));
}

TEST(FlagsTest, SwitchCanBeTurnedOffByValue) {
  EXPECT_FALSE(Parsed({"--dry-run=false"}).Switch("dry-run"));
}

struct Mistake {
  std::vector<std::string> arguments;
  std::string message;
};

class FlagMistakeTest : public ::testing::TestWithParam<Mistake> {};

TEST_P(FlagMistakeTest, IsAUsageErrorThatNamesFlagAndValue) {
  const absl::Status status = Flags::Parse(FlagTable(), GetParam().arguments).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(ExitCodeOf(status), ExitCode::kUsage);
  EXPECT_EQ(status.message(), GetParam().message);
}

INSTANTIATE_TEST_SUITE_P(
    All, FlagMistakeTest,
    ::testing::Values(Mistake{{"--nonsense", "1"}, "unknown flag --nonsense"},
                      Mistake{{"--nonsense=1"}, "unknown flag --nonsense"},
                      Mistake{{"-v"}, "unknown flag -v: flags start with --"},
                      Mistake{{"--data"}, "--data: the value DIR is missing"},
                      Mistake{{"--data="}, "--data: \"\" is not a value: it is empty"},
                      Mistake{{"--data=a", "--data=b"}, "--data is given twice: \"a\" and \"b\""},
                      Mistake{{"--mode=odd"}, "--mode: \"odd\" is not one of fast, slow"},
                      Mistake{{"--count=x"}, "--count: \"x\" is not a whole number from 1 to 100"},
                      Mistake{{"--count=1.5"}, "--count: \"1.5\" is not a whole number from 1 to 100"},
                      Mistake{{"--count=0"}, "--count: \"0\" is not a whole number from 1 to 100"},
                      Mistake{{"--count", "101"}, "--count: \"101\" is not a whole number from 1 to 100"},
                      Mistake{{"--share=nan"}, "--share: \"nan\" is not a number from 0 to 1"},
                      Mistake{{"--share=1.01"}, "--share: \"1.01\" is not a number from 0 to 1"},
                      Mistake{{"--timeout=5"}, "--timeout: \"5\" is not a duration above zero, such as 90s or 1h30m"},
                      Mistake{{"--timeout=-5s"},
                              "--timeout: \"-5s\" is not a duration above zero, such as 90s or 1h30m"},
                      Mistake{{"--at=yesterday"}, "--at: \"yesterday\" is not a time, such as 2026-01-31T00:00:00Z"},
                      Mistake{{"--server=localhost"}, "--server: \"localhost\" is not host:port"},
                      Mistake{{"--server=localhost:0"}, "--server: \"localhost:0\" is not host:port"},
                      Mistake{{"--server=localhost:70700"}, "--server: \"localhost:70700\" is not host:port"},
                      Mistake{{"--dry-run=maybe"}, "--dry-run: \"maybe\" is not true or false"}));

TEST(FlagsTest, NamesARequiredFlagThatIsMissing) {
  const std::vector<FlagSpec> table = {{.name = "customer", .value_name = "ID", .required = true}};
  const absl::Status status = Flags::Parse(table, {}).status();
  EXPECT_EQ(status.message(), "--customer ID is required");
  EXPECT_EQ(ExitCodeOf(status), ExitCode::kUsage);
}

}  // namespace
}  // namespace suggest::cli
