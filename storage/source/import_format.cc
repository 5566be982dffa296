#include "storage/source/import_format.h"

#include <cmath>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "bandit/base/check.h"
#include "bandit/base/status_macros.h"
#include "storage/postgres/database_internal.h"
#include "storage/records.h"
#include "storage/source/csv.h"

namespace suggest::storage {
namespace {

constexpr absl::string_view kStatuses[] = {"SUGGESTED", "KEPT", "EDITED", "DISCARDED", "SENT", "VIEWED", "CLICKED"};

ImportColumn Required(absl::string_view name, ValueKind kind = ValueKind::kText) {
  return {std::string(name), kind, true, std::nullopt};
}

ImportColumn Optional(absl::string_view name, ValueKind kind = ValueKind::kText) {
  return {std::string(name), kind, false, std::nullopt};
}

ImportColumn Defaulted(absl::string_view name, ValueKind kind, absl::string_view when_empty) {
  return {std::string(name), kind, false, std::string(when_empty)};
}

ImportColumn RequiredId(absl::string_view name) {
  return Required(name, ValueKind::kId);
}

// Times of purchases: a date alone is the end of its day, so that a purchase dated on the day of its suggestion follows
// it.
ImportColumn AtEndOfDay(ImportColumn column) {
  column.day_point = DayPoint::kEnd;
  return column;
}

absl::Status Refuse(absl::string_view field, absl::string_view expected) {
  return absl::InvalidArgumentError(absl::StrCat("'", ShownField(field), "' is not ", expected));
}

absl::StatusOr<std::string> ToIdValue(const std::string& field) {
  if (field.size() > kLongestIdBytes) {
    return absl::InvalidArgumentError(absl::StrCat("'", ShownField(field), "' is too long: it has ", field.size(),
                                                   " bytes, and an id has at most ", kLongestIdBytes));
  }
  if (absl::StripAsciiWhitespace(field) != field) {
    return absl::InvalidArgumentError(absl::StrCat("'", ShownField(field), "' begins or ends with a blank"));
  }
  return field;
}

absl::StatusOr<std::string> ToBoolValue(const std::string& field) {
  bool value = false;
  if (!absl::SimpleAtob(field, &value)) return Refuse(field, "true or false");
  return std::string(value ? "true" : "false");
}

size_t CountDigits(absl::string_view text) {
  size_t digits = 0;
  while (digits < text.size() && absl::ascii_isdigit(static_cast<unsigned char>(text[digits]))) ++digits;
  return digits;
}

// [+-] digits [. digits] [e [+-] up to three digits], what both PostgreSQL's numeric and a double take.
bool IsDecimalNumber(absl::string_view text) {
  if (!absl::ConsumePrefix(&text, "-")) absl::ConsumePrefix(&text, "+");
  const size_t whole = CountDigits(text);
  text.remove_prefix(whole);
  size_t fraction = 0;
  if (absl::ConsumePrefix(&text, ".")) {
    fraction = CountDigits(text);
    text.remove_prefix(fraction);
  }
  if (whole + fraction == 0) return false;
  if (text.empty()) return true;
  if (text.front() != 'e' && text.front() != 'E') return false;
  text.remove_prefix(1);
  if (!absl::ConsumePrefix(&text, "-")) absl::ConsumePrefix(&text, "+");
  return !text.empty() && text.size() <= 3 && CountDigits(text) == text.size();
}

absl::StatusOr<std::string> ToNumberValue(const ImportColumn& column, const std::string& field) {
  constexpr size_t kLongestNumber = 100;
  constexpr char kPlain[] = "a number: write a decimal point, no separators of thousands and no unit, as in 1234.50";
  if (field.size() > kLongestNumber) {
    return Refuse(field, absl::StrCat("a number of at most ", kLongestNumber, " characters"));
  }
  double value = 0;
  if (!IsDecimalNumber(field)) {
    const bool has_digit = field.find_first_of("0123456789") != std::string::npos;
    return Refuse(field, has_digit ? kPlain : "a finite number");
  }
  if (!absl::SimpleAtod(field, &value) || !std::isfinite(value)) return Refuse(field, "a finite number");
  if (column.kind == ValueKind::kPropensity && !(value > 0 && value <= 1)) return Refuse(field, "within (0, 1]");
  return field;
}

absl::StatusOr<std::string> ToStatusValue(const std::string& field) {
  const std::string status = absl::AsciiStrToUpper(field);
  for (absl::string_view known : kStatuses) {
    if (known == status) return status;
  }
  return Refuse(field, absl::StrCat("one of ", absl::StrJoin(kStatuses, ", ")));
}

absl::StatusOr<std::string> ToPresentValue(const ImportColumn& column, const std::string& field,
                                           const std::optional<absl::TimeZone>& zone) {
  switch (column.kind) {
    case ValueKind::kText:
      return field;
    case ValueKind::kId:
      return ToIdValue(field);
    case ValueKind::kTime: {
      ASSIGN_OR_RETURN(const absl::Time time, ReadTimeText(field, zone, column.day_point));
      return ToSql(time);
    }
    case ValueKind::kBool:
      return ToBoolValue(field);
    case ValueKind::kAmount:
    case ValueKind::kPropensity:
      return ToNumberValue(column, field);
    case ValueKind::kStatus:
      return ToStatusValue(field);
  }
  return absl::InternalError("unknown kind of column");
}

// A name without what spreadsheets and people change about it.
std::string PlainName(absl::string_view name) {
  std::string plain;
  for (const char c : name) {
    if (c != ' ' && c != '_' && c != '-') plain += absl::ascii_tolower(static_cast<unsigned char>(c));
  }
  return plain;
}

void AppendJsonString(std::string& out, absl::string_view text) {
  out += '"';
  for (char c : text) {
    if (c == '"' || c == '\\') {
      absl::StrAppend(&out, "\\", absl::string_view(&c, 1));
    } else if (static_cast<unsigned char>(c) < 0x20) {
      absl::StrAppendFormat(&out, "\\u%04x", c);
    } else {
      out += c;
    }
  }
  out += '"';
}

}  // namespace

const ImportTable& TableOf(ImportKind kind) {
  static const auto* const kCustomers =
      new ImportTable{"builtin.customers",
                      {RequiredId("customer_id"), Defaulted("valid_from", ValueKind::kTime, "-infinity")},
                      {"customer_id", "valid_from"},
                      true};
  static const auto* const kRecommendations =
      new ImportTable{"builtin.recommendations",
                      {RequiredId("recommendation_id"), Required("title"), Optional("active_from", ValueKind::kTime),
                       Optional("active_until", ValueKind::kTime), Defaulted("repeatable", ValueKind::kBool, "false")},
                      {"recommendation_id"},
                      true};
  static const auto* const kSuggestions =
      new ImportTable{"builtin.suggestions",
                      {RequiredId("suggestion_id"), RequiredId("customer_id"), RequiredId("recommendation_id"),
                       Required("decided_at", ValueKind::kTime), Optional("status", ValueKind::kStatus),
                       Optional("propensity", ValueKind::kPropensity)},
                      {"customer_id", "suggestion_id"},
                      false};
  static const auto* const kPurchases = new ImportTable{
      "builtin.purchases",
      {RequiredId("purchase_id"), RequiredId("customer_id"), RequiredId("recommendation_id"),
       AtEndOfDay(Required("purchased_at", ValueKind::kTime)), Required("amount", ValueKind::kAmount),
       Optional("currency"), Optional("suggestion_id", ValueKind::kId),
       AtEndOfDay(Optional("visible_at", ValueKind::kTime)), AtEndOfDay(Optional("cancelled_at", ValueKind::kTime))},
      {"customer_id", "purchase_id"},
      false};
  switch (kind) {
    case ImportKind::kCustomers:
      return *kCustomers;
    case ImportKind::kRecommendations:
      return *kRecommendations;
    case ImportKind::kSuggestions:
      return *kSuggestions;
    case ImportKind::kPurchases:
      return *kPurchases;
  }
  SUGGEST_CHECK(false);
}

absl::string_view SqlType(ValueKind kind) {
  switch (kind) {
    case ValueKind::kTime:
      return "timestamptz";
    case ValueKind::kBool:
      return "boolean";
    case ValueKind::kAmount:
      return "numeric";
    case ValueKind::kPropensity:
      return "float8";
    case ValueKind::kText:
    case ValueKind::kId:
    case ValueKind::kStatus:
      return "text";
  }
  SUGGEST_CHECK(false);
}

absl::StatusOr<std::optional<std::string>> ToSqlValue(const ImportColumn& column, const std::string& field,
                                                      const std::optional<absl::TimeZone>& zone) {
  if (field.empty() && column.required) return absl::InvalidArgumentError("is empty");
  if (field.empty()) return column.when_empty;
  ASSIGN_OR_RETURN(std::string value, ToPresentValue(column, field, zone));
  return std::optional<std::string>(std::move(value));
}

const ImportColumn* FindColumn(const ImportTable& table, absl::string_view header_name) {
  const std::string plain = PlainName(header_name);
  for (const ImportColumn& column : table.columns) {
    if (PlainName(column.name) == plain) return &column;
  }
  return nullptr;
}

void AppendJsonMember(std::string& object, absl::string_view name, absl::string_view value) {
  if (object.size() > 1) object += ", ";
  AppendJsonString(object, name);
  object += ": ";
  AppendJsonString(object, value);
}

}  // namespace suggest::storage
