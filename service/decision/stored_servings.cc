#include "service/decision/stored_servings.h"

#include <utility>

#include "bandit/base/status_macros.h"
#include "service/decision/stored_model.h"
#include "storage/models/model_store.h"
#include "storage/source/catalogue_store.h"

namespace suggest::decision {

absl::StatusOr<std::shared_ptr<const Serving>> StoredServings::Get(int64_t model_version,
                                                                   const std::string& catalogue_version) {
  std::shared_ptr<const Snapshot> snapshot;
  std::shared_ptr<const Catalogue> catalogue;
  if (last_ != nullptr) {
    if (last_->snapshot().version() == model_version) snapshot = last_->shared_snapshot();
    if (last_->catalogue().version() == catalogue_version) catalogue = last_->shared_catalogue();
    if (snapshot != nullptr && catalogue != nullptr) return last_;
  }
  if (snapshot == nullptr) {
    ASSIGN_OR_RETURN(snapshot, LoadSnapshot(storage::ModelStore(database_), model_version));
  }
  if (catalogue == nullptr) {
    ASSIGN_OR_RETURN(std::string bytes, storage::CatalogueStore(database_).LoadVersion(catalogue_version));
    ASSIGN_OR_RETURN(catalogue, Catalogue::FromBytes(std::move(bytes), catalogue_version));
  }
  ASSIGN_OR_RETURN(last_, Serving::Create(std::move(snapshot), std::move(catalogue)));
  return last_;
}

}  // namespace suggest::decision
