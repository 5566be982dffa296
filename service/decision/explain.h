// Recomputes a logged decision from the model version, catalogue version, inputs and seed that it logged, by the same
// code that made it (policy_run.h), with the narrow kernels. Changes nothing.
//
// Contributions are the terms b_k mu_k of the expected reward: the kContributions of largest magnitude, then, when
// there are more, one named "(all other terms)", so that they always sum to the expected reward up to rounding.
#ifndef SERVICE_DECISION_EXPLAIN_H_
#define SERVICE_DECISION_EXPLAIN_H_

#include <memory>

#include "absl/status/statusor.h"
#include "service/decision/catalogue.h"
#include "storage/records.h"
#include "suggest/v1/suggestion_service.pb.h"

namespace suggest::decision {

inline constexpr int kContributions = 12;

// Candidates of the slate in rank order; with `all_candidates` the other eligible ones after them, in the catalogue's
// order. Propensities are the logged ones, or, where they were deferred, computed now with the logged number of draws.
// REQUIRES: `serving` is of record.model_version and record.catalogue_version.
// Errors: DATA_LOSS when the logged inputs do not fit the model or the catalogue.
absl::StatusOr<v1::ExplainResponse> ExplainDecision(const storage::DecisionRecord& record, const Serving& serving,
                                                    bool all_candidates);

// The same decision taken again under another model version, from the same inputs, catalogue and seed.
// REQUIRES: `own` is as `serving` above.
// Errors: FAILED_PRECONDITION when `other` is of another basis; those of ExplainDecision.
absl::StatusOr<v1::ExplainResponse> ExplainUnder(storage::DecisionRecord record, const Serving& own,
                                                 std::shared_ptr<const Snapshot> other, bool all_candidates);

}  // namespace suggest::decision

#endif  // SERVICE_DECISION_EXPLAIN_H_
