#include "service/lab/simulation/hourly_late_corrector.h"

#include "bandit/base/status_macros.h"
#include "bandit/delay/pending.h"
#include "service/lab/simulation/hourly_event_sums.h"

namespace suggest::simulation {
namespace {

// The trainer asks each decision at three ages: a third of the decisions gives as many rows as there are decisions.
constexpr int kEvery = 3;

}  // namespace

void HourlyLateCorrector::AddMature(const Cohort& cohort) {
  for (int i = cohort.hour() % kEvery; i < cohort.size(); i += kEvery) {
    mature_.push_back(ObservedMature(cohort, i, options_.window_hours));
  }
  const size_t most = StudyTrainerOptions(options_).max_exposures / kEvery;
  while (mature_.size() > most) mature_.pop_front();
}

absl::Status HourlyLateCorrector::Refit(int hour, const bandit::DelayLaw& law) {
  if (!TimeToRefit(hour, options_)) return absl::OkStatus();
  bandit::LateCorrectorTrainer trainer(options_.dim, law, StudyTrainerOptions(options_));
  for (const bandit::ObservedExposure& exposure : mature_) RETURN_IF_ERROR(trainer.Add(exposure));
  ASSIGN_OR_RETURN(corrector_, trainer.Fit());
  return absl::OkStatus();
}

double HourlyLateCorrector::LatePurchase(const Eigen::VectorXd& context, double purchase_probability,
                                         double share) const {
  if (!corrector_.trained()) return bandit::LateProbability(purchase_probability, share);
  return corrector_.LatePurchase(context, share);
}

}  // namespace suggest::simulation
