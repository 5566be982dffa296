#include "storage/source/source_rows.h"

#include "absl/strings/str_cat.h"
#include "bandit/base/status_macros.h"
#include "storage/postgres/json_numbers.h"

namespace suggest::storage {
namespace {

// The first `count` columns must not be null. The row is named by its first column.
absl::Status CheckNotNull(const pqxx::row& row, int count, absl::string_view view) {
  for (int i = 0; i < count; ++i) {
    if (!row[i].is_null()) continue;
    const std::string id = row[0].is_null() ? "" : absl::StrCat(" of ", row[0].name(), " '", row[0].c_str(), "'");
    return absl::FailedPreconditionError(absl::StrCat(view, ": ", row[i].name(), id, " is null"));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<CustomerRecord> ToCustomer(const pqxx::row& row) {
  RETURN_IF_ERROR(CheckNotNull(row, 2, "source.customers"));
  CustomerRecord record;
  record.customer_id = row[0].as<std::string>();
  record.valid_from = ToTime(row[1]);
  record.attributes = ToStruct(row[2], absl::StrCat("customer '", record.customer_id, "'"));
  return record;
}

absl::StatusOr<RecommendationRecord> ToRecommendation(const pqxx::row& row) {
  RETURN_IF_ERROR(CheckNotNull(row, 1, "source.recommendations"));
  RecommendationRecord record;
  record.recommendation_id = row[0].as<std::string>();
  record.title = row[1].as<std::string>();
  record.active_from = ToOptionalTime(row[2]);
  record.active_until = ToOptionalTime(row[3]);
  record.repeatable = row[4].as<bool>();
  record.attributes_json = KeepNumberTexts(absl::string_view(row[5].c_str(), row[5].size()));
  record.attributes = ToStruct(row[5], absl::StrCat("recommendation '", record.recommendation_id, "'"));
  return record;
}

absl::StatusOr<HistoricalSuggestion> ToHistoricalSuggestion(const pqxx::row& row) {
  RETURN_IF_ERROR(CheckNotNull(row, 4, "source.suggestions"));
  HistoricalSuggestion record;
  record.suggestion_id = row[0].as<std::string>();
  record.customer_id = row[1].as<std::string>();
  record.recommendation_id = row[2].as<std::string>();
  record.decided_at = ToTime(row[3]);
  record.status = row[4].as<std::string>();
  if (!row[5].is_null()) record.propensity = row[5].as<double>();
  return record;
}

absl::StatusOr<PurchaseRecord> ToPurchase(const pqxx::row& row) {
  RETURN_IF_ERROR(CheckNotNull(row, 5, "source.purchases"));
  PurchaseRecord record;
  record.purchase_id = row[0].as<std::string>();
  record.customer_id = row[1].as<std::string>();
  record.recommendation_id = row[2].as<std::string>();
  record.purchased_at = ToTime(row[3]);
  record.amount = row[4].as<double>();
  record.currency = row[5].as<std::string>();
  record.suggestion_id = row[6].as<std::string>();
  record.visible_at = ToOptionalTime(row[7]);
  record.cancelled_at = ToOptionalTime(row[8]);
  return record;
}

}  // namespace suggest::storage
