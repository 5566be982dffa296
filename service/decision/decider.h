// Takes one decision: from a snapshot, a catalogue, what is known about the customer, the request and a seed to the
// record that is logged and answered. Pure: no I/O, no clock, no randomness of its own.
//
// When the model is older than configured, or scoring fails, the fallback policy answers from the same snapshot and the
// record says why. Costs as bandit::ChooseSlate, and one encoding of the customer.
#ifndef SERVICE_DECISION_DECIDER_H_
#define SERVICE_DECISION_DECIDER_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "service/decision/catalogue.h"
#include "service/decision/customer.h"
#include "service/decision/eligibility.h"
#include "service/decision/policy_run.h"
#include "storage/records.h"
#include "suggest/config/v1/config.pb.h"
#include "suggest/v1/suggestion_service.pb.h"

namespace suggest::decision {

// What names a decision and makes it random, drawn by the caller.
struct Draw {
  std::string decision_id;  // a UUIDv7 of decided_at (storage/log/decision_id.h)
  uint64_t seed = 0;
  absl::Time decided_at;  // the millisecond in decision_id
};

struct Decision {
  storage::DecisionRecord record;
  std::vector<Removal> removed = {};  // empty unless the request has include_removed
  // Of every candidate, for a request with include_propensities; empty when nobody waited for them.
  std::vector<CandidatePropensity> propensities = {};
  std::vector<std::string> unreadable = {};  // CustomerReading's
  int contenders = 0;                        // candidates that propensities were estimated among; 0 where none were
};

// `customer` as known at draw.decided_at. Propensities are deferred when `time_left` says that there is none (the
// caller reads its clock against choice.propensity_time), or that time is 0. Those of all candidates, which the request
// may ask for, are given up only when `waiting` says that nobody waits for them. REQUIRES: the request passed
// ValidateSuggestRequest; the attributes of customer.state() are set; `choice` is complete and valid. Errors:
// INVALID_ARGUMENT for an attribute of the request that is unknown or has the wrong type, naming feature, column and
// value; FAILED_PRECONDITION when no candidate is eligible, saying what removed them; INTERNAL when the fallback policy
// fails too.
absl::StatusOr<Decision> Decide(const Serving& serving, const Customer& customer, const v1::SuggestRequest& request,
                                const config::v1::Choice& choice, const Draw& draw, const TimeLeft& time_left = {},
                                const TimeLeft& waiting = {});

// An expert's own choice as a decision of policy EXPERT: scored for the record, its propensity unknown.
// REQUIRES: as Decide, with ValidateRecordDecisionRequest.
// Errors: NOT_FOUND for a recommendation that the catalogue does not have; INVALID_ARGUMENT as Decide.
absl::StatusOr<Decision> DecideByExpert(const Serving& serving, const Customer& customer,
                                        const v1::RecordDecisionRequest& request, const Draw& draw);

// What is not eligible for the customer under this request, and why.
std::vector<Removal> FindRemovals(const Serving& serving, const Customer& customer, const v1::SuggestRequest& request,
                                  absl::Time now);

// True when each suggestion of an open decision may still be made to the customer under this request, the request asks
// for as many as the open decision was asked for, and neither has attributes of its own: then it may be returned again
// (sticky).
bool StillFits(const Serving& serving, const Customer& customer, const v1::SuggestRequest& request,
               const storage::DecisionRecord& open, absl::Time now);

}  // namespace suggest::decision

#endif  // SERVICE_DECISION_DECIDER_H_
