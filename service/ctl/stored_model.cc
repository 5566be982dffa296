#include "service/ctl/stored_model.h"

#include <cmath>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "bandit/base/status_macros.h"
#include "service/ctl/outcome.h"
#include "service/decision/model_codec.h"

namespace suggest::ctl {
namespace {

absl::Status Named(int64_t version, const absl::Status& status) {
  return absl::Status(status.code(), absl::StrCat("model version ", version, ": ", status.message()));
}

}  // namespace

absl::StatusOr<int64_t> ResolveVersion(const storage::ModelStore& store, const std::string& text) {
  if (text == "current") return store.Current();
  int64_t version = 0;
  if (!absl::SimpleAtoi(text, &version) || version < 1) {
    return UsageError(absl::StrCat("VERSION: \"", text, "\" is neither a version's number nor current"));
  }
  return version;
}

absl::StatusOr<StoredModel> LoadModel(const storage::ModelStore& store, int64_t version) {
  StoredModel stored;
  ASSIGN_OR_RETURN(stored.head, store.Head(version));
  ASSIGN_OR_RETURN(const storage::ModelRow row, store.Load(version));
  stored.bytes = row.bytes;
  absl::StatusOr<model::v1::ModelVersion> model = decision::DecodeModel(row.bytes, row.sha256);
  if (!model.ok()) return Named(version, model.status());
  stored.model = *std::move(model);
  absl::StatusOr<std::shared_ptr<const decision::Snapshot>> snapshot = decision::Snapshot::FromModel(stored.model);
  if (!snapshot.ok()) return Named(version, snapshot.status());
  stored.snapshot = *std::move(snapshot);
  return stored;
}

std::vector<v1::ModelTerm> TermsOf(const decision::Snapshot& snapshot) {
  const bandit::Posterior& posterior = snapshot.posterior();
  std::vector<v1::ModelTerm> terms(posterior.dim());
  for (int k = 0; k < posterior.dim(); ++k) {
    terms[k].set_name(snapshot.term_names()[k]);
    terms[k].set_mean(posterior.mean()[k]);
    terms[k].set_standard_deviation(std::sqrt(posterior.noise_variance() * posterior.covariance()(k, k)));
  }
  return terms;
}

}  // namespace suggest::ctl
