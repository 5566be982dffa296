#include "storage/log/feedback_store.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "bandit/base/status_macros.h"
#include "storage/log/decision_id.h"
#include "storage/postgres/database_internal.h"

namespace suggest::storage {
namespace {

// Tells whether the suggestion is there and whether the feedback is new.
constexpr Statement kRecord = {"feedback_record", R"(
    WITH suggestion AS (
      SELECT FROM suggest.decisions
      WHERE customer_id = $1 AND decision_id = $2::uuid AND decided_at = $3::timestamptz
        AND $4 <= cardinality(recommendation_ids)),
    stored AS (
      INSERT INTO suggest.feedback (customer_id, suggestion_id, kind, occurred_at, recorded_at)
      SELECT $1, $5, $6, $7::timestamptz, $8::timestamptz FROM suggestion
      ON CONFLICT (customer_id, suggestion_id, kind) DO NOTHING
      RETURNING kind)
    SELECT EXISTS (SELECT FROM suggestion), EXISTS (SELECT FROM stored))"};

absl::Status NoSuchSuggestion(const FeedbackRecord& feedback) {
  return absl::NotFoundError(
      absl::StrCat("customer '", feedback.customer_id, "' has no suggestion '", feedback.suggestion_id, "'"));
}

}  // namespace

absl::StatusOr<bool> FeedbackStore::Record(const FeedbackRecord& feedback, absl::Time now) {
  const absl::StatusOr<SuggestionId> id = ParseSuggestionId(feedback.suggestion_id);
  if (!id.ok()) return NoSuchSuggestion(feedback);
  ASSIGN_OR_RETURN(const absl::Time decided_at, DecisionTime(id->decision_id));
  bool recorded = false;
  RETURN_IF_ERROR(Autocommit(*db_, [&](pqxx::nontransaction& tx) -> absl::Status {
    const pqxx::result rows = Exec(tx, kRecord, feedback.customer_id, id->decision_id, ToSql(decided_at), id->rank,
                                   feedback.suggestion_id, feedback.kind, ToSql(feedback.occurred_at), ToSql(now));
    if (!rows[0][0].as<bool>()) return NoSuchSuggestion(feedback);
    recorded = rows[0][1].as<bool>();
    return absl::OkStatus();
  }));
  return recorded;
}

}  // namespace suggest::storage
