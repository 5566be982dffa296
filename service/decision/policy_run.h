// From the logged inputs of a decision to its slate: the one path that both choosing and explaining take, so that a
// decision is recomputed by the code that made it.
#ifndef SERVICE_DECISION_POLICY_RUN_H_
#define SERVICE_DECISION_POLICY_RUN_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "bandit/choose/scoring.h"
#include "service/decision/catalogue.h"
#include "storage/records.h"
#include "suggest/model/v1/decision.pb.h"
#include "suggest/v1/suggestion_service.pb.h"

namespace suggest::decision {

// Logs what is eligible: a list, or what is removed from the catalogue's active ones.
// REQUIRES: a base, where `eligible` has one, is that of Catalogue::ActiveAt(decided_at).
void PackEligible(const bandit::CandidateSet& eligible, model::v1::DecisionInputs* inputs);

// The reverse. Errors: DATA_LOSS for an index outside the catalogue, out of order, or removed without being active.
absl::StatusOr<bandit::CandidateSet> UnpackEligible(const Catalogue& catalogue, const model::v1::DecisionInputs& inputs,
                                                    absl::Time decided_at);

// The problem that `inputs` describe under `serving`, which must outlive it. Errors: DATA_LOSS as UnpackEligible, and
// for pair features whose number does not fit.
absl::StatusOr<bandit::DecisionProblem> MakeProblem(const Serving& serving, const model::v1::DecisionInputs& inputs,
                                                    absl::Time decided_at);

// Whether there is time left for propensities, asked between blocks of draws. Empty: there is no bound.
using TimeLeft = std::function<bool()>;

// The settings that `inputs` describe.
// REQUIRES: `policy` is one that suggestd can run (not EXPERT).
bandit::PolicySettings MakeSettings(const Serving& serving, v1::Policy policy, const model::v1::DecisionInputs& inputs,
                                    TimeLeft time_left);

// Runs record.policy on its logged inputs (customer, eligible, pairs, scale, floor, draws, requested) and seed. POPULAR
// and UNIFORM need no posterior: when it cannot be used they run without it, and expected rewards are then 0. `memo`
// may be null. Errors: FAILED_PRECONDITION when no candidate is eligible; else bandit::ChooseSlate's.
absl::StatusOr<bandit::Slate> RunPolicy(const Serving& serving, const storage::DecisionRecord& record,
                                        TimeLeft time_left, bandit::KernelWidth width,
                                        bandit::CustomerMemo* memo = nullptr);

inline constexpr int kMostPropensities = 1000;

struct CandidatePropensity {
  int candidate = 0;  // index in the catalogue
  bandit::PropensityEstimate estimate;
};

// P(first) and P(in slate) of every candidate of a decision that was just taken, ascending; nullopt when the time was
// not enough. Errors: as RunPolicy, and INVALID_ARGUMENT for more than kMostPropensities.
absl::StatusOr<std::optional<std::vector<CandidatePropensity>>> AllPropensities(const Serving& serving,
                                                                                const storage::DecisionRecord& record,
                                                                                TimeLeft time_left);

// Logs the propensities of a slate whose other columns are logged.
void LogPropensities(const bandit::Slate& slate, model::v1::DecisionInputs* inputs);

// Whether `again` is the slate that was logged: candidates, scores, means, deviations and the coin, bit for bit.
// Errors: DATA_LOSS when the logged columns are not equally long.
absl::StatusOr<bool> MatchesLog(const storage::DecisionRecord& record, const bandit::Slate& again);

// The same for one slot, counted from 0. REQUIRES: MatchesLog's errors are ruled out.
bool SlotMatchesLog(const model::v1::DecisionInputs& logged, int slot, const bandit::ScoredCandidate& again);

// The error of MatchesLog.
absl::Status CheckColumns(const storage::DecisionRecord& record);

// Every eligible candidate, ascending, with the scores that RunPolicy ranks by and without propensities.
// Errors: as RunPolicy.
absl::StatusOr<std::vector<bandit::ScoredCandidate>> ScoreEligible(const Serving& serving, v1::Policy policy,
                                                                   const model::v1::DecisionInputs& inputs,
                                                                   absl::Time decided_at, uint64_t seed);

}  // namespace suggest::decision

#endif  // SERVICE_DECISION_POLICY_RUN_H_
