#include "service/learning/ridge.h"

#include <algorithm>
#include <limits>

#include "bandit/base/status_macros.h"
#include "bandit/model/evidence.h"

namespace suggest::learning {

double StartRidge(int dim) {
  return 10.0 * dim;
}

absl::StatusOr<RidgeChoice> NextRidge(const LearnerSettings& settings, const bandit::Prior& prior,
                                      const bandit::NoiseModel& noise, const bandit::SufficientStatistics& mature,
                                      const RidgeChoice& before) {
  if (!settings.ridge_by_evidence) return RidgeChoice{.ridge = prior.ridge};
  if (mature.count() < std::max(kRidgeExposures, 2 * before.exposures)) {
    return before.ridge > 0 ? before : RidgeChoice{.ridge = StartRidge(mature.dim())};
  }
  ASSIGN_OR_RETURN(const bandit::RidgeEvidence evidence, bandit::RidgeEvidence::Create(prior, mature, noise));
  return RidgeChoice{.ridge = bandit::MeanRidge(evidence, mature.count()), .exposures = mature.count()};
}

absl::StatusOr<model::v1::Ridge> DescribeRidge(const LearnerSettings& settings, const bandit::Prior& prior,
                                               const bandit::NoiseModel& noise,
                                               const bandit::SufficientStatistics& mature) {
  model::v1::Ridge ridge;
  ridge.set_used(prior.ridge);
  ridge.set_configured(!settings.ridge_by_evidence);
  ridge.set_exposures(mature.count());
  ridge.set_by_evidence(std::numeric_limits<double>::quiet_NaN());
  ridge.set_log_evidence_lost(std::numeric_limits<double>::quiet_NaN());
  if (mature.count() < kRidgeExposures) return ridge;
  ASSIGN_OR_RETURN(const bandit::RidgeEvidence evidence, bandit::RidgeEvidence::Create(prior, mature, noise));
  ridge.set_by_evidence(bandit::MeanRidge(evidence, mature.count()));
  ridge.set_log_evidence_lost(evidence.LogEvidence(ridge.by_evidence()) - evidence.LogEvidence(prior.ridge));
  return ridge;
}

}  // namespace suggest::learning
