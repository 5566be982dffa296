// Stored model versions for methods that answer a client, which has no use for one that this program cannot read.
#ifndef SERVICE_SERVER_FOLLOW_STORED_MODEL_H_
#define SERVICE_SERVER_FOLLOW_STORED_MODEL_H_

#include <cstdint>
#include <memory>

#include "absl/status/statusor.h"
#include "service/decision/snapshot.h"
#include "storage/models/model_store.h"
#include "storage/postgres/database.h"

namespace suggest::server {

// Errors: decision::ReadModel's, with DATA_LOSS for a newer format too.
absl::StatusOr<std::shared_ptr<const decision::Snapshot>> ToSnapshot(const storage::ModelRow& row);

// Errors: the same; NOT_FOUND for an unknown version; FromStorage's.
absl::StatusOr<std::shared_ptr<const decision::Snapshot>> LoadSnapshot(storage::Database* database, int64_t version);

}  // namespace suggest::server

#endif  // SERVICE_SERVER_FOLLOW_STORED_MODEL_H_
