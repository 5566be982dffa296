// The label corrector of `es_dfm_label` in the delay study: bandit::LateCorrector, fitted once a day on every third of
// the decisions that became mature in the last 10 days. Not thread-safe.
#ifndef SERVICE_LAB_SIMULATION_HOURLY_LATE_CORRECTOR_H_
#define SERVICE_LAB_SIMULATION_HOURLY_LATE_CORRECTOR_H_

#include <deque>

#include "absl/status/status.h"
#include "bandit/delay/delay_law.h"
#include "bandit/delay/es_dfm.h"
#include "service/lab/simulation/cohort.h"
#include "service/lab/simulation/delay_world.h"

namespace suggest::simulation {

class HourlyLateCorrector {
 public:
  // Keeps a reference, of which it reads sizes alone.
  explicit HourlyLateCorrector(const DelayWorld& world) : options_(world.options()) {}

  // A cohort of age W, to train on.
  void AddMature(const Cohort& cohort);
  // Fits anew at the first batch of a day, with today's law of all decisions. Errors: those of LateCorrectorTrainer.
  absl::Status Refit(int hour, const bandit::DelayLaw& law);

  // P(a purchase still comes | none by the age at which F is `share`): of the corrector once it is fitted, before it
  // by Bayes' rule from `purchase_probability`.
  double LatePurchase(const Eigen::VectorXd& context, double purchase_probability, double share) const;

 private:
  const DelayWorldOptions& options_;
  std::deque<bandit::ObservedExposure> mature_;
  bandit::LateCorrector corrector_;
};

}  // namespace suggest::simulation

#endif  // SERVICE_LAB_SIMULATION_HOURLY_LATE_CORRECTOR_H_
