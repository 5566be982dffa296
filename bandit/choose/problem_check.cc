#include "bandit/choose/problem_check.h"

#include <cmath>

#include "absl/strings/str_cat.h"
#include "bandit/base/check.h"
#include "bandit/base/status_macros.h"
#include "bandit/propensity/propensity_estimator.h"

namespace suggest::bandit {
namespace {

absl::Status CheckSettings(const PolicySettings& settings, int rows) {
  if (!(settings.scale >= 0) || !std::isfinite(settings.scale)) {
    return absl::InvalidArgumentError(absl::StrCat("exploration scale is ", settings.scale, ", it must be >= 0"));
  }
  if (!(settings.floor >= 0 && settings.floor <= 1)) {
    return absl::InvalidArgumentError(absl::StrCat("exploration floor is ", settings.floor, ", it must be in [0, 1]"));
  }
  if (settings.propensity_draws < 0 || settings.propensity_draws == 1 ||
      settings.propensity_draws > kMaxPropensityDraws) {
    return absl::InvalidArgumentError(absl::StrCat("propensity_draws is ", settings.propensity_draws,
                                                   ", it must be 0 or 2 to ", kMaxPropensityDraws));
  }
  if (settings.kind != PolicyKind::kPopular) return absl::OkStatus();
  if (settings.popularity.size() != static_cast<size_t>(rows)) {
    return absl::InvalidArgumentError(
        absl::StrCat("popularity has ", settings.popularity.size(), " entries, the catalogue has ", rows, " rows"));
  }
  for (size_t i = 0; i < settings.popularity.size(); ++i) {
    if (!std::isfinite(settings.popularity[i])) {
      return absl::InvalidArgumentError(absl::StrCat("popularity of row ", i, " is ", settings.popularity[i]));
    }
  }
  return absl::OkStatus();
}

absl::Status CheckCustomer(const DecisionProblem& problem) {
  if (problem.customer.size() != problem.layout.customer_dim) {
    return absl::InvalidArgumentError(absl::StrCat("customer has ", problem.customer.size(),
                                                   " entries, the layout expects ", problem.layout.customer_dim));
  }
  for (int i = 0; i < problem.customer.size(); ++i) {
    if (!std::isfinite(problem.customer[i])) {
      return absl::InvalidArgumentError(absl::StrCat("customer entry ", i, " is ", problem.customer[i]));
    }
  }
  return absl::OkStatus();
}

absl::Status CheckEligible(const DecisionProblem& problem) {
  if (problem.eligible.empty()) return absl::FailedPreconditionError("no eligible candidate");
  const int rows = problem.catalogue->rows();
  const CandidateMask* base = problem.eligible.base();
  if (base != nullptr && base->rows() != rows) {
    return absl::InvalidArgumentError(
        absl::StrCat("the base of the eligible candidates has ", base->rows(), " rows, the catalogue ", rows));
  }
  int last = -1;
  for (const int candidate : problem.eligible.exceptions()) {
    if (candidate <= last || candidate >= rows || (base != nullptr && !base->Contains(candidate))) {
      return absl::InvalidArgumentError(absl::StrCat(base == nullptr ? "eligible candidate " : "removed candidate ",
                                                     candidate, " after ", last, ", the catalogue has ", rows,
                                                     " rows"));
    }
    last = candidate;
  }
  return absl::OkStatus();
}

absl::Status CheckPairs(const DecisionProblem& problem) {
  int last = -1;
  for (const PairRow& pair : problem.pairs) {
    if (pair.candidate <= last || pair.candidate >= problem.catalogue->rows()) {
      return absl::InvalidArgumentError(absl::StrCat("pair features of candidate ", pair.candidate, " after ", last,
                                                     ", the catalogue has ", problem.catalogue->rows(), " rows"));
    }
    if (pair.values.size() != problem.layout.pair_dim) {
      return absl::InvalidArgumentError(absl::StrCat("candidate ", pair.candidate, " has ", pair.values.size(),
                                                     " pair features, the layout expects ", problem.layout.pair_dim));
    }
    if (!pair.values.allFinite()) {
      return absl::InvalidArgumentError(
          absl::StrCat("candidate ", pair.candidate, " has a pair feature that is not finite"));
    }
    last = pair.candidate;
  }
  return absl::OkStatus();
}

absl::Status CheckModel(const DecisionProblem& problem) {
  const ContextLayout& folded = problem.posterior->layout();
  if (folded.dim() != problem.layout.dim()) {
    return absl::InvalidArgumentError(
        absl::StrCat("context has ", problem.layout.dim(), " features, the posterior expects ", folded.dim()));
  }
  if (problem.catalogue->cols() != problem.layout.recommendation_dim) {
    return absl::InvalidArgumentError(absl::StrCat("catalogue has ", problem.catalogue->cols(),
                                                   " columns, the layout expects ", problem.layout.recommendation_dim));
  }
  if (!(folded == problem.layout)) {
    return absl::InvalidArgumentError(absl::StrCat("the posterior is laid out as ", folded.customer_dim, " x ",
                                                   folded.recommendation_dim, " + ", folded.pair_dim,
                                                   ", the problem as ", problem.layout.customer_dim, " x ",
                                                   problem.layout.recommendation_dim, " + ", problem.layout.pair_dim));
  }
  RETURN_IF_ERROR(CheckCustomer(problem));
  return CheckPairs(problem);
}

}  // namespace

absl::Status CheckProblem(const DecisionProblem& problem, const PolicySettings& settings) {
  SUGGEST_CHECK(problem.catalogue != nullptr);
  SUGGEST_CHECK(HasModel(problem) || settings.kind == PolicyKind::kUniform || settings.kind == PolicyKind::kPopular);
  RETURN_IF_ERROR(CheckSettings(settings, problem.catalogue->rows()));
  RETURN_IF_ERROR(CheckEligible(problem));
  return HasModel(problem) ? CheckModel(problem) : absl::OkStatus();
}

}  // namespace suggest::bandit
