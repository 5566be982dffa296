// From the logged inputs of a decision to its slate: the one path that both choosing and explaining take, so that a
// decision is recomputed by the code that made it.
#ifndef SERVICE_DECISION_POLICY_RUN_H_
#define SERVICE_DECISION_POLICY_RUN_H_

#include <cstdint>
#include <limits>
#include <vector>

#include "absl/status/statusor.h"
#include "bandit/scoring.h"
#include "service/decision/catalogue.h"
#include "suggest/model/v1/decision.pb.h"
#include "suggest/v1/suggestion_service.pb.h"

namespace suggest::decision {

// Fills `eligible`, or `removed` with all_but_removed, whichever is shorter. `eligible` ascending.
void PackEligible(const std::vector<int>& eligible, int catalogue_size, model::v1::DecisionInputs* inputs);

// The reverse. Errors: DATA_LOSS for an index outside the catalogue.
absl::StatusOr<std::vector<int>> UnpackEligible(const model::v1::DecisionInputs& inputs, int catalogue_size);

// The problem that `inputs` describe under `serving`, which must outlive it. Errors: DATA_LOSS as UnpackEligible.
absl::StatusOr<bandit::DecisionProblem> MakeProblem(const Serving& serving, const model::v1::DecisionInputs& inputs);

// A propensity budget that nothing exceeds.
inline constexpr int64_t kNoBudget = std::numeric_limits<int64_t>::max();

// The settings that `inputs` describe.
// REQUIRES: `policy` is one that suggestd can run (not EXPERT).
bandit::PolicySettings MakeSettings(const Serving& serving, v1::Policy policy, const model::v1::DecisionInputs& inputs,
                                    int64_t propensity_budget);

// Runs a policy on logged inputs (customer, eligible, pairs, scale, floor, draws, requested). POPULAR and UNIFORM need
// no posterior: when it cannot be used they run without it, and expected rewards are then 0.
// Errors: FAILED_PRECONDITION when no candidate is eligible; else bandit::ChooseSlate's.
absl::StatusOr<bandit::Slate> RunPolicy(const Serving& serving, v1::Policy policy,
                                        const model::v1::DecisionInputs& inputs, int64_t propensity_budget,
                                        uint64_t seed, bandit::KernelWidth width);

// Every eligible candidate, ascending, with the scores that RunPolicy ranks by and without propensities.
// Errors: as RunPolicy.
absl::StatusOr<std::vector<bandit::ScoredCandidate>> ScoreEligible(const Serving& serving, v1::Policy policy,
                                                                   const model::v1::DecisionInputs& inputs,
                                                                   uint64_t seed);

}  // namespace suggest::decision

#endif  // SERVICE_DECISION_POLICY_RUN_H_
