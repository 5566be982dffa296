// Which recommendations are candidates for one customer now, and why the others are not.
//
// A recommendation is a candidate unless, in this order of reasons: it is outside [active_from, active_until); it is
// excluded by the request; a candidate list is given and it is not on it; the customer bought it and it is not
// repeatable. The first reason that applies is the one reported.
//
// Cost: FindEligible is O(what the query names) and shares the catalogue's mask of what is active; only FindRemovals
// walks over the catalogue, for those who ask.
#ifndef SERVICE_DECISION_ELIGIBILITY_H_
#define SERVICE_DECISION_ELIGIBILITY_H_

#include <string>
#include <vector>

#include "absl/time/time.h"
#include "bandit/choose/candidate_set.h"
#include "service/decision/catalogue.h"
#include "suggest/v1/suggestion_service.pb.h"

namespace suggest::decision {

// Recommendations by their index in the catalogue: ascending, each once.
struct EligibilityQuery {
  absl::Time now;
  bool listed = false;  // whether a candidate list is given
  std::vector<int> candidates = {};
  std::vector<int> excluded = {};
  std::vector<int> bought = {};
};

struct Removal {
  int candidate = 0;  // index in the catalogue
  v1::RemovedCandidate::Reason reason = v1::RemovedCandidate::REASON_UNSPECIFIED;

  bool operator==(const Removal&) const = default;
};

// The indices of those ids that the catalogue has, ascending, each once.
template <typename Ids>
std::vector<int> IndicesOf(const Catalogue& catalogue, const Ids& ids);

bandit::CandidateSet FindEligible(const Catalogue& catalogue, const EligibilityQuery& query);

// Ascending; together with FindEligible the whole catalogue.
std::vector<Removal> FindRemovals(const Catalogue& catalogue, const EligibilityQuery& query);

// "3 EXCLUDED, 1 ALREADY_BOUGHT": what removed the candidates, for messages. "the catalogue is empty" without any.
std::string DescribeRemovals(const std::vector<Removal>& removed);

// Of the template above.
std::vector<int> SortedOnce(std::vector<int> indices);

template <typename Ids>
std::vector<int> IndicesOf(const Catalogue& catalogue, const Ids& ids) {
  std::vector<int> indices;
  for (const std::string& id : ids) {
    if (const std::optional<int> index = catalogue.Find(id)) indices.push_back(*index);
  }
  return SortedOnce(std::move(indices));
}

}  // namespace suggest::decision

#endif  // SERVICE_DECISION_ELIGIBILITY_H_
