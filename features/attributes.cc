#include "features/attributes.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <string_view>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "bandit/base/decimal_text.h"
#include "bandit/base/status_macros.h"

namespace suggest::features {
namespace {

constexpr double kLargestWholeNumber = 9007199254740992;  // 2^53: up to it a double keeps every whole number

absl::Status Expected(const AttributeValue& value, absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat(Quote(value), " is not ", what));
}

absl::string_view Trimmed(const std::string& text) {
  return absl::StripAsciiWhitespace(text);
}

// For messages.
std::string NumberText(double x) {
  char buffer[32];
  const auto end = std::to_chars(buffer, buffer + sizeof(buffer), x == 0 ? 0.0 : x).ptr;
  return std::string(buffer, end);
}

// Decimal digits with a point and an exponent. absl::SimpleAtod takes hexadecimal digits and names of infinity as well.
bool ParseDecimal(absl::string_view text, double* number) {
  return text.find_first_not_of("0123456789+-.eE") == absl::string_view::npos && absl::SimpleAtod(text, number);
}

// YYYY-MM-DD, where a year has four digits: absl::ParseTime would take 31-01-21 for the year 31.
bool BeginsWithDate(absl::string_view text) {
  constexpr absl::string_view kPattern = "dddd-dd-dd";
  if (text.size() < kPattern.size()) return false;
  for (size_t i = 0; i < kPattern.size(); ++i) {
    const bool digit = absl::ascii_isdigit(static_cast<unsigned char>(text[i]));
    if (kPattern[i] == 'd' ? !digit : text[i] != '-') return false;
  }
  return text >= "1800";
}

bool EqualsAny(absl::string_view text, std::initializer_list<absl::string_view> words) {
  return std::any_of(words.begin(), words.end(), [&](auto word) { return absl::EqualsIgnoreCase(text, word); });
}

}  // namespace

const AttributeValue* FindAttribute(const Attributes& attributes, absl::string_view column) {
  const auto found = attributes.fields().find(std::string_view(column.data(), column.size()));
  if (found == attributes.fields().end()) return nullptr;
  const AttributeValue& value = found->second;
  switch (value.kind_case()) {
    case AttributeValue::kNullValue:
    case AttributeValue::KIND_NOT_SET:
      return nullptr;
    case AttributeValue::kStringValue:
      return Trimmed(value.string_value()).empty() ? nullptr : &value;
    default:
      return &value;
  }
}

absl::StatusOr<double> ReadNumber(const AttributeValue& value) {
  double number = 0;
  if (value.kind_case() == AttributeValue::kNumberValue) {
    number = value.number_value();
  } else if (value.kind_case() != AttributeValue::kStringValue ||
             !ParseDecimal(Trimmed(value.string_value()), &number)) {
    return Expected(value, "a number");
  }
  if (!std::isfinite(number)) return Expected(value, "finite");
  if (std::abs(number) > kMaxMagnitude) return Expected(value, "within +-1e15");
  return number;
}

absl::StatusOr<double> ReadBoolean(const AttributeValue& value) {
  switch (value.kind_case()) {
    case AttributeValue::kBoolValue:
      return value.bool_value() ? 1.0 : 0.0;
    case AttributeValue::kNumberValue:
      if (value.number_value() == 0 || value.number_value() == 1) return value.number_value();
      break;
    case AttributeValue::kStringValue: {
      const absl::string_view text = Trimmed(value.string_value());
      if (EqualsAny(text, {"true", "t", "yes", "y", "1"})) return 1.0;
      if (EqualsAny(text, {"false", "f", "no", "n", "0"})) return 0.0;
      double number = 0;
      if (ParseDecimal(text, &number) && (number == 0 || number == 1)) return number;
      break;
    }
    default:
      break;
  }
  return Expected(value, "a boolean");
}

absl::StatusOr<std::optional<std::string>> ReadLabel(const AttributeValue& value) {
  switch (value.kind_case()) {
    case AttributeValue::kStringValue: {
      const absl::string_view text = Trimmed(value.string_value());
      if (text.empty()) return std::optional<std::string>();
      return std::optional<std::string>(std::string(text));
    }
    case AttributeValue::kBoolValue:
      return std::optional<std::string>(value.bool_value() ? "true" : "false");
    case AttributeValue::kNumberValue:
      if (!std::isfinite(value.number_value())) return Expected(value, "finite");
      if (std::abs(value.number_value()) > kLargestWholeNumber) {
        return Expected(value, "a name: a number beyond 9007199254740992 loses digits, so write it as text");
      }
      return std::optional<std::string>(DecimalText(value.number_value()));
    default:
      return Expected(value, "a name");
  }
}

absl::StatusOr<std::vector<std::string>> ReadLabels(const AttributeValue& value) {
  std::vector<std::string> labels;
  if (value.kind_case() == AttributeValue::kListValue) {
    for (const AttributeValue& item : value.list_value().values()) {
      ASSIGN_OR_RETURN(std::optional<std::string> label, ReadLabel(item));
      if (label.has_value()) labels.push_back(*std::move(label));
    }
  } else if (value.kind_case() == AttributeValue::kStringValue) {
    for (absl::string_view part : absl::StrSplit(value.string_value(), ';')) {
      part = absl::StripAsciiWhitespace(part);
      if (!part.empty()) labels.emplace_back(part);
    }
  } else {
    return Expected(value, "a list of names or a string divided by ';'");
  }
  std::sort(labels.begin(), labels.end());
  labels.erase(std::unique(labels.begin(), labels.end()), labels.end());
  return labels;
}

absl::StatusOr<absl::Time> ReadTime(const AttributeValue& value) {
  const absl::string_view text =
      value.kind_case() == AttributeValue::kStringValue ? Trimmed(value.string_value()) : absl::string_view();
  if (BeginsWithDate(text)) {
    for (const char* format : {"%Y-%m-%d%ET%H:%M:%E*S%Ez", "%Y-%m-%d %H:%M:%E*S%Ez", "%Y-%m-%d%ET%H:%M:%E*S",
                               "%Y-%m-%d %H:%M:%E*S", "%Y-%m-%d"}) {
      absl::Time time;
      std::string error;
      if (!absl::ParseTime(format, text, &time, &error)) continue;
      if (time == absl::InfiniteFuture() || time == absl::InfinitePast()) break;
      return time;
    }
  }
  return Expected(value, "a timestamp (2026-01-31T12:00:00Z) or date (2026-01-31) of the year 1800 or later");
}

std::string Quote(const AttributeValue& value) {
  constexpr size_t kLongest = 60;
  switch (value.kind_case()) {
    case AttributeValue::kNumberValue:
      return NumberText(value.number_value());
    case AttributeValue::kBoolValue:
      return value.bool_value() ? "true" : "false";
    case AttributeValue::kListValue:
      return "a list";
    case AttributeValue::kStructValue:
      return "an object";
    case AttributeValue::kStringValue: {
      const std::string& text = value.string_value();
      if (text.size() <= kLongest) return absl::StrCat("\"", absl::Utf8SafeCHexEscape(text), "\"");
      size_t end = kLongest;
      while (end > 0 && (text[end] & 0xC0) == 0x80) --end;  // not within a UTF-8 character
      return absl::StrCat("\"", absl::Utf8SafeCHexEscape(text.substr(0, end)), "...\"");
    }
    default:
      return "null";
  }
}

}  // namespace suggest::features
