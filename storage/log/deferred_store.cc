#include "storage/log/deferred_store.h"

#include "bandit/base/status_macros.h"
#include "storage/log/checksum.h"
#include "storage/log/decision_id.h"
#include "storage/postgres/database_internal.h"
#include "suggest/v1/suggestion_service.pb.h"

namespace suggest::storage {
namespace {

constexpr Statement kCount = {"deferred_count",
                              "SELECT count(*) FROM suggest.decisions "
                              "WHERE propensity_status = $1 AND decided_at >= $2::timestamptz"};

constexpr Statement kPage = {"deferred_page",
                             "SELECT customer_id, decision_id, model_version, catalogue_version FROM suggest.decisions "
                             "WHERE propensity_status = $1 AND decided_at >= $2::timestamptz "
                             "AND (decision_id, customer_id) > ($3::uuid, $4) "
                             "ORDER BY decision_id, customer_id LIMIT $5"};

constexpr Statement kFill = {"deferred_fill",
                             "UPDATE suggest.decisions SET inputs = $4, propensity_status = $5, checksum = $7 "
                             "WHERE customer_id = $1 AND decision_id = $2::uuid AND decided_at = $3::timestamptz "
                             "AND propensity_status = $6"};

// Before every other.
constexpr char kNilUuid[] = "00000000-0000-0000-0000-000000000000";
constexpr int kDeferred = suggest::v1::DEFERRED;

}  // namespace

absl::StatusOr<int64_t> DeferredStore::Count(absl::Time since) const {
  int64_t count = 0;
  RETURN_IF_ERROR(Autocommit(*db_, [&](pqxx::nontransaction& tx) {
    count = Exec(tx, kCount, kDeferred, ToSql(since))[0][0].as<int64_t>();
    return absl::OkStatus();
  }));
  return count;
}

absl::StatusOr<std::vector<DeferredDecision>> DeferredStore::PageAfter(const DeferredDecision& after, absl::Time since,
                                                                       int limit) const {
  const std::string after_id = after.decision_id.empty() ? kNilUuid : after.decision_id;
  std::vector<DeferredDecision> page;
  RETURN_IF_ERROR(Autocommit(*db_, [&](pqxx::nontransaction& tx) {
    for (const pqxx::row& row : Exec(tx, kPage, kDeferred, ToSql(since), after_id, after.customer_id, limit)) {
      page.push_back({row[0].as<std::string>(), row[1].as<std::string>(), row[2].as<int64_t>(), ToBytes(row[3])});
    }
    return absl::OkStatus();
  }));
  return page;
}

absl::StatusOr<int> DeferredStore::Fill(absl::Span<const DecisionRecord> decisions) {
  int filled = 0;
  RETURN_IF_ERROR(InTransaction(*db_, [&](pqxx::work& tx) {
    for (const DecisionRecord& d : decisions) {
      const std::string inputs = d.inputs.SerializeAsString();
      const pqxx::result updated = Exec(tx, kFill, d.customer_id, d.decision_id, ToSql(d.decided_at), ToBytea(inputs),
                                        d.propensity_status, kDeferred, ChecksumOf(d, inputs));
      filled += static_cast<int>(updated.affected_rows());
    }
    return absl::OkStatus();
  }));
  return filled;
}

}  // namespace suggest::storage
