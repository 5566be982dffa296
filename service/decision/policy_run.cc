#include "service/decision/policy_run.h"

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

// The indices from 0 to size - 1 that are not in `listed`, which is ascending.
template <typename List>
std::vector<int> Complement(const List& listed, int size) {
  std::vector<int> rest;
  auto next = listed.begin();
  for (int i = 0; i < size; ++i) {
    if (next != listed.end() && static_cast<int>(*next) == i) {
      ++next;
    } else {
      rest.push_back(i);
    }
  }
  return rest;
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

}  // namespace

void PackEligible(const std::vector<int>& eligible, int catalogue_size, DecisionInputs* inputs) {
  inputs->set_all_but_removed(2 * eligible.size() > static_cast<size_t>(catalogue_size));
  if (inputs->all_but_removed()) {
    for (const int index : Complement(eligible, catalogue_size)) inputs->add_removed(index);
  } else {
    for (const int index : eligible) inputs->add_eligible(index);
  }
}

absl::StatusOr<std::vector<int>> UnpackEligible(const DecisionInputs& inputs, int catalogue_size) {
  const auto& listed = inputs.all_but_removed() ? inputs.removed() : inputs.eligible();
  for (const uint32_t index : listed) RETURN_IF_ERROR(CheckRange(index, catalogue_size));
  if (inputs.all_but_removed()) return Complement(listed, catalogue_size);
  return std::vector<int>(listed.begin(), listed.end());
}

absl::StatusOr<bandit::DecisionProblem> MakeProblem(const Serving& serving, const DecisionInputs& inputs) {
  bandit::DecisionProblem problem;
  problem.posterior = &serving.snapshot().posterior();
  problem.layout = serving.snapshot().layout();
  problem.catalogue = &serving.candidates();
  problem.customer = Eigen::Map<const Eigen::VectorXd>(inputs.customer().data(), inputs.customer_size());
  const int size = serving.catalogue().size();
  ASSIGN_OR_RETURN(problem.eligible, UnpackEligible(inputs, size));
  for (const model::v1::PairInputs& pair : inputs.pairs()) {
    RETURN_IF_ERROR(CheckRange(pair.candidate(), size));
    problem.pairs.push_back({static_cast<int>(pair.candidate()),
                             Eigen::Map<const Eigen::VectorXd>(pair.values().data(), pair.values_size())});
  }
  return problem;
}

bandit::PolicySettings MakeSettings(const Serving& serving, v1::Policy policy, const DecisionInputs& inputs,
                                    int64_t propensity_budget) {
  bandit::PolicySettings settings;
  settings.kind = ToKind(policy);
  settings.scale = inputs.exploration_scale();
  settings.floor = inputs.exploration_floor();
  settings.propensity_draws = inputs.propensity_draws();
  settings.propensity_budget = propensity_budget;
  if (settings.kind == bandit::PolicyKind::kPopular) settings.popularity = serving.popularity();
  return settings;
}

absl::StatusOr<bandit::Slate> RunPolicy(const Serving& serving, v1::Policy policy, const DecisionInputs& inputs,
                                        int64_t propensity_budget, uint64_t seed, bandit::KernelWidth width) {
  ASSIGN_OR_RETURN(bandit::DecisionProblem problem, MakeProblem(serving, inputs));
  if (problem.eligible.empty()) return absl::FailedPreconditionError("no candidate is eligible");
  const bandit::PolicySettings settings = MakeSettings(serving, policy, inputs, propensity_budget);
  return OrWithoutPosterior(policy, &problem,
                            [&] { return bandit::ChooseSlate(problem, settings, inputs.requested(), seed, width); });
}

absl::StatusOr<std::vector<bandit::ScoredCandidate>> ScoreEligible(const Serving& serving, v1::Policy policy,
                                                                   const DecisionInputs& inputs, uint64_t seed) {
  ASSIGN_OR_RETURN(bandit::DecisionProblem problem, MakeProblem(serving, inputs));
  if (problem.eligible.empty()) return absl::FailedPreconditionError("no candidate is eligible");
  const bandit::PolicySettings settings = MakeSettings(serving, policy, inputs, kNoBudget);
  return OrWithoutPosterior(policy, &problem, [&] { return bandit::ScoreAll(problem, settings, seed); });
}

}  // namespace suggest::decision
