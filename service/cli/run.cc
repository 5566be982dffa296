#include "service/cli/run.h"

#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "bandit/base/status_macros.h"
#include "service/common/standard_streams.h"

namespace suggest::cli {
namespace {

bool Contains(absl::Span<const std::string> arguments, absl::string_view wanted) {
  return std::find(arguments.begin(), arguments.end(), wanted) != arguments.end();
}

// Read before the flags are parsed, because a mistake among them must be printed in the format that was asked for.
bool WantsJson(absl::Span<const std::string> arguments) {
  if (Contains(arguments, "--format=json")) return true;
  const auto flag = std::find(arguments.begin(), arguments.end(), "--format");
  return flag != arguments.end() && flag + 1 != arguments.end() && *(flag + 1) == "json";
}

struct Match {
  const Command* command = nullptr;
  size_t words = 0;
};

absl::StatusOr<Match> FindCommand(const Program& program, absl::Span<const std::string> arguments) {
  if (arguments.empty()) return UsageError(absl::StrCat("no command; ", program.name, " --help lists them"));
  const std::string two = arguments.size() > 1 ? absl::StrCat(arguments[0], " ", arguments[1]) : "";
  std::vector<std::string> children;
  for (const Command& command : program.commands) {
    if (command.name == arguments[0]) return Match{&command, 1};
    if (command.name == two) return Match{&command, 2};
    if (absl::StartsWith(command.name, absl::StrCat(arguments[0], " "))) children.push_back(command.name);
  }
  for (const auto& [name, other] : program.elsewhere) {
    if (name == arguments[0] || name == two) {
      return UsageError(
          absl::StrCat("\"", name, "\" is a command of ", other, "; ", other, " ", name, " --help describes it"));
    }
  }
  if (!children.empty()) {
    return UsageError(absl::StrCat("\"", arguments[0], "\" needs one of: ", absl::StrJoin(children, ", ")));
  }
  return UsageError(absl::StrCat("unknown command \"", arguments[0], "\"; ", program.name, " --help lists them"));
}

absl::Status CheckPositionals(const Command& command, const std::vector<std::string>& given) {
  if (given.size() < command.positionals.size()) {
    return UsageError(absl::StrCat(command.name, ": ", command.positionals[given.size()].name, " is missing"));
  }
  if (given.size() > command.positionals.size()) {
    return UsageError(
        absl::StrCat(command.name, ": \"", given[command.positionals.size()], "\" is one argument too many"));
  }
  return absl::OkStatus();
}

// The line with --config, when it has none and there is one to stand for it.
std::vector<std::string> WithConfig(absl::Span<const std::string> arguments, const std::string& config) {
  std::vector<std::string> line(arguments.begin(), arguments.end());
  const auto is_config = [](const std::string& argument) {
    return argument == "--config" || absl::StartsWith(argument, "--config=");
  };
  if (!config.empty() && std::none_of(line.begin(), std::find(line.begin(), line.end(), "--"), is_config)) {
    line.insert(line.begin(), absl::StrCat("--config=", config));
  }
  return line;
}

absl::StatusOr<Outcome> RunCommand(const std::string& program, const Command& command,
                                   absl::Span<const std::string> arguments, const Environment& environment) {
  std::vector<FlagSpec> table = command.flags;
  table.insert(table.end(), CommonFlags().begin(), CommonFlags().end());
  ASSIGN_OR_RETURN(const Flags flags, Flags::Parse(table, WithConfig(arguments, environment.config)));
  RETURN_IF_ERROR(CheckPositionals(command, flags.positionals()));
  if (command.config == ConfigUse::kRequired && !flags.Has("config")) {
    return UsageError(absl::StrCat(command.name, ": --config FILE is required, or SUGGEST_CONFIG in the environment"));
  }
  std::unique_ptr<Clock> clock;
  if (flags.Has("clock")) {
    absl::StatusOr<std::unique_ptr<Clock>> parsed = ParseClock(flags.Text("clock"));
    if (!parsed.ok()) return UsageError(absl::StrCat("--clock: ", parsed.status().message()));
    clock = *std::move(parsed);
  }
  ProgressLine progress(environment.err, environment.wall, environment.err_is_terminal);
  return command.run(Invocation{program, flags, clock == nullptr ? environment.wall : *clock, environment, progress});
}

int ReportFailure(const std::string& program, const absl::Status& status, bool json, const Environment& environment) {
  const std::string code = absl::StatusCodeToString(status.code());
  if (json) {
    environment.out.Write(
        PrintJson(Json::object({{"error", Json::object({{"code", code}, {"message", status.message()}})}})));
  }
  const std::string line = absl::StrReplaceAll(status.message(), {{"\n", "; "}});
  environment.err.Write(absl::StrCat(program, ": ", line, "\n"));
  return static_cast<int>(ExitCodeOf(status));
}

int RunLine(const Program& program, absl::Span<const std::string> arguments, const Environment& environment) {
  if (!arguments.empty() && (arguments[0] == "--help" || arguments[0] == "-h" || arguments[0] == "help")) {
    environment.out.Write(Overview(program));
    return static_cast<int>(ExitCode::kDone);
  }
  const bool json = WantsJson(arguments);
  const absl::StatusOr<Match> match = FindCommand(program, arguments);
  if (!match.ok()) return ReportFailure(program.name, match.status(), json, environment);

  arguments.remove_prefix(match->words);
  if (Contains(arguments, "--help")) {
    environment.out.Write(CommandHelp(program.name, *match->command));
    return static_cast<int>(ExitCode::kDone);
  }
  const absl::StatusOr<Outcome> outcome = RunCommand(program.name, *match->command, arguments, environment);
  if (!outcome.ok()) return ReportFailure(program.name, outcome.status(), json, environment);
  environment.out.Write(json ? PrintJson(outcome->document) : outcome->text);
  return static_cast<int>(outcome->exit);
}

}  // namespace

int Run(const Program& program, absl::Span<const std::string> arguments, const Environment& environment) {
  const int exit = RunLine(program, arguments, environment);
  if (!environment.out.failed()) return exit;
  environment.err.Write(
      absl::StrCat(program.name, ": standard output cannot be written (closed, or full): the result is lost\n"));
  return static_cast<int>(ExitCode::kFailed);
}

int RunMain(const Program& program, int argc, char** argv) {
  HoldStandardStreams();
  std::signal(SIGPIPE, SIG_IGN);  // a reader that went away must not end a run that has begun
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  FileSink out(stdout);
  FileSink err(stderr);
  const SystemClock wall;
  const char* const config = std::getenv("SUGGEST_CONFIG");
  return Run(program, arguments,
             {.out = out,
              .err = err,
              .err_is_terminal = isatty(STDERR_FILENO) == 1,
              .wall = wall,
              .config = config == nullptr ? "" : config});
}

}  // namespace suggest::cli
