// A JSON value that keeps the order of its keys, and its printer: what every command's --format json is made of.
//
// Integers print as numbers with all their digits; a double prints as the shortest decimal that reads back to the same
// bits, and as null when it is not finite (JSON has no NaN).
#ifndef SERVICE_CTL_JSON_H_
#define SERVICE_CTL_JSON_H_

#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "absl/strings/string_view.h"

namespace suggest::ctl {

class Json {
 public:
  using Member = std::pair<std::string, Json>;

  Json() : value_(nullptr) {}
  Json(bool value) : value_(value) {}                      // NOLINT: a value reads as itself in a table of members
  Json(int value) : value_(int64_t{value}) {}              // NOLINT
  Json(int64_t value) : value_(value) {}                   // NOLINT
  Json(uint64_t value) : value_(value) {}                  // NOLINT
  Json(double value) : value_(value) {}                    // NOLINT
  Json(const char* value) : value_(std::string(value)) {}  // NOLINT
  Json(std::string value) : value_(std::move(value)) {}    // NOLINT
  Json(absl::string_view value) : value_(std::string(value)) {}  // NOLINT

  static Json Array(std::vector<Json> elements = {});
  static Json Object(std::vector<Member> members = {});

  bool is_object() const { return std::holds_alternative<std::vector<Member>>(value_); }

  // Adds a member at the end, or replaces the one of that name where it stands. REQUIRES: an object.
  Json& Set(absl::string_view name, Json value);
  // REQUIRES: an array.
  Json& Append(Json value);
  // The member of that name, or null when there is none. REQUIRES: an object. Valid until the object changes.
  const Json* Find(absl::string_view name) const;

  // Two spaces per level, a newline at the end.
  std::string Print() const;

 private:
  void PrintTo(std::string& out, int depth) const;

  std::variant<std::nullptr_t, bool, int64_t, uint64_t, double, std::string, std::vector<Json>, std::vector<Member>>
      value_;
};

// A double as JSON prints it: shortest, exact; "null" when it is not finite.
std::string PrintDouble(double value);

}  // namespace suggest::ctl

#endif  // SERVICE_CTL_JSON_H_
