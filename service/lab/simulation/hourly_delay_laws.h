// The delay laws of a learner in the delay study, estimated on line: bandit::DelayLawsEstimator over all decisions so
// far, each weighted by its age in hours. What is mature is kept as sums, so an estimate costs O(pending).
//
// Prior: exponential, cut at W, of mean W/3, worth 100 decisions of mean reward 0.1. Not thread-safe.
#ifndef SERVICE_LAB_SIMULATION_HOURLY_DELAY_LAWS_H_
#define SERVICE_LAB_SIMULATION_HOURLY_DELAY_LAWS_H_

#include <array>
#include <deque>
#include <vector>

#include "bandit/delay/delay_law.h"
#include "bandit/delay/delay_laws.h"
#include "service/lab/simulation/cohort.h"

namespace suggest::simulation {

class HourlyDelayLaws {
 public:
  static constexpr double kPriorStrength = 100;
  static constexpr double kPriorReward = 0.1;

  // `hourly_factor`: gamma, weight of a decision per hour of age.
  HourlyDelayLaws(int window_hours, double hourly_factor);

  // An hour has passed since the last estimate or mature cohort.
  void PassHour();
  // A cohort of age W, which is not in `pending` any more.
  void AddMature(const Cohort& cohort);

  // At the batch before `hour`: the pending cohorts with what is visible of them, and those given to AddMature.
  bandit::DelayLaws Estimate(const std::deque<Cohort>& pending, int hour) const;

  static const char* StratumName(int stratum) { return stratum == 1 ? "slow" : "fast"; }

 private:
  // Weight of rewards by hours to purchase, rounded down: bandit's law is asked for whole hours only.
  using Rewards = std::array<std::vector<double>, DelayWorld::kStrata>;

  // Of what is visible of the cohort at this age.
  void AddRewards(const Cohort& cohort, int age, Rewards& rewards) const;

  int window_hours_;
  std::vector<double> weight_;  // by age in hours
  bandit::DelayLaw prior_;
  std::array<double, DelayWorld::kStrata> kept_exposures_ = {};
  Rewards kept_rewards_;
};

}  // namespace suggest::simulation

#endif  // SERVICE_LAB_SIMULATION_HOURLY_DELAY_LAWS_H_
