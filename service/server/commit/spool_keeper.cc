#include "service/server/commit/spool_keeper.h"

#include <algorithm>
#include <utility>
#include <variant>

#include "absl/strings/str_cat.h"
#include "bandit/base/status_macros.h"
#include "service/server/rpc/call.h"
#include "storage/log/decision_id.h"
#include "storage/log/decision_store.h"
#include "storage/log/feedback_store.h"
#include "storage/log/superseded_store.h"

namespace suggest::server {
namespace {

using storage::Appended;
using storage::DecisionRecord;
using storage::SpooledEntry;
using storage::SpooledFeedback;

constexpr int kPage = 200;

// Whether the failure says nothing against what was written.
bool MayPass(const absl::Status& status) {
  return storage::IsTransient(status) || status.code() == absl::StatusCode::kDeadlineExceeded;
}

// A full spool, as a caller may see it: nothing was kept, come back later.
absl::Status AsUnavailable(const absl::Status& status) {
  if (status.code() != absl::StatusCode::kResourceExhausted) return status;
  return WithRetryHint(
      absl::UnavailableError(absl::StrCat("the database is away and the spool takes no more: ", status.message())));
}

}  // namespace

SpoolKeeper::SpoolKeeper(storage::Spool* spool, DecisionSink* log_sink, storage::Database* drain_database,
                         const Clock* clock, Metrics* metrics, Log* log)
    : spool_(spool),
      log_sink_(log_sink),
      drain_database_(drain_database),
      clock_(clock),
      metrics_(metrics),
      log_(log) {}

bool SpoolKeeper::SaysAway(const absl::Status& status) {
  return status.code() == absl::StatusCode::kUnavailable || status.code() == absl::StatusCode::kUnknown;
}

void SpoolKeeper::Report(const absl::Status& status) {
  if (!SaysAway(status) || away_.exchange(true)) return;
  if (on_trial_.exchange(false)) {
    constexpr int kMostDoublings = 6;
    looks_left_out_ = 1 << std::min(++failed_trials_, kMostDoublings);
    return;
  }
  log_->Write(LogLevel::kWarning, "the database is away: spooling", {{"message", status.message()}});
}

absl::Status SpoolKeeper::Look() {
  if (looks_left_out_.load() > 0) {
    --looks_left_out_;
    return absl::UnavailableError("the database is away");
  }
  RETURN_IF_ERROR(drain_database_->CheckWritable());
  on_trial_ = true;
  away_ = false;
  if (spool_->figures().empty()) NoteWritten();  // nothing to try it with
  return absl::OkStatus();
}

void SpoolKeeper::NoteWritten() {
  if (!on_trial_.exchange(false)) return;
  failed_trials_ = 0;
  log_->Write(LogLevel::kInfo, "the database is back", {{"spooled_decisions", spool_->figures().decisions}});
}

absl::StatusOr<std::vector<Appended>> SpoolKeeper::AppendToLog(absl::Span<const DecisionRecord* const> batch) {
  if (away()) return absl::UnavailableError("the database is away");
  std::vector<Appended> appended(batch.size());
  std::vector<const DecisionRecord*> unknown;
  std::vector<size_t> place;
  for (size_t i = 0; i < batch.size(); ++i) {
    auto spooled = FindByRequest(batch[i]->customer_id, batch[i]->request_id);
    if (spooled.status().code() == absl::StatusCode::kDataLoss) {
      appended[i].status = spooled.status();
      continue;
    }
    RETURN_IF_ERROR(spooled.status());
    appended[i].earlier = *std::move(spooled);
    if (appended[i].earlier.has_value()) continue;
    unknown.push_back(batch[i]);
    place.push_back(i);
  }
  if (unknown.empty()) return appended;
  absl::StatusOr<std::vector<Appended>> stored = log_sink_->Append(unknown);
  Report(stored.status());
  RETURN_IF_ERROR(stored.status());
  if (std::any_of(stored->begin(), stored->end(), [](const Appended& one) { return one.status.ok(); })) NoteWritten();
  for (size_t i = 0; i < place.size(); ++i) appended[place[i]] = std::move((*stored)[i]);
  return appended;
}

absl::StatusOr<std::vector<Appended>> SpoolKeeper::AppendToSpool(absl::Span<const DecisionRecord* const> batch) {
  absl::StatusOr<std::vector<Appended>> appended = spool_->Append(batch, clock_->Now());
  full_ = appended.status().code() == absl::StatusCode::kResourceExhausted;
  if (!appended.ok()) return AsUnavailable(appended.status());
  ShowFigures();
  return appended;
}

absl::StatusOr<std::optional<DecisionRecord>> SpoolKeeper::FindByRequest(const std::string& customer_id,
                                                                         const std::string& request_id) const {
  return spool_->FindByRequest(customer_id, request_id);
}

absl::StatusOr<std::optional<DecisionRecord>> SpoolKeeper::Find(const std::string& customer_id,
                                                                const std::string& decision_id) const {
  return spool_->Find(customer_id, decision_id);
}

absl::Status SpoolKeeper::AppendFeedback(const storage::FeedbackRecord& feedback) {
  ASSIGN_OR_RETURN(const storage::SuggestionId id, storage::ParseSuggestionId(feedback.suggestion_id));
  ASSIGN_OR_RETURN(const std::optional<DecisionRecord> decision, Find(feedback.customer_id, id.decision_id));
  if (decision.has_value() && id.rank > static_cast<int>(decision->recommendation_ids.size())) {
    return absl::NotFoundError(
        absl::StrCat("customer '", feedback.customer_id, "' has no suggestion '", feedback.suggestion_id, "'"));
  }
  RETURN_IF_ERROR(AsUnavailable(spool_->AppendFeedback(feedback, clock_->Now())));
  ShowFigures();
  return absl::OkStatus();
}

absl::StatusOr<bool> SpoolKeeper::MarkDelivered(const std::string& customer_id, const std::string& decision_id,
                                                bool delivered) {
  return spool_->MarkDelivered(customer_id, decision_id, delivered);
}

absl::StatusOr<bool> SpoolKeeper::Drain() {
  if (away()) RETURN_IF_ERROR(Look());
  if (spool_->figures().empty()) return false;
  ASSIGN_OR_RETURN(std::vector<SpooledEntry> page, spool_->Oldest(kPage, passed_over_));
  if (page.empty()) return MayRetryLeft();
  Outcome outcome;
  for (const SpooledEntry& entry : page) {
    if (const auto* damaged = std::get_if<storage::DamagedEntry>(&entry.content)) outcome.Refuse(entry, damaged->why);
  }
  absl::Status committed = CommitDecisions(page, &outcome);
  if (committed.ok()) committed = CommitFeedback(page, &outcome);
  Report(committed);
  RETURN_IF_ERROR(committed);
  if (outcome.refused.size() < page.size()) NoteWritten();
  const int64_t last = page.back().sequence;
  if (!outcome.refused.empty()) NoteRefused(outcome);
  std::erase_if(page, [&](const SpooledEntry& entry) { return outcome.refused.contains(entry.sequence); });
  const absl::Status removed = spool_->Remove(page);
  if (removed.ok()) {
    full_ = false;
    RETURN_IF_ERROR(ForgetRemoved(page));
  } else {
    NoteUnremoved(removed);
  }
  if (!removed.ok() || !outcome.refused.empty()) passed_over_ = last;
  ShowFigures();
  return !spool_->figures().empty();
}

// Removing leaves a decision that was marked meanwhile.
absl::Status SpoolKeeper::ForgetRemoved(const std::vector<SpooledEntry>& page) {
  for (const SpooledEntry& entry : page) {
    recorded_.erase(entry.sequence);
    const auto* decision = std::get_if<DecisionRecord>(&entry.content);
    if (decision == nullptr) continue;
    ASSIGN_OR_RETURN(const std::optional<DecisionRecord> left, Find(decision->customer_id, decision->decision_id));
    if (!left.has_value()) committed_.erase(decision->decision_id);
  }
  return absl::OkStatus();
}

// At the end of a pass that left entries in the spool; whether the next one may begin.
bool SpoolKeeper::MayRetryLeft() {
  const absl::Time now = clock_->Now();
  if (!waiting_since_.has_value() || now < *waiting_since_) waiting_since_ = now;  // or the clock was set back
  if (now < *waiting_since_ + kRetryLeft) return false;
  waiting_since_.reset();
  passed_over_ = 0;
  unremoved_ = false;
  return true;
}

void SpoolKeeper::Outcome::Refuse(const SpooledEntry& entry, absl::string_view why) {
  if (refused.empty()) first_refusal = std::string(why);
  refused.insert(entry.sequence);
}

void SpoolKeeper::NoteRefused(const Outcome& outcome) {
  const auto entries = static_cast<int64_t>(outcome.refused.size());
  metrics_->RecordDrained(Drained::kRefused, entries);
  log_->Write(LogLevel::kError, "spooled entries refused", {{"entries", entries}, {"first", outcome.first_refusal}});
}

void SpoolKeeper::NoteSuperseded(const storage::SupersededDecision& one) {
  metrics_->RecordSuperseded();
  metrics_->RecordDrained(Drained::kSuperseded, 1);
  log_->Write(LogLevel::kWarning, "spooled decision superseded",
              {{"request_id", one.decision.request_id},
               {"decision_id", one.decision.decision_id},
               {"superseded_by", one.superseded_by}});
}

void SpoolKeeper::NoteUnremoved(const absl::Status& failure) {
  if (!unremoved_) {
    log_->Write(LogLevel::kError, "drained entries stay in the spool", {{"message", std::string(failure.message())}});
  }
  unremoved_ = true;
}

absl::Status SpoolKeeper::CommitDecisions(const std::vector<SpooledEntry>& page, Outcome* outcome) {
  std::vector<const DecisionRecord*> decisions;
  std::vector<const SpooledEntry*> entries;
  for (const SpooledEntry& entry : page) {
    const auto* decision = std::get_if<DecisionRecord>(&entry.content);
    if (decision == nullptr) continue;
    if (committed_.contains(decision->decision_id)) {
      RETURN_IF_ERROR(CommitMark(*decision));
      continue;
    }
    decisions.push_back(decision);
    entries.push_back(&entry);
  }
  if (decisions.empty()) return absl::OkStatus();
  ASSIGN_OR_RETURN(const std::vector<Appended> appended,
                   storage::DecisionStore(drain_database_).AppendBatch(decisions));
  std::vector<const DecisionRecord*> settled;
  std::vector<storage::SupersededDecision> superseded;
  for (size_t i = 0; i < decisions.size(); ++i) {
    if (!appended[i].status.ok()) {
      outcome->Refuse(*entries[i],
                      absl::StrCat("decision ", decisions[i]->decision_id, ": ", appended[i].status.message()));
      continue;
    }
    settled.push_back(decisions[i]);
    if (appended[i].earlier.has_value()) superseded.push_back({*decisions[i], appended[i].earlier->decision_id});
  }
  if (!superseded.empty()) {
    RETURN_IF_ERROR(storage::SupersededStore(drain_database_).Record(superseded, clock_->Now()));
  }
  for (const DecisionRecord* decision : settled) committed_.emplace(decision->decision_id, decision->delivered);
  for (const storage::SupersededDecision& one : superseded) NoteSuperseded(one);
  metrics_->RecordDrained(Drained::kCommitted, static_cast<int64_t>(settled.size() - superseded.size()));
  return absl::OkStatus();
}

// A decision that was marked after its commit was stored as it was before.
absl::Status SpoolKeeper::CommitMark(const DecisionRecord& decision) {
  bool& committed = committed_.at(decision.decision_id);
  if (committed == decision.delivered) return absl::OkStatus();
  storage::DecisionStore store(drain_database_);
  const absl::Status marked = decision.delivered ? store.MarkDelivered(decision.customer_id, decision.decision_id)
                                                 : store.MarkUndelivered(decision.customer_id, decision.decision_id);
  if (!marked.ok() && marked.code() != absl::StatusCode::kNotFound) return marked;  // not found: superseded
  committed = decision.delivered;
  return absl::OkStatus();
}

absl::Status SpoolKeeper::CommitFeedback(const std::vector<SpooledEntry>& page, Outcome* outcome) {
  for (const SpooledEntry& entry : page) {
    if (!std::holds_alternative<SpooledFeedback>(entry.content) || recorded_.contains(entry.sequence)) continue;
    RETURN_IF_ERROR(CommitOneFeedback(entry, outcome));
    if (!outcome->refused.contains(entry.sequence)) recorded_.insert(entry.sequence);
  }
  return absl::OkStatus();
}

// One entry with feedback. Errors: of a database that cannot work at the moment.
absl::Status SpoolKeeper::CommitOneFeedback(const SpooledEntry& entry, Outcome* outcome) {
  const auto& [feedback, recorded_at] = std::get<SpooledFeedback>(entry.content);
  const absl::StatusOr<bool> recorded = storage::FeedbackStore(drain_database_).Record(feedback, recorded_at);
  if (recorded.ok()) {
    metrics_->RecordDrained(Drained::kCommitted, 1);
    if (*recorded) metrics_->RecordFeedback(static_cast<v1::RecordFeedbackRequest::Kind>(feedback.kind));
    return absl::OkStatus();
  }
  if (recorded.status().code() != absl::StatusCode::kNotFound) {
    if (MayPass(recorded.status())) return recorded.status();
    outcome->Refuse(entry, absl::StrCat("feedback to ", feedback.suggestion_id, ": ", recorded.status().message()));
    return absl::OkStatus();
  }
  ASSIGN_OR_RETURN(const bool waits, IsOfOneThatWaits(feedback));
  if (waits) {
    outcome->Refuse(entry, absl::StrCat("feedback to ", feedback.suggestion_id, ", which waits"));
    return absl::OkStatus();
  }
  metrics_->RecordDrained(Drained::kUnknownSuggestion, 1);
  log_->Write(LogLevel::kWarning, "spooled feedback names no suggestion", {{"suggestion_id", feedback.suggestion_id}});
  return absl::OkStatus();
}

absl::StatusOr<bool> SpoolKeeper::IsOfOneThatWaits(const storage::FeedbackRecord& feedback) const {
  ASSIGN_OR_RETURN(const storage::SuggestionId id, storage::ParseSuggestionId(feedback.suggestion_id));
  if (committed_.contains(id.decision_id)) return false;
  const auto decision = Find(feedback.customer_id, id.decision_id);
  if (decision.status().code() == absl::StatusCode::kDataLoss) return true;  // a damaged one waits for its repair
  RETURN_IF_ERROR(decision.status());
  return decision->has_value();
}

void SpoolKeeper::ShowFigures() {
  const storage::SpoolFigures figures = spool_->figures();
  const absl::Duration age = figures.empty() ? absl::ZeroDuration() : clock_->Now() - figures.oldest;
  metrics_->SetSpool(figures.decisions, figures.bytes, age);
}

std::string SpoolKeeper::Describe() const {
  const storage::SpoolFigures figures = spool_->figures();
  if (!away() && figures.empty()) return "";
  return absl::StrCat(away() ? "the database is away" : "the database is back", "; in the spool: ", figures.decisions,
                      " decisions, ", figures.feedback, " feedback");
}

}  // namespace suggest::server
