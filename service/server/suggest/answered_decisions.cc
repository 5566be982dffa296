#include "service/server/suggest/answered_decisions.h"

#include <utility>

#include "bandit/base/status_macros.h"
#include "service/server/rpc/call.h"
#include "storage/log/decision_store.h"

namespace suggest::server {

using storage::DecisionRecord;

bool AnsweredDecisions::SpoolStandsIn(const absl::Status& status) const {
  if (spool_ == nullptr) return false;
  spool_->Report(status);
  return spool_->away();
}

bool AnsweredDecisions::IsSpooled(const DecisionRecord& record) const {
  if (spool_ == nullptr) return false;
  const auto spooled = spool_->Find(record.customer_id, record.decision_id);
  return spooled.ok() && spooled->has_value();
}

absl::StatusOr<std::optional<DecisionRecord>> AnsweredDecisions::FindByRequest(const std::string& customer_id,
                                                                               const std::string& request_id) const {
  if (spool_ != nullptr) {
    ASSIGN_OR_RETURN(std::optional<DecisionRecord> spooled, spool_->FindByRequest(customer_id, request_id));
    if (spooled.has_value() || spool_->away()) return spooled;
  }
  auto earlier = storage::DecisionStore(database_).FindByRequest(customer_id, request_id);
  if (SpoolStandsIn(earlier.status())) return std::optional<DecisionRecord>();
  RETURN_IF_ERROR(FromStorage(earlier.status()));
  return earlier;
}

absl::Status AnsweredDecisions::MarkDelivered(const std::string& customer_id, const std::string& decision_id,
                                              bool delivered) const {
  if (spool_ != nullptr) {
    ASSIGN_OR_RETURN(const bool spooled, spool_->MarkDelivered(customer_id, decision_id, delivered));
    if (spooled) return absl::OkStatus();
  }
  storage::DecisionStore store(database_);
  return delivered ? store.MarkDelivered(customer_id, decision_id) : store.MarkUndelivered(customer_id, decision_id);
}

absl::StatusOr<storage::AnsweredDecision> AnsweredDecisions::Find(const std::string& customer_id,
                                                                  const std::string& decision_id) const {
  if (spool_ != nullptr) {
    ASSIGN_OR_RETURN(std::optional<DecisionRecord> spooled, spool_->Find(customer_id, decision_id));
    if (spooled.has_value()) return storage::AnsweredDecision{*std::move(spooled), ""};
  }
  return storage::FindAnsweredDecision(database_, customer_id, decision_id);
}

}  // namespace suggest::server
