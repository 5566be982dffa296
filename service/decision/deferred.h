// The propensities of a decision that was marked DEFERRED, from the model version, catalogue version, inputs and seed
// that it logged: the very numbers that it would have had, whenever and wherever they are computed.
#ifndef SERVICE_DECISION_DEFERRED_H_
#define SERVICE_DECISION_DEFERRED_H_

#include "absl/status/status.h"
#include "service/decision/catalogue.h"
#include "storage/records.h"

namespace suggest::decision {

// Fills in the propensities and their standard errors and sets the status ESTIMATED. Takes as long as it takes.
// REQUIRES: `serving` is of record->model_version and record->catalogue_version.
// Errors: FAILED_PRECONDITION when nothing is deferred; DATA_LOSS when the logged slate is not found again;
// RunPolicy's. The record is then unchanged.
absl::Status FillDeferred(const Serving& serving, storage::DecisionRecord* record);

}  // namespace suggest::decision

#endif  // SERVICE_DECISION_DEFERRED_H_
