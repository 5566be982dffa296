// What holds for every program made of commands: its document, its help and its refusals.
#ifndef TESTS_SERVICE_CLI_PROGRAM_CHECKS_H_
#define TESTS_SERVICE_CLI_PROGRAM_CHECKS_H_

#include <fstream>
#include <iterator>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "gmock/gmock.h"
#include "tests/service/cli/test_run.h"

namespace suggest::cli {

inline std::string ReadDocument(const std::string& file) {
  std::ifstream in(file);
  return {std::istreambuf_iterator<char>(in), {}};
}

// The part of the document from the command's heading to the next one.
inline std::string Section(const std::string& document, const std::string& command) {
  const size_t begin = document.find(absl::StrCat("\n## ", command, "\n"));
  if (begin == std::string::npos) return "";
  return document.substr(begin, document.find("\n## ", begin + 1) - begin);
}

inline std::vector<std::string> LineOf(const Command& command, const std::string& argument) {
  std::vector<std::string> line = absl::StrSplit(command.name, ' ');
  line.push_back(argument);
  return line;
}

// The document has a section for each command that names each of its flags.
inline void ExpectDocumented(const Program& program, const std::string& file) {
  const std::string document = ReadDocument(file);
  ASSERT_FALSE(document.empty()) << file;
  for (const Command& command : program.commands) {
    const std::string section = Section(document, command.name);
    EXPECT_FALSE(section.empty()) << "no section \"## " << command.name << "\" in " << file;
    for (const FlagSpec& flag : command.flags) {
      EXPECT_THAT(section, ::testing::HasSubstr(absl::StrCat("`--", flag.name))) << command.name;
    }
  }
  for (const FlagSpec& flag : CommonFlags()) {
    EXPECT_THAT(document, ::testing::HasSubstr(absl::StrCat("`--", flag.name)));
  }
}

inline void ExpectUniqueNamesAndFlags(const Program& program) {
  std::set<std::string> names;
  for (const Command& command : program.commands) {
    EXPECT_TRUE(names.insert(command.name).second) << command.name;
    std::set<std::string> flags;
    for (const FlagSpec& flag : CommonFlags()) flags.insert(flag.name);
    for (const FlagSpec& flag : command.flags) EXPECT_TRUE(flags.insert(flag.name).second) << flag.name;
  }
}

// --help of each command shows its summary and each of its flags with what it means.
inline void ExpectHelp(const Program& program) {
  const ManualClock wall(absl::UnixEpoch());
  for (const Command& command : program.commands) {
    const RunResult help = RunProgram(program, LineOf(command, "--help"), wall);
    EXPECT_EQ(help.exit, 0);
    EXPECT_THAT(help.out, ::testing::StartsWith(absl::StrCat("usage: ", program.name, " ", command.name)));
    EXPECT_THAT(help.out, ::testing::HasSubstr(command.summary));
    for (const FlagSpec& flag : command.flags) {
      EXPECT_FALSE(flag.help.empty()) << command.name << " --" << flag.name;
      EXPECT_EQ(flag.value_name.empty(), flag.kind == FlagKind::kSwitch) << command.name << " --" << flag.name;
      EXPECT_THAT(help.out, ::testing::HasSubstr(absl::StrCat("--", flag.name)));
    }
  }
}

inline void ExpectUnknownFlagRefused(const Program& program) {
  const ManualClock wall(absl::UnixEpoch());
  for (const Command& command : program.commands) {
    const RunResult result = RunProgram(program, LineOf(command, "--colour=red"), wall);
    EXPECT_EQ(result.exit, 2);
    EXPECT_EQ(result.err, absl::StrCat(program.name, ": unknown flag --colour\n")) << command.name;
  }
}

// The line ends with exit code 2 and these words before anything is done.
inline void ExpectUsageError(const Program& program, const std::vector<std::string>& line, const std::string& words) {
  const RunResult result = RunProgram(program, line, ManualClock(absl::UnixEpoch()));
  EXPECT_EQ(result.exit, 2) << result.err;
  EXPECT_THAT(result.err, ::testing::HasSubstr(words));
  EXPECT_EQ(result.out, "");
}

}  // namespace suggest::cli

#endif  // TESTS_SERVICE_CLI_PROGRAM_CHECKS_H_
