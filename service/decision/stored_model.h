// A model version as the database keeps it, decoded, checked and solved.
#ifndef SERVICE_DECISION_STORED_MODEL_H_
#define SERVICE_DECISION_STORED_MODEL_H_

#include <cstdint>
#include <memory>

#include "absl/status/statusor.h"
#include "service/decision/snapshot.h"
#include "storage/models/model_store.h"
#include "suggest/model/v1/model.pb.h"

namespace suggest::decision {

struct StoredModel {
  model::v1::ModelVersion model;
  std::shared_ptr<const Snapshot> snapshot;
};

// Errors, which name the version: FAILED_PRECONDITION when the format is newer than this build knows; DATA_LOSS for
// bytes that do not match their checksum, are another version's or contradict themselves; INTERNAL when the posterior
// cannot be used.
absl::StatusOr<StoredModel> ReadModel(const storage::ModelRow& row);

// Errors: those of ReadModel and of ModelStore::Load.
absl::StatusOr<std::shared_ptr<const Snapshot>> LoadSnapshot(const storage::ModelStore& store, int64_t version);

}  // namespace suggest::decision

#endif  // SERVICE_DECISION_STORED_MODEL_H_
