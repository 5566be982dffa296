// Decisions for tests.
#ifndef TESTS_STORAGE_DECISION_FIXTURE_H_
#define TESTS_STORAGE_DECISION_FIXTURE_H_

#include <string>

#include "storage/log/decision_id.h"
#include "storage/records.h"

namespace suggest::storage {

// A decision of two suggestions; `number` makes its id and content differ from others'.
inline DecisionRecord MakeDecision(const std::string& customer_id, const std::string& request_id, absl::Time decided_at,
                                   uint64_t number) {
  DecisionRecord decision;
  decision.decision_id = MakeDecisionId(decided_at, number, number << 2);
  decision.customer_id = customer_id;
  decision.request_id = request_id;
  decision.decided_at = decided_at;
  decision.policy = 1;
  decision.model_version = 42;
  decision.catalogue_version = std::string("\0\xff binary", 9);
  decision.seed = 0xfedcba9876543210 + number;
  decision.explore = true;
  decision.fallback_reason = "model too old";
  decision.propensity_status = 1;
  decision.recommendation_ids = {"r \"1\"", "r\\2,{}"};
  decision.inputs.add_customer(0.1f + static_cast<float>(number));
  decision.inputs.add_slate(3);
  decision.inputs.add_scores(-0.5);
  return decision;
}

}  // namespace suggest::storage

#endif  // TESTS_STORAGE_DECISION_FIXTURE_H_
