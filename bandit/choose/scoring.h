// Choosing a slate: one customer against a catalogue.
//
// Factored: the score of candidate j is a_j' w with a_j = [z~_j; p_j] (recommendation and pair features) and
//   w ~ N(A mu, v^2 sigma^2 A Sigma A'),
// where A folds the customer into the weights (folded_posterior.h). One draw of w serves all slots of a decision, and
// all scores are one product of the catalogue's K x R matrix with a short vector; equal to b' theta up to rounding.
//
// Policies (v = scale; M13, M14, M16):
//   kThompson       a_j' w for one draw of w
//   kLinUcb         mean_j + v sd_j
//   kGreedy         mean_j
//   kEpsilonGreedy  mean_j; epsilon is the floor
//   kUniform        a uniformly random ordered subset; the score shown is mean_j
//   kPopular        popularity[j], whoever the customer is
// Highest score first; equal scores in order of candidate index. Exploration floor: with probability `floor`, by a coin
// from the decision's seed, the whole slate is a uniformly random ordered subset instead; scores shown are then still
// the policy's own.
//
// Reproducible: the same inputs and seed give the same bits on every x86-64 machine and for every KernelWidth: wide
// kernels only select a superset of the best (those within a proven bound), which is scored again in double in a fixed
// order. Nothing here changes its inputs, and nothing has state but a memo, which changes no result: any number of
// threads.
#ifndef BANDIT_CHOOSE_SCORING_H_
#define BANDIT_CHOOSE_SCORING_H_

#include <Eigen/Core>
#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "absl/status/statusor.h"
#include "bandit/choose/candidate_matrix.h"
#include "bandit/choose/candidate_set.h"
#include "bandit/choose/customer_memo.h"
#include "bandit/model/context.h"
#include "bandit/model/folded_posterior.h"
#include "bandit/model/joint_rows.h"
#include "bandit/propensity/propensity.h"

namespace suggest::bandit {

struct DecisionProblem {
  const FoldedPosterior* posterior = nullptr;  // may be null for kUniform and kPopular: means and deviations are then 0
  ContextLayout layout;
  const CandidateMatrix* catalogue = nullptr;  // REQUIRES: not null
  Eigen::VectorXd customer;                    // z~_c, customer_dim numbers, the first one 1
  CandidateSet eligible;                       // rows of the catalogue
  std::vector<PairRow> pairs;                  // ascending by candidate; those of candidates not eligible are ignored
  CustomerMemo* memo = nullptr;  // of this posterior and catalogue; changes what is computed, not the result
};

enum class PolicyKind { kThompson, kLinUcb, kGreedy, kEpsilonGreedy, kUniform, kPopular };

struct PolicySettings {
  PolicyKind kind = PolicyKind::kThompson;
  double scale = 0.5;         // v >= 0
  double floor = 0;           // epsilon in [0, 1]
  int propensity_draws = 64;  // 0: deferred; else 2 to kMaxPropensityDraws
  // Asked between blocks of draws: when it says false, the propensities are deferred. Empty: no bound.
  std::function<bool()> time_left = {};
  std::vector<double> popularity = {};  // one per row of the catalogue; read for kPopular only
};

// Which kernels may be used. The result is the same; kNarrow is for tests and for explaining.
enum class KernelWidth { kAuto, kNarrow };

struct ScoredCandidate {
  int candidate = 0;  // row of the catalogue
  double score = 0;   // what it was ranked by: of this draw
  double mean = 0;    // expected reward, not clipped
  double sd = 0;      // of the expected reward: sigma sqrt(b' Sigma b), without v
  PropensityEstimate propensity;
};

struct Slate {
  std::vector<ScoredCandidate> items;  // min(count, eligible) of them, best first
  bool explore = false;                // the floor's coin made it uniformly random
  PropensityStatus propensity_status = PropensityStatus::kDeferred;
  int contenders = 0;  // candidates left after pruning; 0 where nothing was estimated
};

// Errors: INVALID_ARGUMENT for a count below 1, settings outside their ranges, a customer of another length or not
// finite, eligible or pair rows out of order or out of range, a layout that does not fit posterior or catalogue (names
// both numbers); FAILED_PRECONDITION when no candidate is eligible; INTERNAL when the covariance of w cannot be
// factored. The caller keeps to the last good version or a fallback policy.
absl::StatusOr<Slate> ChooseSlate(const DecisionProblem& problem, const PolicySettings& settings, int count,
                                  uint64_t seed, KernelWidth width = KernelWidth::kAuto);

// P(first) and P(in the slate) of every eligible candidate, in ascending order, for a slate of `count`; at_rank means
// nothing. nullopt when settings.time_left ended it, or no draws are configured. Those that cannot be served in
// practice may be 0. Errors: as ChooseSlate. Cost: as the slate's, times candidates over slots, none pruned.
absl::StatusOr<std::optional<std::vector<PropensityEstimate>>> EstimateAll(const DecisionProblem& problem,
                                                                           const PolicySettings& settings, int count,
                                                                           uint64_t seed);

// Every eligible candidate, ascending, with the scores that ChooseSlate of the same seed ranks
// by, and without propensities. Errors: as ChooseSlate.
absl::StatusOr<std::vector<ScoredCandidate>> ScoreAll(const DecisionProblem& problem, const PolicySettings& settings,
                                                      uint64_t seed);

}  // namespace suggest::bandit

#endif  // BANDIT_CHOOSE_SCORING_H_
