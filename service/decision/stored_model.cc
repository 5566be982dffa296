#include "service/decision/stored_model.h"

#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "bandit/base/status_macros.h"
#include "service/decision/model_codec.h"

namespace suggest::decision {
namespace {

absl::Status Named(int64_t version, const absl::Status& status) {
  if (absl::StartsWith(status.message(), "model version ")) return status;
  return absl::Status(status.code(), absl::StrCat("model version ", version, ": ", status.message()));
}

}  // namespace

absl::StatusOr<StoredModel> ReadModel(const storage::ModelRow& row) {
  if (row.format > kModelFormat) {
    return absl::FailedPreconditionError(absl::StrCat("model version ", row.version, " has format ", row.format,
                                                      ", this program knows formats up to ", kModelFormat));
  }
  absl::StatusOr<model::v1::ModelVersion> model = DecodeModel(row.bytes, row.sha256);
  if (!model.ok()) return Named(row.version, model.status());
  if (model->version() != row.version) {
    return absl::DataLossError(
        absl::StrCat("the row of model version ", row.version, " holds version ", model->version()));
  }
  absl::StatusOr<std::shared_ptr<const Snapshot>> snapshot = Snapshot::FromModel(*model);
  if (!snapshot.ok()) return Named(row.version, snapshot.status());
  return StoredModel{*std::move(model), *std::move(snapshot)};
}

absl::StatusOr<std::shared_ptr<const Snapshot>> LoadSnapshot(const storage::ModelStore& store, int64_t version) {
  ASSIGN_OR_RETURN(const storage::ModelRow row, store.Load(version));
  ASSIGN_OR_RETURN(StoredModel stored, ReadModel(row));
  return std::move(stored.snapshot);
}

}  // namespace suggest::decision
