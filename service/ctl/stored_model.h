// A model version of the database, checked and solved, with all that its row says.
#ifndef SERVICE_CTL_STORED_MODEL_H_
#define SERVICE_CTL_STORED_MODEL_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "service/decision/snapshot.h"
#include "service/decision/stored_model.h"
#include "storage/models/model_store.h"
#include "suggest/v1/learning_service.pb.h"

namespace suggest::ctl {

struct StoredModel : decision::StoredModel {
  storage::ModelHead head;
  std::string bytes;  // as stored
};

// A whole number of at least 1, or "current". Errors: UsageError; NOT_FOUND without any model.
absl::StatusOr<int64_t> ResolveVersion(const storage::ModelStore& store, const std::string& text);

// Errors: NOT_FOUND; decision::ReadModel's. All name the version.
absl::StatusOr<StoredModel> LoadModel(const storage::ModelStore& store, int64_t version);

// Every term of the posterior: mean, and standard deviation sigma sqrt(Sigma_kk). In the order of the context.
std::vector<v1::ModelTerm> TermsOf(const decision::Snapshot& snapshot);

}  // namespace suggest::ctl

#endif  // SERVICE_CTL_STORED_MODEL_H_
