#include "service/server/follow/model_updater.h"

#include <memory>

#include "absl/strings/str_cat.h"
#include "bandit/base/status_macros.h"
#include "service/decision/stored_model.h"
#include "storage/models/model_store.h"
#include "storage/postgres/migrator.h"

namespace suggest::server {
namespace {

Refusal ReasonOf(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kDataLoss:
      return Refusal::kCorrupt;
    case absl::StatusCode::kFailedPrecondition:
      return Refusal::kNewerFormat;
    default:
      return Refusal::kUnusable;
  }
}

}  // namespace

absl::Status ModelUpdater::Poll() {
  const absl::Status database = CheckDatabase();
  readiness_->SetDatabase(database);
  s_.metrics->SetDatabaseUp(database.ok() && s_.committer->Health().ok());
  if (!database.ok()) {
    s_.serving->ExplainAbsence(std::string(database.message()));
    return database;
  }
  return TakeCurrent();
}

// Reachable, and migrated as far as this build needs; a newer database is fine (migrations only add).
absl::Status ModelUpdater::CheckDatabase() {
  absl::Status status;
  if (database_was_up_) {
    status = s_.database->CheckWritable();
  } else {
    const absl::StatusOr<int> version = storage::CurrentVersion(*s_.database);
    const int expected = storage::EmbeddedMigrations().back().version;
    status = version.status();
    if (version.ok() && *version < expected) {
      status = absl::UnavailableError(absl::StrCat("the database is at migration ", *version, ", this build needs ",
                                                   expected, ": run suggestctl migrate"));
    }
  }
  database_was_up_ = status.ok();
  if (status.ok() && logged_down_) s_.log->Write(LogLevel::kInfo, "database is back");
  if (!status.ok() && !logged_down_) {
    s_.log->Write(LogLevel::kError, "database cannot be used", {{"message", status.message()}});
  }
  logged_down_ = !status.ok();
  if (status.ok()) return status;
  return absl::UnavailableError(status.message());
}

absl::Status ModelUpdater::TakeCurrent() {
  const storage::ModelStore store(s_.database);
  const absl::StatusOr<int64_t> version = store.Current();
  if (version.status().code() == absl::StatusCode::kNotFound) {
    s_.serving->ExplainAbsence("no model version yet: run suggestctl warm-start");
    return version.status();
  }
  if (!version.ok()) return Unreadable(version.status());
  if (*version == s_.serving->model_version()) {
    ForgetUnreadable();
    return ReportAdopted();
  }
  const std::string catalogue = s_.serving->catalogue_version();
  if (*version == refused_version_ && catalogue == refused_with_catalogue_) {
    return absl::FailedPreconditionError(absl::StrCat("model version ", *version, " was refused"));
  }
  const absl::StatusOr<storage::ModelRow> row = store.Load(*version);
  if (!row.ok()) return Unreadable(row.status());
  ForgetUnreadable();
  const absl::StatusOr<decision::StoredModel> stored = decision::ReadModel(*row);
  if (!stored.ok()) return Refuse(*version, stored.status());
  if (const absl::Status taken = s_.serving->SetSnapshot(stored->snapshot); !taken.ok()) {
    return Refuse(*version, taken);
  }
  ReportSwap(*stored->snapshot);
  return absl::OkStatus();
}

absl::Status ModelUpdater::Unreadable(const absl::Status& why) {
  if (why.code() == absl::StatusCode::kUnavailable || why.message() == unreadable_) return why;
  unreadable_ = std::string(why.message());
  s_.metrics->RecordModelRefused(Refusal::kUnusable);
  s_.log->Write(LogLevel::kError, "the current model cannot be read",
                {{"in_service", s_.serving->model_version()}, {"message", why.message()}});
  s_.serving->ExplainAbsence(absl::StrCat("the current model cannot be read: ", why.message()));
  readiness_->SetModelNote(
      absl::StrCat("the current model cannot be read, version ", s_.serving->model_version(), " stays in service"));
  return why;
}

void ModelUpdater::ForgetUnreadable() {
  if (unreadable_.empty()) return;
  unreadable_.clear();
  readiness_->SetModelNote("");
}

absl::Status ModelUpdater::Refuse(int64_t version, const absl::Status& why) {
  refused_version_ = version;
  refused_with_catalogue_ = s_.serving->catalogue_version();
  s_.metrics->RecordModelRefused(ReasonOf(why));
  s_.log->Write(LogLevel::kError, "model version refused",
                {{"model_version", version}, {"in_service", s_.serving->model_version()}, {"message", why.message()}});
  s_.serving->ExplainAbsence(absl::StrCat("model version ", version, " was refused: ", why.message()));
  return why;
}

// A version that was refused may have come into service with a catalogue that fits it.
absl::Status ModelUpdater::ReportAdopted() {
  s_.serving->DropRefusedSnapshot();
  const auto serving = s_.serving->Get();
  if (serving.ok() && (*serving)->snapshot().version() != reported_version_) ReportSwap((*serving)->snapshot());
  return absl::OkStatus();
}

void ModelUpdater::ReportSwap(const decision::Snapshot& snapshot) {
  const bandit::Posterior& posterior = snapshot.posterior();
  reported_version_ = snapshot.version();
  std::vector<learning::DelayQuantiles> delays;
  if (const auto laws = learning::LawsOf(snapshot.delay_law(), snapshot.delay()); laws.ok()) {
    delays = learning::QuantilesOf(*laws);
  }
  s_.metrics->RecordModelSwap({.version = snapshot.version(),
                               .exposures = snapshot.lineage().exposures(),
                               .pending_exposures = snapshot.lineage().pending_exposures(),
                               .noise_variance = posterior.noise_variance(),
                               .condition_number = posterior.condition_number(),
                               .dimension = posterior.dim(),
                               .late_value_share = snapshot.delay().late_value_share(),
                               .delay_tail_share = snapshot.delay().tail_share(),
                               .delays = std::move(delays)});
  s_.log->Write(LogLevel::kInfo, "model in service",
                {{"model_version", snapshot.version()},
                 {"exposures", snapshot.lineage().exposures()},
                 {"dimension", posterior.dim()},
                 {"condition_number", posterior.condition_number()}});
}

}  // namespace suggest::server
