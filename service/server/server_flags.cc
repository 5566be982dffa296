#include "service/server/server_flags.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"

namespace suggest::server {

std::string ServerUsage() {
  return "suggestd: answers Suggest over gRPC and HTTP. Stops gracefully on SIGTERM, reloads its configuration on "
         "SIGHUP.\n\n"
         "  --config FILE    the configuration, a text-proto; SUGGEST_CONFIG in the environment stands for it\n"
         "  --print-config   show it with all defaults, and exit\n"
         "  --clock SPEC     'system' (default) or '<wall epoch>,<start>,<rate>': accelerated, for simulations\n"
         "  --version        show the version, and exit\n"
         "  --help           show this, and exit\n\n"
         "Exit codes: 0 stopped as asked, 1 could not start, 2 usage. The database password comes from PGPASSWORD or\n"
         "a PostgreSQL passfile.\n";
}

absl::StatusOr<ServerFlags> ParseServerFlags(const std::vector<std::string>& arguments,
                                             const std::string& default_config) {
  ServerFlags flags;
  for (size_t i = 0; i < arguments.size(); ++i) {
    const std::string& argument = arguments[i];
    if (argument == "--help") {
      flags.help = true;
    } else if (argument == "--version") {
      flags.version = true;
    } else if (argument == "--print-config") {
      flags.print_config = true;
    } else {
      const size_t equals = argument.find('=');
      const std::string name = argument.substr(0, equals);
      std::string* value = name == "--config" ? &flags.config : name == "--clock" ? &flags.clock : nullptr;
      if (value == nullptr) return absl::InvalidArgumentError(absl::StrCat("unknown flag '", argument, "'"));
      if (equals == std::string::npos && i + 1 == arguments.size()) {
        return absl::InvalidArgumentError(absl::StrCat(name, " needs a value"));
      }
      *value = equals == std::string::npos ? arguments[++i] : argument.substr(equals + 1);
    }
  }
  if (flags.config.empty()) flags.config = default_config;
  if (flags.config.empty() && !flags.help && !flags.version) {
    return absl::InvalidArgumentError("--config is required, or SUGGEST_CONFIG in the environment");
  }
  return flags;
}

}  // namespace suggest::server
