#include "service/server/follow/catalogue_updater.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "bandit/base/status_macros.h"
#include "service/common/sha256.h"
#include "service/decision/catalogue.h"
#include "storage/source/catalogue_store.h"

namespace suggest::server {
namespace {

// The first ten, which an operator can look at.
std::string FirstOf(const std::vector<std::string>& problems) {
  const size_t shown = std::min<size_t>(problems.size(), 10);
  return absl::StrJoin(problems.begin(), problems.begin() + static_cast<std::ptrdiff_t>(shown), "; ");
}

}  // namespace

absl::Status CatalogueUpdater::Poll() {
  const absl::Status status = TakeChanged();
  if (status.ok()) {
    reported_.clear();
  } else if (status.code() != absl::StatusCode::kUnavailable) {  // the model updater tells of an absent database
    Report(status);
  }
  return status;
}

absl::Status CatalogueUpdater::TakeChanged() {
  storage::CatalogueStore store(s_.database);
  std::vector<std::string> withheld;
  ASSIGN_OR_RETURN(const std::vector<storage::RecommendationRecord> records, store.All(&withheld));
  const std::string bytes = decision::Catalogue::BytesOf(records, &withheld);
  const std::string version = Sha256(bytes);
  if (version == s_.serving->catalogue_version()) {
    refused_version_.clear();
    ShowProblems(withheld);
    return absl::OkStatus();
  }
  if (version == refused_version_ && s_.serving->model_version() == refused_with_model_) {
    return absl::InvalidArgumentError(reported_);
  }
  const auto catalogue = decision::Catalogue::FromRecords(records);
  if (!catalogue.ok()) return Refuse(version, catalogue.status());
  RETURN_IF_ERROR(store.SaveVersion(version, bytes, s_.clock->Now()));
  if (const absl::Status taken = s_.serving->SetCatalogue(*catalogue); !taken.ok()) return Refuse(version, taken);
  refused_version_.clear();
  s_.metrics->SetCatalogueSize((*catalogue)->size());
  s_.log->Write(LogLevel::kInfo, "catalogue in service", {{"recommendations", (*catalogue)->size()}});
  ShowProblems(withheld);
  return absl::OkStatus();
}

void CatalogueUpdater::ShowProblems(const std::vector<std::string>& withheld) {
  const auto serving = s_.serving->Get();
  if (!serving.ok()) return;
  const std::vector<std::string>& unreadable = (*serving)->unreadable();
  s_.metrics->SetCatalogueProblems(static_cast<int64_t>(withheld.size()), static_cast<int64_t>(unreadable.size()));
  // Ids and counts are all that changes with a row.
  const std::string problems = absl::StrCat(absl::StrJoin(withheld, "; "), "|", absl::StrJoin(unreadable, "; "));
  if (std::exchange(shown_problems_, problems) == problems) return;
  if (withheld.empty() && unreadable.empty()) return readiness_->SetCatalogueNote("");
  readiness_->SetCatalogueNote(absl::StrCat("of the catalogue ", withheld.size(), " rows are withheld and ",
                                            unreadable.size(), " values count as missing, since they cannot be read"));
  s_.log->Write(LogLevel::kWarning, "rows of the catalogue cannot be read",
                {{"withheld", static_cast<int64_t>(withheld.size())},
                 {"withheld_first", FirstOf(withheld)},
                 {"missing_values", static_cast<int64_t>(unreadable.size())},
                 {"missing_values_first", FirstOf(unreadable)}});
}

absl::Status CatalogueUpdater::Refuse(const std::string& version, const absl::Status& why) {
  refused_version_ = version;
  refused_with_model_ = s_.serving->model_version();
  return why;
}

void CatalogueUpdater::Report(const absl::Status& why) {
  if (why.message() == reported_) return;
  reported_ = std::string(why.message());
  s_.metrics->RecordCatalogueRefused();
  s_.log->Write(LogLevel::kError, "catalogue refused", {{"message", reported_}});
  s_.serving->ExplainAbsence(absl::StrCat("the catalogue was refused: ", reported_));
}

}  // namespace suggest::server
