// suggestd's command line.
#ifndef SERVICE_SERVER_SERVER_FLAGS_H_
#define SERVICE_SERVER_SERVER_FLAGS_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace suggest::server {

struct ServerFlags {
  std::string config;
  std::string clock = "system";
  bool print_config = false;
  bool version = false;
  bool help = false;
};

inline constexpr char kVersion[] = SUGGEST_VERSION;

// Takes "--name value" and "--name=value". `arguments` without the program's name.
// `default_config` stands for a --config that is not there; empty = none. Errors: INVALID_ARGUMENT for an unknown flag,
// one without its value, or no --config where one is needed.
absl::StatusOr<ServerFlags> ParseServerFlags(const std::vector<std::string>& arguments,
                                             const std::string& default_config = "");

std::string ServerUsage();

}  // namespace suggest::server

#endif  // SERVICE_SERVER_SERVER_FLAGS_H_
