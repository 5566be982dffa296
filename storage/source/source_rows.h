// Rows of the source views as records. Included by storage/*.cc only.
//
// Each select lists the contract's columns in the order that its converter reads, ordered by the bytes of the ids. A
// converter returns FAILED_PRECONDITION naming view, row and column for a null where the contract has none, and throws
// CorruptValue for a value that it cannot read.
#ifndef STORAGE_SOURCE_SOURCE_ROWS_H_
#define STORAGE_SOURCE_SOURCE_ROWS_H_

#include "absl/status/statusor.h"
#include "storage/postgres/database_internal.h"
#include "storage/records.h"

namespace suggest::storage {

inline constexpr Statement kSelectCustomers = {
    "source_customers",
    "SELECT customer_id, coalesce(valid_from, '-infinity') AS valid_from, attributes FROM source.customers "
    "ORDER BY customer_id COLLATE \"C\", 2"};
inline constexpr Statement kSelectRecommendations = {
    "source_recommendations",
    "SELECT recommendation_id, coalesce(title, recommendation_id), active_from, active_until, "
    "coalesce(repeatable, false), coalesce(attributes, '{}') AS attributes "
    "FROM source.recommendations ORDER BY recommendation_id COLLATE \"C\""};
inline constexpr Statement kSelectSuggestions = {
    "source_suggestions",
    "SELECT suggestion_id, customer_id, recommendation_id, decided_at, coalesce(upper(status), ''), propensity "
    "FROM source.suggestions ORDER BY decided_at, customer_id COLLATE \"C\", suggestion_id COLLATE \"C\""};
inline constexpr Statement kSelectPurchases = {
    "source_purchases",
    "SELECT purchase_id, customer_id, recommendation_id, purchased_at, amount::float8 AS amount, "
    "coalesce(currency, ''), coalesce(suggestion_id, ''), visible_at, cancelled_at "
    "FROM source.purchases ORDER BY purchased_at, customer_id COLLATE \"C\", purchase_id COLLATE \"C\""};

absl::StatusOr<CustomerRecord> ToCustomer(const pqxx::row& row);
absl::StatusOr<RecommendationRecord> ToRecommendation(const pqxx::row& row);
absl::StatusOr<HistoricalSuggestion> ToHistoricalSuggestion(const pqxx::row& row);
absl::StatusOr<PurchaseRecord> ToPurchase(const pqxx::row& row);

}  // namespace suggest::storage

#endif  // STORAGE_SOURCE_SOURCE_ROWS_H_
