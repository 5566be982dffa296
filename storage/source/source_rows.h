// Rows of the source views as records. Included by storage/*.cc only.
//
// Each select lists the contract's columns in the order that its converter reads, ordered by the bytes of the ids, then
// by values: rows of one key come in one order whenever they are read. A converter returns FAILED_PRECONDITION naming
// view, row and column for a null where the contract has none, and throws CorruptValue for a value that it cannot read.
#ifndef STORAGE_SOURCE_SOURCE_ROWS_H_
#define STORAGE_SOURCE_SOURCE_ROWS_H_

#include "absl/status/statusor.h"
#include "storage/postgres/database_internal.h"
#include "storage/records.h"

namespace suggest::storage {

inline constexpr Statement kSelectCustomers = {
    "source_customers",
    "SELECT customer_id, coalesce(valid_from, '-infinity') AS valid_from, coalesce(attributes, '{}') AS attributes "
    "FROM source.customers ORDER BY customer_id COLLATE \"C\", 2, attributes::text COLLATE \"C\""};
inline constexpr Statement kSelectRecommendations = {
    "source_recommendations",
    "SELECT recommendation_id, coalesce(title, recommendation_id), active_from, active_until, "
    "coalesce(repeatable, false), coalesce(attributes, '{}') AS attributes "
    "FROM source.recommendations ORDER BY recommendation_id COLLATE \"C\", 2, attributes::text COLLATE \"C\""};
inline constexpr Statement kSelectSuggestions = {
    "source_suggestions",
    "SELECT suggestion_id, customer_id, recommendation_id, decided_at, coalesce(upper(status), ''), propensity "
    "FROM source.suggestions ORDER BY decided_at, customer_id COLLATE \"C\", suggestion_id COLLATE \"C\", "
    "recommendation_id COLLATE \"C\", 5, propensity"};
inline constexpr Statement kSelectPurchases = {
    "source_purchases",
    "SELECT purchase_id, customer_id, recommendation_id, purchased_at, "
    "CASE WHEN p.amount IS NULL THEN NULL "
    "     WHEN abs(p.amount) < 1e300 OR p.amount::text IN ('Infinity', '-Infinity') THEN p.amount::float8 "
    "     ELSE 'NaN' END AS amount, "
    "coalesce(currency, ''), coalesce(suggestion_id, ''), visible_at, cancelled_at "
    "FROM source.purchases p ORDER BY purchased_at, customer_id COLLATE \"C\", purchase_id COLLATE \"C\", "
    "recommendation_id, p.amount, cancelled_at, suggestion_id, currency, visible_at"};

absl::StatusOr<CustomerRecord> ToCustomer(const pqxx::row& row);
absl::StatusOr<RecommendationRecord> ToRecommendation(const pqxx::row& row);
absl::StatusOr<HistoricalSuggestion> ToHistoricalSuggestion(const pqxx::row& row);
absl::StatusOr<PurchaseRecord> ToPurchase(const pqxx::row& row);

}  // namespace suggest::storage

#endif  // STORAGE_SOURCE_SOURCE_ROWS_H_
