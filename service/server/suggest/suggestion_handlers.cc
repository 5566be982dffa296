#include "service/server/suggest/suggestion_handlers.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "bandit/base/status_macros.h"
#include "google/protobuf/util/time_util.h"
#include "service/common/config.h"
#include "service/decision/explain.h"
#include "service/decision/response.h"
#include "service/server/follow/stored_model.h"
#include "service/server/rpc/validation.h"
#include "storage/log/decision_id.h"
#include "storage/log/decision_store.h"
#include "storage/log/feedback_store.h"
#include "storage/source/catalogue_store.h"
#include "storage/source/customer_store.h"

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
  v1::SuggestResponse response;
  RETURN_IF_ERROR(Counted(SuggestAnew(request, context, &response), response));
  return response;
}

void SuggestionHandlers::Suggest(const v1::SuggestRequest& request, const CallContext& context,
                                 v1::SuggestResponse* response, Answer answer) {
  if (absl::Status invalid = Validate(request); !invalid.ok()) return answer(std::move(invalid));
  const Made made = MakeAtOnce(request, context, response);
  if (made == nullptr) {
    return s_.workers->Run([this, &request, context, response, answer = std::move(answer)] {
      answer(Counted(SuggestAnew(request, context, response), *response));
    });
  }
  if (AnswersBeforeCommit()) return answer(Counted(KeepUnawaited(made, response), *response));
  const Stopwatch watch;
  const auto answer_later = std::make_shared<Answer>(std::move(answer));
  absl::Status taken = s_.committer->Submit(made, [this, &request, context, response, watch, answer_later,
                                                   made](absl::StatusOr<Committed> committed) {
    s_.metrics->RecordPhase(Phase::kCommit, watch.Elapsed());
    const bool gone = context.Gone();
    const bool blocks = committed.ok() && (committed->earlier.has_value() || gone);
    const auto finish = [this, &request, response, gone, answer_later, made](const absl::StatusOr<Committed>& outcome) {
      (*answer_later)(Counted(AfterCommit(request, made, outcome, gone, response), *response));
    };
    if (!blocks) return finish(committed);
    s_.workers->Run([finish, committed = std::move(committed)] { finish(committed); });
  });
  if (!taken.ok()) (*answer_later)(std::move(taken));
}

absl::Status SuggestionHandlers::Counted(absl::Status status, const v1::SuggestResponse& response) {
  if (status.ok()) s_.metrics->RecordDecision(response);
  return status;
}

// Whether the request was answered before shows at the commit: a retry is rare, and costs a decision that is dropped.
absl::Status SuggestionHandlers::SuggestAnew(const v1::SuggestRequest& request, const CallContext& context,
                                             v1::SuggestResponse* response) {
  Stopwatch watch;
  const absl::StatusOr<std::shared_ptr<const decision::Serving>> serving = s_.serving->Get();
  if (!serving.ok()) return ReplayOr(request, serving.status(), response);
  const decision::Draw draw = NewDraw(s_.clock->Now());
  const auto customer = CustomerAt(request.customer_id(), draw.decided_at, context);
  if (customer.status().code() == absl::StatusCode::kNotFound) return ReplayOr(request, customer.status(), response);
  RETURN_IF_ERROR(customer.status());
  ASSIGN_OR_RETURN(const bool open, SuggestOpen(**serving, **customer, request, draw.decided_at, response));
  if (open) return absl::OkStatus();
  s_.metrics->RecordPhase(Phase::kLoad, watch.Lap());
  const absl::StatusOr<Made> made = Make(**serving, **customer, request, draw, context, response);
  if (made.status().code() == absl::StatusCode::kDeadlineExceeded) return made.status();
  if (!made.ok()) return ReplayOr(request, made.status(), response);
  if (AnswersBeforeCommit()) return KeepUnawaited(*made, response);
  watch.Lap();
  const absl::StatusOr<Committed> committed = s_.committer->Commit(**made);
  s_.metrics->RecordPhase(Phase::kCommit, watch.Lap());
  return AfterCommit(request, *made, committed, context.Gone(), response);
}

SuggestionHandlers::Made SuggestionHandlers::MakeAtOnce(const v1::SuggestRequest& request, const CallContext& context,
                                                        v1::SuggestResponse* response) {
  if (request.include_propensities()) return nullptr;  // all candidates' take long
  Stopwatch watch;
  const absl::StatusOr<std::shared_ptr<const decision::Serving>> serving = s_.serving->Get();
  if (!serving.ok()) return nullptr;
  const decision::Draw draw = NewDraw(s_.clock->Now());
  const CustomerCache::State customer = s_.customers->Peek(request.customer_id(), draw.decided_at);
  if (customer == nullptr) return nullptr;
  const absl::Duration sticky_for = StickyFor(request);
  if (sticky_for > absl::ZeroDuration() &&
      !s_.customers->KnowsNoneOpen(request.customer_id(), draw.decided_at - sticky_for)) {
    return nullptr;
  }
  s_.metrics->RecordPhase(Phase::kLoad, watch.Lap());
  absl::StatusOr<Made> made = Make(**serving, *customer, request, draw, context, response);
  return made.ok() ? *std::move(made) : nullptr;
}

absl::StatusOr<SuggestionHandlers::Made> SuggestionHandlers::Make(
    const decision::Serving& serving, const decision::Customer& customer, const v1::SuggestRequest& request,
    const decision::Draw& draw, const CallContext& context, v1::SuggestResponse* response) {
  RETURN_IF_ERROR(CheckWaiting(context, "scoring"));
  const std::shared_ptr<const config::v1::Config> config = s_.config->Get();
  const absl::Duration propensity_time = ToAbslDuration(config->choice().propensity_time());
  const Stopwatch scoring;
  ASSIGN_OR_RETURN(decision::Decision decision,
                   decision::Decide(
                       serving, customer, request, config->choice(), draw,
                       [&] { return scoring.Elapsed() < propensity_time; }, [&] { return !context.Gone(); }));
  NoteUnreadable(request.customer_id(), decision.unreadable);
  if (decision.contenders > 0) s_.metrics->RecordContenders(decision.contenders);
  s_.metrics->RecordPhase(Phase::kScore, scoring.Elapsed());
  RETURN_IF_ERROR(CheckWaiting(context, "the commit"));
  decision::ToSuggestResponse(decision.record, serving.catalogue(), response);
  decision::AddPropensities(serving.catalogue(), decision.propensities, response);
  if (request.include_removed()) {
    decision::AddRemovals(serving.catalogue(), decision.removed, response);
    FitInto(config->server().max_response_bytes(), response);
  }
  return std::make_shared<const DecisionRecord>(std::move(decision.record));
}

bool SuggestionHandlers::AnswersBeforeCommit() const {
  return s_.config->Get()->database().commit().durability() == config::v1::Commit::ASYNC;
}

absl::Status SuggestionHandlers::KeepUnawaited(const Made& made, v1::SuggestResponse* response) {
  RETURN_IF_ERROR(s_.committer->SubmitUnawaited(made));
  response->set_durable(false);
  NoteAnswered(made);
  return absl::OkStatus();
}

absl::Status SuggestionHandlers::AfterCommit(const v1::SuggestRequest& request, const Made& made,
                                             const absl::StatusOr<Committed>& committed, bool gone,
                                             v1::SuggestResponse* response) {
  RETURN_IF_ERROR(FromStorage(committed.status()));
  if (committed->earlier.has_value()) return Replay(request, *committed->earlier, response);
  if (gone) {
    NoteUndelivered(made->customer_id, made->request_id, made->decision_id);
    return absl::DeadlineExceededError(
        absl::StrCat("the deadline passed while decision ", made->decision_id, " was being committed"));
  }
  response->set_spooled(committed->kept == Kept::kInFallback);
  NoteAnswered(made);
  return absl::OkStatus();
}

void SuggestionHandlers::NoteUnreadable(const std::string& customer_id, const std::vector<std::string>& unreadable) {
  if (unreadable.empty()) return;
  s_.metrics->RecordUnreadableCustomer();
  const std::string problem = absl::StrJoin(unreadable, "; ");
  {
    MutexLock lock(unreadable_mutex_);
    constexpr size_t kMostRemembered = 10'000;
    if (unreadable_logged_.size() >= kMostRemembered) unreadable_logged_.clear();
    if (!unreadable_logged_.insert(absl::StrCat(customer_id, "\n", problem)).second) return;
  }
  s_.log->Write(LogLevel::kWarning, "stored attributes cannot be read and count as missing",
                {{"customer_id", customer_id}, {"message", problem}});
}

void SuggestionHandlers::NoteAnswered(const Made& made) {
  s_.customers->SetOpen(made->customer_id, made);
  s_.announcer->Add(made->customer_id);
  if (made->fallback_reason.empty()) return;
  s_.log->Write(
      LogLevel::kWarning, "fallback policy answered",
      {{"request_id", made->request_id}, {"decision_id", made->decision_id}, {"reason", made->fallback_reason}});
}

absl::Duration SuggestionHandlers::StickyFor(const v1::SuggestRequest& request) const {
  return request.fresh() ? absl::ZeroDuration() : ToAbslDuration(s_.config->Get()->choice().sticky_for());
}

absl::StatusOr<bool> SuggestionHandlers::SuggestOpen(const decision::Serving& serving,
                                                     const decision::Customer& customer,
                                                     const v1::SuggestRequest& request, absl::Time now,
                                                     v1::SuggestResponse* response) {
  const absl::Duration sticky_for = StickyFor(request);
  if (sticky_for == absl::ZeroDuration() || answered_.SpoolStandsIn()) return false;
  storage::DecisionStore store(s_.database);
  const auto open = s_.customers->GetOpen(request.customer_id(), now - sticky_for,
                                          [&] { return store.FindOpen(request.customer_id(), now - sticky_for); });
  if (answered_.SpoolStandsIn(open.status())) return false;
  RETURN_IF_ERROR(FromStorage(open.status()));
  if (*open == nullptr || !decision::StillFits(serving, customer, request, **open, now)) return false;
  RETURN_IF_ERROR(decision::CheckColumns(**open));
  // The request id answers with this decision from now on, also when it is retried after the decision is closed.
  const auto linked = store.LinkRequest(request.customer_id(), request.request_id(), (*open)->decision_id);
  if (answered_.SpoolStandsIn(linked.status())) return false;
  // One that is answered before it is written (ASYNC), or that waits in the spool, may not be there yet.
  if (linked.status().code() != absl::StatusCode::kNotFound) RETURN_IF_ERROR(FromStorage(linked.status()));
  if (linked.ok() && linked->replayed) {
    RETURN_IF_ERROR(Replay(request, linked->decision, response));
    return true;
  }
  ASSIGN_OR_RETURN(const std::shared_ptr<const decision::Catalogue> catalogue, CatalogueOf((*open)->catalogue_version));
  decision::ToSuggestResponse(**open, *catalogue, response);
  response->set_sticky(true);
  response->set_durable(linked.ok());
  if (request.include_removed()) {
    const auto removed = decision::FindRemovals(serving, customer, request, now);
    decision::AddRemovals(serving.catalogue(), removed, response);
    FitInto(s_.config->Get()->server().max_response_bytes(), response);
  }
  return true;
}

absl::Status SuggestionHandlers::ReplayOr(const v1::SuggestRequest& request, const absl::Status& why,
                                          v1::SuggestResponse* response) {
  ASSIGN_OR_RETURN(const std::optional<DecisionRecord> earlier,
                   answered_.FindByRequest(request.customer_id(), request.request_id()));
  if (!earlier.has_value()) return why;
  return Replay(request, *earlier, response);
}

absl::Status SuggestionHandlers::Replay(const v1::SuggestRequest& request, const DecisionRecord& earlier,
                                        v1::SuggestResponse* response) {
  if (earlier.policy == v1::EXPERT) return TakenBy(request.request_id(), "RecordDecision");
  RETURN_IF_ERROR(decision::CheckColumns(earlier));
  ASSIGN_OR_RETURN(const std::shared_ptr<const decision::Catalogue> catalogue, CatalogueOf(earlier.catalogue_version));
  if (!earlier.delivered) {
    RETURN_IF_ERROR(FromStorage(answered_.MarkDelivered(earlier.customer_id, earlier.decision_id, true)));
    ForgetOpen(earlier.customer_id);
  }
  decision::ToSuggestResponse(earlier, *catalogue, response);
  response->set_replayed(true);
  response->set_spooled(answered_.IsSpooled(earlier));
  response->set_sticky(earlier.request_id != request.request_id());
  return absl::OkStatus();
}

absl::StatusOr<v1::RecordDecisionResponse> SuggestionHandlers::Replay(const v1::RecordDecisionRequest& request,
                                                                      const DecisionRecord& earlier) {
  if (earlier.policy != v1::EXPERT) return TakenBy(request.request_id(), "Suggest");
  v1::RecordDecisionResponse response = decision::ToRecordDecisionResponse(earlier);
  response.set_replayed(true);
  response.set_spooled(answered_.IsSpooled(earlier));
  return response;
}

absl::StatusOr<v1::RecordDecisionResponse> SuggestionHandlers::RecordDecision(const v1::RecordDecisionRequest& request,
                                                                              const CallContext& context) {
  RETURN_IF_ERROR(Validate(request));
  ASSIGN_OR_RETURN(const std::optional<DecisionRecord> earlier, s_.patience->Run(context, [&] {
    return answered_.FindByRequest(request.customer_id(), request.request_id());
  }));
  if (earlier.has_value()) return Replay(request, *earlier);

  ASSIGN_OR_RETURN(const std::shared_ptr<const decision::Serving> serving, s_.serving->Get());
  const decision::Draw draw = NewDraw(s_.clock->Now());
  ASSIGN_OR_RETURN(const CustomerCache::State customer, CustomerAt(request.customer_id(), draw.decided_at, context));
  ASSIGN_OR_RETURN(const decision::Decision decision, decision::DecideByExpert(*serving, *customer, request, draw));
  NoteUnreadable(request.customer_id(), decision.unreadable);
  RETURN_IF_ERROR(CheckWaiting(context, "the commit"));
  const absl::StatusOr<Committed> committed = s_.committer->Commit(decision.record);
  RETURN_IF_ERROR(FromStorage(committed.status()));
  if (committed->earlier.has_value()) return Replay(request, *committed->earlier);
  s_.metrics->RecordExpertDecision();
  v1::RecordDecisionResponse response = decision::ToRecordDecisionResponse(decision.record);
  response.set_spooled(committed->kept == Kept::kInFallback);
  return response;
}

absl::StatusOr<v1::RecordFeedbackResponse> SuggestionHandlers::RecordFeedback(const v1::RecordFeedbackRequest& request,
                                                                              const CallContext& context) {
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
  return s_.patience->Run(context, [&] { return KeepFeedback(record, now); });
}

absl::StatusOr<v1::RecordFeedbackResponse> SuggestionHandlers::KeepFeedback(const storage::FeedbackRecord& feedback,
                                                                            absl::Time now) {
  v1::RecordFeedbackResponse response;
  absl::StatusOr<bool> recorded = false;
  bool spool = answered_.SpoolStandsIn();
  if (!spool) {
    recorded = storage::FeedbackStore(s_.database).Record(feedback, now);
    spool = answered_.SpoolStandsIn(recorded.status());
  }
  if (recorded.status().code() == absl::StatusCode::kNotFound) {
    const std::string decision_id = feedback.suggestion_id.substr(0, feedback.suggestion_id.find('.'));
    const auto answered = answered_.Find(feedback.customer_id, decision_id);
    if (answered.ok() && !answered->superseded_by.empty()) return response;  // it teaches nothing
    spool = answered.ok() && answered_.IsSpooled(answered->decision);
  }
  if (spool) {
    RETURN_IF_ERROR(s_.spool->AppendFeedback(feedback));
    response.set_recorded(true);
    response.set_spooled(true);
    return response;
  }
  RETURN_IF_ERROR(FromStorage(recorded.status()));
  if (*recorded) s_.metrics->RecordFeedback(static_cast<v1::RecordFeedbackRequest::Kind>(feedback.kind));
  response.set_recorded(*recorded);
  return response;
}

absl::StatusOr<v1::ExplainResponse> SuggestionHandlers::Explain(const v1::ExplainRequest& request,
                                                                const CallContext& context) {
  RETURN_IF_ERROR(Validate(request));
  return s_.patience->Run(context, [&] { return ExplainOnce(request); });
}

absl::StatusOr<v1::ExplainResponse> SuggestionHandlers::ExplainOnce(const v1::ExplainRequest& request) {
  const auto answered = answered_.Find(request.customer_id(), request.decision_id());
  RETURN_IF_ERROR(FromStorage(answered.status()));
  ASSIGN_OR_RETURN(v1::ExplainResponse response, ExplainRecord(request, answered->decision));
  response.set_superseded_by(answered->superseded_by);
  return response;
}

absl::StatusOr<v1::ExplainResponse> SuggestionHandlers::ExplainRecord(const v1::ExplainRequest& request,
                                                                      const DecisionRecord& record) {
  ASSIGN_OR_RETURN(const std::shared_ptr<const decision::Serving> serving, ServingOf(record));
  if (request.model_version() == 0 || request.model_version() == record.model_version) {
    return decision::ExplainDecision(record, *serving, request.all_candidates());
  }
  ASSIGN_OR_RETURN(std::shared_ptr<const decision::Snapshot> other, LoadSnapshot(s_.database, request.model_version()));
  return decision::ExplainUnder(record, *serving, std::move(other), request.all_candidates());
}

absl::StatusOr<CustomerCache::State> SuggestionHandlers::CustomerAt(const std::string& customer_id, absl::Time at,
                                                                    const CallContext& context) {
  const auto load = [&]() -> absl::StatusOr<storage::CustomerState> {
    if (answered_.SpoolStandsIn()) return absl::UnavailableError("the database is away");
    auto loaded = storage::CustomerStore(s_.database).Load(customer_id, at);
    answered_.SpoolStandsIn(loaded.status());
    RETURN_IF_ERROR(FromStorage(loaded.status()));
    return loaded;
  };
  absl::StatusOr<CustomerCache::State> customer =
      s_.patience->Run(context, [&] { return s_.customers->Get(customer_id, at, load); });
  RETURN_IF_ERROR(customer.status());
  if (!(*customer)->state().attributes.has_value()) {
    return absl::NotFoundError(absl::StrCat("customer_id '", customer_id, "' is unknown"));
  }
  return customer;
}

void SuggestionHandlers::ForgetOpen(const std::string& customer_id) {
  s_.customers->ForgetOpen(customer_id);
  s_.announcer->Add(customer_id);
}

void SuggestionHandlers::NoteUndelivered(const std::string& customer_id, const std::string& request_id,
                                         const std::string& decision_id) {
  s_.metrics->RecordUndelivered();
  const absl::Status marked = answered_.MarkDelivered(customer_id, decision_id, false);
  ForgetOpen(customer_id);
  s_.log->Write(LogLevel::kWarning, "decision not delivered",
                {{"request_id", request_id}, {"decision_id", decision_id}, {"marked", marked.ok()}});
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
