// A learner of the delay study: hourly batches, a discount of gamma per hour of age, everything else the product's own.
//
//   B = lambda I + sum gamma^age w b b',   f = sum gamma^age g b,   theta ~ N(B^-1 f, v^2 B^-1)
//
// service/learning's Learner forgets by whole days; here the mathematics alone is compared, so this is the smallest
// loop over the same functions: bandit::Target (weights and targets), DelayLawsEstimator, LateCorrector and the ES-DFM
// weights, SufficientStatistics, Posterior. A test holds it against the Learner where both can express the same.
//
// Sums of mature decisions are kept and discounted; pending ones are summed anew at each batch. All decisions of an
// hour and a stratum have one weight, so their matrix is summed once. Cost of a batch: O(pending d + W d^2 + d^3). Not
// thread-safe.
#ifndef SERVICE_LAB_SIMULATION_HOURLY_LEARNER_H_
#define SERVICE_LAB_SIMULATION_HOURLY_LEARNER_H_

#include <Eigen/Core>
#include <array>
#include <deque>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "bandit/model/posterior.h"
#include "bandit/model/sufficient_statistics.h"
#include "service/lab/simulation/cohort.h"
#include "service/lab/simulation/delay_modes.h"
#include "service/lab/simulation/delay_world.h"
#include "service/lab/simulation/hourly_delay_laws.h"
#include "service/lab/simulation/hourly_event_sums.h"
#include "service/lab/simulation/hourly_late_corrector.h"

namespace suggest::simulation {

struct HourlyLearnerOptions {
  double ridge = 1;        // lambda > 0
  int elapsed_hours = 14;  // of ES-DFM: the age at which a label is read, in [1, W)
};

class HourlyLearner {
 public:
  // Keeps a reference to `world`, of which it takes W and gamma = e^(-1/(24 forget_days)); only a mode that is told the
  // truth looks further.
  HourlyLearner(const DelayModeSpec& mode, const HourlyLearnerOptions& options, const DelayWorld& world);

  // The decisions of an hour, once it is over. REQUIRES: hours ascend.
  void Book(Cohort cohort);

  // The posterior at the batch before `hour`: learns what has become visible. REQUIRES: once per hour, ascending.
  // Errors: those of bandit::Posterior::Solve.
  absl::StatusOr<bandit::Posterior> Step(int hour);

 private:
  using Shares = std::array<double, DelayWorld::kStrata>;

  absl::Status Mature(int hour);
  absl::Status AddMature(const Cohort& cohort, bandit::SufficientStatistics& mature);
  absl::Status UpdateLaws(int hour);
  Shares SharesOf(const Cohort& cohort, int age) const;
  bandit::SufficientStatistics PendingWeights(int hour) const;
  Eigen::VectorXd PendingMoment(int hour, const Eigen::VectorXd& mean) const;
  // Of each decision; imputed ones for the mean given.
  Eigen::VectorXd Targets(const Cohort& cohort, int age, const Eigen::VectorXd& mean) const;
  absl::StatusOr<bandit::Posterior> StepEvents(int hour);
  absl::StatusOr<bandit::Posterior> Solve(const bandit::SufficientStatistics& total,
                                          const Eigen::VectorXd& moment) const;

  const DelayModeSpec mode_;
  const HourlyLearnerOptions options_;
  const DelayWorld& world_;
  const int maturity_;            // age in hours
  std::vector<double> discount_;  // by age in hours
  std::deque<Cohort> pending_;    // oldest first
  bandit::SufficientStatistics mature_;
  HourlyDelayLaws laws_;
  HourlyLateCorrector corrector_;  // of kEsDfmLabel
  HourlyEventSums events_;         // of a mode of events
  std::vector<Shares> shares_;     // by age in hours
  Eigen::VectorXd mean_;           // of the last posterior
};

}  // namespace suggest::simulation

#endif  // SERVICE_LAB_SIMULATION_HOURLY_LEARNER_H_
