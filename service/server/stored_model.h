// Model versions as the database keeps them, read and checked.
#ifndef SERVICE_SERVER_STORED_MODEL_H_
#define SERVICE_SERVER_STORED_MODEL_H_

#include <memory>

#include "absl/status/statusor.h"
#include "service/decision/snapshot.h"
#include "storage/database.h"
#include "storage/model_store.h"

namespace suggest::server {

// Errors: FAILED_PRECONDITION for a format that is newer than this program's; DATA_LOSS for bytes that do not match
// their checksum or contradict themselves; INTERNAL when the posterior cannot be used.
absl::StatusOr<std::shared_ptr<const decision::Snapshot>> ToSnapshot(const storage::ModelRow& row);

// For readers that answer a client: a newer format is DATA_LOSS too. Errors: NOT_FOUND for an unknown version.
absl::StatusOr<std::shared_ptr<const decision::Snapshot>> LoadSnapshot(storage::Database* database, int64_t version);

}  // namespace suggest::server

#endif  // SERVICE_SERVER_STORED_MODEL_H_
