// A model version of the database, checked and solved.
#ifndef SERVICE_CTL_STORED_MODEL_H_
#define SERVICE_CTL_STORED_MODEL_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "service/decision/snapshot.h"
#include "storage/model_store.h"
#include "suggest/model/v1/model.pb.h"
#include "suggest/v1/learning_service.pb.h"

namespace suggest::ctl {

struct StoredModel {
  storage::ModelHead head;
  std::string bytes;  // as stored
  model::v1::ModelVersion model;
  std::shared_ptr<const decision::Snapshot> snapshot;
};

// A whole number of at least 1, or "current". Errors: UsageError; NOT_FOUND without any model.
absl::StatusOr<int64_t> ResolveVersion(const storage::ModelStore& store, const std::string& text);

// Errors: NOT_FOUND; DATA_LOSS when the bytes are damaged; FAILED_PRECONDITION when their format is newer than this
// build knows. All name the version.
absl::StatusOr<StoredModel> LoadModel(const storage::ModelStore& store, int64_t version);

// Every term of the posterior: mean, and standard deviation sigma sqrt(Sigma_kk). In the order of the context.
std::vector<v1::ModelTerm> TermsOf(const decision::Snapshot& snapshot);

}  // namespace suggest::ctl

#endif  // SERVICE_CTL_STORED_MODEL_H_
