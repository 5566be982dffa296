#include "service/decision/deferred.h"

#include <bit>
#include <cstdint>

#include "absl/strings/str_cat.h"
#include "bandit/base/check.h"
#include "bandit/base/status_macros.h"
#include "service/decision/policy_run.h"

namespace suggest::decision {
namespace {

bool SameBits(double a, double b) {
  return std::bit_cast<uint64_t>(a) == std::bit_cast<uint64_t>(b);
}

bool IsTheLogged(const storage::DecisionRecord& record, const bandit::Slate& slate) {
  if (slate.explore != record.explore || slate.items.size() != static_cast<size_t>(record.inputs.slate_size())) {
    return false;
  }
  for (size_t i = 0; i < slate.items.size(); ++i) {
    const model::v1::SlateEntry& entry = record.inputs.slate(static_cast<int>(i));
    if (entry.candidate() != static_cast<uint32_t>(slate.items[i].candidate) ||
        !SameBits(entry.score(), slate.items[i].score)) {
      return false;
    }
  }
  return true;
}

}  // namespace

absl::Status FillDeferred(const Serving& serving, storage::DecisionRecord* record) {
  SUGGEST_CHECK(record->model_version == serving.snapshot().version());
  SUGGEST_CHECK(record->catalogue_version == serving.catalogue().version());
  SUGGEST_CHECK(record->propensity_status == v1::DEFERRED);
  ASSIGN_OR_RETURN(const bandit::Slate slate,
                   RunPolicy(serving, static_cast<v1::Policy>(record->policy), record->inputs, kNoBudget, record->seed,
                             bandit::KernelWidth::kAuto));
  if (!IsTheLogged(*record, slate)) {
    return absl::DataLossError(
        absl::StrCat("decision ", record->decision_id, ": what was recomputed is not the logged slate"));
  }
  for (size_t i = 0; i < slate.items.size(); ++i) {
    const bandit::PropensityEstimate& estimate = slate.items[i].propensity;
    model::v1::SlateEntry* entry = record->inputs.mutable_slate(static_cast<int>(i));
    entry->set_p_first(estimate.first.value);
    entry->set_p_in_slate(estimate.in_slate.value);
    entry->set_p_at_rank(estimate.at_rank.value);
    entry->set_se_first(estimate.first.standard_error);
    entry->set_se_in_slate(estimate.in_slate.standard_error);
    entry->set_se_at_rank(estimate.at_rank.standard_error);
  }
  record->propensity_status = v1::ESTIMATED;
  return absl::OkStatus();
}

}  // namespace suggest::decision
