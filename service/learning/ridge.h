// The ridge of a model version: configured, or chosen by the evidence of the mature exposures
// (bandit/model/evidence.h).
//
// By evidence it is chosen at a warm start, and again by the first ingest that sees twice as many mature exposures as
// the choice before; in between it stays with the versions of its line, so that it does not wander with every ingest
// and costs one eigendecomposition for each doubling. A model that started without history has its turn as soon as
// kRidgeExposures are mature.
#ifndef SERVICE_LEARNING_RIDGE_H_
#define SERVICE_LEARNING_RIDGE_H_

#include "absl/status/statusor.h"
#include "bandit/model/posterior.h"
#include "bandit/model/sufficient_statistics.h"
#include "service/learning/settings.h"
#include "suggest/model/v1/report.pb.h"

namespace suggest::learning {

struct RidgeChoice {
  double ridge = 0;      // 0: none yet
  double exposures = 0;  // mature ones that it was chosen on by evidence; 0: it was not
};

// Below so many mature exposures the evidence is not asked.
inline constexpr double kRidgeExposures = 100;

// The ridge that stands before any evidence: all terms together are expected to explain a tenth of the noise variance
// where each is standardised.
double StartRidge(int dim);

// Of the next version, after one with `before`. `mature`: sums without the prior. prior.ridge is read only where the
// ridge is configured. Errors: as bandit::RidgeEvidence::Create.
absl::StatusOr<RidgeChoice> NextRidge(const LearnerSettings& settings, const bandit::Prior& prior,
                                      const bandit::NoiseModel& noise, const bandit::SufficientStatistics& mature,
                                      const RidgeChoice& before);

// What the evidence says of prior.ridge, which is the one used. Errors: as NextRidge.
absl::StatusOr<model::v1::Ridge> DescribeRidge(const LearnerSettings& settings, const bandit::Prior& prior,
                                               const bandit::NoiseModel& noise,
                                               const bandit::SufficientStatistics& mature);

}  // namespace suggest::learning

#endif  // SERVICE_LEARNING_RIDGE_H_
