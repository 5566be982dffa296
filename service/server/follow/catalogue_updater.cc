#include "service/server/follow/catalogue_updater.h"

#include <memory>
#include <vector>

#include "absl/strings/str_cat.h"
#include "bandit/base/status_macros.h"
#include "service/common/sha256.h"
#include "service/decision/catalogue.h"
#include "storage/source/catalogue_store.h"

namespace suggest::server {

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
  ASSIGN_OR_RETURN(const std::vector<storage::RecommendationRecord> records, store.All());
  const std::string bytes = decision::Catalogue::BytesOf(records);
  const std::string version = Sha256(bytes);
  if (version == s_.serving->catalogue_version()) {
    refused_version_.clear();
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
  return absl::OkStatus();
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
