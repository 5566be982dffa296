// Propensities that were too costly when the decision was taken, computed exactly later.
#ifndef SERVICE_DECISION_DEFERRED_H_
#define SERVICE_DECISION_DEFERRED_H_

#include "absl/status/status.h"
#include "service/decision/catalogue.h"
#include "storage/records.h"

namespace suggest::decision {

// Takes the decision again from its logged inputs and seed, without a budget, and puts the propensities and their
// status into the record: the same bits that it would have had at once, and nothing else changes. REQUIRES: `serving`
// is of the record's model version and catalogue version; its propensities are deferred. Errors: DATA_LOSS when what
// comes out is not the logged slate, bit for bit; RunPolicy's.
absl::Status FillDeferred(const Serving& serving, storage::DecisionRecord* record);

}  // namespace suggest::decision

#endif  // SERVICE_DECISION_DEFERRED_H_
