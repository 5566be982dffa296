// A decision record as a message, for what is kept outside suggest.decisions: the local spool, superseded decisions.
#ifndef STORAGE_LOG_LOGGED_DECISION_H_
#define STORAGE_LOG_LOGGED_DECISION_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "storage/records.h"

namespace suggest::storage {

// All of the record but `delivered`, which changes after the decision.
std::string PackDecision(const DecisionRecord& decision);

// The reverse; delivered is true. Errors: DATA_LOSS when the bytes cannot be parsed or name no decision.
absl::StatusOr<DecisionRecord> UnpackDecision(absl::string_view bytes);

}  // namespace suggest::storage

#endif  // STORAGE_LOG_LOGGED_DECISION_H_
