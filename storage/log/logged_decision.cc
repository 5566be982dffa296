#include "storage/log/logged_decision.h"

#include "storage/log/decision_id.h"
#include "suggest/model/v1/spool.pb.h"

namespace suggest::storage {

std::string PackDecision(const DecisionRecord& decision) {
  model::v1::LoggedDecision logged;
  logged.set_decision_id(decision.decision_id);
  logged.set_customer_id(decision.customer_id);
  logged.set_request_id(decision.request_id);
  logged.set_policy(decision.policy);
  logged.set_model_version(decision.model_version);
  logged.set_catalogue_version(decision.catalogue_version);
  logged.set_seed(decision.seed);
  logged.set_explore(decision.explore);
  logged.set_fallback_reason(decision.fallback_reason);
  logged.set_propensity_status(decision.propensity_status);
  for (const std::string& id : decision.recommendation_ids) logged.add_recommendation_ids(id);
  *logged.mutable_inputs() = decision.inputs;
  return logged.SerializeAsString();
}

absl::StatusOr<DecisionRecord> UnpackDecision(absl::string_view bytes) {
  model::v1::LoggedDecision logged;
  if (!logged.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return absl::DataLossError("a kept decision cannot be parsed");
  }
  const absl::StatusOr<absl::Time> decided_at = DecisionTime(logged.decision_id());
  if (!decided_at.ok()) return absl::DataLossError(decided_at.status().message());
  DecisionRecord decision;
  decision.decision_id = logged.decision_id();
  decision.customer_id = logged.customer_id();
  decision.request_id = logged.request_id();
  decision.decided_at = *decided_at;
  decision.policy = logged.policy();
  decision.model_version = logged.model_version();
  decision.catalogue_version = logged.catalogue_version();
  decision.seed = logged.seed();
  decision.explore = logged.explore();
  decision.fallback_reason = logged.fallback_reason();
  decision.propensity_status = logged.propensity_status();
  decision.recommendation_ids.assign(logged.recommendation_ids().begin(), logged.recommendation_ids().end());
  decision.inputs = logged.inputs();
  return decision;
}

}  // namespace suggest::storage
