// What ChooseSlate and ScoreAll refuse, before they compute anything.
#ifndef BANDIT_CHOOSE_PROBLEM_CHECK_H_
#define BANDIT_CHOOSE_PROBLEM_CHECK_H_

#include "absl/status/status.h"
#include "bandit/choose/scoring.h"

namespace suggest::bandit {

// Whether means and deviations can be given; else kUniform and kPopular do without.
inline bool HasModel(const DecisionProblem& problem) {
  return problem.posterior != nullptr;
}

// Errors: as documented at ChooseSlate, but for `count`.
absl::Status CheckProblem(const DecisionProblem& problem, const PolicySettings& settings);

}  // namespace suggest::bandit

#endif  // BANDIT_CHOOSE_PROBLEM_CHECK_H_
