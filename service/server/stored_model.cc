#include "service/server/stored_model.h"

#include "absl/strings/str_cat.h"
#include "bandit/base/status_macros.h"
#include "service/decision/model_codec.h"
#include "service/server/call.h"

namespace suggest::server {

absl::StatusOr<std::shared_ptr<const decision::Snapshot>> ToSnapshot(const storage::ModelRow& row) {
  if (row.format > decision::kModelFormat) {
    return absl::FailedPreconditionError(absl::StrCat("model version ", row.version, " has format ", row.format,
                                                      ", this program knows formats up to ", decision::kModelFormat));
  }
  ASSIGN_OR_RETURN(const model::v1::ModelVersion model, decision::DecodeModel(row.bytes, row.sha256));
  if (model.version() != row.version) {
    return absl::DataLossError(
        absl::StrCat("the row of model version ", row.version, " holds version ", model.version()));
  }
  return decision::Snapshot::FromModel(model);
}

absl::StatusOr<std::shared_ptr<const decision::Snapshot>> LoadSnapshot(storage::Database* database, int64_t version) {
  const absl::StatusOr<storage::ModelRow> row = storage::ModelStore(database).Load(version);
  RETURN_IF_ERROR(FromStorage(row.status()));
  auto snapshot = ToSnapshot(*row);
  if (snapshot.status().code() == absl::StatusCode::kFailedPrecondition) {
    return absl::DataLossError(snapshot.status().message());
  }
  return snapshot;
}

}  // namespace suggest::server
