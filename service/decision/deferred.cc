#include "service/decision/deferred.h"

#include "absl/strings/str_cat.h"
#include "bandit/base/check.h"
#include "bandit/base/status_macros.h"
#include "service/decision/policy_run.h"

namespace suggest::decision {

absl::Status FillDeferred(const Serving& serving, storage::DecisionRecord* record) {
  SUGGEST_CHECK(record->model_version == serving.snapshot().version());
  SUGGEST_CHECK(record->catalogue_version == serving.catalogue().version());
  if (record->propensity_status != v1::DEFERRED || record->inputs.propensity_draws() == 0) {
    return absl::FailedPreconditionError(
        absl::StrCat("decision ", record->decision_id, " has no deferred propensities"));
  }
  RETURN_IF_ERROR(CheckColumns(*record));
  ASSIGN_OR_RETURN(const bandit::Slate slate, RunPolicy(serving, *record, {}, bandit::KernelWidth::kAuto));
  ASSIGN_OR_RETURN(const bool matches, MatchesLog(*record, slate));
  if (!matches) {
    return absl::DataLossError(absl::StrCat("decision ", record->decision_id, ": its slate is not found again"));
  }
  LogPropensities(slate, &record->inputs);
  record->propensity_status = v1::ESTIMATED;
  return absl::OkStatus();
}

}  // namespace suggest::decision
