// The decisions of one hour in the delay study: what was suggested, and what will become of it.
#ifndef SERVICE_LAB_SIMULATION_COHORT_H_
#define SERVICE_LAB_SIMULATION_COHORT_H_

#include <Eigen/Core>
#include <array>
#include <utility>
#include <vector>

#include "bandit/model/sufficient_statistics.h"
#include "service/lab/simulation/delay_world.h"

namespace suggest::simulation {

// Immutable. The hours to purchase lie partly in the future: learners ask BoughtBy, with the age they have reached.
class Cohort {
 public:
  // `contexts`: d x n, one column per decision; `hours_to_purchase`: n, DelayWorld::kNever without one.
  Cohort(int hour, Eigen::MatrixXd contexts, std::vector<double> hours_to_purchase);

  int hour() const { return hour_; }
  int size() const { return static_cast<int>(hours_to_purchase_.size()); }
  const Eigen::MatrixXd& contexts() const { return contexts_; }
  int stratum(int i) const { return strata_[i]; }
  int size_of(int stratum) const { return static_cast<int>(sums_[stratum].weight()); }

  // Whether decision i is seen to have bought at a batch `age` hours after it.
  bool BoughtBy(int i, int age) const { return hours_to_purchase_[i] <= age; }
  // REQUIRES: BoughtBy(i, age) for the age reached.
  double hours_to_purchase(int i) const { return hours_to_purchase_[i]; }

  // sum b b' over the decisions of a stratum.
  const bandit::SufficientStatistics& sums(int stratum) const { return sums_[stratum]; }

 private:
  int hour_;
  Eigen::MatrixXd contexts_;
  std::vector<double> hours_to_purchase_;
  std::vector<int> strata_;
  std::array<bandit::SufficientStatistics, DelayWorld::kStrata> sums_;
};

}  // namespace suggest::simulation

#endif  // SERVICE_LAB_SIMULATION_COHORT_H_
