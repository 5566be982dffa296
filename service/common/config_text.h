// The text of a configuration as people write it, made into protobuf's text format.
#ifndef SERVICE_COMMON_CONFIG_TEXT_H_
#define SERVICE_COMMON_CONFIG_TEXT_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "google/protobuf/descriptor.h"

namespace suggest {

// A duration such as "14d", "36h", "1h30m", "2 weeks", "500ms" or "0": numbers with units from ns to weeks, each word
// of a unit in full, in short, or abbreviated. Errors: INVALID_ARGUMENT.
absl::StatusOr<absl::Duration> ReadDurationText(absl::string_view text);

// Rewrites `text`, a message of type `root`, line for line:
//   - a duration field may hold a text (grace: "14d", or grace: 14d), a timestamp field a date or an RFC 3339 time
//     (begins: "2026-06-01"); the form { seconds: N nanos: N } stays as it is;
//   - the name of an enum value may be written in either case.
// Errors: INVALID_ARGUMENT "name:line:column: ..." for a duration or a time that does not read, and for a field or an
// enum value that is not there, with what there is. All else is left to protobuf's parser, which names line and column
// too.
absl::StatusOr<std::string> ToTextFormat(absl::string_view text, absl::string_view name,
                                         const google::protobuf::Descriptor* root);

}  // namespace suggest

#endif  // SERVICE_COMMON_CONFIG_TEXT_H_
