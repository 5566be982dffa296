#include "service/decision/eligibility.h"

#include <map>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace suggest::decision {
namespace {

using Reason = v1::RemovedCandidate::Reason;

Reason ReasonAgainst(const CatalogueItem& item, const EligibilityQuery& query) {
  const std::string& id = item.recommendation_id;
  if (query.now < item.active_from || query.now >= item.active_until) return v1::RemovedCandidate::NOT_ACTIVE;
  if (query.excluded_ids.contains(id)) return v1::RemovedCandidate::EXCLUDED;
  if (!query.candidate_ids.empty() && !query.candidate_ids.contains(id)) return v1::RemovedCandidate::NOT_REQUESTED;
  if (!item.repeatable && query.bought_ids.contains(id)) return v1::RemovedCandidate::ALREADY_BOUGHT;
  return v1::RemovedCandidate::REASON_UNSPECIFIED;
}

}  // namespace

Eligibility FindEligible(const Catalogue& catalogue, const EligibilityQuery& query) {
  Eligibility result;
  for (int i = 0; i < catalogue.size(); ++i) {
    const Reason reason = ReasonAgainst(catalogue.item(i), query);
    if (reason == v1::RemovedCandidate::REASON_UNSPECIFIED) {
      result.eligible.push_back(i);
    } else {
      result.removed.push_back({i, reason});
    }
  }
  return result;
}

std::string DescribeRemovals(const std::vector<Removal>& removed) {
  if (removed.empty()) return "the catalogue is empty";
  std::map<Reason, int> counts;
  for (const Removal& removal : removed) ++counts[removal.reason];
  return absl::StrJoin(counts, ", ", [](std::string* out, const auto& count) {
    absl::StrAppend(out, count.second, " ", v1::RemovedCandidate::Reason_Name(count.first));
  });
}

}  // namespace suggest::decision
