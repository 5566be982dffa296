#include "service/server/follow/stored_model.h"

#include <utility>

#include "bandit/base/status_macros.h"
#include "service/decision/stored_model.h"
#include "service/server/rpc/call.h"

namespace suggest::server {

absl::StatusOr<std::shared_ptr<const decision::Snapshot>> ToSnapshot(const storage::ModelRow& row) {
  absl::StatusOr<decision::StoredModel> stored = decision::ReadModel(row);
  if (stored.ok()) return std::move(stored->snapshot);
  if (stored.status().code() != absl::StatusCode::kFailedPrecondition) return stored.status();
  return absl::DataLossError(stored.status().message());
}

absl::StatusOr<std::shared_ptr<const decision::Snapshot>> LoadSnapshot(storage::Database* database, int64_t version) {
  const absl::StatusOr<storage::ModelRow> row = storage::ModelStore(database).Load(version);
  RETURN_IF_ERROR(FromStorage(row.status()));
  return ToSnapshot(*row);
}

}  // namespace suggest::server
