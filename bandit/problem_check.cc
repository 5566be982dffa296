#include "bandit/problem_check.h"

#include <cmath>

#include "absl/strings/str_cat.h"
#include "bandit/base/check.h"
#include "bandit/base/status_macros.h"

namespace suggest::bandit {
namespace {

absl::Status CheckSettings(const PolicySettings& settings, int rows) {
  if (!(settings.scale >= 0) || !std::isfinite(settings.scale)) {
    return absl::InvalidArgumentError(absl::StrCat("exploration scale is ", settings.scale, ", it must be >= 0"));
  }
  if (!(settings.floor >= 0 && settings.floor <= 1)) {
    return absl::InvalidArgumentError(absl::StrCat("exploration floor is ", settings.floor, ", it must be in [0, 1]"));
  }
  if (settings.propensity_draws < 0 || settings.propensity_draws == 1) {
    return absl::InvalidArgumentError(
        absl::StrCat("propensity_draws is ", settings.propensity_draws, ", it must be 0 or at least 2"));
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
  int last = -1;
  for (const int candidate : problem.eligible) {
    if (candidate <= last || candidate >= problem.catalogue->rows()) {
      return absl::InvalidArgumentError(absl::StrCat("eligible candidate ", candidate, " after ", last,
                                                     ", the catalogue has ", problem.catalogue->rows(), " rows"));
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
  if (problem.posterior->dim() != problem.layout.dim()) {
    return absl::InvalidArgumentError(absl::StrCat("context has ", problem.layout.dim(),
                                                   " features, the posterior expects ", problem.posterior->dim()));
  }
  if (problem.catalogue->cols() != problem.layout.recommendation_dim) {
    return absl::InvalidArgumentError(absl::StrCat("catalogue has ", problem.catalogue->cols(),
                                                   " columns, the layout expects ", problem.layout.recommendation_dim));
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
