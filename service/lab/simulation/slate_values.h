// What each candidate is worth to the company under the truth, for one customer at one time, and the best slate.
#ifndef SERVICE_LAB_SIMULATION_SLATE_VALUES_H_
#define SERVICE_LAB_SIMULATION_SLATE_VALUES_H_

#include <vector>

#include "service/lab/simulation/truth.h"

namespace suggest::simulation {

class SlateValues {
 public:
  // `candidates`: ascending.
  SlateValues(const Truth& truth, const CustomerView& view, std::vector<int> candidates);

  // P(kept) E[reward | exposed]. REQUIRES: a candidate.
  double Of(int recommendation) const;
  double Sum(const std::vector<int>& slate) const;
  // The `count` best ones, best first; all of them if there are fewer.
  std::vector<int> Best(int count) const;

 private:
  std::vector<int> candidates_;
  std::vector<double> values_;
};

}  // namespace suggest::simulation

#endif  // SERVICE_LAB_SIMULATION_SLATE_VALUES_H_
