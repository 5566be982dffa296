#include "service/decision/policy_run.h"

#include <algorithm>
#include <bit>
#include <limits>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "bandit/base/check.h"
#include "bandit/base/status_macros.h"

namespace suggest::decision {
namespace {

using model::v1::DecisionInputs;

bandit::PolicyKind ToKind(v1::Policy policy) {
  switch (policy) {
    case v1::THOMPSON:
      return bandit::PolicyKind::kThompson;
    case v1::LIN_UCB:
      return bandit::PolicyKind::kLinUcb;
    case v1::GREEDY:
      return bandit::PolicyKind::kGreedy;
    case v1::EPSILON_GREEDY:
      return bandit::PolicyKind::kEpsilonGreedy;
    case v1::POPULAR:
      return bandit::PolicyKind::kPopular;
    default:
      SUGGEST_CHECK(policy == v1::UNIFORM);
      return bandit::PolicyKind::kUniform;
  }
}

absl::Status CheckRange(uint32_t index, int catalogue_size) {
  if (index < static_cast<uint32_t>(catalogue_size)) return absl::OkStatus();
  return absl::DataLossError(absl::StrCat("logged candidate ", index, " is outside its catalogue of ", catalogue_size));
}

// Runs `choose`; when it fails and the policy needs no posterior, once more without one.
template <typename Choose>
auto OrWithoutPosterior(v1::Policy policy, bandit::DecisionProblem* problem, Choose choose) {
  auto result = choose();
  if (result.ok() || (policy != v1::POPULAR && policy != v1::UNIFORM)) return result;
  problem->posterior = nullptr;
  return choose();
}

// In single precision, and not zero where the number is not.
float ToPositiveFloat(double p) {
  return std::max(static_cast<float>(p), p > 0 ? std::numeric_limits<float>::min() : 0.0f);
}

}  // namespace

void PackEligible(const bandit::CandidateSet& eligible, DecisionInputs* inputs) {
  inputs->set_listed(eligible.base() == nullptr);
  inputs->mutable_candidates()->Add(eligible.exceptions().begin(), eligible.exceptions().end());
}

absl::StatusOr<bandit::CandidateSet> UnpackEligible(const Catalogue& catalogue, const DecisionInputs& inputs,
                                                    absl::Time decided_at) {
  std::vector<int> candidates;
  candidates.reserve(inputs.candidates_size());
  for (const uint32_t index : inputs.candidates()) {
    RETURN_IF_ERROR(CheckRange(index, catalogue.size()));
    if (!candidates.empty() && static_cast<int>(index) <= candidates.back()) {
      return absl::DataLossError(absl::StrCat("logged candidate ", index, " follows ", candidates.back()));
    }
    candidates.push_back(static_cast<int>(index));
  }
  if (inputs.listed()) return candidates;
  std::shared_ptr<const bandit::CandidateMask> active = catalogue.ActiveAt(decided_at);
  for (const int removed : candidates) {
    if (!active->Contains(removed)) {
      return absl::DataLossError(absl::StrCat("logged candidate ", removed, " was removed without being active"));
    }
  }
  return bandit::CandidateSet(std::move(active), std::move(candidates));
}

absl::StatusOr<bandit::DecisionProblem> MakeProblem(const Serving& serving, const DecisionInputs& inputs,
                                                    absl::Time decided_at) {
  bandit::DecisionProblem problem;
  problem.posterior = &serving.snapshot().folded();
  problem.layout = serving.snapshot().layout();
  problem.catalogue = &serving.candidates();
  problem.customer = Eigen::Map<const Eigen::VectorXf>(inputs.customer().data(), inputs.customer_size()).cast<double>();
  ASSIGN_OR_RETURN(problem.eligible, UnpackEligible(serving.catalogue(), inputs, decided_at));
  const int length = problem.layout.pair_dim;
  if (inputs.pair_values_size() != inputs.pair_candidates_size() * length) {
    return absl::DataLossError(absl::StrCat("logged ", inputs.pair_values_size(), " pair features of ",
                                            inputs.pair_candidates_size(), " candidates, the layout expects ", length,
                                            " each"));
  }
  problem.pairs.reserve(inputs.pair_candidates_size());
  for (int i = 0; i < inputs.pair_candidates_size(); ++i) {
    RETURN_IF_ERROR(CheckRange(inputs.pair_candidates(i), serving.catalogue().size()));
    const float* values = inputs.pair_values().data() + static_cast<ptrdiff_t>(i) * length;
    problem.pairs.push_back({static_cast<int>(inputs.pair_candidates(i)),
                             Eigen::Map<const Eigen::VectorXf>(values, length).cast<double>()});
  }
  return problem;
}

bandit::PolicySettings MakeSettings(const Serving& serving, v1::Policy policy, const DecisionInputs& inputs,
                                    TimeLeft time_left) {
  bandit::PolicySettings settings;
  settings.kind = ToKind(policy);
  settings.scale = inputs.exploration_scale();
  settings.floor = inputs.exploration_floor();
  settings.propensity_draws = inputs.propensity_draws();
  settings.time_left = std::move(time_left);
  if (settings.kind == bandit::PolicyKind::kPopular) settings.popularity = serving.popularity();
  return settings;
}

absl::StatusOr<bandit::Slate> RunPolicy(const Serving& serving, const storage::DecisionRecord& record,
                                        TimeLeft time_left, bandit::KernelWidth width, bandit::CustomerMemo* memo) {
  const DecisionInputs& inputs = record.inputs;
  const auto policy = static_cast<v1::Policy>(record.policy);
  ASSIGN_OR_RETURN(bandit::DecisionProblem problem, MakeProblem(serving, inputs, record.decided_at));
  if (problem.eligible.empty()) return absl::FailedPreconditionError("no candidate is eligible");
  problem.memo = memo;
  const bandit::PolicySettings settings = MakeSettings(serving, policy, inputs, std::move(time_left));
  return OrWithoutPosterior(
      policy, &problem, [&] { return bandit::ChooseSlate(problem, settings, inputs.requested(), record.seed, width); });
}

absl::StatusOr<std::vector<bandit::ScoredCandidate>> ScoreEligible(const Serving& serving, v1::Policy policy,
                                                                   const DecisionInputs& inputs, absl::Time decided_at,
                                                                   uint64_t seed) {
  ASSIGN_OR_RETURN(bandit::DecisionProblem problem, MakeProblem(serving, inputs, decided_at));
  if (problem.eligible.empty()) return absl::FailedPreconditionError("no candidate is eligible");
  const bandit::PolicySettings settings = MakeSettings(serving, policy, inputs, {});
  return OrWithoutPosterior(policy, &problem, [&] { return bandit::ScoreAll(problem, settings, seed); });
}

absl::StatusOr<std::optional<std::vector<CandidatePropensity>>> AllPropensities(const Serving& serving,
                                                                                const storage::DecisionRecord& record,
                                                                                TimeLeft time_left) {
  const DecisionInputs& inputs = record.inputs;
  ASSIGN_OR_RETURN(bandit::DecisionProblem problem, MakeProblem(serving, inputs, record.decided_at));
  if (problem.eligible.size() > kMostPropensities) {
    return absl::InvalidArgumentError(absl::StrCat("include_propensities: ", problem.eligible.size(),
                                                   " candidates are eligible, propensities are given for at most ",
                                                   kMostPropensities, "; name fewer in candidate_ids"));
  }
  const auto policy = static_cast<v1::Policy>(record.policy);
  const bandit::PolicySettings settings = MakeSettings(serving, policy, inputs, std::move(time_left));
  ASSIGN_OR_RETURN(const auto estimates, OrWithoutPosterior(policy, &problem, [&] {
                     return bandit::EstimateAll(problem, settings, inputs.requested(), record.seed);
                   }));
  if (!estimates.has_value()) return std::optional<std::vector<CandidatePropensity>>();
  std::vector<CandidatePropensity> all;
  const std::vector<int> eligible = problem.eligible.ToVector();
  for (size_t i = 0; i < eligible.size(); ++i) all.push_back({eligible[i], (*estimates)[i]});
  return std::optional<std::vector<CandidatePropensity>>(std::move(all));
}

void LogPropensities(const bandit::Slate& slate, DecisionInputs* inputs) {
  for (const bandit::ScoredCandidate& item : slate.items) {
    const bandit::PropensityEstimate& p = item.propensity;
    inputs->add_p_first(ToPositiveFloat(p.first.value));
    inputs->add_p_in_slate(ToPositiveFloat(p.in_slate.value));
    inputs->add_p_at_rank(ToPositiveFloat(p.at_rank.value));
    inputs->add_se_first(static_cast<float>(p.first.standard_error));
    inputs->add_se_in_slate(static_cast<float>(p.in_slate.standard_error));
    inputs->add_se_at_rank(static_cast<float>(p.at_rank.standard_error));
  }
}

absl::Status CheckColumns(const storage::DecisionRecord& record) {
  const DecisionInputs& inputs = record.inputs;
  const int size = inputs.slate_size();
  if (!v1::Policy_IsValid(record.policy) || record.policy == v1::POLICY_UNSPECIFIED) {
    return absl::DataLossError(absl::StrCat("decision ", record.decision_id, " logged policy ", record.policy));
  }
  if (static_cast<int>(record.recommendation_ids.size()) != size) {
    return absl::DataLossError(absl::StrCat("decision ", record.decision_id, " logged ", size, " slots of ",
                                            record.recommendation_ids.size(), " recommendations"));
  }
  for (const int propensities : {inputs.p_first_size(), inputs.p_in_slate_size(), inputs.p_at_rank_size(),
                                 inputs.se_first_size(), inputs.se_in_slate_size(), inputs.se_at_rank_size()}) {
    if (propensities == inputs.p_first_size() && (propensities == 0 || propensities == size)) continue;
    return absl::DataLossError(
        absl::StrCat("decision ", record.decision_id, " logged ", propensities, " propensities of ", size, " slots"));
  }
  if (inputs.scores_size() == size && inputs.means_size() == size && inputs.sds_size() == size) return absl::OkStatus();
  return absl::DataLossError(absl::StrCat("decision ", record.decision_id, " logged a slate of ", size, " with ",
                                          inputs.scores_size(), " scores, ", inputs.means_size(), " means and ",
                                          inputs.sds_size(), " deviations"));
}

bool SlotMatchesLog(const DecisionInputs& logged, int slot, const bandit::ScoredCandidate& again) {
  return logged.slate(slot) == static_cast<uint32_t>(again.candidate) &&
         std::bit_cast<uint64_t>(logged.scores(slot)) == std::bit_cast<uint64_t>(again.score) &&
         logged.means(slot) == static_cast<float>(again.mean) && logged.sds(slot) == static_cast<float>(again.sd);
}

absl::StatusOr<bool> MatchesLog(const storage::DecisionRecord& record, const bandit::Slate& again) {
  RETURN_IF_ERROR(CheckColumns(record));
  bool matches = record.explore == again.explore && record.inputs.slate_size() == static_cast<int>(again.items.size());
  for (int i = 0; matches && i < record.inputs.slate_size(); ++i) {
    matches = SlotMatchesLog(record.inputs, i, again.items[i]);
  }
  return matches;
}

}  // namespace suggest::decision
