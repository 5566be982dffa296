#include "bandit/base/json_bounds.h"

#include "absl/strings/str_cat.h"

namespace suggest {

absl::Status CheckJsonBounds(absl::string_view json, size_t max_bytes, int max_depth) {
  if (json.size() > max_bytes) {
    return absl::InvalidArgumentError(
        absl::StrCat("the JSON text has ", json.size(), " bytes, expected at most ", max_bytes));
  }
  int depth = 0;
  bool in_string = false;
  for (size_t i = 0; i < json.size(); ++i) {
    const char c = json[i];
    if (in_string) {
      if (c == '\\') ++i;
      if (c == '"') in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '[' || c == '{') {
      if (++depth > max_depth) {
        return absl::InvalidArgumentError(
            absl::StrCat("the JSON text is nested deeper than ", max_depth, " levels at byte ", i));
      }
    } else if ((c == ']' || c == '}') && depth > 0) {
      --depth;
    }
  }
  return absl::OkStatus();
}

}  // namespace suggest
