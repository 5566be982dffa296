#include "service/server/spool_keeper.h"

#include <algorithm>
#include <utility>
#include <variant>

#include "absl/strings/str_cat.h"
#include "bandit/base/status_macros.h"
#include "service/server/call.h"
#include "storage/decision_id.h"
#include "storage/decision_store.h"
#include "storage/feedback_store.h"
#include "storage/superseded_store.h"

namespace suggest::server {
namespace {

using storage::Appended;
using storage::DecisionRecord;
using storage::SpooledEntry;
using storage::SpooledFeedback;

constexpr int kPage = 200;

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
  log_->Write(LogLevel::kWarning, "the database is away: spooling", {{"message", status.message()}});
}

absl::StatusOr<std::vector<Appended>> SpoolKeeper::AppendToLog(absl::Span<const DecisionRecord* const> batch) {
  if (away()) return absl::UnavailableError("the database is away");
  std::vector<Appended> appended(batch.size());
  std::vector<const DecisionRecord*> unknown;
  std::vector<size_t> place;
  for (size_t i = 0; i < batch.size(); ++i) {
    ASSIGN_OR_RETURN(appended[i].earlier, FindByRequest(batch[i]->customer_id, batch[i]->request_id));
    if (appended[i].earlier.has_value()) continue;
    unknown.push_back(batch[i]);
    place.push_back(i);
  }
  if (unknown.empty()) return appended;
  absl::StatusOr<std::vector<Appended>> stored = log_sink_->Append(unknown);
  Report(stored.status());
  RETURN_IF_ERROR(stored.status());
  for (size_t i = 0; i < place.size(); ++i) appended[place[i]] = std::move((*stored)[i]);
  return appended;
}

absl::StatusOr<std::vector<Appended>> SpoolKeeper::AppendToSpool(absl::Span<const DecisionRecord* const> batch) {
  absl::StatusOr<std::vector<Appended>> appended = spool_->Append(batch, clock_->Now());
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
  if (away()) {
    RETURN_IF_ERROR(drain_database_->Ping());
    away_ = false;
    log_->Write(LogLevel::kInfo, "the database is back", {{"spooled_decisions", spool_->figures().decisions}});
  }
  if (spool_->figures().empty()) return false;
  ASSIGN_OR_RETURN(const std::vector<SpooledEntry> page, spool_->Oldest(kPage));
  absl::Status committed = CommitDecisions(page);
  if (committed.ok()) committed = CommitFeedback(page);
  Report(committed);
  RETURN_IF_ERROR(committed);
  drained_through_ = std::max(drained_through_, page.back().sequence);
  RETURN_IF_ERROR(spool_->Remove(page));
  ShowFigures();
  return !spool_->figures().empty();
}

absl::Status SpoolKeeper::CommitDecisions(const std::vector<SpooledEntry>& page) {
  std::vector<const DecisionRecord*> decisions;
  for (const SpooledEntry& entry : page) {
    if (const auto* decision = std::get_if<DecisionRecord>(&entry.content)) decisions.push_back(decision);
  }
  if (decisions.empty()) return absl::OkStatus();
  ASSIGN_OR_RETURN(const std::vector<Appended> appended,
                   storage::DecisionStore(drain_database_).AppendBatch(decisions));
  std::vector<storage::SupersededDecision> superseded;
  for (size_t i = 0; i < decisions.size(); ++i) {
    RETURN_IF_ERROR(appended[i].status);
    if (!appended[i].earlier.has_value()) continue;
    superseded.push_back({*decisions[i], appended[i].earlier->decision_id});
    metrics_->RecordSuperseded();
    log_->Write(LogLevel::kWarning, "spooled decision superseded",
                {{"request_id", decisions[i]->request_id},
                 {"decision_id", decisions[i]->decision_id},
                 {"superseded_by", appended[i].earlier->decision_id}});
  }
  if (!superseded.empty()) {
    RETURN_IF_ERROR(storage::SupersededStore(drain_database_).Record(superseded, clock_->Now()));
  }
  for (const SpooledEntry& entry : page) RETURN_IF_ERROR(CommitMark(entry));
  metrics_->RecordDrained(Drained::kSuperseded, static_cast<int64_t>(superseded.size()));
  metrics_->RecordDrained(Drained::kCommitted, static_cast<int64_t>(decisions.size() - superseded.size()));
  return absl::OkStatus();
}

// A decision that is drained again because it was marked meanwhile was stored as it was before.
absl::Status SpoolKeeper::CommitMark(const SpooledEntry& entry) {
  const auto* decision = std::get_if<DecisionRecord>(&entry.content);
  if (decision == nullptr || entry.sequence > drained_through_) return absl::OkStatus();
  storage::DecisionStore store(drain_database_);
  const absl::Status marked = decision->delivered ? store.MarkDelivered(decision->customer_id, decision->decision_id)
                                                  : store.MarkUndelivered(decision->customer_id, decision->decision_id);
  return marked.code() == absl::StatusCode::kNotFound ? absl::OkStatus() : marked;  // superseded
}

absl::Status SpoolKeeper::CommitFeedback(const std::vector<SpooledEntry>& page) {
  storage::FeedbackStore store(drain_database_);
  for (const SpooledEntry& entry : page) {
    const auto* spooled = std::get_if<SpooledFeedback>(&entry.content);
    if (spooled == nullptr) continue;
    const absl::StatusOr<bool> recorded = store.Record(spooled->feedback, spooled->recorded_at);
    if (recorded.status().code() == absl::StatusCode::kNotFound) {
      metrics_->RecordDrained(Drained::kUnknownSuggestion, 1);
      log_->Write(LogLevel::kWarning, "spooled feedback names no suggestion",
                  {{"suggestion_id", spooled->feedback.suggestion_id}});
      continue;
    }
    RETURN_IF_ERROR(recorded.status());
    metrics_->RecordDrained(Drained::kCommitted, 1);
    if (*recorded) {
      metrics_->RecordFeedback(static_cast<v1::RecordFeedbackRequest::Kind>(spooled->feedback.kind));
    }
  }
  return absl::OkStatus();
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
