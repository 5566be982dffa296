// LearningTransaction's part for exposures.
#include "bandit/base/status_macros.h"
#include "storage/ledger/learning_internal.h"

namespace suggest::storage {
namespace {

#define SUGGEST_LEDGER_COLUMNS                                                                                    \
  "e.customer_id, e.suggestion_id, e.recommendation_id, e.exposed_at, e.day, e.basis_id, e.continues, e.reward, " \
  "e.mature, e.historical, e.bought_at, e.stratum"

// The rank's slot of a decision. A page is cut before the decisions are read: their inputs are the bulk.
#define SUGGEST_NEW_EXPOSURES_FROM_PAGE                                                                          \
  "SELECT p.customer_id, p.suggestion_id, d.recommendation_ids[p.rank], p.exposed_at, coalesce(m.basis_id, 0), " \
  "p.rank, d.inputs, d.model_version, d.catalogue_version FROM page p "                                          \
  "JOIN suggest.decisions d ON d.customer_id = p.customer_id AND d.decision_id = p.decision_id "                 \
  "LEFT JOIN suggest.model_versions m ON m.version = d.model_version "                                           \
  "ORDER BY p.exposed_at, p.customer_id COLLATE \"C\", p.suggestion_id COLLATE \"C\""

// The expert threw it away and did not keep it anew, and nothing shows that it reached the customer all the same.
#define SUGGEST_DISCARDED(row, tick)                                               \
  "EXISTS (SELECT FROM suggest.feedback x WHERE x.customer_id = " row              \
  ".customer_id "                                                                  \
  "        AND x.suggestion_id = " row ".suggestion_id AND x.occurred_at <= " tick \
  "::timestamptz "                                                                 \
  "        HAVING bool_or(x.kind = 3) AND NOT bool_or(x.kind IN (4, 5, 6)) "       \
  "        AND NOT coalesce(max(x.occurred_at) FILTER (WHERE x.kind IN (1, 2)) "   \
  "                         > max(x.occurred_at) FILTER (WHERE x.kind = 3), false)) "

// A keep that a discard took back does not start the clock.
// Feedback whose decision is gone is left out before the page is cut: a page full of it would end the booking for ever.
// OFFSET 0 keeps that a look-up by key for what is not booked yet, instead of a join with all decisions.
constexpr Statement kByFeedback = {
    "learning_exposures_by_feedback",
    "WITH events AS ("
    "  SELECT f.customer_id, f.suggestion_id, coalesce(min(f.occurred_at) FILTER (WHERE f.kind NOT IN (1, 2) "
    "         OR NOT EXISTS (SELECT FROM suggest.feedback x WHERE x.customer_id = f.customer_id "
    "                        AND x.suggestion_id = f.suggestion_id AND x.kind = 3 AND x.occurred_at >= f.occurred_at "
    "                        AND x.occurred_at <= $3::timestamptz)), min(f.occurred_at)) AS exposed_at "
    "  FROM suggest.feedback f "
    "  WHERE f.kind = ANY ($1::smallint[]) AND f.occurred_at >= $2::timestamptz AND f.occurred_at <= $5::timestamptz "
    "  AND NOT EXISTS (SELECT FROM suggest.exposures e "
    "                  WHERE e.customer_id = f.customer_id AND e.suggestion_id = f.suggestion_id) "
    "  GROUP BY f.customer_id, f.suggestion_id), "
    "page AS ("
    "  SELECT customer_id, suggestion_id, exposed_at, split_part(suggestion_id, '.', 1)::uuid AS decision_id, "
    "         split_part(suggestion_id, '.', 2)::integer AS rank FROM events e "
    "  WHERE EXISTS (SELECT FROM suggest.decisions d WHERE d.customer_id = e.customer_id "
    "                AND d.decision_id = split_part(e.suggestion_id, '.', 1)::uuid OFFSET 0) "
    "  AND NOT " SUGGEST_DISCARDED("e", "$3")
    "  ORDER BY exposed_at, customer_id COLLATE \"C\", suggestion_id COLLATE \"C\" LIMIT "
    "$4) " SUGGEST_NEW_EXPOSURES_FROM_PAGE};

// Suggested is exposed: unless the answer got lost, or the expert discarded the suggestion.
constexpr Statement kByDecision = {
    "learning_exposures_by_decision",
    "WITH slots AS ("
    "  SELECT d.customer_id, d.decision_id || '.' || s.rank AS suggestion_id, d.decided_at AS exposed_at, "
    "         d.decision_id, s.rank::integer AS rank, d.delivered "
    "  FROM suggest.decisions d, generate_series(1, cardinality(d.recommendation_ids)) AS s(rank) "
    "  WHERE d.decided_at >= $1::timestamptz AND d.decided_at <= $4::timestamptz), "
    "page AS ("
    "  SELECT s.* FROM slots s "
    "  WHERE NOT EXISTS (SELECT FROM suggest.exposures e "
    "                    WHERE e.customer_id = s.customer_id AND e.suggestion_id = s.suggestion_id) "
    "  AND NOT " SUGGEST_DISCARDED("s", "$2")
    "  AND (s.delivered OR EXISTS (SELECT FROM suggest.feedback f WHERE f.customer_id = s.customer_id "
    "                              AND f.suggestion_id = s.suggestion_id)) "
    "  ORDER BY s.exposed_at, s.customer_id COLLATE \"C\", s.suggestion_id COLLATE \"C\" LIMIT "
    "$3) " SUGGEST_NEW_EXPOSURES_FROM_PAGE};

constexpr Statement kFeedbackBound = {
    "learning_feedback_bound",
    "SELECT f.occurred_at FROM suggest.feedback f WHERE f.kind = ANY ($1::smallint[]) "
    "AND f.occurred_at >= $2::timestamptz ORDER BY f.occurred_at OFFSET $3 LIMIT 1"};

constexpr Statement kDecisionBound = {"learning_decision_bound",
                                      "SELECT d.decided_at FROM suggest.decisions d WHERE d.decided_at >= "
                                      "$1::timestamptz ORDER BY d.decided_at OFFSET $2 LIMIT 1"};

// A discarded exposure that was kept anew is found anew, with a clock of its own.
constexpr Statement kForgetKeptAnew = {
    "learning_forget_kept_anew",
    "DELETE FROM suggest.exposures e WHERE e.discarded AND NOT e.mature AND e.continues IS NULL "
    "AND EXISTS (SELECT FROM suggest.feedback x WHERE x.customer_id = e.customer_id "
    "            AND x.suggestion_id = e.suggestion_id AND x.occurred_at <= $1::timestamptz "
    "            HAVING NOT bool_or(x.kind IN (4, 5, 6)) AND max(x.occurred_at) FILTER (WHERE x.kind IN (1, 2)) "
    "                   > max(x.occurred_at) FILTER (WHERE x.kind = 3))"};

// Contexts in the ledger are all of its one basis.
constexpr Statement kHeedDiscards = {
    "learning_heed_discards",
    "WITH found AS ("
    "  SELECT e.customer_id, e.suggestion_id, CASE WHEN " SUGGEST_DISCARDED("e", "$3")
    "    THEN 0 ELSE $1::bigint END AS basis_id "
    "  FROM suggest.feedback f JOIN suggest.exposures e "
    "    ON e.customer_id = f.customer_id AND e.suggestion_id = f.suggestion_id "
    "  WHERE f.kind = 3 AND f.occurred_at >= $2::timestamptz AND f.occurred_at <= $3::timestamptz "
    "  AND NOT e.mature AND NOT e.set_aside AND e.continues IS NULL AND e.context IS NOT NULL) "
    "UPDATE suggest.exposures e SET basis_id = found.basis_id, discarded = found.basis_id = 0 FROM found "
    "WHERE e.customer_id = found.customer_id AND e.suggestion_id = found.suggestion_id "
    "AND e.basis_id <> found.basis_id RETURNING " SUGGEST_LEDGER_COLUMNS};

constexpr Statement kDropRepeats = {"learning_drop_repeats_of_discarded",
                                    "DELETE FROM suggest.exposures r USING suggest.exposures e "
                                    "WHERE e.discarded AND NOT e.mature AND r.customer_id = e.customer_id "
                                    "AND r.recommendation_id = e.recommendation_id AND r.continues = e.suggestion_id"};

constexpr Statement kInsert = {
    "learning_insert_exposures",
    "INSERT INTO suggest.exposures (customer_id, suggestion_id, recommendation_id, exposed_at, day, basis_id, "
    "continues, reward, mature, historical, context, stratum) "
    "SELECT c, s, r, t, d, b, nullif(k, ''), w, m, h, nullif(decode(x, 'hex'), ''), g FROM unnest("
    "$1::text[], $2::text[], $3::text[], $4::timestamptz[], $5::integer[], $6::bigint[], $7::text[], $8::float8[], "
    "$9::boolean[], $10::boolean[], $11::text[], $12::text[]) AS u(c, s, r, t, d, b, k, w, m, h, x, g)"};

constexpr Statement kOfPairs = {
    "learning_exposures_of_pairs",
    "SELECT " SUGGEST_LEDGER_COLUMNS
    " FROM (SELECT DISTINCT * FROM unnest($1::text[], $2::text[])) AS u(c, r) "
    "JOIN suggest.exposures e ON e.customer_id = u.c AND e.recommendation_id = u.r "
    "WHERE e.continues IS NULL AND NOT e.discarded ORDER BY e.customer_id, e.exposed_at, e.suggestion_id"};

constexpr Statement kByName = {"learning_exposures_by_name",
                               "SELECT " SUGGEST_LEDGER_COLUMNS
                               " FROM (SELECT DISTINCT * FROM unnest($1::text[], $2::text[])) AS u(c, s) "
                               "JOIN suggest.exposures e ON e.customer_id = u.c AND e.suggestion_id = u.s "
                               "ORDER BY e.customer_id, e.suggestion_id"};

constexpr Statement kWithContext = {"learning_exposures_with_context",
                                    "SELECT " SUGGEST_LEDGER_COLUMNS
                                    ", e.context FROM (SELECT DISTINCT * FROM unnest($1::text[], $2::text[])) "
                                    "AS u(c, s) JOIN suggest.exposures e ON e.customer_id = u.c "
                                    "AND e.suggestion_id = u.s ORDER BY e.customer_id, e.suggestion_id"};

constexpr Statement kSetRewards = {"learning_set_rewards",
                                   "UPDATE suggest.exposures e SET reward = u.w, "
                                   "bought_at = nullif(u.b, '')::timestamptz "
                                   "FROM unnest($1::text[], $2::text[], $3::float8[], $4::text[]) "
                                   "AS u(c, s, w, b) "
                                   "WHERE e.customer_id = u.c AND e.suggestion_id = u.s"};

constexpr Statement kPending = {"learning_pending",
                                "SELECT " SUGGEST_LEDGER_COLUMNS
                                ", e.context FROM suggest.exposures e "
                                "WHERE NOT e.mature AND e.continues IS NULL AND e.basis_id = $1 AND e.day >= $2 "
                                "AND e.exposed_at <= $3::timestamptz AND (e.customer_id, e.suggestion_id) > ($4, $5) "
                                "ORDER BY e.customer_id, e.suggestion_id LIMIT $6"};

constexpr Statement kAll = {"learning_all_exposures", "SELECT " SUGGEST_LEDGER_COLUMNS
                                                      ", e.context FROM suggest.exposures e "
                                                      "WHERE e.continues IS NULL AND e.basis_id = $1 AND e.day >= $2 "
                                                      "AND (e.customer_id, e.suggestion_id) > ($3, $4) "
                                                      "ORDER BY e.customer_id, e.suggestion_id LIMIT $5"};

constexpr Statement kMarkMature = {"learning_mark_mature",
                                   "UPDATE suggest.exposures e SET mature = true "
                                   "FROM unnest($1::text[], $2::text[]) AS u(c, s) "
                                   "WHERE e.customer_id = u.c AND e.suggestion_id = u.s"};

constexpr Statement kSetAside = {"learning_set_aside",
                                 "UPDATE suggest.exposures e SET basis_id = 0, set_aside = true "
                                 "FROM unnest($1::text[], $2::text[]) AS u(c, s) "
                                 "WHERE e.customer_id = u.c AND e.suggestion_id = u.s"};

constexpr Statement kUnmature = {"learning_unmature",
                                 "UPDATE suggest.exposures SET mature = false, bought_at = least(bought_at, "
                                 "$2::timestamptz) WHERE basis_id = $1 AND continues IS NULL"};

constexpr Statement kVisibleByNow = {"learning_visible_by_now",
                                     "UPDATE suggest.purchase_state SET visible_at = $1::timestamptz, recheck = true "
                                     "WHERE visible_at > $1::timestamptz"};

constexpr Statement kForgetOutages = {"learning_forget_outages",
                                      "DELETE FROM suggest.outages WHERE ends > $1::timestamptz"};

constexpr Statement kCountLive = {"learning_count_live",
                                  "SELECT count(*) FROM suggest.exposures WHERE NOT historical AND continues IS NULL"};

constexpr Statement kNewestMature = {
    "learning_newest_mature",
    "SELECT " SUGGEST_LEDGER_COLUMNS
    ", e.context FROM (SELECT * FROM suggest.exposures "
    "  WHERE mature AND continues IS NULL AND basis_id = $1 AND day >= $2 ORDER BY exposed_at DESC LIMIT $3) e "
    "ORDER BY e.exposed_at, e.customer_id COLLATE \"C\", e.suggestion_id COLLATE \"C\""};

// Grouped where it is read: a month has a million instants. Within a group the estimator is linear in the age.
constexpr Statement kGroups = {
    "learning_exposure_groups",
    "SELECT stratum, day, avg(at), count(*) FROM ("
    "  SELECT stratum, day, extract(epoch FROM exposed_at)::float8 AS at FROM suggest.exposures "
    "  WHERE continues IS NULL AND basis_id = $1 AND day >= $2) e "
    "GROUP BY stratum, day, floor(at / 3600), least(floor(($3::float8 - at) / $4::float8), $5::float8) "
    "ORDER BY stratum, day, avg(at)"};

LedgerExposure ToExposure(const pqxx::row& row) {
  LedgerExposure exposure;
  exposure.customer_id = row[0].as<std::string>();
  exposure.suggestion_id = row[1].as<std::string>();
  exposure.recommendation_id = row[2].as<std::string>();
  exposure.exposed_at = ToTime(row[3]);
  exposure.day = row[4].as<int64_t>();
  exposure.basis_id = row[5].as<int64_t>();
  exposure.continues = row[6].is_null() ? "" : row[6].as<std::string>();
  exposure.reward = row[7].as<double>();
  exposure.mature = row[8].as<bool>();
  exposure.historical = row[9].as<bool>();
  exposure.bought_at = ToOptionalTime(row[10]);
  exposure.stratum = row[11].as<std::string>();
  if (row.size() > 12 && !row[12].is_null()) {
    exposure.context = OrCorrupt(UnpackContext(ToBytes(row[12])),
                                 absl::StrCat("exposure ", exposure.suggestion_id, " of ", exposure.customer_id));
  }
  return exposure;
}

absl::StatusOr<std::vector<LedgerExposure>> ReadExposures(absl::FunctionRef<pqxx::result()> query) {
  std::vector<LedgerExposure> exposures;
  RETURN_IF_ERROR(CatchErrors([&] {
    const pqxx::result rows = query();
    exposures.reserve(rows.size());
    for (const pqxx::row& row : rows) exposures.push_back(ToExposure(row));
    return absl::OkStatus();
  }));
  return exposures;
}

NewExposure ToNewExposure(const pqxx::row& row) {
  NewExposure exposure;
  exposure.customer_id = row[0].as<std::string>();
  exposure.suggestion_id = row[1].as<std::string>();
  if (row[2].is_null()) {
    throw CorruptValue(absl::StrCat("suggestion ", exposure.suggestion_id, " is beyond its decision's slate"));
  }
  exposure.recommendation_id = row[2].as<std::string>();
  exposure.exposed_at = ToTime(row[3]);
  exposure.basis_id = row[4].as<int64_t>();
  exposure.rank = row[5].as<int>();
  if (!exposure.inputs.ParseFromString(ToBytes(row[6]))) {
    throw CorruptValue(absl::StrCat("the inputs of suggestion ", exposure.suggestion_id, " cannot be parsed"));
  }
  exposure.model_version = row[7].as<int64_t>();
  exposure.catalogue_version = ToBytes(row[8]);
  return exposure;
}

}  // namespace

absl::StatusOr<std::vector<NewExposure>> LearningTransaction::NewExposures(const ExposureRule& rule,
                                                                           const SourceWindow& window, int limit) {
  std::vector<NewExposure> exposures;
  RETURN_IF_ERROR(CatchErrors([&] {
    pqxx::work& tx = connection_->work();
    const pqxx::result rows =
        rule.by_decision ? Exec(tx, kByDecision, ToSql(window.since), ToSql(window.tick), limit, ToSql(window.until))
                         : Exec(tx, kByFeedback, ColumnOf(rule.feedback_kinds, [](int kind) { return kind; }),
                                ToSql(window.since), ToSql(window.tick), limit, ToSql(window.until));
    exposures.reserve(rows.size());
    for (const pqxx::row& row : rows) exposures.push_back(ToNewExposure(row));
    return absl::OkStatus();
  }));
  return exposures;
}

absl::StatusOr<absl::Time> LearningTransaction::EventBound(const ExposureRule& rule, absl::Time since, int n) {
  absl::Time bound = absl::InfiniteFuture();
  RETURN_IF_ERROR(CatchErrors([&] {
    pqxx::work& tx = connection_->work();
    const pqxx::result rows =
        rule.by_decision
            ? Exec(tx, kDecisionBound, ToSql(since), n)
            : Exec(tx, kFeedbackBound, ColumnOf(rule.feedback_kinds, [](int kind) { return kind; }), ToSql(since), n);
    if (!rows.empty()) bound = ToTime(rows[0][0]);
    return absl::OkStatus();
  }));
  return bound;
}

absl::StatusOr<std::vector<LedgerExposure>> LearningTransaction::HeedDiscards(int64_t basis_id,
                                                                              const SourceWindow& window) {
  return ReadExposures([&] {
    Exec(connection_->work(), kForgetKeptAnew, ToSql(window.tick));
    pqxx::result changed = Exec(connection_->work(), kHeedDiscards, basis_id, ToSql(window.since), ToSql(window.tick));
    Exec(connection_->work(), kDropRepeats);
    return changed;
  });
}

absl::Status LearningTransaction::SetAside(const std::vector<LedgerKey>& exposures) {
  return CatchErrors([&] {
    Exec(connection_->work(), kSetAside, CustomersOf(exposures), IdsOf(exposures));
    return absl::OkStatus();
  });
}

absl::Status LearningTransaction::TakeBackSums(int64_t basis_id, absl::Time tick) {
  RETURN_IF_ERROR(CatchErrors([&] {
    Exec(connection_->work(), kUnmature, basis_id, ToSql(tick));
    Exec(connection_->work(), kVisibleByNow, ToSql(tick));
    Exec(connection_->work(), kForgetOutages, ToSql(tick));
    return absl::OkStatus();
  }));
  return DropBuckets(basis_id, INT32_MAX);
}

absl::StatusOr<int64_t> LearningTransaction::CountLiveExposures() {
  int64_t count = 0;
  RETURN_IF_ERROR(CatchErrors([&] {
    count = Exec(connection_->work(), kCountLive)[0][0].as<int64_t>();
    return absl::OkStatus();
  }));
  return count;
}

absl::Status LearningTransaction::InsertExposures(const std::vector<LedgerExposure>& exposures) {
  using Row = LedgerExposure;
  return CatchErrors([&] {
    Exec(connection_->work(), kInsert, ColumnOf(exposures, [](const Row& row) { return row.customer_id; }),
         ColumnOf(exposures, [](const Row& row) { return row.suggestion_id; }),
         ColumnOf(exposures, [](const Row& row) { return row.recommendation_id; }),
         ColumnOf(exposures, [](const Row& row) { return row.exposed_at; }),
         ColumnOf(exposures, [](const Row& row) { return row.day; }),
         ColumnOf(exposures, [](const Row& row) { return row.basis_id; }),
         ColumnOf(exposures, [](const Row& row) { return row.continues; }),
         ColumnOf(exposures, [](const Row& row) { return row.reward; }),
         ColumnOf(exposures, [](const Row& row) { return row.mature; }),
         ColumnOf(exposures, [](const Row& row) { return row.historical; }),
         ColumnOf(exposures,
                  [](const Row& row) {
                    return row.context.empty() ? std::string() : absl::BytesToHexString(PackContext(row.context));
                  }),
         ColumnOf(exposures, [](const Row& row) { return row.stratum; }));
    return absl::OkStatus();
  });
}

absl::StatusOr<std::vector<LedgerExposure>> LearningTransaction::ExposuresOfPairs(const std::vector<LedgerKey>& pairs) {
  return ReadExposures([&] { return ExecByKey(connection_->work(), kOfPairs, CustomersOf(pairs), IdsOf(pairs)); });
}

absl::StatusOr<std::vector<LedgerExposure>> LearningTransaction::ExposuresByName(const std::vector<LedgerKey>& names) {
  return ReadExposures([&] { return ExecByKey(connection_->work(), kByName, CustomersOf(names), IdsOf(names)); });
}

absl::StatusOr<std::vector<LedgerExposure>> LearningTransaction::ExposuresWithContext(
    const std::vector<LedgerKey>& names) {
  return ReadExposures([&] { return ExecByKey(connection_->work(), kWithContext, CustomersOf(names), IdsOf(names)); });
}

absl::Status LearningTransaction::SetRewards(const std::vector<LedgerExposure>& exposures) {
  using Row = LedgerExposure;
  return CatchErrors([&] {
    ExecByKey(connection_->work(), kSetRewards, ColumnOf(exposures, [](const Row& row) { return row.customer_id; }),
              ColumnOf(exposures, [](const Row& row) { return row.suggestion_id; }),
              ColumnOf(exposures, [](const Row& row) { return row.reward; }),
              ColumnOf(exposures, [](const Row& row) { return row.bought_at; }));
    return absl::OkStatus();
  });
}

absl::StatusOr<std::vector<LedgerExposure>> LearningTransaction::Pending(int64_t basis_id, int64_t first_day,
                                                                         absl::Time exposed_until,
                                                                         const LedgerKey& after, int limit) {
  return ReadExposures([&] {
    return Exec(connection_->work(), kPending, basis_id, first_day, ToSql(exposed_until), after.customer_id, after.id,
                limit);
  });
}

absl::StatusOr<std::vector<LedgerExposure>> LearningTransaction::Exposures(int64_t basis_id, int64_t first_day,
                                                                           const LedgerKey& after, int limit) {
  return ReadExposures(
      [&] { return Exec(connection_->work(), kAll, basis_id, first_day, after.customer_id, after.id, limit); });
}

absl::StatusOr<std::vector<LedgerExposure>> LearningTransaction::NewestMature(int64_t basis_id, int64_t first_day,
                                                                              int limit) {
  return ReadExposures([&] { return Exec(connection_->work(), kNewestMature, basis_id, first_day, limit); });
}

absl::Status LearningTransaction::MarkMature(const std::vector<LedgerKey>& exposures) {
  return CatchErrors([&] {
    ExecByKey(connection_->work(), kMarkMature, CustomersOf(exposures), IdsOf(exposures));
    return absl::OkStatus();
  });
}

absl::StatusOr<std::vector<ExposureGroup>> LearningTransaction::ExposureGroups(int64_t basis_id, int64_t first_day,
                                                                               absl::Time tick, absl::Duration window,
                                                                               int bins) {
  std::vector<ExposureGroup> groups;
  RETURN_IF_ERROR(CatchErrors([&] {
    const double now = absl::ToDoubleSeconds(tick - absl::UnixEpoch());
    for (const pqxx::row& row : Exec(connection_->work(), kGroups, basis_id, first_day, now,
                                     absl::ToDoubleSeconds(window) / bins, static_cast<double>(bins))) {
      groups.push_back({.stratum = row[0].as<std::string>(),
                        .day = row[1].as<int64_t>(),
                        .exposed_at = absl::UnixEpoch() + absl::Seconds(row[2].as<double>()),
                        .count = row[3].as<int64_t>()});
    }
    return absl::OkStatus();
  }));
  return groups;
}

}  // namespace suggest::storage
