#include "service/lab/program/commands.h"

#include "gmock/gmock.h"
#include "tests/service/cli/program_checks.h"

namespace suggest::lab {
namespace {

TEST(LabCommandsTest, DocumentHasASectionForEachCommandThatNamesEachOfItsFlags) {
  cli::ExpectDocumented(Suggestlab(), SUGGEST_LAB_DOCUMENT);
}

TEST(LabCommandsTest, NamesAndFlagsAreUnique) {
  cli::ExpectUniqueNamesAndFlags(Suggestlab());
}

TEST(LabCommandsTest, EveryCommandExplainsItselfAndEachOfItsFlags) {
  cli::ExpectHelp(Suggestlab());
}

TEST(LabCommandsTest, EveryCommandRefusesAFlagItDoesNotKnow) {
  cli::ExpectUnknownFlagRefused(Suggestlab());
}

struct CommandUsageCase {
  std::vector<std::string> line;
  std::string words;
};

class LabUsageTest : public ::testing::TestWithParam<CommandUsageCase> {};

TEST_P(LabUsageTest, ExitsWithTwoBeforeAnythingIsDone) {
  cli::ExpectUsageError(Suggestlab(), GetParam().line, GetParam().words);
}

INSTANTIATE_TEST_SUITE_P(
    All, LabUsageTest,
    ::testing::Values(
        CommandUsageCase{{"simulate", "--seeds=0"}, "--seeds: \"0\""},
        CommandUsageCase{{"simulate", "--drive=127.0.0.1:1"}, "--drive: --config FILE is required with it"},
        CommandUsageCase{{"simulate", "--drive=127.0.0.1:1", "--write-csv=d"}, "exclude each other"},
        CommandUsageCase{{"simulate", "--policy=luck"}, "--policy: \"luck\" is not one of: "},
        CommandUsageCase{{"evaluate", "delay"}, "either --data FILE or --generate is required"},
        CommandUsageCase{{"evaluate", "delay", "--generate", "--data=f"},
                         "either --data FILE or --generate is required"},
        CommandUsageCase{{"evaluate", "delay", "--data=f", "--seeds=2"}, "--seeds: only with --generate"},
        CommandUsageCase{{"evaluate", "delay", "--generate", "--method=luck"},
                         "--method: \"luck\" is not one of: oracle, "},
        CommandUsageCase{{"evaluate", "delay", "--generate", "--sweep-waiting=10"}, "--sweep-waiting: \"10\""},
        CommandUsageCase{{"evaluate", "delay", "--generate", "--sweep-noise=2"}, "--sweep-noise: \"2\" is no share"},
        CommandUsageCase{{"evaluate", "delay", "--generate", "--waiting-by=price"},
                         "--waiting-by: column is \"price\", expected int1 to int8"},
        CommandUsageCase{{"evaluate", "delay", "--generate", "--waiting-share=0.5"}, "only with --waiting-by"},
        CommandUsageCase{{"evaluate", "delay", "--generate", "--waiting-by=int1", "--sweep-waiting=1h"},
                         "--sweep-waiting: not with --waiting-by"},
        CommandUsageCase{{"evaluate", "delay-data"}, "--write FILE is required"}));

}  // namespace
}  // namespace suggest::lab
