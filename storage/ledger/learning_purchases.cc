// LearningTransaction's part for purchases and rewards.
#include "bandit/base/status_macros.h"
#include "storage/ledger/learning_internal.h"

namespace suggest::storage {
namespace {

// A source may show one purchase twice: DISTINCT ON takes the same one of the two at every run. One bad row must not
// stop the others: an amount that is null or beyond float8 becomes NaN, and is refused; so is a purchase with a time
// that cannot be. That is booked at -infinity, so that it is the same at every run until it is corrected.
constexpr Statement kChanged = {
    "learning_changed_purchases",
    "WITH faulted AS ("
    "  SELECT p.purchase_id, p.customer_id, p.recommendation_id, p.purchased_at, p.amount, p.currency, "
    "p.suggestion_id, "
    "         p.visible_at, p.cancelled_at, "
    "         CASE WHEN p.purchased_at IS NULL THEN 'purchased_at is missing' "
    "              WHEN p.purchased_at = '-infinity' THEN 'purchased_at is -infinity' "
    "              WHEN p.purchased_at < '1900-01-01 00:00:00+00' "
    "                OR (p.purchased_at >= '10000-01-01 00:00:00+00' AND p.purchased_at < 'infinity') "
    "              THEN 'purchased_at is not a time from 1900 to 9999' "
    "              WHEN p.visible_at < '1900-01-01 00:00:00+00' THEN 'visible_at is before 1900' "
    "              WHEN p.cancelled_at < '1900-01-01 00:00:00+00' THEN 'cancelled_at is before 1900' "
    "              ELSE '' END AS fault "
    "  FROM source.purchases p "
    "  WHERE p.customer_id IS NOT NULL AND p.purchase_id IS NOT NULL AND (p.customer_id, p.purchase_id) > ($4, $5)), "
    "shown AS ("
    "  SELECT DISTINCT ON (p.customer_id, p.purchase_id) p.customer_id, p.purchase_id, "
    "         coalesce(p.recommendation_id, '') AS recommendation_id, "
    "         CASE WHEN p.fault = '' THEN p.purchased_at ELSE '-infinity' END AS purchased_at, "
    "         CASE WHEN abs(p.amount) < 1e300 THEN p.amount::float8 ELSE 'NaN' END AS amount, "
    "         coalesce(p.currency, '') AS currency, "
    "         coalesce(p.suggestion_id, '') AS suggestion_id, "
    "         CASE WHEN p.fault <> '' THEN $2::timestamptz ELSE coalesce(p.visible_at, CASE WHEN $8::boolean THEN "
    "greatest(p.purchased_at, $2::timestamptz) "
    "           ELSE least(p.purchased_at + $3::interval, greatest(p.purchased_at, $2::timestamptz)) END) END "
    "           AS visible_at, p.visible_at IS NOT NULL AND p.fault = '' AS visible_at_is_given, p.fault, "
    "         count(*) OVER (PARTITION BY p.customer_id, p.purchase_id) AS copies, "
    "         CASE WHEN p.cancelled_at <= $2::timestamptz AND p.fault = '' THEN p.cancelled_at END AS cancelled_at "
    "  FROM faulted p "
    "  WHERE (p.purchased_at >= $1::timestamptz OR p.fault <> '') "
    "  AND (p.visible_at IS NULL OR p.visible_at <= $2::timestamptz) "
    "  ORDER BY p.customer_id, p.purchase_id, p.purchased_at, p.recommendation_id, p.amount, p.cancelled_at, "
    "           p.suggestion_id, p.currency, p.visible_at) "
    "SELECT n.customer_id, n.purchase_id, n.recommendation_id, n.purchased_at, n.amount, n.currency, n.suggestion_id, "
    "       CASE WHEN $8::boolean AND NOT n.visible_at_is_given AND s.visible_at IS NOT NULL THEN s.visible_at "
    "            ELSE n.visible_at END, n.cancelled_at, s.purchase_id, s.recommendation_id, s.purchased_at, "
    "s.visible_at, s.amount, "
    "       s.currency, s.named_suggestion_id, s.cancelled_at, s.status, s.value, s.suggestion_id, s.reason, n.copies, "
    "n.fault "
    "FROM shown n LEFT JOIN suggest.purchase_state s USING (customer_id, purchase_id) "
    "WHERE (s.purchase_id IS NULL OR s.recheck "
    "  OR (s.amount, s.currency, s.purchased_at, s.recommendation_id, s.named_suggestion_id) "
    "     IS DISTINCT FROM (n.amount, n.currency, n.purchased_at, n.recommendation_id, n.suggestion_id) "
    "  OR s.cancelled_at IS DISTINCT FROM n.cancelled_at "
    "  OR (n.visible_at_is_given AND s.visible_at <> n.visible_at) "
    "  OR (s.status = 5 AND n.purchased_at <= $2::timestamptz) "
    "  OR (s.status = 6 AND n.amount >= 0 AND n.amount < 'infinity' AND n.purchased_at > '-infinity' "
    "      AND n.currency = ANY ($7::text[]))) "
    "ORDER BY n.customer_id, n.purchase_id LIMIT $6"};

// Booked ones of the window, and whether a row of the source still stands for one: visible by the tick, and not before
// the window. What is only corrected within these is a change (kChanged).
#define SUGGEST_BOOKED_IN_WINDOW                                                            \
  "s.status NOT IN (5, 6) AND s.cancelled_at IS NULL AND s.purchased_at > $1::timestamptz " \
  "AND s.purchased_at <= $2::timestamptz "
#define SUGGEST_NO_LONGER_SHOWN                                                        \
  "NOT EXISTS (SELECT FROM source.purchases p "                                        \
  "            WHERE p.customer_id = s.customer_id AND p.purchase_id = s.purchase_id " \
  "            AND (p.visible_at IS NULL OR p.visible_at <= $2::timestamptz) "         \
  "            AND (p.purchased_at IS NULL OR p.purchased_at >= $1::timestamptz "      \
  "                 OR p.purchased_at < '1900-01-01 00:00:00+00')) "

constexpr Statement kVanished = {
    "learning_vanished_purchases",
    "SELECT s.customer_id, s.purchase_id, s.recommendation_id, s.purchased_at, s.visible_at, s.amount, s.currency, "
    "s.named_suggestion_id, s.cancelled_at, s.status, s.value, s.suggestion_id, s.reason "
    "FROM suggest.purchase_state s WHERE " SUGGEST_BOOKED_IN_WINDOW
    "AND (s.customer_id, s.purchase_id) > ($3, $4) AND " SUGGEST_NO_LONGER_SHOWN
    "ORDER BY s.customer_id, s.purchase_id LIMIT $5"};

constexpr Statement kCountVanished = {"learning_count_vanished",
                                      "SELECT count(*), count(*) FILTER (WHERE " SUGGEST_NO_LONGER_SHOWN
                                      ") FROM suggest.purchase_state s WHERE " SUGGEST_BOOKED_IN_WINDOW};

constexpr Statement kSave = {
    "learning_save_purchases",
    "INSERT INTO suggest.purchase_state (customer_id, purchase_id, recommendation_id, purchased_at, visible_at, "
    "amount, currency, named_suggestion_id, cancelled_at, status, value, suggestion_id, reason, booked_at) "
    "SELECT c, p, r, t, v, a, y, n, nullif(x, '')::timestamptz, s, w, nullif(e, ''), q, $14::timestamptz FROM unnest("
    "$1::text[], $2::text[], $3::text[], $4::timestamptz[], $5::timestamptz[], $6::float8[], $7::text[], $8::text[], "
    "$9::text[], $10::smallint[], $11::float8[], $12::text[], $13::text[]) "
    "AS u(c, p, r, t, v, a, y, n, x, s, w, e, q) "
    "ON CONFLICT (customer_id, purchase_id) DO UPDATE SET recommendation_id = excluded.recommendation_id, "
    "purchased_at = excluded.purchased_at, visible_at = excluded.visible_at, amount = excluded.amount, "
    "currency = excluded.currency, named_suggestion_id = excluded.named_suggestion_id, "
    "cancelled_at = excluded.cancelled_at, status = excluded.status, value = excluded.value, "
    "suggestion_id = excluded.suggestion_id, reason = excluded.reason, recheck = false, "
    "booked_at = excluded.booked_at"};

constexpr Statement kOf = {
    "learning_purchases_of",
    "SELECT s.customer_id, s.purchase_id, s.recommendation_id, s.purchased_at, s.visible_at, s.amount, s.currency, "
    "s.named_suggestion_id, s.cancelled_at, s.status, s.value, s.suggestion_id, s.reason "
    "FROM (SELECT DISTINCT * FROM unnest($1::text[], $2::text[])) AS u(c, e) "
    "JOIN suggest.purchase_state s ON s.customer_id = u.c AND s.suggestion_id = u.e "
    "ORDER BY s.customer_id, s.purchase_id"};

constexpr Statement kMarkPairs = {"learning_mark_pairs",
                                  "UPDATE suggest.purchase_state s SET recheck = true "
                                  "FROM (SELECT DISTINCT * FROM unnest($1::text[], $2::text[])) AS u(c, r) "
                                  "WHERE s.customer_id = u.c AND s.recommendation_id = u.r AND s.status <> 6"};

constexpr Statement kMarkNames = {"learning_mark_names",
                                  "UPDATE suggest.purchase_state s SET recheck = true "
                                  "FROM (SELECT DISTINCT * FROM unnest($1::text[], $2::text[])) AS u(c, n) "
                                  "WHERE s.customer_id = u.c AND s.named_suggestion_id = u.n AND s.status <> 6"};

constexpr Statement kAppend = {"learning_append_rewards",
                               "INSERT INTO suggest.reward_ledger (customer_id, suggestion_id, purchase_id, "
                               "value_change, booked_at) SELECT c, s, p, w, $5::timestamptz FROM unnest("
                               "$1::text[], $2::text[], $3::text[], $4::float8[]) AS u(c, s, p, w)"};

// As the learner in memory sees it: a purchase gives when it becomes visible, a refund takes when it does. Within the
// clock skew a purchase may be visible before its exposure.
constexpr Statement kVisible = {
    "learning_visible_values",
    "WITH page AS ("
    "  SELECT e.customer_id, e.suggestion_id, e.exposed_at, e.stratum, e.day FROM suggest.exposures e "
    "  WHERE e.bought_at IS NOT NULL AND e.basis_id = $1 AND e.day >= $2 AND (e.customer_id, e.suggestion_id) > ($3, "
    "$4) "
    "  ORDER BY e.customer_id, e.suggestion_id LIMIT $5), "
    "given AS ("
    "  SELECT e.*, greatest(s.visible_at, e.exposed_at) AS visible_at, s.purchase_id, s.value, s.cancelled_at "
    "  FROM page e JOIN suggest.purchase_state s "
    "    ON e.customer_id = s.customer_id AND e.suggestion_id = s.suggestion_id WHERE s.status = 1) "
    "SELECT customer_id, suggestion_id, exposed_at, visible_at, value, purchase_id, 0 AS refund, stratum, day "
    "FROM given "
    "UNION ALL SELECT customer_id, suggestion_id, exposed_at, greatest(visible_at, cancelled_at), -value, purchase_id, "
    "  1, stratum, day FROM given WHERE cancelled_at IS NOT NULL "
    "ORDER BY customer_id, suggestion_id, visible_at, purchase_id, refund"};

constexpr Statement kLateShare = {"learning_late_value_share",
                                  "SELECT coalesce(sum(value) FILTER (WHERE status = 3) / nullif(sum(value), 0), 0) "
                                  "FROM suggest.purchase_state WHERE status IN (1, 3) AND cancelled_at IS NULL "
                                  "AND purchased_at >= to_timestamp(greatest($1::bigint, -700000) * 86400.0)"};

constexpr Statement kUnbalanced = {
    "learning_unbalanced",
    "SELECT count(*) FROM ("
    "  SELECT customer_id, purchase_id, suggestion_id, sum(value_change) AS value FROM suggest.reward_ledger "
    "  GROUP BY customer_id, purchase_id, suggestion_id "
    "  HAVING abs(sum(value_change)) > 1e-9 * (1 + max(abs(value_change)))) l "
    "FULL JOIN (SELECT customer_id, purchase_id, suggestion_id, value FROM suggest.purchase_state "
    "           WHERE status = 1 AND cancelled_at IS NULL AND value <> 0) s "
    "USING (customer_id, purchase_id, suggestion_id) "
    "WHERE abs(coalesce(l.value, 0) - coalesce(s.value, 0)) > 1e-9 * (1 + abs(coalesce(s.value, 0)))"};

PurchaseState ToBooked(const pqxx::row& row, int at) {
  PurchaseState state;
  state.purchase_id = row[at].as<std::string>();
  state.recommendation_id = row[at + 1].as<std::string>();
  state.purchased_at = ToTime(row[at + 2]);
  state.visible_at = ToTime(row[at + 3]);
  state.amount = row[at + 4].as<double>();
  state.currency = row[at + 5].as<std::string>();
  state.named_suggestion_id = row[at + 6].as<std::string>();
  state.cancelled_at = ToOptionalTime(row[at + 7]);
  state.status = static_cast<PurchaseStatus>(row[at + 8].as<int>());
  state.value = row[at + 9].as<double>();
  state.suggestion_id = row[at + 10].is_null() ? "" : row[at + 10].as<std::string>();
  state.reason = row[at + 11].as<std::string>();
  return state;
}

absl::StatusOr<std::vector<PurchaseState>> ReadStates(absl::FunctionRef<pqxx::result()> query) {
  std::vector<PurchaseState> states;
  RETURN_IF_ERROR(CatchErrors([&] {
    for (const pqxx::row& row : query()) {
      states.push_back(ToBooked(row, 1));
      states.back().customer_id = row[0].as<std::string>();
    }
    return absl::OkStatus();
  }));
  return states;
}

PurchaseChange ToChange(const pqxx::row& row) {
  PurchaseChange change;
  change.purchase.customer_id = row[0].as<std::string>();
  change.purchase.purchase_id = row[1].as<std::string>();
  change.purchase.recommendation_id = row[2].as<std::string>();
  change.purchase.purchased_at = ToTime(row[3]);
  change.purchase.amount = row[4].as<double>();
  change.purchase.currency = row[5].as<std::string>();
  change.purchase.suggestion_id = row[6].as<std::string>();
  change.purchase.visible_at = ToTime(row[7]);
  change.purchase.cancelled_at = ToOptionalTime(row[8]);
  if (!row[9].is_null()) {
    change.booked = ToBooked(row, 9);
    change.booked->customer_id = change.purchase.customer_id;
  }
  change.copies = row[21].as<int64_t>();
  change.fault = row[22].as<std::string>();
  return change;
}

}  // namespace

absl::StatusOr<std::vector<PurchaseChange>> LearningTransaction::ChangedPurchases(
    const SourceWindow& window, const std::vector<std::string>& currencies, const LedgerKey& after, int limit) {
  std::vector<PurchaseChange> changes;
  RETURN_IF_ERROR(CatchErrors([&] {
    const std::string lag = absl::StrCat(absl::ToInt64Microseconds(window.visibility_lag), " microseconds");
    const pqxx::result rows = Exec(connection_->work(), kChanged, ToSql(window.since), ToSql(window.tick), lag,
                                   after.customer_id, after.id, limit, ToTextArray(currencies), window.first_seen);
    changes.reserve(rows.size());
    for (const pqxx::row& row : rows) changes.push_back(ToChange(row));
    return absl::OkStatus();
  }));
  return changes;
}

absl::StatusOr<std::vector<PurchaseState>> LearningTransaction::VanishedPurchases(const SourceWindow& window,
                                                                                  const LedgerKey& after, int limit) {
  return ReadStates([&] {
    return Exec(connection_->work(), kVanished, ToSql(window.since), ToSql(window.tick), after.customer_id, after.id,
                limit);
  });
}

absl::StatusOr<VanishedCount> LearningTransaction::CountVanishedPurchases(const SourceWindow& window) {
  VanishedCount count;
  RETURN_IF_ERROR(CatchErrors([&] {
    const pqxx::result rows = Exec(connection_->work(), kCountVanished, ToSql(window.since), ToSql(window.tick));
    count = {.booked = rows[0][0].as<int64_t>(), .vanished = rows[0][1].as<int64_t>()};
    return absl::OkStatus();
  }));
  return count;
}

absl::Status LearningTransaction::SavePurchases(const std::vector<PurchaseState>& states, absl::Time tick) {
  using Row = PurchaseState;
  return CatchErrors([&] {
    Exec(connection_->work(), kSave, ColumnOf(states, [](const Row& row) { return row.customer_id; }),
         ColumnOf(states, [](const Row& row) { return row.purchase_id; }),
         ColumnOf(states, [](const Row& row) { return row.recommendation_id; }),
         ColumnOf(states, [](const Row& row) { return row.purchased_at; }),
         ColumnOf(states, [](const Row& row) { return row.visible_at; }),
         ColumnOf(states, [](const Row& row) { return row.amount; }),
         ColumnOf(states, [](const Row& row) { return row.currency; }),
         ColumnOf(states, [](const Row& row) { return row.named_suggestion_id; }),
         ColumnOf(states, [](const Row& row) { return row.cancelled_at; }),
         ColumnOf(states, [](const Row& row) { return static_cast<int>(row.status); }),
         ColumnOf(states, [](const Row& row) { return row.value; }),
         ColumnOf(states, [](const Row& row) { return row.suggestion_id; }),
         ColumnOf(states, [](const Row& row) { return row.reason; }), ToSql(tick));
    return absl::OkStatus();
  });
}

absl::StatusOr<std::vector<PurchaseState>> LearningTransaction::PurchasesOf(const std::vector<LedgerKey>& exposures) {
  return ReadStates([&] { return ExecByKey(connection_->work(), kOf, CustomersOf(exposures), IdsOf(exposures)); });
}

absl::Status LearningTransaction::MarkForAnotherLook(const std::vector<LedgerKey>& pairs,
                                                     const std::vector<LedgerKey>& names) {
  return CatchErrors([&] {
    ExecByKey(connection_->work(), kMarkPairs, CustomersOf(pairs), IdsOf(pairs));
    ExecByKey(connection_->work(), kMarkNames, CustomersOf(names), IdsOf(names));
    return absl::OkStatus();
  });
}

absl::Status LearningTransaction::AppendRewards(const std::vector<RewardEntry>& entries, absl::Time tick) {
  using Row = RewardEntry;
  return CatchErrors([&] {
    Exec(connection_->work(), kAppend, ColumnOf(entries, [](const Row& row) { return row.customer_id; }),
         ColumnOf(entries, [](const Row& row) { return row.suggestion_id; }),
         ColumnOf(entries, [](const Row& row) { return row.purchase_id; }),
         ColumnOf(entries, [](const Row& row) { return row.value_change; }), ToSql(tick));
    return absl::OkStatus();
  });
}

absl::StatusOr<double> LearningTransaction::LateValueShare(int64_t first_day) {
  double share = 0;
  RETURN_IF_ERROR(CatchErrors([&] {
    share = Exec(connection_->work(), kLateShare, first_day)[0][0].as<double>();
    return absl::OkStatus();
  }));
  return share;
}

absl::StatusOr<std::vector<VisibleValue>> LearningTransaction::VisibleValues(int64_t basis_id, int64_t first_day,
                                                                             const LedgerKey& after, int limit) {
  std::vector<VisibleValue> values;
  RETURN_IF_ERROR(CatchErrors([&] {
    for (const pqxx::row& row :
         Exec(connection_->work(), kVisible, basis_id, first_day, after.customer_id, after.id, limit)) {
      values.push_back({.exposure = {row[0].as<std::string>(), row[1].as<std::string>()},
                        .stratum = row[7].as<std::string>(),
                        .day = row[8].as<int64_t>(),
                        .exposed_at = ToTime(row[2]),
                        .visible_at = ToTime(row[3]),
                        .value = row[4].as<double>()});
    }
    return absl::OkStatus();
  }));
  return values;
}

absl::StatusOr<int64_t> LearningTransaction::CountUnbalancedPurchases() {
  int64_t count = 0;
  RETURN_IF_ERROR(CatchErrors([&] {
    count = Exec(connection_->work(), kUnbalanced)[0][0].as<int64_t>();
    return absl::OkStatus();
  }));
  return count;
}

}  // namespace suggest::storage
