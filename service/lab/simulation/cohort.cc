#include "service/lab/simulation/cohort.h"

#include "bandit/base/check.h"

namespace suggest::simulation {

Cohort::Cohort(int hour, Eigen::MatrixXd contexts, std::vector<double> hours_to_purchase)
    : hour_(hour),
      contexts_(std::move(contexts)),
      hours_to_purchase_(std::move(hours_to_purchase)),
      sums_{bandit::SufficientStatistics(static_cast<int>(contexts_.rows())),
            bandit::SufficientStatistics(static_cast<int>(contexts_.rows()))} {
  SUGGEST_CHECK(contexts_.cols() == size());
  for (int i = 0; i < size(); ++i) {
    strata_.push_back(DelayWorld::Stratum(contexts_.col(i)));
    SUGGEST_CHECK(sums_[strata_[i]].Add(contexts_.col(i), 1, 0).ok());
  }
}

}  // namespace suggest::simulation
