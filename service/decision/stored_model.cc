#include "service/decision/stored_model.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "bandit/base/status_macros.h"
#include "service/decision/model_codec.h"

namespace suggest::decision {

absl::StatusOr<StoredModel> ReadModel(const storage::ModelRow& row) {
  if (row.format > kModelFormat) {
    return absl::FailedPreconditionError(absl::StrCat("model version ", row.version, " has format ", row.format,
                                                      ", this program knows formats up to ", kModelFormat));
  }
  absl::StatusOr<model::v1::ModelVersion> model = DecodeModel(row.bytes, row.sha256);
  if (!model.ok()) {
    return absl::Status(model.status().code(),
                        absl::StrCat("model version ", row.version, ": ", model.status().message()));
  }
  if (model->version() != row.version) {
    return absl::DataLossError(
        absl::StrCat("the row of model version ", row.version, " holds version ", model->version()));
  }
  ASSIGN_OR_RETURN(std::shared_ptr<const Snapshot> snapshot, Snapshot::FromModel(*model));
  return StoredModel{*std::move(model), std::move(snapshot)};
}

absl::StatusOr<std::shared_ptr<const Snapshot>> LoadSnapshot(const storage::ModelStore& store, int64_t version) {
  ASSIGN_OR_RETURN(const storage::ModelRow row, store.Load(version));
  ASSIGN_OR_RETURN(StoredModel stored, ReadModel(row));
  return std::move(stored.snapshot);
}

}  // namespace suggest::decision
