#include "service/server/server_flags.h"

#include "absl/strings/str_cat.h"
#include "bandit/base/status_macros.h"
#include "service/cli/command.h"

namespace suggest::server {
namespace {

const std::vector<cli::FlagSpec>& FlagsOfSuggestd() {
  static const auto* const flags = new std::vector<cli::FlagSpec>{
      {.name = "config",
       .value_name = "FILE",
       .help = "The configuration, a text-proto. SUGGEST_CONFIG in the environment stands for it."},
      {.name = "print-config",
       .kind = cli::FlagKind::kSwitch,
       .help = "Show the configuration with all defaults, and exit."},
      {.name = "clock",
       .value_name = "SPEC",
       .help = "system (the default), or WALL_EPOCH,START,RATE for an accelerated clock."},
      {.name = "version", .kind = cli::FlagKind::kSwitch, .help = "Show the version, and exit."},
      {.name = "help", .kind = cli::FlagKind::kSwitch, .help = "Show this, and exit."},
  };
  return *flags;
}

}  // namespace

std::string ServerUsage() {
  return absl::StrCat(
      "suggestd: answers Suggest over gRPC and HTTP. Stops gracefully on SIGTERM, reloads its configuration on "
      "SIGHUP.\n\n",
      cli::FlagTable(FlagsOfSuggestd()),
      "\nExit codes: 0 stopped as asked, 1 could not start, 2 usage. The database password comes from PGPASSWORD or\n"
      "a PostgreSQL passfile.\n");
}

absl::StatusOr<ServerFlags> ParseServerFlags(const std::vector<std::string>& arguments,
                                             const std::string& default_config) {
  ASSIGN_OR_RETURN(const cli::Flags parsed, cli::Flags::Parse(FlagsOfSuggestd(), arguments));
  if (!parsed.positionals().empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat("\"", parsed.positionals().front(), "\" is one argument too many: suggestd takes flags alone"));
  }
  const ServerFlags flags{.config = parsed.Text("config", default_config),
                          .clock = parsed.Text("clock", "system"),
                          .print_config = parsed.Switch("print-config"),
                          .version = parsed.Switch("version"),
                          .help = parsed.Switch("help")};
  if (flags.config.empty() && !flags.help && !flags.version) {
    return absl::InvalidArgumentError("--config FILE is required, or SUGGEST_CONFIG in the environment");
  }
  return flags;
}

}  // namespace suggest::server
