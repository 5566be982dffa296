#include "service/decision/response.h"

#include <algorithm>
#include <optional>

#include "google/protobuf/util/time_util.h"
#include "storage/log/decision_id.h"

namespace suggest::decision {
namespace {

// The item of a slot. `index` is where it stands in the catalogue that it was chosen from.
const CatalogueItem* ItemOf(const Catalogue& catalogue, uint32_t index, const std::string& recommendation_id) {
  if (index < static_cast<uint32_t>(catalogue.size())) {
    const CatalogueItem& item = catalogue.item(static_cast<int>(index));
    if (item.recommendation_id == recommendation_id) return &item;
  }
  const std::optional<int> found = catalogue.Find(recommendation_id);
  return found ? &catalogue.item(*found) : nullptr;
}

// Whether the numbers of the log are propensities at all.
bool HasPropensity(int status) {
  return status == v1::ESTIMATED || status == v1::EXACT || status == v1::NO_OVERLAP;
}

}  // namespace

google::protobuf::Timestamp ToTimestamp(absl::Time time) {
  return google::protobuf::util::TimeUtil::MicrosecondsToTimestamp(absl::ToUnixMicros(time));
}

v1::Propensity ToPropensity(const model::v1::DecisionInputs& inputs, int slot) {
  v1::Propensity propensity;
  if (inputs.p_first_size() <= slot) return propensity;
  propensity.set_first(inputs.p_first(slot));
  propensity.set_in_slate(inputs.p_in_slate(slot));
  propensity.set_at_rank(inputs.p_at_rank(slot));
  propensity.set_first_standard_error(inputs.se_first(slot));
  propensity.set_in_slate_standard_error(inputs.se_in_slate(slot));
  propensity.set_at_rank_standard_error(inputs.se_at_rank(slot));
  return propensity;
}

v1::SuggestResponse ToSuggestResponse(const storage::DecisionRecord& record, const Catalogue& catalogue) {
  v1::SuggestResponse response;
  ToSuggestResponse(record, catalogue, &response);
  return response;
}

void ToSuggestResponse(const storage::DecisionRecord& record, const Catalogue& catalogue,
                       v1::SuggestResponse* response) {
  response->Clear();
  response->set_decision_id(record.decision_id);
  response->set_policy(static_cast<v1::Policy>(record.policy));
  response->set_model_version(record.model_version);
  response->set_durable(true);
  response->set_fallback(!record.fallback_reason.empty());
  response->set_fallback_reason(record.fallback_reason);
  response->set_explore(record.explore);
  response->set_propensity_status(static_cast<v1::PropensityStatus>(record.propensity_status));
  *response->mutable_decided_at() = ToTimestamp(record.decided_at);
  response->mutable_suggestions()->Reserve(record.inputs.slate_size());
  for (int i = 0; i < record.inputs.slate_size(); ++i) {
    v1::Suggestion* suggestion = response->add_suggestions();
    storage::MakeSuggestionId(record.decision_id, i + 1, suggestion->mutable_suggestion_id());
    suggestion->set_rank(i + 1);
    suggestion->set_recommendation_id(record.recommendation_ids[i]);
    const CatalogueItem* const item = ItemOf(catalogue, record.inputs.slate(i), record.recommendation_ids[i]);
    suggestion->set_title(item != nullptr ? item->title : record.recommendation_ids[i]);
    suggestion->set_score(record.inputs.scores(i));
    suggestion->set_expected_reward(std::clamp<double>(record.inputs.means(i), 0.0, 1.0));
    suggestion->set_expected_reward_sd(record.inputs.sds(i));
    if (HasPropensity(record.propensity_status)) *suggestion->mutable_propensity() = ToPropensity(record.inputs, i);
  }
}

void AddPropensities(const Catalogue& catalogue, const std::vector<CandidatePropensity>& propensities,
                     v1::SuggestResponse* response) {
  for (const CandidatePropensity& one : propensities) {
    v1::CandidatePropensity* propensity = response->add_candidate_propensities();
    propensity->set_recommendation_id(catalogue.item(one.candidate).recommendation_id);
    propensity->set_first(one.estimate.first.value);
    propensity->set_in_slate(one.estimate.in_slate.value);
    propensity->set_first_standard_error(one.estimate.first.standard_error);
    propensity->set_in_slate_standard_error(one.estimate.in_slate.standard_error);
  }
}

void AddRemovals(const Catalogue& catalogue, const std::vector<Removal>& removed, v1::SuggestResponse* response) {
  for (const Removal& removal : removed) {
    v1::RemovedCandidate* candidate = response->add_removed();
    candidate->set_recommendation_id(catalogue.item(removal.candidate).recommendation_id);
    candidate->set_reason(removal.reason);
  }
}

v1::RecordDecisionResponse ToRecordDecisionResponse(const storage::DecisionRecord& record) {
  v1::RecordDecisionResponse response;
  response.set_decision_id(record.decision_id);
  for (int rank = 1; rank <= static_cast<int>(record.recommendation_ids.size()); ++rank) {
    response.add_suggestion_ids(storage::MakeSuggestionId(record.decision_id, rank));
  }
  return response;
}

}  // namespace suggest::decision
