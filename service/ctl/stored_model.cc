#include "service/ctl/stored_model.h"

#include <cmath>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "bandit/base/status_macros.h"
#include "service/ctl/command.h"

namespace suggest::ctl {

absl::StatusOr<int64_t> ResolveVersion(const storage::ModelStore& store, const std::string& text) {
  if (text == "current") return store.Current();
  int64_t version = 0;
  if (!absl::SimpleAtoi(text, &version) || version < 1) {
    return UsageError(absl::StrCat("VERSION: \"", text, "\" is neither a version's number nor current"));
  }
  return version;
}

absl::StatusOr<StoredModel> LoadModel(const storage::ModelStore& store, int64_t version) {
  ASSIGN_OR_RETURN(storage::ModelHead head, store.Head(version));
  ASSIGN_OR_RETURN(storage::ModelRow row, store.Load(version));
  ASSIGN_OR_RETURN(decision::StoredModel model, decision::ReadModel(row));
  return StoredModel{std::move(model), std::move(head), std::move(row.bytes)};
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
