// The command line's grammar: each command has a table of flags, and a line is parsed against it.
//
//   --name VALUE   --name=VALUE   --switch   --switch=false   --   everything after "--" is no flag
//
// A flag may be given once, except a list. Every mistake names the flag and the value and is INVALID_ARGUMENT with
// ExitCode::kUsage (outcome.h).
#ifndef SERVICE_CLI_FLAGS_H_
#define SERVICE_CLI_FLAGS_H_

#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"

namespace suggest::cli {

enum class FlagKind {
  kSwitch,    // no value: true when given
  kText,      // any text, not empty
  kChoice,    // one of `choices`
  kInteger,   // within [minimum, maximum]
  kReal,      // finite, within [minimum, maximum]
  kDuration,  // absl::ParseDuration ("90s", "1h30m"), more than zero
  kTime,      // RFC 3339
  kAddress,   // host:port
  kList,      // text; may be given several times
};

struct FlagSpec {
  std::string name = {};
  FlagKind kind = FlagKind::kText;
  std::string value_name = {};  // what --help shows after the name; empty for a switch
  std::string help = {};        // one sentence
  double minimum = -std::numeric_limits<double>::infinity();
  double maximum = std::numeric_limits<double>::infinity();
  std::vector<std::string> choices = {};
  bool required = false;
};

// A parsed line. Asking for a flag that is not in the table, or as another kind, is a defect.
class Flags {
 public:
  // Errors: see above.
  static absl::StatusOr<Flags> Parse(absl::Span<const FlagSpec> table, absl::Span<const std::string> arguments);

  bool Has(absl::string_view name) const;
  bool Switch(absl::string_view name) const;
  // What stands on the line, or the default.
  std::string Text(absl::string_view name, absl::string_view otherwise = "") const;
  int64_t Integer(absl::string_view name, int64_t otherwise) const;
  double Real(absl::string_view name, double otherwise) const;
  absl::Duration Duration(absl::string_view name, absl::Duration otherwise) const;
  absl::Time Time(absl::string_view name, absl::Time otherwise) const;
  std::vector<std::string> List(absl::string_view name) const;

  // What is no flag, in order.
  const std::vector<std::string>& positionals() const { return positionals_; }

 private:
  struct Entry {
    FlagKind kind;
    std::vector<std::string> values;  // empty: not given
  };
  const Entry& Find(absl::string_view name, std::initializer_list<FlagKind> kinds) const;
  absl::Status Take(const FlagSpec& spec, std::string value);

  absl::btree_map<std::string, Entry> entries_;
  std::vector<std::string> positionals_;
};

// --timeout, for commands that call a server.
FlagSpec TimeoutFlag(absl::string_view standard);

}  // namespace suggest::cli

#endif  // SERVICE_CLI_FLAGS_H_
