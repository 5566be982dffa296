// Bounds of a JSON text that are checked before a parser sees it: parsers' time and stack may grow faster than the
// depth of brackets.
#ifndef BANDIT_BASE_JSON_BOUNDS_H_
#define BANDIT_BASE_JSON_BOUNDS_H_

#include <cstddef>
#include <limits>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace suggest {

// Objects and arrays that may stand within each other.
inline constexpr int kMaxJsonDepth = 32;

// Reads each byte once and allocates nothing; brackets within strings do not count. The text need not be valid JSON,
// but the parser behind this check must take strings in double quotes alone. Errors: INVALID_ARGUMENT naming the size
// in bytes, or the offset in bytes of the first bracket that is too deep, and the bound. The message has no byte of the
// text.
absl::Status CheckJsonBounds(absl::string_view json, size_t max_bytes = std::numeric_limits<size_t>::max(),
                             int max_depth = kMaxJsonDepth);

}  // namespace suggest

#endif  // BANDIT_BASE_JSON_BOUNDS_H_
