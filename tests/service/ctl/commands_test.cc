#include "service/ctl/commands.h"

#include "gmock/gmock.h"
#include "tests/service/cli/program_checks.h"
#include "tests/service/ctl/test_run.h"

namespace suggest::ctl {
namespace {

using ::testing::HasSubstr;

TEST(CommandsTest, DocumentHasASectionForEachCommandThatNamesEachOfItsFlags) {
  cli::ExpectDocumented(Suggestctl(), SUGGEST_CLI_DOCUMENT);
}

TEST(CommandsTest, NamesAndFlagsAreUnique) {
  cli::ExpectUniqueNamesAndFlags(Suggestctl());
}

TEST(CommandsTest, EveryCommandExplainsItselfAndEachOfItsFlags) {
  cli::ExpectHelp(Suggestctl());
}

TEST(CommandsTest, EveryCommandRefusesAFlagItDoesNotKnow) {
  cli::ExpectUnknownFlagRefused(Suggestctl());
}

struct CommandUsageCase {
  std::vector<std::string> line;
  std::string words;
};

class CommandUsageTest : public ::testing::TestWithParam<CommandUsageCase> {};

TEST_P(CommandUsageTest, ExitsWithTwoBeforeAnythingIsDone) {
  cli::ExpectUsageError(Suggestctl(), GetParam().line, GetParam().words);
}

INSTANTIATE_TEST_SUITE_P(
    All, CommandUsageTest,
    ::testing::Values(
        CommandUsageCase{{"migrate"}, "migrate: --config FILE is required"},
        CommandUsageCase{{"migrate", "--config=c", "--to=0"}, "--to: \"0\""},
        CommandUsageCase{{"migrate", "--config=c", "--to=99999"}, "--to: 99999 is beyond this build's last version"},
        CommandUsageCase{{"import", "--config=c"}, "--data DIR or a file is required"},
        CommandUsageCase{{"warm-start", "--config=c", "--cut-share=1.5"}, "--cut-share: \"1.5\""},
        CommandUsageCase{{"warm-start", "--config=c", "--empty", "--cut-share=0.5"},
                         "--cut-share: there is nothing to cut"},
        CommandUsageCase{{"ingest-rewards"}, "--config FILE or --server HOST:PORT is required"},
        CommandUsageCase{{"suggest"}, "--customer ID is required"},
        CommandUsageCase{{"suggest", "--customer=c", "--count=many"}, "--count: \"many\""},
        CommandUsageCase{{"suggest", "--customer=c", "--attribute=plan"}, "--attribute: \"plan\" is not NAME=VALUE"},
        CommandUsageCase{{"suggest", "--customer=c", "--attribute==pro"}, "--attribute: \"=pro\" is not NAME=VALUE"},
        CommandUsageCase{{"suggest", "--customer=c", "--server=nowhere"}, "--server: \"nowhere\" is not host:port"},
        CommandUsageCase{{"feedback", "--customer=c", "--suggestion=s"}, "--kind KIND is required"},
        CommandUsageCase{{"feedback", "--customer=c", "--suggestion=s", "--kind=liked"}, "--kind: \"liked\""},
        CommandUsageCase{{"explain", "--customer=c"}, "explain: DECISION is missing"},
        CommandUsageCase{{"models"}, "\"models\" needs one of: models list, models show"},
        CommandUsageCase{{"models", "list", "--config=c", "--limit=0"}, "--limit: \"0\""},
        CommandUsageCase{{"models", "export", "1", "--config=c"}, "--out FILE is required"},
        CommandUsageCase{{"simulate", "--seeds=2"}, "\"simulate\" is a command of suggestlab"},
        CommandUsageCase{{"evaluate", "delay", "--generate"}, "\"evaluate delay\" is a command of suggestlab"},
        CommandUsageCase{{"evaluate", "delay-data"}, "\"evaluate delay-data\" is a command of suggestlab"}));

TEST(CommandsTest, AMissingConfigurationFailsByName) {
  const ManualClock wall(absl::UnixEpoch());
  const RunResult result = RunCtl(AllCommands(), {"verify", "--config", "/nonexistent/suggest.textproto"}, wall);
  EXPECT_EQ(result.exit, 1);
  EXPECT_THAT(result.err, HasSubstr("/nonexistent/suggest.textproto"));
}

}  // namespace
}  // namespace suggest::ctl
