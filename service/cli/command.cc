#include "service/cli/command.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "service/cli/table.h"

namespace suggest::cli {
namespace {

std::string FlagHeading(const FlagSpec& spec) {
  if (spec.kind == FlagKind::kSwitch) return absl::StrCat("  --", spec.name);
  return absl::StrCat("  --", spec.name, " ", spec.value_name);
}

std::string FlagHelp(const FlagSpec& spec) {
  std::string text = spec.help;
  if (spec.kind == FlagKind::kChoice) absl::StrAppend(&text, " One of ", absl::StrJoin(spec.choices, ", "), ".");
  if (spec.kind == FlagKind::kList) absl::StrAppend(&text, " May be given several times.");
  if (spec.required) absl::StrAppend(&text, " Required.");
  return text;
}

std::string FlagTable(const std::vector<FlagSpec>& flags) {
  Table table({"", ""});
  for (const FlagSpec& spec : flags) table.AddRow({FlagHeading(spec), FlagHelp(spec)});
  return table.Print();
}

std::string UsageLine(absl::string_view program, const Command& command) {
  std::string line = absl::StrCat("usage: ", program, " ", command.name);
  for (const Positional& positional : command.positionals) absl::StrAppend(&line, " ", positional.name);
  if (command.config == ConfigUse::kRequired) absl::StrAppend(&line, " --config FILE");
  for (const FlagSpec& spec : command.flags) {
    if (spec.required) absl::StrAppend(&line, " --", spec.name, " ", spec.value_name);
  }
  return absl::StrCat(line, " [flags]\n");
}

}  // namespace

const std::vector<FlagSpec>& CommonFlags() {
  static const auto* const flags = new std::vector<FlagSpec>{
      {.name = "config",
       .value_name = "FILE",
       .help =
           "The configuration, the same text-proto as suggestd's; SUGGEST_CONFIG in the environment stands for it."},
      {.name = "format",
       .kind = FlagKind::kChoice,
       .value_name = "FORMAT",
       .help = "What stands on standard output; json is exactly one document.",
       .choices = {"text", "json"}},
      {.name = "clock",
       .value_name = "SPEC",
       .help = "system (the default), or WALL_EPOCH,START,RATE for an accelerated clock."},
      {.name = "help", .kind = FlagKind::kSwitch, .help = "Show this help."},
  };
  return *flags;
}

std::string CommandHelp(absl::string_view program, const Command& command) {
  std::string text = absl::StrCat(UsageLine(program, command), "\n", command.summary, "\n");
  if (!command.details.empty()) absl::StrAppend(&text, "\n", command.details, "\n");
  if (!command.positionals.empty()) {
    Table table({"", ""});
    for (const Positional& positional : command.positionals) {
      table.AddRow({absl::StrCat("  ", positional.name), positional.help});
    }
    absl::StrAppend(&text, "\nArguments:\n", table.Print());
  }
  if (!command.flags.empty()) absl::StrAppend(&text, "\nFlags:\n", FlagTable(command.flags));
  absl::StrAppend(&text, "\nFlags of every command:\n", FlagTable(CommonFlags()));
  return text;
}

std::string Overview(const Program& program) {
  Table table({"", ""});
  for (const Command& command : program.commands) table.AddRow({absl::StrCat("  ", command.name), command.summary});
  return absl::StrCat("usage: ", program.name, " COMMAND [--config FILE] [--format text|json] [flags]\n\n",
                      table.Print(), "\n", program.name,
                      " COMMAND --help describes one.\n"
                      "Exit codes: 0 done, 1 failed, 2 the line is wrong, 3 nothing to do or already running.\n");
}

}  // namespace suggest::cli
