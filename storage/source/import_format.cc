#include "storage/source/import_format.h"

#include <cmath>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/time/time.h"
#include "bandit/base/check.h"
#include "bandit/base/status_macros.h"
#include "storage/postgres/database_internal.h"

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

absl::Status Refuse(absl::string_view field, absl::string_view expected) {
  return absl::InvalidArgumentError(absl::StrCat("'", field.substr(0, 60), "' is not ", expected));
}

absl::StatusOr<std::string> ToTimeValue(const std::string& field) {
  std::string text = field;
  if (text.size() > 10 && text[10] == ' ') text[10] = 'T';
  absl::Time time;
  std::string error;
  const bool begins_with_year = !text.empty() && absl::ascii_isdigit(text[0]);
  if (!begins_with_year || (!absl::ParseTime(absl::RFC3339_full, text, &time, &error) &&
                            !absl::ParseTime("%Y-%m-%d", text, absl::UTCTimeZone(), &time, &error))) {
    return Refuse(field, "a time like 2017-01-31T12:00:00Z or a date like 2017-01-31");
  }
  return ToSql(time);
}

absl::StatusOr<std::string> ToBoolValue(const std::string& field) {
  bool value = false;
  if (!absl::SimpleAtob(field, &value)) return Refuse(field, "true or false");
  return std::string(value ? "true" : "false");
}

absl::StatusOr<std::string> ToNumberValue(const ImportColumn& column, const std::string& field) {
  double value = 0;
  // SimpleAtod takes hexadecimal digits and blanks too, PostgreSQL does not.
  const bool decimal = field.find_first_not_of("0123456789+-.eE") == std::string::npos;
  if (!decimal || !absl::SimpleAtod(field, &value) || !std::isfinite(value)) return Refuse(field, "a finite number");
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

absl::StatusOr<std::string> ToPresentValue(const ImportColumn& column, const std::string& field) {
  switch (column.kind) {
    case ValueKind::kText:
      return field;
    case ValueKind::kTime:
      return ToTimeValue(field);
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
                      {Required("customer_id"), Defaulted("valid_from", ValueKind::kTime, "-infinity")},
                      {"customer_id", "valid_from"},
                      true};
  static const auto* const kRecommendations =
      new ImportTable{"builtin.recommendations",
                      {Required("recommendation_id"), Required("title"), Optional("active_from", ValueKind::kTime),
                       Optional("active_until", ValueKind::kTime), Defaulted("repeatable", ValueKind::kBool, "false")},
                      {"recommendation_id"},
                      true};
  static const auto* const kSuggestions =
      new ImportTable{"builtin.suggestions",
                      {Required("suggestion_id"), Required("customer_id"), Required("recommendation_id"),
                       Required("decided_at", ValueKind::kTime), Optional("status", ValueKind::kStatus),
                       Optional("propensity", ValueKind::kPropensity)},
                      {"customer_id", "suggestion_id"},
                      false};
  static const auto* const kPurchases = new ImportTable{
      "builtin.purchases",
      {Required("purchase_id"), Required("customer_id"), Required("recommendation_id"),
       Required("purchased_at", ValueKind::kTime), Required("amount", ValueKind::kAmount), Optional("currency"),
       Optional("suggestion_id"), Optional("visible_at", ValueKind::kTime), Optional("cancelled_at", ValueKind::kTime)},
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
    case ValueKind::kStatus:
      return "text";
  }
  SUGGEST_CHECK(false);
}

absl::StatusOr<std::optional<std::string>> ToSqlValue(const ImportColumn& column, const std::string& field) {
  if (field.empty() && column.required) return absl::InvalidArgumentError("is empty");
  if (field.empty()) return column.when_empty;
  ASSIGN_OR_RETURN(std::string value, ToPresentValue(column, field));
  return std::optional<std::string>(std::move(value));
}

void AppendJsonMember(std::string& object, absl::string_view name, absl::string_view value) {
  if (object.size() > 1) object += ", ";
  AppendJsonString(object, name);
  object += ": ";
  AppendJsonString(object, value);
}

}  // namespace suggest::storage
