#include "storage/source/source_checks.h"

#include "absl/status/statusor.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "bandit/base/status_macros.h"
#include "storage/postgres/database_internal.h"
#include "storage/postgres/errors.h"
#include "storage/records.h"
#include "storage/source/csv.h"

namespace suggest::storage {
namespace {

// A check is a query of the keys of bad rows. In it {now}, {first_year} and {last_year} stand for instants, and {id:x}
// for "x is null, empty or longer than the API takes".
struct RowCheck {
  const char* view;
  bool failed;
  const char* bad_keys;
  const char* what;  // completes "<count> ..."
  const char* remedy;
};

constexpr char kOnePerKey[] = "let the view show one row per key (a join that multiplies rows needs DISTINCT ON)";
constexpr char kIds[] = "every id has 1 to 256 bytes";
constexpr char kYears[] = "show null where there is no time";

constexpr RowCheck kRowChecks[] = {
    {"customers", true,
     "SELECT customer_id || coalesce(' from ' || valid_from, '') FROM source.customers WHERE customer_id IS NOT NULL "
     "GROUP BY customer_id, valid_from HAVING count(*) > 1",
     "keys (customer_id, valid_from) occur more than once", kOnePerKey},
    {"customers", true, "SELECT coalesce(customer_id, 'null') FROM source.customers WHERE {id:customer_id}",
     "rows have a customer_id that no request can name", kIds},
    {"customers", false,
     "SELECT customer_id || ' from ' || valid_from FROM source.customers WHERE {implausible:valid_from}",
     "rows have a valid_from outside of the years 1900 to 9999", kYears},
    {"recommendations", true,
     "SELECT recommendation_id FROM source.recommendations WHERE recommendation_id IS NOT NULL "
     "GROUP BY recommendation_id HAVING count(*) > 1",
     "keys (recommendation_id) occur more than once", kOnePerKey},
    {"recommendations", true,
     "SELECT coalesce(recommendation_id, 'null') FROM source.recommendations WHERE {id:recommendation_id}",
     "rows have a recommendation_id that no request can name", kIds},
    {"recommendations", true,
     "SELECT 'the catalogue' FROM source.recommendations HAVING count(*) > 0 AND count(*) FILTER (WHERE "
     "(active_from IS NULL OR active_from <= {now}) AND (active_until IS NULL OR active_until > {now})) = 0",
     "thing is wrong: no recommendation is active now, so nobody can be served",
     "look at active_from and active_until"},
    {"suggestions", true,
     "SELECT suggestion_id || ' of ' || customer_id FROM source.suggestions WHERE suggestion_id IS NOT NULL AND "
     "customer_id IS NOT NULL GROUP BY customer_id, suggestion_id HAVING count(*) > 1",
     "keys (customer_id, suggestion_id) occur more than once", kOnePerKey},
    {"suggestions", true,
     "SELECT coalesce(suggestion_id, 'null') FROM source.suggestions WHERE {id:suggestion_id} OR {id:customer_id} OR "
     "{id:recommendation_id}",
     "rows have an id that is null, empty or too long, and teach nothing", kIds},
    {"suggestions", false,
     "SELECT suggestion_id FROM source.suggestions WHERE decided_at IS NULL OR {implausible:decided_at} OR "
     "decided_at > {now} + interval '1 day'",
     "rows have a decided_at that is null, in the future or outside of the years 1900 to 9999, and teach nothing",
     "give the instant at which the suggestion was made"},
    {"suggestions", false,
     "SELECT suggestion_id || ': ' || status FROM source.suggestions WHERE status IS NOT NULL AND upper(status) NOT IN "
     "('', 'SUGGESTED', 'KEPT', 'EDITED', 'DISCARDED', 'SENT', 'VIEWED', 'CLICKED')",
     "rows have an unknown status, and teach nothing",
     "map it to SUGGESTED, KEPT, EDITED, DISCARDED, SENT, VIEWED or CLICKED, or to null"},
    {"suggestions", false,
     "SELECT suggestion_id || ': ' || propensity FROM source.suggestions WHERE propensity IS NOT NULL AND NOT "
     "(propensity > 0 AND propensity <= 1)",
     "rows have a propensity outside of (0, 1]", "show null where the chance of the choice is not known"},
    {"suggestions", false,
     "SELECT s.suggestion_id || ': ' || s.recommendation_id FROM source.suggestions s WHERE s.recommendation_id IS NOT "
     "NULL AND NOT EXISTS (SELECT FROM source.recommendations r WHERE r.recommendation_id = s.recommendation_id)",
     "rows name a recommendation that source.recommendations does not show, and teach nothing",
     "show discontinued recommendations too, with active_until in the past"},
    {"suggestions", false,
     "SELECT s.suggestion_id || ': ' || s.customer_id FROM source.suggestions s WHERE s.customer_id IS NOT NULL AND "
     "NOT "
     "EXISTS (SELECT FROM source.customers c WHERE c.customer_id = s.customer_id)",
     "rows name a customer that source.customers does not show", "show former customers too"},
    {"suggestions", false,
     "SELECT s.suggestion_id || ': ' || s.customer_id FROM source.suggestions s JOIN (SELECT customer_id, "
     "min(coalesce(valid_from, '-infinity')) AS known_from FROM source.customers GROUP BY customer_id) c "
     "ON c.customer_id = s.customer_id WHERE c.known_from > s.decided_at",
     "rows were decided before their customer's first valid_from, so the customer was unknown then",
     "a table whose rows are overwritten keeps no past: let valid_from be null there"},
    {"purchases", false,
     "SELECT purchase_id || ' of ' || customer_id FROM source.purchases WHERE purchase_id IS NOT NULL AND customer_id "
     "IS NOT NULL GROUP BY customer_id, purchase_id HAVING count(*) > 1",
     "keys (customer_id, purchase_id) occur more than once, of which one row each counts", kOnePerKey},
    {"purchases", true,
     "SELECT coalesce(purchase_id, 'null') FROM source.purchases WHERE {id:purchase_id} OR {id:customer_id} OR "
     "{id:recommendation_id} OR octet_length(suggestion_id) > 256",
     "rows have an id that is null, empty or too long, and are not counted", kIds},
    {"purchases", false,
     "SELECT coalesce(purchase_id, 'null') FROM source.purchases WHERE purchased_at IS NULL OR "
     "{implausible:purchased_at} OR {implausible:visible_at} OR {implausible:cancelled_at}",
     "rows have a time that is missing or outside of the years 1900 to 9999, and are not counted", kYears},
    {"purchases", false,
     "SELECT purchase_id FROM source.purchases WHERE isfinite(purchased_at) AND purchased_at > {now} + interval '1 "
     "day'",
     "rows were purchased in the future, and wait until then", "look at the time zone and the year of purchased_at"},
    {"purchases", false,
     "SELECT p.purchase_id || ': ' || p.recommendation_id FROM source.purchases p WHERE p.recommendation_id IS NOT "
     "NULL "
     "AND NOT EXISTS (SELECT FROM source.recommendations r WHERE r.recommendation_id = p.recommendation_id)",
     "rows name a recommendation that source.recommendations does not show",
     "map the shop's ids to the catalogue's, and show discontinued recommendations too"},
    {"purchases", false,
     "SELECT p.purchase_id || ': ' || p.customer_id FROM source.purchases p WHERE p.customer_id IS NOT NULL AND NOT "
     "EXISTS (SELECT FROM source.customers c WHERE c.customer_id = p.customer_id)",
     "rows name a customer that source.customers does not show", "show former customers too, under the same id"},
    {"purchases", false,
     "SELECT 'all at ' || to_char(min(at), 'HH24:MI') || ' UTC' FROM (SELECT purchased_at - date_trunc('day', "
     "purchased_at) AS at FROM source.purchases WHERE isfinite(purchased_at)) t HAVING count(*) >= 4 AND "
     "count(DISTINCT at) <= 2 AND bool_and(extract(epoch FROM at)::bigint % 900 = 0 AND extract(epoch FROM at) % 1 = "
     "0)",
     "thing is wrong: the times of purchases are dates without a time, so a purchase comes before a suggestion of the "
     "same day and does not count for it",
     "show the end of the day: purchased_on + interval '1 day' - interval '1 microsecond'"},
};

// A range that the data contradict: counted over purchases.
struct ShareCheck {
  const char* counts;  // SELECT rows, rows that contradict
  int64_t fewest;      // rows below which nothing is said
  double most;         // the share up to which nothing is said
  const char* what;    // completes "<count> of <rows> purchases (<share> %) ..."
};

// The newest suggestion of the same customer and recommendation before each purchase.
constexpr char kLinked[] =
    "WITH linked AS (SELECT p.customer_id, p.purchase_id, min(p.purchased_at) - max(s.decided_at) AS delay "
    "FROM source.purchases p JOIN source.suggestions s ON s.customer_id = p.customer_id "
    "AND s.recommendation_id = p.recommendation_id AND s.decided_at <= p.purchased_at + {skew} "
    "WHERE isfinite(p.purchased_at) AND isfinite(s.decided_at) GROUP BY p.customer_id, p.purchase_id) ";
constexpr char kValues[] =
    "WITH valued AS (SELECT p.amount::numeric * coalesce(c.rate, 1)::numeric AS value FROM source.purchases p "
    "LEFT JOIN unnest({currencies}::text[], {rates}::float8[]) AS c(currency, rate) ON c.currency = p.currency "
    "WHERE p.amount::numeric >= 0 AND p.amount::numeric < 1e300 "
    "AND (coalesce(p.currency, '') = '' OR c.currency IS NOT NULL)) ";

std::string Literal(const std::string& text) {
  return absl::StrCat("'", absl::StrReplaceAll(text, {{"'", "''"}}), "'");
}

std::string Instant(absl::Time time) {
  return absl::StrCat(Literal(ToSql(time)), "::timestamptz");
}

std::string Filled(std::string sql, const SourceExpectations& expected) {
  for (const char* id : {"customer_id", "recommendation_id", "suggestion_id", "purchase_id"}) {
    sql = absl::StrReplaceAll(
        sql, {{absl::StrCat("{id:", id, "}"),
               absl::StrCat("(", id, " IS NULL OR octet_length(", id, ") NOT BETWEEN 1 AND ", kLongestIdBytes, ")")}});
  }
  for (const char* column : {"valid_from", "decided_at", "purchased_at", "visible_at", "cancelled_at"}) {
    sql = absl::StrReplaceAll(sql, {{absl::StrCat("{implausible:", column, "}"),
                                     absl::StrCat("(isfinite(", column, ") AND (", column, " < '1900-01-01Z' OR ",
                                                  column, " >= '10000-01-01Z'::timestamptz))")}});
  }
  std::vector<std::string> currencies;
  std::string rates = "{";
  for (const auto& [currency, rate] : expected.currencies) {
    currencies.push_back(currency);
    AppendElement(rates, absl::StrFormat("%.17g", rate));
  }
  return absl::StrReplaceAll(
      sql, {{"{now}", Instant(expected.now)},
            {"{skew}", absl::StrCat("interval '", absl::ToInt64Seconds(expected.clock_skew_tolerance), " seconds'")},
            {"{window}", absl::StrCat("interval '", absl::ToInt64Seconds(expected.attribution_window), " seconds'")},
            {"{cap}", absl::StrFormat("%.17g", expected.reward_cap)},
            {"{currencies}", Literal(ToTextArray(currencies))},
            {"{rates}", Literal(rates + "}")}});
}

// One statement, without a bound on its time. Errors come with PostgreSQL's words, for an operator.
absl::StatusOr<std::vector<std::string>> AskRow(Database& db, const std::string& sql) {
  std::vector<std::string> values;
  const absl::Status status = InTransaction(db, [&](pqxx::work& tx) {
    LiftStatementTimeout(tx);
    const pqxx::result rows = tx.exec(sql);
    for (const pqxx::row& row : rows) {
      for (const pqxx::field& field : row) values.emplace_back(field.c_str(), field.size());
    }
    return absl::OkStatus();
  });
  if (!status.ok()) return absl::Status(status.code(), OperatorWords(status));
  return values;
}

void Run(Database& db, const RowCheck& check, const SourceExpectations& expected,
         std::vector<SourceFinding>& findings) {
  // The count, then up to three keys.
  const absl::StatusOr<std::vector<std::string>> answer =
      AskRow(db, absl::StrCat("WITH bad(key) AS MATERIALIZED (", Filled(check.bad_keys, expected),
                              ") SELECT count(*)::text FROM bad UNION ALL SELECT * FROM (SELECT left(coalesce(key, "
                              "'null'), 200) FROM bad ORDER BY key COLLATE \"C\" LIMIT 3) first"));
  if (!answer.ok()) {
    findings.push_back({check.view, true,
                        absl::StrCat("source.", check.view, " cannot be read: ", answer.status().message(),
                                     "; the view must show every row without an error")});
    return;
  }
  if (answer->front() == "0") return;
  std::vector<std::string> keys;
  for (size_t i = 1; i < answer->size(); ++i) keys.push_back(ShownField((*answer)[i]));
  findings.push_back(
      {check.view, check.failed,
       absl::StrCat(answer->front(), " ", check.what, ", first ", absl::StrJoin(keys, ", "), ": ", check.remedy)});
}

void Run(Database& db, const ShareCheck& check, const SourceExpectations& expected,
         std::vector<SourceFinding>& findings) {
  const absl::StatusOr<std::vector<std::string>> answer = AskRow(db, Filled(check.counts, expected));
  int64_t rows = 0;
  int64_t bad = 0;
  if (!answer.ok() || answer->size() != 2 || !absl::SimpleAtoi((*answer)[0], &rows) ||
      !absl::SimpleAtoi((*answer)[1], &bad)) {
    return;  // the checks of rows have said so already
  }
  if (rows < check.fewest || static_cast<double>(bad) <= check.most * static_cast<double>(rows)) return;
  findings.push_back(
      {"settings", false, absl::StrCat(bad, " of ", rows, " purchases (", 100 * bad / rows, " %) ", check.what)});
}

void CheckShares(Database& db, const SourceExpectations& expected, std::vector<SourceFinding>& findings) {
  const std::string above = absl::StrCat(kValues, "SELECT count(*), count(*) FILTER (WHERE value > {cap}) FROM valued");
  const std::string far_below =
      absl::StrCat(kValues, "SELECT count(*), count(*) FILTER (WHERE value < {cap} / 20) FROM valued");
  const std::string late =
      absl::StrCat(kLinked, "SELECT count(*), count(*) FILTER (WHERE delay > {window}) FROM linked");
  Run(db,
      {above.c_str(), 20, 0.05,
       "are worth more than money.reward_cap, and the model cannot tell them apart: raise it to about the 95th "
       "percentile of the amounts"},
      expected, findings);
  Run(db,
      {far_below.c_str(), 20, 0.95,
       "are worth less than a twentieth of money.reward_cap, so that rewards hardly differ from 0: lower it to about "
       "the 95th percentile of the amounts"},
      expected, findings);
  Run(db,
      {late.c_str(), 20, 0.05,
       "came after learning.attribution_window had ended since their suggestion, and count for nothing: lengthen it"},
      expected, findings);
}

// Suggestions that were bought within the window, as a share of all, against learning.base_rate.
void CheckBaseRate(Database& db, const SourceExpectations& expected, std::vector<SourceFinding>& findings) {
  if (expected.base_rate <= 0) return;
  const absl::StatusOr<std::vector<std::string>> answer = AskRow(
      db, Filled(absl::StrCat(kLinked,
                              "SELECT (SELECT count(*) FROM source.suggestions), count(*) FILTER (WHERE delay <= "
                              "{window}) FROM linked"),
                 expected));
  int64_t suggestions = 0;
  int64_t bought = 0;
  if (!answer.ok() || answer->size() != 2 || !absl::SimpleAtoi((*answer)[0], &suggestions) ||
      !absl::SimpleAtoi((*answer)[1], &bought) || suggestions < 200) {
    return;
  }
  const double share = static_cast<double>(bought) / static_cast<double>(suggestions);
  if (share < 4 * expected.base_rate && share > expected.base_rate / 4) return;
  findings.push_back({"suggestions", false,
                      absl::StrFormat("%d of %d suggestions were bought (%.2g of each), but learning.base_rate is %g: "
                                      "set it to what the history shows, or leave it out",
                                      bought, suggestions, share, expected.base_rate)});
}

}  // namespace

std::vector<SourceFinding> CheckSourceRows(Database& db, const SourceExpectations& expected) {
  std::vector<SourceFinding> findings;
  for (const RowCheck& check : kRowChecks) Run(db, check, expected, findings);
  CheckShares(db, expected, findings);
  CheckBaseRate(db, expected, findings);
  // A view that cannot be read says so once, not at each check.
  std::vector<SourceFinding> each_once;
  for (SourceFinding& finding : findings) {
    bool repeated = false;
    for (const SourceFinding& earlier : each_once) {
      repeated |= earlier.view == finding.view && earlier.message == finding.message;
    }
    if (!repeated) each_once.push_back(std::move(finding));
  }
  return each_once;
}

absl::StatusOr<int64_t> CountSourceRows(Database& db, const std::string& view) {
  ASSIGN_OR_RETURN(const std::vector<std::string> answer,
                   AskRow(db, absl::StrCat("SELECT count(*) FROM source.", view)));
  int64_t rows = 0;
  if (answer.size() != 1 || !absl::SimpleAtoi(answer[0], &rows)) return absl::InternalError("count(*) has no answer");
  return rows;
}

}  // namespace suggest::storage
