#include "storage/source/customer_store.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "bandit/base/status_macros.h"
#include "storage/postgres/database_internal.h"

namespace suggest::storage {
namespace {

// Four kinds of rows in one answer: one round trip and one snapshot.
enum RowKind { kAttributes = 0, kHistory = 1, kBought = 2, kValidUntil = 3 };

constexpr Statement kLoadCustomer = {"customer_load", R"(
    SELECT * FROM (
      (SELECT 0 AS kind, text, NULL::bigint AS day, count(*) OVER () AS exposures,
              NULL::bigint AS conversions, NULL::bigint AS purchases, NULL::timestamptz AS last_exposed_at,
              NULL::timestamptz AS last_purchased_at
       FROM (SELECT coalesce(attributes, '{}')::text AS text
             FROM source.customers
             WHERE customer_id = $1 AND coalesce(valid_from, '-infinity') <= $2::timestamptz
             ORDER BY coalesce(valid_from, '-infinity') DESC FETCH FIRST 1 ROW WITH TIES) newest
       ORDER BY text COLLATE "C" LIMIT 1)
      UNION ALL
      SELECT 1, recommendation_id, day, exposures, conversions, purchases, last_exposed_at, last_purchased_at
      FROM suggest.history_days WHERE customer_id = $1
      UNION ALL
      SELECT DISTINCT 2, recommendation_id, NULL::bigint, NULL::bigint, NULL::bigint, NULL::bigint, NULL::timestamptz,
             NULL::timestamptz
      FROM source.purchases
      WHERE customer_id = $1 AND recommendation_id IS NOT NULL
        AND coalesce(visible_at, purchased_at) <= $2::timestamptz
        AND (cancelled_at IS NULL OR cancelled_at > $2::timestamptz)
      UNION ALL
      SELECT 3, NULL, NULL, NULL, NULL, NULL, min(changes_at), NULL::timestamptz FROM (
        SELECT valid_from AS changes_at FROM source.customers WHERE customer_id = $1
        UNION ALL
        SELECT unnest(ARRAY[coalesce(visible_at, purchased_at), cancelled_at]) FROM source.purchases
        WHERE customer_id = $1) later
      WHERE changes_at > $2::timestamptz) known
    ORDER BY kind, text COLLATE "C", day)"};

HistoryDay ToHistoryDay(const pqxx::row& row) {
  HistoryDay day;
  day.recommendation_id = row[1].as<std::string>();
  day.day = row[2].as<int64_t>();
  day.exposures = row[3].as<int64_t>();
  day.conversions = row[4].as<int64_t>();
  day.purchases = row[5].as<int64_t>();
  day.last_exposed_at = ToOptionalTime(row[6]).value_or(absl::InfinitePast());
  day.last_purchased_at = ToOptionalTime(row[7]).value_or(absl::InfinitePast());
  return day;
}

void ReadAttributes(const pqxx::row& row, CustomerState* state) {
  state->attributes.emplace();
  try {
    state->attributes = ToStruct(row[1], "a customer");
  } catch (const CorruptValue&) {
    state->problem = "the attributes are no JSON object that can be read";
  }
  const int64_t rows = row[3].as<int64_t>();
  if (rows > 1) state->problem = absl::StrCat(rows, " rows of source.customers have one valid_from");
}

}  // namespace

absl::StatusOr<CustomerState> CustomerStore::Load(const std::string& customer_id, absl::Time at) const {
  CustomerState state;
  RETURN_IF_ERROR(Autocommit(*db_, [&](pqxx::nontransaction& tx) {
    for (const pqxx::row& row : Exec(tx, kLoadCustomer, customer_id, ToSql(at))) {
      switch (row[0].as<int>()) {
        case kAttributes:
          ReadAttributes(row, &state);
          break;
        case kHistory:
          state.history.push_back(ToHistoryDay(row));
          break;
        case kBought:
          state.bought.push_back(row[1].as<std::string>());
          break;
        case kValidUntil:
          state.valid_until = ToOptionalTime(row[6]).value_or(absl::InfiniteFuture());
          break;
      }
    }
    return absl::OkStatus();
  }));
  return state;
}

}  // namespace suggest::storage
