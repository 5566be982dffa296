#include "service/decision/decider.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "bandit/base/status_macros.h"
#include "service/common/config.h"
#include "service/decision/policy_run.h"

namespace suggest::decision {
namespace {

using model::v1::DecisionInputs;

// The stored attributes with the request's on top; a null removes one.
features::Attributes Overridden(features::Attributes attributes, const google::protobuf::Struct& overrides) {
  for (const auto& [name, value] : overrides.fields()) {
    if (value.kind_case() == google::protobuf::Value::kNullValue) {
      attributes.mutable_fields()->erase(name);
    } else {
      (*attributes.mutable_fields())[name] = value;
    }
  }
  return attributes;
}

std::vector<int> BoughtOf(const Serving& serving, const Customer& customer) {
  return IndicesOf(serving.catalogue(), customer.state().bought);
}

EligibilityQuery MakeQuery(const Catalogue& catalogue, std::vector<int> bought, const v1::SuggestRequest& request,
                           absl::Time now) {
  return {.now = now,
          .listed = !request.candidate_ids().empty(),
          .candidates = IndicesOf(catalogue, request.candidate_ids()),
          .excluded = IndicesOf(catalogue, request.excluded_ids()),
          .bought = std::move(bought)};
}

// What the model reads from the customer, with the request's attributes on top of the stored ones.
absl::StatusOr<std::shared_ptr<const CustomerReading>> Read(const Serving& serving, const Customer& customer,
                                                            const google::protobuf::Struct& overrides) {
  if (overrides.fields().empty()) return customer.Under(serving);
  RETURN_IF_ERROR(serving.snapshot().pipeline().extractor().ValidateRequestAttributes(overrides));
  const storage::CustomerState& state = customer.state();
  ASSIGN_OR_RETURN(CustomerReading own, ReadCustomer(serving, state, Overridden(*state.attributes, overrides)));
  return std::make_shared<const CustomerReading>(std::move(own));
}

// Logs z~_c and the pair features of `candidates`.
void LogCustomer(const Serving& serving, const CustomerReading& reading, const bandit::CandidateSet& candidates,
                 absl::Time now, DecisionInputs* inputs) {
  const features::Pipeline& pipeline = serving.snapshot().pipeline();
  const auto encoded = reading.encoding->At(pipeline, reading.side, now);
  inputs->mutable_customer()->Add(encoded->data(), encoded->data() + encoded->size());
  if (reading.pairs.empty()) return;
  candidates.ForEach([&](int candidate) {
    const CatalogueItem& item = serving.catalogue().item(candidate);
    const std::optional<features::RawSide> pair = reading.pairs.Candidate(item.recommendation_id, item.attributes);
    if (!pair) return;
    const Eigen::VectorXd values = pipeline.EncodePair(*pair);
    inputs->add_pair_candidates(candidate);
    inputs->mutable_pair_values()->Add(values.data(), values.data() + values.size());
  });
}

storage::DecisionRecord NewRecord(const Serving& serving, const std::string& customer_id, const std::string& request_id,
                                  const Draw& draw) {
  storage::DecisionRecord record;
  record.decision_id = draw.decision_id;
  record.customer_id = customer_id;
  record.request_id = request_id;
  record.decided_at = draw.decided_at;
  record.model_version = serving.snapshot().version();
  record.catalogue_version = serving.catalogue().version();
  record.seed = draw.seed;
  return record;
}

v1::PropensityStatus ToProto(bandit::PropensityStatus status) {
  switch (status) {
    case bandit::PropensityStatus::kEstimated:
      return v1::ESTIMATED;
    case bandit::PropensityStatus::kExact:
      return v1::EXACT;
    case bandit::PropensityStatus::kDeferred:
      return v1::DEFERRED;
    case bandit::PropensityStatus::kNoOverlap:
      return v1::NO_OVERLAP;
  }
  return v1::PROPENSITY_STATUS_UNSPECIFIED;
}

void ReserveSlate(int slots, storage::DecisionRecord* record) {
  record->recommendation_ids.reserve(slots);
  DecisionInputs& inputs = record->inputs;
  inputs.mutable_slate()->Reserve(slots);
  inputs.mutable_scores()->Reserve(slots);
  inputs.mutable_means()->Reserve(slots);
  inputs.mutable_sds()->Reserve(slots);
}

void LogEntry(const Serving& serving, const bandit::ScoredCandidate& item, storage::DecisionRecord* record) {
  record->recommendation_ids.push_back(serving.catalogue().item(item.candidate).recommendation_id);
  DecisionInputs& inputs = record->inputs;
  inputs.add_slate(item.candidate);
  inputs.add_scores(item.score);
  inputs.add_means(static_cast<float>(item.mean));
  inputs.add_sds(static_cast<float>(item.sd));
}

// Why the configured policy may not answer; empty when it may.
std::string TooOld(const Snapshot& snapshot, const config::v1::Choice& choice, absl::Time now) {
  const absl::Duration limit = ToAbslDuration(choice.model_max_age());
  const absl::Duration age = now - snapshot.data_cut();
  if (limit == absl::ZeroDuration() || age <= limit) return "";
  return absl::StrCat("model version ", snapshot.version(), " knows data up to ",
                      absl::FormatTime(absl::RFC3339_sec, snapshot.data_cut(), absl::UTCTimeZone()),
                      ", longer ago than model_max_age ", absl::FormatDuration(limit));
}

// Runs the configured policy, else the fallback; fills policy, explore, propensities and slate.
absl::Status Choose(const Serving& serving, const config::v1::Choice& choice, const TimeLeft& time_left,
                    bandit::CustomerMemo* memo, Decision* decision) {
  storage::DecisionRecord* const record = &decision->record;
  record->fallback_reason = TooOld(serving.snapshot(), choice, record->decided_at);
  record->policy = record->fallback_reason.empty() ? choice.policy() : choice.fallback_policy();
  const auto run = [&] { return RunPolicy(serving, *record, time_left, bandit::KernelWidth::kAuto, memo); };
  absl::StatusOr<bandit::Slate> slate = run();
  if (!slate.ok() && record->fallback_reason.empty()) {
    record->fallback_reason = absl::StrCat("scoring failed: ", slate.status().message());
    record->policy = choice.fallback_policy();
    slate = run();
  }
  if (!slate.ok()) {
    return absl::InternalError(absl::StrCat("the fallback policy ", v1::Policy_Name(choice.fallback_policy()),
                                            " failed too: ", slate.status().message()));
  }
  decision->contenders = slate->contenders;
  ReserveSlate(static_cast<int>(slate->items.size()), record);
  record->explore = slate->explore;
  record->propensity_status = ToProto(slate->propensity_status);
  for (const bandit::ScoredCandidate& item : slate->items) LogEntry(serving, item, record);
  if (slate->propensity_status != bandit::PropensityStatus::kDeferred) LogPropensities(*slate, &record->inputs);
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Decision> Decide(const Serving& serving, const Customer& customer, const v1::SuggestRequest& request,
                                const config::v1::Choice& choice, const Draw& draw, const TimeLeft& time_left,
                                const TimeLeft& waiting) {
  Decision decision{.record = NewRecord(serving, request.customer_id(), request.request_id(), draw)};
  ASSIGN_OR_RETURN(const std::shared_ptr<const CustomerReading> reading, Read(serving, customer, request.attributes()));
  decision.unreadable = reading->unreadable;
  const EligibilityQuery query = MakeQuery(serving.catalogue(), reading->bought, request, draw.decided_at);
  const bandit::CandidateSet eligible = FindEligible(serving.catalogue(), query);
  if (request.include_removed() || eligible.empty()) decision.removed = FindRemovals(serving.catalogue(), query);
  if (eligible.empty()) {
    return absl::FailedPreconditionError(
        absl::StrCat("customer '", request.customer_id(),
                     "': no candidate is eligible, removed: ", DescribeRemovals(decision.removed)));
  }
  DecisionInputs& inputs = decision.record.inputs;
  LogCustomer(serving, *reading, eligible, draw.decided_at, &inputs);
  PackEligible(eligible, &inputs);
  inputs.set_exploration_scale(choice.exploration_scale());
  inputs.set_exploration_floor(choice.exploration_floor());
  inputs.set_propensity_draws(choice.propensity_draws());
  inputs.set_requested(request.count());
  inputs.set_overridden(!request.attributes().fields().empty());
  const bool defer = ToAbslDuration(choice.propensity_time()) == absl::ZeroDuration();
  RETURN_IF_ERROR(Choose(serving, choice, defer ? [] { return false; } : time_left, reading->memo.get(), &decision));
  if (request.include_propensities()) {
    ASSIGN_OR_RETURN(auto all, AllPropensities(serving, decision.record, waiting));
    if (all.has_value()) decision.propensities = *std::move(all);
  }
  return decision;
}

absl::StatusOr<Decision> DecideByExpert(const Serving& serving, const Customer& customer,
                                        const v1::RecordDecisionRequest& request, const Draw& draw) {
  Decision decision{.record = NewRecord(serving, request.customer_id(), request.request_id(), draw)};
  decision.record.policy = v1::EXPERT;
  decision.record.propensity_status = v1::UNKNOWN;
  std::vector<int> shown;
  for (const std::string& id : request.recommendation_ids()) {
    const std::optional<int> index = serving.catalogue().Find(id);
    if (!index) return absl::NotFoundError(absl::StrCat("recommendation '", id, "' is unknown"));
    shown.push_back(*index);
  }
  std::vector<int> chosen = shown;
  std::sort(chosen.begin(), chosen.end());
  DecisionInputs& inputs = decision.record.inputs;
  ASSIGN_OR_RETURN(const std::shared_ptr<const CustomerReading> reading, Read(serving, customer, request.attributes()));
  decision.unreadable = reading->unreadable;
  LogCustomer(serving, *reading, chosen, draw.decided_at, &inputs);
  PackEligible(chosen, &inputs);
  inputs.set_requested(static_cast<int>(chosen.size()));
  ASSIGN_OR_RETURN(const std::vector<bandit::ScoredCandidate> scored,
                   ScoreEligible(serving, v1::GREEDY, inputs, draw.decided_at, draw.seed));
  for (const int candidate : shown) {
    const auto place = std::lower_bound(chosen.begin(), chosen.end(), candidate) - chosen.begin();
    LogEntry(serving, scored[place], &decision.record);
  }
  return decision;
}

std::vector<Removal> FindRemovals(const Serving& serving, const Customer& customer, const v1::SuggestRequest& request,
                                  absl::Time now) {
  return FindRemovals(serving.catalogue(), MakeQuery(serving.catalogue(), BoughtOf(serving, customer), request, now));
}

bool StillFits(const Serving& serving, const Customer& customer, const v1::SuggestRequest& request,
               const storage::DecisionRecord& open, absl::Time now) {
  if (open.inputs.requested() != request.count()) return false;
  if (open.inputs.overridden() || !request.attributes().fields().empty()) return false;
  const bandit::CandidateSet eligible =
      FindEligible(serving.catalogue(), MakeQuery(serving.catalogue(), BoughtOf(serving, customer), request, now));
  return std::all_of(open.recommendation_ids.begin(), open.recommendation_ids.end(), [&](const std::string& id) {
    const std::optional<int> index = serving.catalogue().Find(id);
    return index && eligible.Contains(*index);
  });
}

}  // namespace suggest::decision
