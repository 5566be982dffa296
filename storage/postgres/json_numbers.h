// JSON numbers whose text says more than a double can keep.
#ifndef STORAGE_POSTGRES_JSON_NUMBERS_H_
#define STORAGE_POSTGRES_JSON_NUMBERS_H_

#include <cstddef>
#include <string>

#include "absl/strings/string_view.h"

namespace suggest::storage {

// The longest JSON text of one row's attributes, in bytes; they may be nested kMaxJsonDepth deep (json_bounds.h).
inline constexpr size_t kLargestAttributesBytes = 256 << 10;

// `json` with each number put in quotes whose text is not DecimalText of the double that it reads as: 2.50, 1.0 and
// 12345678901234567890 become strings and keep what was written, 3 and 0.1 stay numbers. A category is read from either
// form, and so is a number. REQUIRES: `json` is valid JSON; other text comes back changed or unchanged.
// Cost: one pass; without such a number one copy.
std::string KeepNumberTexts(absl::string_view json);

}  // namespace suggest::storage

#endif  // STORAGE_POSTGRES_JSON_NUMBERS_H_
