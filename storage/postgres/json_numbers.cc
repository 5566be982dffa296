#include "storage/postgres/json_numbers.h"

#include <charconv>
#include <cmath>
#include <system_error>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "bandit/base/decimal_text.h"

namespace suggest::storage {
namespace {

// The position after the string that begins at `at`.
size_t AfterString(absl::string_view json, size_t at) {
  for (++at; at < json.size() && json[at] != '"'; ++at) {
    if (json[at] == '\\') ++at;
  }
  return at + 1 < json.size() ? at + 1 : json.size();
}

size_t AfterNumber(absl::string_view json, size_t at) {
  while (at < json.size() && (absl::ascii_isdigit(static_cast<unsigned char>(json[at])) || json[at] == '-' ||
                              json[at] == '+' || json[at] == '.' || json[at] == 'e' || json[at] == 'E')) {
    ++at;
  }
  return at;
}

bool DoubleKeeps(absl::string_view text) {
  if (text.size() <= 15 && text[0] != '-' && text.find_first_of(".eE") == absl::string_view::npos) return true;
  double number = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), number);
  return read.ec == std::errc() && std::isfinite(number) && DecimalText(number) == text;
}

}  // namespace

std::string KeepNumberTexts(absl::string_view json) {
  std::string out;
  out.reserve(json.size());
  for (size_t at = 0; at < json.size();) {
    const char c = json[at];
    const size_t begin = at;
    if (c == '"') {
      at = AfterString(json, at);
    } else if (c == '-' || absl::ascii_isdigit(static_cast<unsigned char>(c))) {
      at = AfterNumber(json, at);
      const absl::string_view number = json.substr(begin, at - begin);
      if (!DoubleKeeps(number)) {
        absl::StrAppend(&out, "\"", number, "\"");
        continue;
      }
    } else {
      ++at;
    }
    out.append(json.data() + begin, at - begin);
  }
  return out;
}

}  // namespace suggest::storage
