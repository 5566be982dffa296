#include "storage/log/decision_store.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "bandit/base/check.h"
#include "bandit/base/status_macros.h"
#include "storage/log/checksum.h"
#include "storage/log/decision_id.h"
#include "storage/log/decision_rows.h"
#include "storage/postgres/database_internal.h"
#include "suggest/v1/suggestion_service.pb.h"

namespace suggest::storage {
namespace {

// One statement, hence one transaction and one round trip. The insertion of the request id waits for another one of
// the same key that is under way, and does nothing when that commits.
constexpr Statement kFind = {"decision_find", "SELECT " SUGGEST_DECISION_COLUMNS
                                              " FROM suggest.decisions WHERE customer_id = $1 AND "
                                              "decision_id = $2::uuid AND decided_at = $3::timestamptz"};

constexpr Statement kFindRequest = {"decision_find_request",
                                    "SELECT decision_id FROM suggest.request_ids "
                                    "WHERE customer_id = $1 AND request_id = $2"};

// Ids are in the order of time. The request ids say which are the customer's; OFFSET 0 keeps each one's row a look-up
// by key.
constexpr Statement kFindOpen = {
    "decision_find_open", "SELECT " SUGGEST_DECISION_COLUMNS
                          " FROM (SELECT DISTINCT decision_id AS id FROM suggest.request_ids "
                          "       WHERE customer_id = $1 AND decision_id >= $3::uuid) AS recent, "
                          "LATERAL (SELECT * FROM suggest.decisions WHERE customer_id = $1 AND decision_id = id AND "
                          "         decided_at >= $2::timestamptz AND delivered AND policy <> $4 OFFSET 0) AS open "
                          "ORDER BY decision_id DESC LIMIT 1"};

constexpr Statement kLinkRequest = {"decision_link_request",
                                    "INSERT INTO suggest.request_ids (customer_id, request_id, decision_id) "
                                    "VALUES ($1, $2, $3::uuid) ON CONFLICT (customer_id, request_id) DO NOTHING"};

constexpr Statement kMark = {"decision_mark",
                             "UPDATE suggest.decisions SET delivered = $4 WHERE customer_id = $1 AND "
                             "decision_id = $2::uuid AND decided_at = $3::timestamptz"};

DecisionRecord ToDecision(const pqxx::row& row) {
  DecisionRecord decision;
  decision.decision_id = row[0].as<std::string>();
  decision.customer_id = row[1].as<std::string>();
  decision.request_id = row[2].as<std::string>();
  decision.decided_at = ToTime(row[3]);
  decision.policy = row[4].as<int>();
  decision.model_version = row[5].as<int64_t>();
  decision.catalogue_version = ToBytes(row[6]);
  decision.seed = static_cast<uint64_t>(row[7].as<int64_t>());
  decision.explore = row[8].as<bool>();
  decision.fallback_reason = row[9].as<std::string>();
  decision.propensity_status = row[10].as<int>();
  decision.recommendation_ids = ToStrings(row[11]);
  const std::string inputs = ToBytes(row[12]);
  if (!row[14].is_null() && row[14].as<int64_t>() != ChecksumOf(decision, inputs)) {
    throw CorruptValue(absl::StrCat("decision ", decision.decision_id, " of customer '", decision.customer_id,
                                    "' is not what was logged: its checksum differs"));
  }
  if (!decision.inputs.ParseFromString(inputs)) {
    throw CorruptValue(absl::StrCat("the inputs of decision ", decision.decision_id, " cannot be parsed"));
  }
  const absl::StatusOr<absl::Time> id_time = DecisionTime(decision.decision_id);
  if (!id_time.ok() || *id_time != decision.decided_at) {
    throw CorruptValue(absl::StrCat("decision ", decision.decision_id, " was not decided when its id says"));
  }
  decision.delivered = row[13].as<bool>();
  return decision;
}

absl::Status NoSuchDecision(const std::string& customer_id, const std::string& decision_id) {
  return absl::NotFoundError(absl::StrCat("customer '", customer_id, "' has no decision '", decision_id, "'"));
}

absl::StatusOr<std::optional<DecisionRecord>> SelectById(pqxx::transaction_base& tx, const std::string& customer_id,
                                                         const std::string& decision_id) {
  ASSIGN_OR_RETURN(const absl::Time decided_at, DecisionTime(decision_id));
  const pqxx::result rows = Exec(tx, kFind, customer_id, decision_id, ToSql(decided_at));
  if (rows.empty()) return std::optional<DecisionRecord>();
  return std::optional<DecisionRecord>(ToDecision(rows[0]));
}

absl::Status Mark(Database& db, const std::string& customer_id, const std::string& decision_id, bool delivered) {
  const absl::StatusOr<absl::Time> decided_at = DecisionTime(decision_id);
  if (!decided_at.ok()) return NoSuchDecision(customer_id, decision_id);
  return Autocommit(db, [&](pqxx::nontransaction& tx) -> absl::Status {
    const pqxx::result updated = Exec(tx, kMark, customer_id, decision_id, ToSql(*decided_at), delivered);
    return updated.affected_rows() == 1 ? absl::OkStatus() : NoSuchDecision(customer_id, decision_id);
  });
}

}  // namespace

absl::StatusOr<std::optional<DecisionRecord>> SelectDecisionByRequest(pqxx::transaction_base& tx,
                                                                      const std::string& customer_id,
                                                                      const std::string& request_id) {
  const pqxx::result ids = Exec(tx, kFindRequest, customer_id, request_id);
  if (ids.empty()) return std::optional<DecisionRecord>();
  const std::string decision_id = ids[0][0].as<std::string>();
  ASSIGN_OR_RETURN(std::optional<DecisionRecord> decision, SelectById(tx, customer_id, decision_id));
  if (!decision.has_value()) {
    return absl::DataLossError(absl::StrCat("request '", request_id, "' of customer '", customer_id,
                                            "' was answered by decision ", decision_id, ", which is not in the log"));
  }
  return decision;
}

absl::StatusOr<std::optional<DecisionRecord>> DecisionStore::FindByRequest(const std::string& customer_id,
                                                                           const std::string& request_id) const {
  std::optional<DecisionRecord> decision;
  RETURN_IF_ERROR(Autocommit(*db_, [&](pqxx::nontransaction& tx) -> absl::Status {
    ASSIGN_OR_RETURN(decision, SelectDecisionByRequest(tx, customer_id, request_id));
    return absl::OkStatus();
  }));
  return decision;
}

absl::StatusOr<std::optional<DecisionRecord>> DecisionStore::FindOpen(const std::string& customer_id,
                                                                      absl::Time since) const {
  const std::string first_id = MakeDecisionId(std::max(since, absl::UnixEpoch()), 0, 0);
  std::optional<DecisionRecord> decision;
  RETURN_IF_ERROR(Autocommit(*db_, [&](pqxx::nontransaction& tx) {
    const pqxx::result rows =
        Exec(tx, kFindOpen, customer_id, ToSql(since), first_id, static_cast<int>(suggest::v1::EXPERT));
    if (!rows.empty()) decision = ToDecision(rows[0]);
    return absl::OkStatus();
  }));
  return decision;
}

absl::StatusOr<DecisionRecord> DecisionStore::Find(const std::string& customer_id,
                                                   const std::string& decision_id) const {
  if (!DecisionTime(decision_id).ok()) return NoSuchDecision(customer_id, decision_id);
  std::optional<DecisionRecord> decision;
  RETURN_IF_ERROR(Autocommit(*db_, [&](pqxx::nontransaction& tx) -> absl::Status {
    ASSIGN_OR_RETURN(decision, SelectById(tx, customer_id, decision_id));
    return absl::OkStatus();
  }));
  if (!decision.has_value()) return NoSuchDecision(customer_id, decision_id);
  return *std::move(decision);
}

absl::StatusOr<AppendResult> DecisionStore::LinkRequest(const std::string& customer_id, const std::string& request_id,
                                                        const std::string& decision_id) {
  if (!DecisionTime(decision_id).ok()) return NoSuchDecision(customer_id, decision_id);
  AppendResult result;
  RETURN_IF_ERROR(InTransaction(*db_, [&](pqxx::work& tx) -> absl::Status {
    const pqxx::result linked = Exec(tx, kLinkRequest, customer_id, request_id, decision_id);
    result.replayed = linked.affected_rows() == 0;
    ASSIGN_OR_RETURN(std::optional<DecisionRecord> decision, result.replayed
                                                                 ? SelectDecisionByRequest(tx, customer_id, request_id)
                                                                 : SelectById(tx, customer_id, decision_id));
    if (!decision.has_value()) return NoSuchDecision(customer_id, decision_id);
    result.decision = *std::move(decision);
    return absl::OkStatus();
  }));
  return result;
}

absl::Status DecisionStore::MarkUndelivered(const std::string& customer_id, const std::string& decision_id) {
  return Mark(*db_, customer_id, decision_id, false);
}

absl::Status DecisionStore::MarkDelivered(const std::string& customer_id, const std::string& decision_id) {
  return Mark(*db_, customer_id, decision_id, true);
}

}  // namespace suggest::storage
