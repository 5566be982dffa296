// What a command of suggestctl or suggestlab is: a name, its table of flags, and a function from a parsed line to an
// outcome. A command prints nothing itself but progress.
//
// Adding one: write <command>.cc with a function that returns its Command, declare it in the program's commands.h, list
// it in commands.cc, describe it in the program's document (a test compares).
#ifndef SERVICE_CLI_COMMAND_H_
#define SERVICE_CLI_COMMAND_H_

#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "service/cli/flags.h"
#include "service/cli/outcome.h"
#include "service/cli/progress_line.h"
#include "service/cli/sink.h"
#include "service/common/clock.h"

namespace suggest::cli {

// What the program lends to a command. Everything outlives the run.
struct Environment {
  Sink& out;
  Sink& err;
  bool err_is_terminal = false;
  const Clock& wall;        // real time: for progress, and for everything else when there is no --clock
  std::string config = "";  // the file where no --config stands (SUGGEST_CONFIG); empty = none
};

// One line, parsed. Lives as long as the run.
struct Invocation {
  const std::string& program;
  const Flags& flags;
  const Clock& clock;  // what the service takes as its time (--clock)
  const Environment& environment;
  ProgressLine& progress;

  // REQUIRES: the command has that many positionals.
  const std::string& positional(size_t i) const { return flags.positionals()[i]; }
};

struct Positional {
  std::string name;  // in capitals, as in the usage line
  std::string help;
};

enum class ConfigUse {
  kRequired,
  kOptional,  // the command runs without a configuration
};

struct Command {
  std::string name = {};                     // one word, or two: "models list"
  std::string summary = {};                  // one line for the overview
  std::string details = {};                  // what --help adds: effects, exit codes that are not obvious; may be empty
  std::vector<Positional> positionals = {};  // all required
  std::vector<FlagSpec> flags = {};          // without those that all commands have
  ConfigUse config = ConfigUse::kRequired;
  absl::StatusOr<Outcome> (*run)(const Invocation&) = nullptr;
};

struct Program {
  std::string name;
  std::vector<Command> commands;  // in the order of the overview
  // Names of commands that another program has, and that program's name.
  std::vector<std::pair<std::string, std::string>> elsewhere = {};
};

// Flags of every command: --config, --format, --clock, --help.
const std::vector<FlagSpec>& CommonFlags();

// The whole help of a command of the named program: usage line, what it does, every flag.
std::string CommandHelp(absl::string_view program, const Command& command);

// The overview: every command with its summary.
std::string Overview(const Program& program);

}  // namespace suggest::cli

#endif  // SERVICE_CLI_COMMAND_H_
