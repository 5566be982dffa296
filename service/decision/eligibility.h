// Which recommendations are candidates for one customer now, and why the others are not.
//
// A recommendation is a candidate unless, in this order of reasons: it is outside [active_from, active_until); it is
// excluded by the request; a candidate list is given and it is not on it; the customer bought it and it is not
// repeatable. The first reason that applies is the one reported.
#ifndef SERVICE_DECISION_ELIGIBILITY_H_
#define SERVICE_DECISION_ELIGIBILITY_H_

#include <string>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/time/time.h"
#include "service/decision/catalogue.h"
#include "suggest/v1/suggestion_service.pb.h"

namespace suggest::decision {

struct EligibilityQuery {
  absl::Time now;
  absl::flat_hash_set<std::string> candidate_ids = {};  // empty: all
  absl::flat_hash_set<std::string> excluded_ids = {};
  absl::flat_hash_set<std::string> bought_ids = {};
};

struct Removal {
  int candidate = 0;  // index in the catalogue
  v1::RemovedCandidate::Reason reason = v1::RemovedCandidate::REASON_UNSPECIFIED;

  bool operator==(const Removal&) const = default;
};

struct Eligibility {
  std::vector<int> eligible;     // ascending
  std::vector<Removal> removed;  // ascending; together with `eligible` the whole catalogue
};

Eligibility FindEligible(const Catalogue& catalogue, const EligibilityQuery& query);

// "3 EXCLUDED, 1 ALREADY_BOUGHT": what removed the candidates, for messages. "the catalogue is empty" without any.
std::string DescribeRemovals(const std::vector<Removal>& removed);

}  // namespace suggest::decision

#endif  // SERVICE_DECISION_ELIGIBILITY_H_
