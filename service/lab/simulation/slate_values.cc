#include "service/lab/simulation/slate_values.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "bandit/base/check.h"

namespace suggest::simulation {

SlateValues::SlateValues(const Truth& truth, const CustomerView& view, std::vector<int> candidates)
    : candidates_(std::move(candidates)) {
  for (const int r : candidates_) values_.push_back(truth.KeepProbability(view, r) * truth.ExpectedReward(view, r));
}

double SlateValues::Of(int recommendation) const {
  const auto at = std::lower_bound(candidates_.begin(), candidates_.end(), recommendation);
  SUGGEST_CHECK(at != candidates_.end() && *at == recommendation);
  return values_[at - candidates_.begin()];
}

double SlateValues::Sum(const std::vector<int>& slate) const {
  return std::accumulate(slate.begin(), slate.end(), 0.0, [this](double sum, int r) { return sum + Of(r); });
}

std::vector<int> SlateValues::Best(int count) const {
  std::vector<int> best = candidates_;
  std::stable_sort(best.begin(), best.end(), [this](int a, int b) { return Of(a) > Of(b); });
  if (best.size() > static_cast<size_t>(count)) best.resize(count);
  return best;
}

}  // namespace suggest::simulation
