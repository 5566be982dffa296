#include "service/cli/run.h"

#include <cstdio>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "tests/service/cli/test_run.h"

namespace suggest::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

absl::StatusOr<Outcome> Echo(const Invocation& invocation) {
  const std::string word = invocation.positional(0);
  if (word == "fail") return absl::NotFoundError("word \"fail\" is\nunknown");
  if (word == "busy") return AlreadyRunningIfAborted(absl::AbortedError("another run holds the lock"));
  const std::string now = absl::FormatTime(absl::RFC3339_full, invocation.clock.Now(), absl::UTCTimeZone());
  Outcome outcome;
  outcome.document = Json::object({{"word", word}, {"now", now}});
  outcome.text = absl::StrCat("word ", word, "\n");
  if (word == "idle") outcome.exit = ExitCode::kNothingToDo;
  return outcome;
}

Program TestProgram() {
  return {"echoer",
          {{.name = "echo",
            .summary = "Says a word.",
            .details = "It changes nothing.",
            .positionals = {{"WORD", "what to say"}},
            .flags = {{.name = "loud", .kind = FlagKind::kSwitch, .help = "Say it louder."}},
            .config = ConfigUse::kOptional,
            .run = Echo},
           {.name = "things list", .summary = "Lists.", .config = ConfigUse::kRequired, .run = Echo},
           {.name = "things show", .summary = "Shows.", .config = ConfigUse::kOptional, .run = Echo}},
          {{"play", "player"}, {"things burn", "burner"}}};
}

class RunTest : public ::testing::Test {
 protected:
  RunResult RunLine(const std::vector<std::string>& arguments) { return RunProgram(TestProgram(), arguments, wall_); }

  ManualClock wall_{absl::FromUnixSeconds(1767225600)};
};

TEST_F(RunTest, PrintsTextByDefaultAndOneDocumentWhenAskedForJson) {
  const RunResult text = RunLine({"echo", "hello"});
  EXPECT_EQ(text.exit, 0);
  EXPECT_EQ(text.out, "word hello\n");
  EXPECT_EQ(text.err, "");

  const RunResult json = RunLine({"echo", "hello", "--format", "json"});
  EXPECT_EQ(json.exit, 0);
  EXPECT_EQ(json.At({"word"}).string_value(), "hello");
  EXPECT_EQ(json.At({"now"}).string_value(), "2026-01-01T00:00:00+00:00");
}

TEST_F(RunTest, AResultThatStandardOutputDoesNotTakeIsAFailure) {
  for (const std::vector<std::string>& line :
       std::vector<std::vector<std::string>>{{"echo", "hello"}, {"echo", "idle", "--format=json"}, {"--help"}}) {
    std::FILE* const full = std::fopen("/dev/full", "w");
    FileSink out(full);
    StringSink err;
    EXPECT_EQ(cli::Run(TestProgram(), line, {.out = out, .err = err, .wall = wall_}), 1);
    EXPECT_THAT(err.text(), HasSubstr("standard output cannot be written"));
    std::fclose(full);
  }
}

TEST_F(RunTest, TheEnvironmentsConfigurationStandsForTheFlag) {
  const auto run = [&](const std::vector<std::string>& line, const std::string& config) {
    StringSink out;
    StringSink err;
    const int exit = cli::Run(TestProgram(), line, {.out = out, .err = err, .wall = wall_, .config = config});
    return std::pair(exit, err.text());
  };
  EXPECT_EQ(run({"things", "list"}, "").first, 2);
  EXPECT_THAT(run({"things", "list"}, "").second, HasSubstr("or SUGGEST_CONFIG in the environment"));
  EXPECT_THAT(run({"things", "list", "x"}, "some.textproto").second, HasSubstr("one argument too many"));
  EXPECT_THAT(run({"things", "list", "x", "--config", "other"}, "some.textproto").second,
              Not(HasSubstr("given twice")));
}

TEST_F(RunTest, FailsWithOneLineOnStandardError) {
  const RunResult result = RunLine({"echo", "fail"});
  EXPECT_EQ(result.exit, 1);
  EXPECT_EQ(result.out, "");
  EXPECT_EQ(result.err, "echoer: word \"fail\" is; unknown\n");
}

TEST_F(RunTest, FailsWithAnErrorDocumentInJson) {
  const RunResult result = RunLine({"echo", "fail", "--format=json"});
  EXPECT_EQ(result.exit, 1);
  EXPECT_EQ(result.At({"error", "code"}).string_value(), "NOT_FOUND");
  EXPECT_EQ(result.At({"error", "message"}).string_value(), "word \"fail\" is\nunknown");
}

TEST_F(RunTest, ExitsWithThreeForNothingToDoAndForAlreadyRunning) {
  EXPECT_EQ(RunLine({"echo", "idle"}).exit, 3);
  const RunResult busy = RunLine({"echo", "busy", "--format=json"});
  EXPECT_EQ(busy.exit, 3);
  EXPECT_EQ(busy.At({"error", "code"}).string_value(), "ABORTED");
}

struct UsageCase {
  std::vector<std::string> line;
  std::string message;
};

class UsageTest : public ::testing::TestWithParam<UsageCase> {};

TEST_P(UsageTest, ExitsWithTwoAndNamesTheMistake) {
  const ManualClock wall(absl::UnixEpoch());
  RunResult result = RunProgram(TestProgram(), GetParam().line, wall);
  EXPECT_EQ(result.exit, 2);
  EXPECT_EQ(result.out, "");
  EXPECT_EQ(result.err, absl::StrCat("echoer: ", GetParam().message, "\n"));

  std::vector<std::string> json_line = GetParam().line;
  if (json_line.empty()) return;
  json_line.push_back("--format=json");
  result = RunProgram(TestProgram(), json_line, wall);
  EXPECT_EQ(result.exit, 2);
  EXPECT_EQ(result.At({"error", "code"}).string_value(), "INVALID_ARGUMENT");
}

INSTANTIATE_TEST_SUITE_P(
    All, UsageTest,
    ::testing::Values(UsageCase{{}, "no command; echoer --help lists them"},
                      UsageCase{{"sing"}, "unknown command \"sing\"; echoer --help lists them"},
                      UsageCase{{"play"}, "\"play\" is a command of player; player play --help describes it"},
                      UsageCase{{"play", "--help"}, "\"play\" is a command of player; player play --help describes it"},
                      UsageCase{{"things", "burn"},
                                "\"things burn\" is a command of burner; burner things burn --help describes it"},
                      UsageCase{{"things"}, "\"things\" needs one of: things list, things show"},
                      UsageCase{{"things", "lose"}, "\"things\" needs one of: things list, things show"},
                      UsageCase{{"echo"}, "echo: WORD is missing"},
                      UsageCase{{"echo", "a", "b"}, "echo: \"b\" is one argument too many"},
                      UsageCase{{"echo", "a", "--quiet"}, "unknown flag --quiet"},
                      UsageCase{{"things", "list"},
                                "things list: --config FILE is required, or SUGGEST_CONFIG in the "
                                "environment"}));

TEST_F(RunTest, RefusesAClockThatCannotBeRead) {
  const RunResult result = RunLine({"echo", "a", "--clock", "noon"});
  EXPECT_EQ(result.exit, 2);
  EXPECT_THAT(result.err, StartsWith("echoer: --clock: "));
  EXPECT_THAT(result.err, HasSubstr("noon"));
}

TEST_F(RunTest, RefusesAnUnknownFormat) {
  const RunResult result = RunLine({"echo", "a", "--format", "xml"});
  EXPECT_EQ(result.exit, 2);
  EXPECT_EQ(result.err, "echoer: --format: \"xml\" is not one of text, json\n");
}

TEST_F(RunTest, RunsOnTheAcceleratedClockWhenGiven) {
  const RunResult result =
      RunLine({"echo", "a", "--format=json", "--clock", "2020-01-01T00:00:00Z,2030-01-01T00:00:00Z,100"});
  EXPECT_EQ(result.exit, 0);
  EXPECT_FALSE(absl::StartsWith(result.At({"now"}).string_value(), "2026-01-01"));
}

TEST_F(RunTest, HelpShowsUsageArgumentsAndEveryFlag) {
  const RunResult result = RunLine({"echo", "--help"});
  EXPECT_EQ(result.exit, 0);
  EXPECT_THAT(result.out, StartsWith("usage: echoer echo WORD [flags]\n\nSays a word.\n\nIt changes nothing.\n"));
  for (const char* part : {"  WORD  what to say", "--loud", "Say it louder.", "--config FILE", "--format FORMAT",
                           "--clock SPEC", "--help"}) {
    EXPECT_THAT(result.out, HasSubstr(part));
  }
}

TEST_F(RunTest, OverviewListsEveryCommand) {
  for (const char* word : {"--help", "-h", "help"}) {
    const RunResult result = RunLine({word});
    EXPECT_EQ(result.exit, 0);
    EXPECT_THAT(result.out, HasSubstr("  things list  Lists.\n"));
  }
}

}  // namespace
}  // namespace suggest::cli
