#include "service/decision/eligibility.h"

#include <algorithm>
#include <map>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace suggest::decision {
namespace {

using Reason = v1::RemovedCandidate::Reason;

bool Has(const std::vector<int>& indices, int index) {
  return std::binary_search(indices.begin(), indices.end(), index);
}

Reason ReasonAgainst(const CatalogueItem& item, int index, const EligibilityQuery& query) {
  if (query.now < item.active_from || query.now >= item.active_until) return v1::RemovedCandidate::NOT_ACTIVE;
  if (Has(query.excluded, index)) return v1::RemovedCandidate::EXCLUDED;
  if (query.listed && !Has(query.candidates, index)) return v1::RemovedCandidate::NOT_REQUESTED;
  if (!item.repeatable && Has(query.bought, index)) return v1::RemovedCandidate::ALREADY_BOUGHT;
  return v1::RemovedCandidate::REASON_UNSPECIFIED;
}

}  // namespace

std::vector<int> SortedOnce(std::vector<int> indices) {
  std::sort(indices.begin(), indices.end());
  indices.erase(std::unique(indices.begin(), indices.end()), indices.end());
  return indices;
}

bandit::CandidateSet FindEligible(const Catalogue& catalogue, const EligibilityQuery& query) {
  const auto eligible = [&](int index) {
    return ReasonAgainst(catalogue.item(index), index, query) == v1::RemovedCandidate::REASON_UNSPECIFIED;
  };
  if (query.listed) {
    std::vector<int> listed = query.candidates;
    std::erase_if(listed, [&](int index) { return !eligible(index); });
    return listed;
  }
  std::shared_ptr<const bandit::CandidateMask> active = catalogue.ActiveAt(query.now);
  std::vector<int> removed;
  std::set_union(query.excluded.begin(), query.excluded.end(), query.bought.begin(), query.bought.end(),
                 std::back_inserter(removed));
  std::erase_if(removed, [&](int index) { return !active->Contains(index) || eligible(index); });
  return bandit::CandidateSet(std::move(active), std::move(removed));
}

std::vector<Removal> FindRemovals(const Catalogue& catalogue, const EligibilityQuery& query) {
  std::vector<Removal> removed;
  for (int i = 0; i < catalogue.size(); ++i) {
    const Reason reason = ReasonAgainst(catalogue.item(i), i, query);
    if (reason != v1::RemovedCandidate::REASON_UNSPECIFIED) removed.push_back({i, reason});
  }
  return removed;
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
