// The sums of `es_dfm_iw` in the delay study: weighted events in lab::EventAccumulator, in buckets of one hour.
//
// A label is read `elapsed_hours` after each decision, and each later purchase is another event. The weights come from
// f_dp and f_rn, fitted once a day on the decisions that became mature in the last 10 days (before the first day's
// worth of them: untrained, that is plain fake negatives with duplicates), or from the true probabilities. Not
// thread-safe.
#ifndef SERVICE_LAB_SIMULATION_HOURLY_EVENT_SUMS_H_
#define SERVICE_LAB_SIMULATION_HOURLY_EVENT_SUMS_H_

#include <deque>

#include "absl/status/status.h"
#include "bandit/delay/es_dfm.h"
#include "service/lab/event_weights.h"
#include "service/lab/simulation/cohort.h"
#include "service/lab/simulation/delay_world.h"

namespace suggest::simulation {

class HourlyEventSums {
 public:
  // Keeps a reference, of which it reads the truth only for `true_weights`.
  HourlyEventSums(const DelayWorld& world, int elapsed_hours, bool true_weights);

  // The events of the hour before `hour`, of cohorts up to the age W.
  absl::Status AddEvents(const std::deque<Cohort>& cohorts, int hour);
  // A cohort of age W, to train on. Errors: those of EsDfmTrainer.
  absl::Status AddMature(const Cohort& cohort);
  // Fits the weights anew at the first batch of a day.
  absl::Status Refit(int hour);

  bandit::SufficientStatistics Total(int hour, double hourly_factor) const;

 private:
  lab::LabelWeights WeightsOf(const Cohort& cohort, int i) const;

  const DelayWorld& world_;
  const int elapsed_hours_;
  const bool true_weights_;
  lab::EsDfmTrainer trainer_;
  lab::EsDfmModel model_;
  lab::EventAccumulator events_;
};

// How a trainer of the study sees decision i of a mature cohort.
bandit::ObservedExposure ObservedMature(const Cohort& cohort, int i, int window_hours);

// Of both trainers: the last 10 days of mature decisions; nothing is fitted before a day of them is there.
bandit::TrainerOptions StudyTrainerOptions(const DelayWorldOptions& world);
bool TimeToRefit(int hour, const DelayWorldOptions& world);

}  // namespace suggest::simulation

#endif  // SERVICE_LAB_SIMULATION_HOURLY_EVENT_SUMS_H_
