// One decision for the log, as a test stores it.
#ifndef TESTS_SUPPORT_APPEND_DECISION_H_
#define TESTS_SUPPORT_APPEND_DECISION_H_

#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "bandit/base/status_macros.h"
#include "storage/log/decision_store.h"

namespace suggest::testing {

// DecisionStore::AppendBatch of one record. Errors: what it was refused for, and those of AppendBatch.
inline absl::StatusOr<storage::AppendResult> Append(storage::DecisionStore& store,
                                                    const storage::DecisionRecord& decision) {
  const storage::DecisionRecord* const batch[] = {&decision};
  ASSIGN_OR_RETURN(std::vector<storage::Appended> appended, store.AppendBatch(batch));
  RETURN_IF_ERROR(appended.front().status);
  if (!appended.front().earlier.has_value()) return storage::AppendResult{decision, false};
  return storage::AppendResult{*std::move(appended.front().earlier), true};
}
inline absl::StatusOr<storage::AppendResult> Append(storage::DecisionStore&& store,
                                                    const storage::DecisionRecord& decision) {
  return Append(store, decision);
}

}  // namespace suggest::testing

#endif  // TESTS_SUPPORT_APPEND_DECISION_H_
