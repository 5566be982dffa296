#include "service/ctl/commands.h"

#include <fstream>
#include <iterator>
#include <set>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "tests/service/ctl/test_run.h"

namespace suggest::ctl {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

std::string CliDocument() {
  std::ifstream in(SUGGEST_CLI_DOCUMENT);
  return {std::istreambuf_iterator<char>(in), {}};
}

// The part of the document from the command's heading to the next one.
std::string Section(const std::string& document, const std::string& command) {
  const size_t begin = document.find(absl::StrCat("\n## ", command, "\n"));
  if (begin == std::string::npos) return "";
  return document.substr(begin, document.find("\n## ", begin + 1) - begin);
}

TEST(CommandsTest, DocumentHasASectionForEachCommandThatNamesEachOfItsFlags) {
  const std::string document = CliDocument();
  ASSERT_FALSE(document.empty()) << SUGGEST_CLI_DOCUMENT;
  for (const Command& command : AllCommands()) {
    const std::string section = Section(document, command.name);
    EXPECT_FALSE(section.empty()) << "no section \"## " << command.name << "\"";
    for (const FlagSpec& flag : command.flags) {
      EXPECT_THAT(section, HasSubstr(absl::StrCat("`--", flag.name))) << command.name;
    }
  }
  for (const FlagSpec& flag : CommonFlags()) EXPECT_THAT(document, HasSubstr(absl::StrCat("`--", flag.name)));
}

TEST(CommandsTest, NamesAndFlagsAreUnique) {
  std::set<std::string> names;
  for (const Command& command : AllCommands()) {
    EXPECT_TRUE(names.insert(command.name).second) << command.name;
    std::set<std::string> flags;
    for (const FlagSpec& flag : CommonFlags()) flags.insert(flag.name);
    for (const FlagSpec& flag : command.flags) EXPECT_TRUE(flags.insert(flag.name).second) << flag.name;
  }
}

TEST(CommandsTest, EveryCommandExplainsItselfAndEachOfItsFlags) {
  const ManualClock wall(absl::UnixEpoch());
  for (const Command& command : AllCommands()) {
    std::vector<std::string> line = {command.name.substr(0, command.name.find(' '))};
    if (absl::StrContains(command.name, " ")) line.push_back(command.name.substr(command.name.find(' ') + 1));
    line.push_back("--help");
    const RunResult help = RunCtl(AllCommands(), line, wall);
    EXPECT_EQ(help.exit, 0);
    EXPECT_THAT(help.out, StartsWith(absl::StrCat("usage: suggestctl ", command.name)));
    EXPECT_THAT(help.out, HasSubstr(command.summary));
    for (const FlagSpec& flag : command.flags) {
      EXPECT_FALSE(flag.help.empty()) << command.name << " --" << flag.name;
      EXPECT_EQ(flag.value_name.empty(), flag.kind == FlagKind::kSwitch) << command.name << " --" << flag.name;
      EXPECT_THAT(help.out, HasSubstr(absl::StrCat("--", flag.name)));
    }
  }
}

TEST(CommandsTest, EveryCommandRefusesAFlagItDoesNotKnow) {
  const ManualClock wall(absl::UnixEpoch());
  for (const Command& command : AllCommands()) {
    std::vector<std::string> line = {command.name.substr(0, command.name.find(' '))};
    if (absl::StrContains(command.name, " ")) line.push_back(command.name.substr(command.name.find(' ') + 1));
    line.push_back("--colour=red");
    const RunResult result = RunCtl(AllCommands(), line, wall);
    EXPECT_EQ(result.exit, 2);
    EXPECT_EQ(result.err, "suggestctl: unknown flag --colour\n") << command.name;
  }
}

struct CommandUsageCase {
  std::vector<std::string> line;
  std::string words;
};

class CommandUsageTest : public ::testing::TestWithParam<CommandUsageCase> {};

TEST_P(CommandUsageTest, ExitsWithTwoBeforeAnythingIsDone) {
  const ManualClock wall(absl::UnixEpoch());
  const RunResult result = RunCtl(AllCommands(), GetParam().line, wall);
  EXPECT_EQ(result.exit, 2) << result.err;
  EXPECT_THAT(result.err, HasSubstr(GetParam().words));
  EXPECT_EQ(result.out, "");
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
        CommandUsageCase{{"evaluate", "delay-data"}, "--write FILE is required"}));

TEST(CommandsTest, AMissingConfigurationFailsByName) {
  const ManualClock wall(absl::UnixEpoch());
  const RunResult result = RunCtl(AllCommands(), {"verify", "--config", "/nonexistent/suggest.textproto"}, wall);
  EXPECT_EQ(result.exit, 1);
  EXPECT_THAT(result.err, HasSubstr("/nonexistent/suggest.textproto"));
}

}  // namespace
}  // namespace suggest::ctl
