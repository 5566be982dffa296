#include "storage/log/superseded_store.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "bandit/base/status_macros.h"
#include "storage/log/decision_id.h"
#include "storage/log/decision_store.h"
#include "storage/log/logged_decision.h"
#include "storage/postgres/database_internal.h"

namespace suggest::storage {
namespace {

constexpr Statement kRecord = {"superseded_record",
                               "INSERT INTO suggest.superseded_decisions "
                               "(customer_id, decision_id, request_id, superseded_by, drained_at, record) "
                               "VALUES ($1, $2::uuid, $3, $4::uuid, $5::timestamptz, $6) "
                               "ON CONFLICT (customer_id, decision_id) DO NOTHING"};

constexpr Statement kFind = {"superseded_find",
                             "SELECT superseded_by, record FROM suggest.superseded_decisions "
                             "WHERE customer_id = $1 AND decision_id = $2::uuid"};

absl::Status NoSuchDecision(const std::string& customer_id, const std::string& decision_id) {
  return absl::NotFoundError(
      absl::StrCat("customer '", customer_id, "' has no superseded decision '", decision_id, "'"));
}

}  // namespace

absl::StatusOr<AnsweredDecision> FindAnsweredDecision(Database* db, const std::string& customer_id,
                                                      const std::string& decision_id) {
  absl::StatusOr<DecisionRecord> logged = DecisionStore(db).Find(customer_id, decision_id);
  if (logged.ok()) return AnsweredDecision{*std::move(logged), ""};
  if (logged.status().code() != absl::StatusCode::kNotFound) return logged.status();
  absl::StatusOr<SupersededDecision> superseded = SupersededStore(db).Find(customer_id, decision_id);
  if (superseded.status().code() == absl::StatusCode::kNotFound) return logged.status();
  RETURN_IF_ERROR(superseded.status());
  return AnsweredDecision{std::move(superseded->decision), std::move(superseded->superseded_by)};
}

absl::Status SupersededStore::Record(absl::Span<const SupersededDecision> decisions, absl::Time now) {
  return InTransaction(*db_, [&](pqxx::work& tx) {
    for (const SupersededDecision& superseded : decisions) {
      const DecisionRecord& d = superseded.decision;
      Exec(tx, kRecord, d.customer_id, d.decision_id, d.request_id, superseded.superseded_by, ToSql(now),
           ToBytea(PackDecision(d)));
    }
    return absl::OkStatus();
  });
}

absl::StatusOr<SupersededDecision> SupersededStore::Find(const std::string& customer_id,
                                                         const std::string& decision_id) const {
  if (!DecisionTime(decision_id).ok()) return NoSuchDecision(customer_id, decision_id);
  SupersededDecision superseded;
  RETURN_IF_ERROR(Autocommit(*db_, [&](pqxx::nontransaction& tx) -> absl::Status {
    const pqxx::result rows = Exec(tx, kFind, customer_id, decision_id);
    if (rows.empty()) return NoSuchDecision(customer_id, decision_id);
    superseded.superseded_by = rows[0][0].as<std::string>();
    ASSIGN_OR_RETURN(superseded.decision, UnpackDecision(ToBytes(rows[0][1])));
    return absl::OkStatus();
  }));
  return superseded;
}

}  // namespace suggest::storage
