// Rows of suggest.decisions, for the sources of DecisionStore only.
#ifndef STORAGE_LOG_DECISION_ROWS_H_
#define STORAGE_LOG_DECISION_ROWS_H_

#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "storage/postgres/database_internal.h"
#include "storage/records.h"

namespace suggest::storage {

#define SUGGEST_DECISION_COLUMNS                                                                                \
  "decision_id, customer_id, request_id, decided_at, policy, model_version, catalogue_version, seed, explore, " \
  "fallback_reason, propensity_status, recommendation_ids, inputs, delivered, checksum"

// The decision that answers a request, if any. Errors: DATA_LOSS when the log does not have it.
absl::StatusOr<std::optional<DecisionRecord>> SelectDecisionByRequest(pqxx::transaction_base& tx,
                                                                      const std::string& customer_id,
                                                                      const std::string& request_id);

}  // namespace suggest::storage

#endif  // STORAGE_LOG_DECISION_ROWS_H_
