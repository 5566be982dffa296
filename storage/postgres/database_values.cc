// Parameters and fields of SQL statements: the conversions that database_internal.h declares.
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/strip.h"
#include "bandit/base/json_bounds.h"
#include "google/protobuf/util/json_util.h"
#include "storage/postgres/database_internal.h"
#include "storage/postgres/json_numbers.h"

namespace suggest::storage {

void internal::CheckNoNul(absl::string_view value) {
  const size_t at = value.find('\0');
  if (at == absl::string_view::npos) return;
  throw InvalidValue(absl::StrCat("text '", value.substr(0, at), "' is followed by a NUL byte"));
}

std::string ToSql(absl::Time time) {
  if (time == absl::InfinitePast()) return "-infinity";
  if (time == absl::InfiniteFuture()) return "infinity";
  // A year has at least four digits, or PostgreSQL would read a year below 100 as one of this century.
  absl::CivilSecond civil = absl::ToCivilSecond(time, absl::UTCTimeZone());
  if (civil.year() > 0) return absl::FormatTime("%E4Y-%m-%d %H:%M:%E6S+00", time, absl::UTCTimeZone());
  return absl::StrCat(absl::StrFormat("%04d", 1 - civil.year()),
                      absl::FormatTime("-%m-%d %H:%M:%E6S+00", time, absl::UTCTimeZone()), " BC");
}

std::optional<std::string> ToSql(std::optional<absl::Time> time) {
  if (!time.has_value()) return std::nullopt;
  return ToSql(*time);
}

pqxx::binarystring ToBytea(const std::string& bytes) {
  return pqxx::binarystring(bytes);
}

std::string ToTextArray(const std::vector<std::string>& values) {
  std::string literal = "{";
  for (const std::string& value : values) AppendElement(literal, value);
  return literal += '}';
}

void AppendElement(std::string& literal, const std::optional<std::string>& value) {
  if (literal.size() > 1) literal += ',';
  if (!value.has_value()) {
    literal += "NULL";
    return;
  }
  literal += '"';
  for (char c : *value) {
    if (c == '"' || c == '\\') literal += '\\';
    literal += c;
  }
  literal += '"';
}

absl::Time ToTime(const pqxx::field& field) {
  const absl::string_view text(field.c_str(), field.size());
  if (text == "infinity") return absl::InfiniteFuture();
  if (text == "-infinity") return absl::InfinitePast();
  absl::string_view utc = text;
  const bool before_christ = absl::ConsumeSuffix(&utc, " BC");
  const size_t year_end = utc.find('-');
  int64_t year = 0;
  absl::Time in_leap_year;
  std::string error;
  // The year is taken apart from the rest: absl's %Y reads no year before Christ.
  if (!absl::ConsumeSuffix(&utc, "+00") || year_end == absl::string_view::npos ||
      !absl::SimpleAtoi(utc.substr(0, year_end), &year) ||
      !absl::ParseTime("%Y-%m-%d %H:%M:%E*S", absl::StrCat("2000", utc.substr(year_end)), absl::UTCTimeZone(),
                       &in_leap_year, &error)) {
    throw CorruptValue(absl::StrCat(field.name(), ": cannot read time '", text, "'"));
  }
  const absl::CivilSecond civil = absl::ToCivilSecond(in_leap_year, absl::UTCTimeZone());
  const absl::CivilSecond second(before_christ ? 1 - year : year, civil.month(), civil.day(), civil.hour(),
                                 civil.minute(), civil.second());
  return absl::FromCivil(second, absl::UTCTimeZone()) + (in_leap_year - absl::FromCivil(civil, absl::UTCTimeZone()));
}

std::optional<absl::Time> ToOptionalTime(const pqxx::field& field) {
  if (field.is_null()) return std::nullopt;
  return ToTime(field);
}

std::optional<std::string> ToOptionalString(const pqxx::field& field) {
  if (field.is_null()) return std::nullopt;
  return std::string(field.c_str(), field.size());
}

std::string ToBytes(const pqxx::field& field) {
  return pqxx::binarystring(field).str();
}

std::vector<std::string> ToStrings(const pqxx::field& field) {
  std::vector<std::string> values;
  pqxx::array_parser parser = field.as_array();
  while (true) {
    std::pair<pqxx::array_parser::juncture, std::string> next = parser.get_next();
    if (next.first == pqxx::array_parser::done) return values;
    if (next.first == pqxx::array_parser::null_value) {
      throw CorruptValue(absl::StrCat(field.name(), ": a null among '", field.c_str(), "'"));
    }
    if (next.first == pqxx::array_parser::string_value) values.push_back(std::move(next.second));
  }
}

google::protobuf::Struct ToStruct(const pqxx::field& field, absl::string_view what) {
  google::protobuf::Struct result;
  if (field.is_null()) return result;
  const absl::string_view json(field.c_str(), field.size());
  if (const absl::Status bounds = CheckJsonBounds(json, kLargestAttributesBytes); !bounds.ok()) {
    throw CorruptValue(absl::StrCat("attributes of ", what, ": ", bounds.message()));
  }
  if (!google::protobuf::util::JsonStringToMessage(KeepNumberTexts(json), &result).ok()) {
    // The parser's own words would show the value.
    throw CorruptValue(absl::StrCat("attributes of ", what, " are not a JSON object that can be read"));
  }
  return result;
}

}  // namespace suggest::storage
