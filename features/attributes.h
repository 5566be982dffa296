// Typed readings of one attribute value. Attributes come from JSON, PostgreSQL's jsonb or CSV (where everything is a
// string), so each reading accepts the forms that mean the same; absent, null and the empty string are missing.
//
// Errors of every function: INVALID_ARGUMENT that quotes the value and says what was expected. Callers add the names of
// the feature and the column.
#ifndef FEATURES_ATTRIBUTES_H_
#define FEATURES_ATTRIBUTES_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "google/protobuf/struct.pb.h"

namespace suggest::features {

using Attributes = google::protobuf::Struct;
using AttributeValue = google::protobuf::Value;

// Largest magnitude of a number: beyond it sums of squares over a history would lose all precision or overflow.
inline constexpr double kMaxMagnitude = 1e15;

// The value of `column`, or nullptr if it is absent, null or "".
const AttributeValue* FindAttribute(const Attributes& attributes, absl::string_view column);

// A number or a string that parses as one, whole, with decimal digits; finite and at most kMaxMagnitude.
absl::StatusOr<double> ReadNumber(const AttributeValue& value);

// 0 or 1, from a boolean, the number 0 or 1, or true/false, t/f, yes/no, y/n, 1/0 in any case.
absl::StatusOr<double> ReadBoolean(const AttributeValue& value);

// A name: a string without the spaces around it, a boolean, or a number, which is written out (100000 and "100000" are
// the same, and so are 0.1 and "0.1"; "2.50" is another name than "2.5"). A number beyond 2^53 in magnitude is refused,
// since a double has lost digits of it. nullopt where nothing but spaces is left.
absl::StatusOr<std::optional<std::string>> ReadLabel(const AttributeValue& value);

// The names of a list, or of a string divided by ';': without repeats, in alphabetical order. Empty names are left out.
absl::StatusOr<std::vector<std::string>> ReadLabels(const AttributeValue& value);

// An RFC 3339 timestamp ("T" or a space before the time; PostgreSQL's short offset "+00" too) or a date; UTC where no
// zone stands. A year has four digits and is 1800 or later: 0001-01-01 is how many systems write that there is none.
absl::StatusOr<absl::Time> ReadTime(const AttributeValue& value);

// The value in words for messages: `"abc"`, `12`, `true`, `a list`; long strings are cut.
std::string Quote(const AttributeValue& value);

}  // namespace suggest::features

#endif  // FEATURES_ATTRIBUTES_H_
