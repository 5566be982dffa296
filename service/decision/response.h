// A decision record as the answer to its request.
#ifndef SERVICE_DECISION_RESPONSE_H_
#define SERVICE_DECISION_RESPONSE_H_

#include <vector>

#include "absl/time/time.h"
#include "google/protobuf/timestamp.pb.h"
#include "service/decision/catalogue.h"
#include "service/decision/eligibility.h"
#include "service/decision/policy_run.h"
#include "storage/records.h"
#include "suggest/v1/suggestion_service.pb.h"

namespace suggest::decision {

// A stored decision, so durable is true. `catalogue` gives the titles: the version that the decision was made from, or
// a later one; a recommendation that it lacks has its id as title.
v1::SuggestResponse ToSuggestResponse(const storage::DecisionRecord& record, const Catalogue& catalogue);
// The same in place of whatever `response` held; memory that it has is used again.
void ToSuggestResponse(const storage::DecisionRecord& record, const Catalogue& catalogue,
                       v1::SuggestResponse* response);

// Of every candidate, where the request asked for them.
void AddPropensities(const Catalogue& catalogue, const std::vector<CandidatePropensity>& propensities,
                     v1::SuggestResponse* response);

// The removed candidates, with ids, in the catalogue's order.
void AddRemovals(const Catalogue& catalogue, const std::vector<Removal>& removed, v1::SuggestResponse* response);

v1::RecordDecisionResponse ToRecordDecisionResponse(const storage::DecisionRecord& record);

// Of one slot, counted from 0; all zero where none are logged.
v1::Propensity ToPropensity(const model::v1::DecisionInputs& inputs, int slot);

// Microseconds are kept. REQUIRES: within the years 1 to 9999.
google::protobuf::Timestamp ToTimestamp(absl::Time time);

}  // namespace suggest::decision

#endif  // SERVICE_DECISION_RESPONSE_H_
