// The one configuration file of suggestd and suggestctl: read, completed with defaults, checked as a whole.
//
// After LoadConfig every field holds the value that counts, so all other code reads fields plainly and no default has a
// second home. protos/suggest/config/v1/config.proto documents each field.
#ifndef SERVICE_COMMON_CONFIG_H_
#define SERVICE_COMMON_CONFIG_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "google/protobuf/duration.pb.h"
#include "suggest/config/v1/config.pb.h"

namespace suggest {

// Reads a text-proto file, fills in defaults and validates.
// Errors: NOT_FOUND when the file cannot be read or is no regular file; INVALID_ARGUMENT when it is empty, or with
// "file:line:column: what" for each syntax error, or with every problem that ValidateConfig finds.
absl::StatusOr<config::v1::Config> LoadConfig(const std::string& path);

// The same for text in hand, which may hold durations, times and enum names as people write them (config_text.h);
// `name` stands for the file in messages.
absl::StatusOr<config::v1::Config> ParseConfig(absl::string_view text, absl::string_view name);

// Sets each absent field that has a default. Idempotent.
config::v1::Config WithDefaults(config::v1::Config config);

// Reports all problems at once, joined by "; ", each with the field's path and value; the feature schema's too.
// REQUIRES: `config` went through WithDefaults. Errors: INVALID_ARGUMENT.
absl::Status ValidateConfig(const config::v1::Config& config);

// What a reload may change (fields marked "Live") taken from `next`, everything else from `running`. `ignored` receives
// the paths of other top-level parts that differ and so need a restart.
config::v1::Config ApplyLiveFields(const config::v1::Config& running, const config::v1::Config& next,
                                   std::vector<std::string>* ignored);

// The text-proto that --print-config shows, without a password; LoadConfig of it gives an equal configuration.
std::string PrintConfig(const config::v1::Config& config);

absl::Duration ToAbslDuration(const google::protobuf::Duration& duration);
google::protobuf::Duration ToProtoDuration(absl::Duration duration);

}  // namespace suggest

#endif  // SERVICE_COMMON_CONFIG_H_
