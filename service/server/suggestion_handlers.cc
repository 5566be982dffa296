#include "service/server/suggestion_handlers.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "bandit/base/status_macros.h"
#include "google/protobuf/util/time_util.h"
#include "service/decision/config.h"
#include "service/decision/explain.h"
#include "service/decision/response.h"
#include "service/server/stored_model.h"
#include "service/server/validation.h"
#include "storage/catalogue_store.h"
#include "storage/customer_store.h"
#include "storage/decision_id.h"
#include "storage/feedback_store.h"

namespace suggest::server {
namespace {

using storage::DecisionRecord;

// Cuts the list of removed candidates until the response has at most `most` bytes, and says how many are left out.
void FitInto(int64_t most, v1::SuggestResponse* response) {
  int64_t size = static_cast<int64_t>(response->ByteSizeLong());
  int kept = response->removed_size();
  constexpr int64_t kFrame = 16;  // an element's tag and length, and the count of those left out
  while (size + kFrame > most && kept > 0) size -= static_cast<int64_t>(response->removed(--kept).ByteSizeLong());
  response->set_removed_omitted(response->removed_size() - kept);
  response->mutable_removed()->DeleteSubrange(kept, response->removed_size() - kept);
}

absl::Status TakenBy(const std::string& request_id, const char* method) {
  return absl::AlreadyExistsError(absl::StrCat("request_id '", request_id, "' was used before by ", method));
}

}  // namespace

absl::StatusOr<v1::SuggestResponse> SuggestionHandlers::Suggest(const v1::SuggestRequest& request,
                                                                const CallContext& context) {
  RETURN_IF_ERROR(Validate(request));
  ASSIGN_OR_RETURN(v1::SuggestResponse response, SuggestAnew(request, context));
  s_.metrics->RecordDecision(response);
  return response;
}

// Whether the request was answered before shows at the commit: a retry is rare, and costs a decision that is dropped.
absl::StatusOr<v1::SuggestResponse> SuggestionHandlers::SuggestAnew(const v1::SuggestRequest& request,
                                                                    const CallContext& context) {
  Stopwatch watch;
  const absl::StatusOr<std::shared_ptr<const decision::Serving>> serving = s_.serving->Get();
  if (!serving.ok()) return ReplayOr(request, serving.status());
  const decision::Draw draw = NewDraw(s_.clock->Now());
  const auto customer = CustomerAt(request.customer_id(), draw.decided_at, context);
  if (customer.status().code() == absl::StatusCode::kNotFound) return ReplayOr(request, customer.status());
  RETURN_IF_ERROR(customer.status());
  ASSIGN_OR_RETURN(std::optional<v1::SuggestResponse> open,
                   SuggestOpen(**serving, **customer, request, draw.decided_at));
  if (open.has_value()) return *std::move(open);
  s_.metrics->RecordPhase(Phase::kLoad, watch.Lap());
  RETURN_IF_ERROR(CheckWaiting(context, "scoring"));

  auto decision = decision::Decide(**serving, **customer, request, s_.config->Get()->choice(), draw);
  if (!decision.ok()) return ReplayOr(request, decision.status());
  s_.metrics->RecordPhase(Phase::kScore, watch.Lap());
  RETURN_IF_ERROR(CheckWaiting(context, "the commit"));

  auto response = Keep(**serving, request, *std::move(decision), context);
  s_.metrics->RecordPhase(Phase::kCommit, watch.Lap());
  return response;
}

absl::StatusOr<v1::SuggestResponse> SuggestionHandlers::Keep(const decision::Serving& serving,
                                                             const v1::SuggestRequest& request,
                                                             decision::Decision decision, const CallContext& context) {
  const auto kept = std::make_shared<const DecisionRecord>(std::move(decision.record));
  const DecisionRecord& record = *kept;
  const auto config = s_.config->Get();
  const bool async = config->database().commit().durability() == config::v1::Commit::ASYNC;
  v1::SuggestResponse response = decision::ToSuggestResponse(record, serving.catalogue());
  if (request.include_removed()) {
    decision::AddRemovals(serving.catalogue(), decision.removed, &response);
    FitInto(config->server().max_response_bytes(), &response);
  }
  if (async) {
    response.set_durable(false);
    RETURN_IF_ERROR(s_.committer->SubmitUnawaited(kept));
  } else {
    const absl::StatusOr<Committed> committed = s_.committer->Commit(record);
    RETURN_IF_ERROR(FromStorage(committed.status()));
    if (committed->earlier.has_value()) return Replay(request, *committed->earlier);
    RETURN_IF_ERROR(CheckDelivered(record, context));
  }
  s_.customers->SetOpen(record.customer_id, kept);
  s_.announcer->Add(record.customer_id);
  if (!record.fallback_reason.empty()) {
    s_.log->Write(
        LogLevel::kWarning, "fallback policy answered",
        {{"request_id", record.request_id}, {"decision_id", record.decision_id}, {"reason", record.fallback_reason}});
  }
  return response;
}

absl::StatusOr<std::optional<v1::SuggestResponse>> SuggestionHandlers::SuggestOpen(
    const decision::Serving& serving, const storage::CustomerState& customer, const v1::SuggestRequest& request,
    absl::Time now) {
  const std::optional<v1::SuggestResponse> none;
  const absl::Duration sticky_for = ToAbslDuration(s_.config->Get()->choice().sticky_for());
  if (request.fresh() || sticky_for == absl::ZeroDuration()) return none;
  storage::DecisionStore store(s_.database);
  const auto open = s_.customers->GetOpen(request.customer_id(), now - sticky_for,
                                          [&] { return store.FindOpen(request.customer_id(), now - sticky_for); });
  RETURN_IF_ERROR(FromStorage(open.status()));
  if (*open == nullptr || !decision::StillFits(serving, customer, request, **open, now)) return none;
  // The request id answers with this decision from now on, also when it is retried after the decision is closed.
  const auto linked = store.LinkRequest(request.customer_id(), request.request_id(), (*open)->decision_id);
  // One that is answered before it is written (ASYNC) may not be there yet.
  if (linked.status().code() != absl::StatusCode::kNotFound) RETURN_IF_ERROR(FromStorage(linked.status()));
  if (linked.ok() && linked->replayed) {
    ASSIGN_OR_RETURN(v1::SuggestResponse replay, Replay(request, linked->decision));
    return std::optional<v1::SuggestResponse>(std::move(replay));
  }
  ASSIGN_OR_RETURN(const std::shared_ptr<const decision::Catalogue> catalogue, CatalogueOf((*open)->catalogue_version));
  v1::SuggestResponse response = decision::ToSuggestResponse(**open, *catalogue);
  response.set_sticky(true);
  response.set_durable(linked.ok());
  if (request.include_removed()) {
    const auto removed = decision::FindRemovals(serving, customer, request, now);
    decision::AddRemovals(serving.catalogue(), removed, &response);
    FitInto(s_.config->Get()->server().max_response_bytes(), &response);
  }
  return std::optional<v1::SuggestResponse>(std::move(response));
}

absl::StatusOr<v1::SuggestResponse> SuggestionHandlers::ReplayOr(const v1::SuggestRequest& request,
                                                                 const absl::Status& why) {
  const auto earlier = storage::DecisionStore(s_.database).FindByRequest(request.customer_id(), request.request_id());
  RETURN_IF_ERROR(FromStorage(earlier.status()));
  if (!earlier->has_value()) return why;
  return Replay(request, **earlier);
}

absl::StatusOr<v1::SuggestResponse> SuggestionHandlers::Replay(const v1::SuggestRequest& request,
                                                               const DecisionRecord& earlier) {
  if (earlier.policy == v1::EXPERT) return TakenBy(request.request_id(), "RecordDecision");
  ASSIGN_OR_RETURN(const std::shared_ptr<const decision::Catalogue> catalogue, CatalogueOf(earlier.catalogue_version));
  if (!earlier.delivered) {
    RETURN_IF_ERROR(
        FromStorage(storage::DecisionStore(s_.database).MarkDelivered(earlier.customer_id, earlier.decision_id)));
    ForgetOpen(earlier.customer_id);
  }
  v1::SuggestResponse response = decision::ToSuggestResponse(earlier, *catalogue);
  response.set_replayed(true);
  response.set_sticky(earlier.request_id != request.request_id());
  return response;
}

absl::StatusOr<v1::RecordDecisionResponse> SuggestionHandlers::Replay(const v1::RecordDecisionRequest& request,
                                                                      const DecisionRecord& earlier) {
  if (earlier.policy != v1::EXPERT) return TakenBy(request.request_id(), "Suggest");
  v1::RecordDecisionResponse response = decision::ToRecordDecisionResponse(earlier);
  response.set_replayed(true);
  return response;
}

absl::StatusOr<v1::RecordDecisionResponse> SuggestionHandlers::RecordDecision(const v1::RecordDecisionRequest& request,
                                                                              const CallContext& context) {
  RETURN_IF_ERROR(Validate(request));
  const auto earlier = storage::DecisionStore(s_.database).FindByRequest(request.customer_id(), request.request_id());
  RETURN_IF_ERROR(FromStorage(earlier.status()));
  if (earlier->has_value()) return Replay(request, **earlier);

  ASSIGN_OR_RETURN(const std::shared_ptr<const decision::Serving> serving, s_.serving->Get());
  const decision::Draw draw = NewDraw(s_.clock->Now());
  ASSIGN_OR_RETURN(const CustomerCache::State customer, CustomerAt(request.customer_id(), draw.decided_at, context));
  ASSIGN_OR_RETURN(const decision::Decision decision, decision::DecideByExpert(*serving, *customer, request, draw));
  RETURN_IF_ERROR(CheckWaiting(context, "the commit"));
  const absl::StatusOr<Committed> committed = s_.committer->Commit(decision.record);
  RETURN_IF_ERROR(FromStorage(committed.status()));
  if (committed->earlier.has_value()) return Replay(request, *committed->earlier);
  s_.metrics->RecordExpertDecision();
  return decision::ToRecordDecisionResponse(decision.record);
}

absl::StatusOr<v1::RecordFeedbackResponse> SuggestionHandlers::RecordFeedback(
    const v1::RecordFeedbackRequest& request) {
  const absl::Time now = s_.clock->Now();
  RETURN_IF_ERROR(Validate(request, now));
  storage::FeedbackRecord record{.customer_id = request.customer_id(),
                                 .suggestion_id = request.suggestion_id(),
                                 .kind = request.kind(),
                                 .occurred_at = now};
  if (request.has_occurred_at()) {
    record.occurred_at =
        absl::FromUnixMicros(google::protobuf::util::TimeUtil::TimestampToMicroseconds(request.occurred_at()));
  }
  const absl::StatusOr<bool> recorded = storage::FeedbackStore(s_.database).Record(record, now);
  RETURN_IF_ERROR(FromStorage(recorded.status()));
  if (*recorded) s_.metrics->RecordFeedback(request.kind());
  v1::RecordFeedbackResponse response;
  response.set_recorded(*recorded);
  return response;
}

absl::StatusOr<v1::ExplainResponse> SuggestionHandlers::Explain(const v1::ExplainRequest& request) {
  RETURN_IF_ERROR(Validate(request));
  const auto record = storage::DecisionStore(s_.database).Find(request.customer_id(), request.decision_id());
  RETURN_IF_ERROR(FromStorage(record.status()));
  ASSIGN_OR_RETURN(const std::shared_ptr<const decision::Serving> serving, ServingOf(*record));
  if (request.model_version() == 0 || request.model_version() == record->model_version) {
    return decision::ExplainDecision(*record, *serving, request.all_candidates());
  }
  ASSIGN_OR_RETURN(std::shared_ptr<const decision::Snapshot> other, LoadSnapshot(s_.database, request.model_version()));
  return decision::ExplainUnder(*record, *serving, std::move(other), request.all_candidates());
}

absl::StatusOr<CustomerCache::State> SuggestionHandlers::CustomerAt(const std::string& customer_id, absl::Time at,
                                                                    const CallContext& context) {
  const auto load = [&]() -> absl::StatusOr<storage::CustomerState> {
    auto loaded = storage::CustomerStore(s_.database).Load(customer_id, at);
    RETURN_IF_ERROR(FromStorage(loaded.status()));
    return loaded;
  };
  absl::StatusOr<CustomerCache::State> customer =
      s_.patience->Run(context, [&] { return s_.customers->Get(customer_id, at, load); });
  RETURN_IF_ERROR(customer.status());
  if (!(*customer)->attributes.has_value()) {
    return absl::NotFoundError(absl::StrCat("customer_id '", customer_id, "' is unknown"));
  }
  return customer;
}

void SuggestionHandlers::ForgetOpen(const std::string& customer_id) {
  s_.customers->ForgetOpen(customer_id);
  s_.announcer->Add(customer_id);
}

absl::Status SuggestionHandlers::CheckDelivered(const DecisionRecord& record, const CallContext& context) {
  if (!context.Gone()) return absl::OkStatus();
  s_.metrics->RecordUndelivered();
  const absl::Status marked =
      storage::DecisionStore(s_.database).MarkUndelivered(record.customer_id, record.decision_id);
  ForgetOpen(record.customer_id);
  s_.log->Write(LogLevel::kWarning, "decision not delivered",
                {{"request_id", record.request_id}, {"decision_id", record.decision_id}, {"marked", marked.ok()}});
  return absl::DeadlineExceededError(
      absl::StrCat("the deadline passed while decision ", record.decision_id, " was being committed"));
}

decision::Draw SuggestionHandlers::NewDraw(absl::Time now) {
  decision::Draw draw;
  draw.decision_id = storage::MakeDecisionId(now, s_.random->Next(), s_.random->Next());
  draw.decided_at = absl::FromUnixMillis(absl::ToUnixMillis(now));
  draw.seed = s_.random->Next();
  return draw;
}

absl::StatusOr<std::shared_ptr<const decision::Catalogue>> SuggestionHandlers::CatalogueOf(const std::string& version) {
  if (const auto serving = s_.serving->Get(); serving.ok() && (*serving)->catalogue().version() == version) {
    return (*serving)->shared_catalogue();
  }
  absl::StatusOr<std::string> bytes = storage::CatalogueStore(s_.database).LoadVersion(version);
  RETURN_IF_ERROR(FromStorage(bytes.status()));
  return decision::Catalogue::FromBytes(*std::move(bytes), version);
}

absl::StatusOr<std::shared_ptr<const decision::Serving>> SuggestionHandlers::ServingOf(const DecisionRecord& record) {
  const auto serving = s_.serving->Get();
  if (serving.ok() && (*serving)->snapshot().version() == record.model_version &&
      (*serving)->catalogue().version() == record.catalogue_version) {
    return *serving;
  }
  std::shared_ptr<const decision::Snapshot> snapshot;
  if (serving.ok() && (*serving)->snapshot().version() == record.model_version) {
    snapshot = (*serving)->shared_snapshot();
  } else {
    ASSIGN_OR_RETURN(snapshot, LoadSnapshot(s_.database, record.model_version));
  }
  ASSIGN_OR_RETURN(std::shared_ptr<const decision::Catalogue> catalogue, CatalogueOf(record.catalogue_version));
  return decision::Serving::Create(std::move(snapshot), std::move(catalogue));
}

}  // namespace suggest::server
