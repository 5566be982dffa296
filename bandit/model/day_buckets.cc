#include "bandit/model/day_buckets.h"

namespace suggest::bandit {

double Forgetting::Factor(int64_t day, int64_t today) const {
  if (!Live(day, today)) return 0.0;
  double factor = 1.0;
  double power = discount_per_day;
  for (int64_t age = today > day ? today - day : 0; age > 0; age >>= 1) {
    if (age & 1) factor *= power;
    power *= power;
  }
  return factor;
}

SufficientStatistics& DayBuckets::At(int64_t day) {
  return days_.try_emplace(day, dim_).first->second;
}

const SufficientStatistics* DayBuckets::Find(int64_t day) const {
  const auto it = days_.find(day);
  return it == days_.end() ? nullptr : &it->second;
}

SufficientStatistics DayBuckets::Total(int64_t today, const Forgetting& forgetting) const {
  SufficientStatistics total(dim_);
  for (const auto& [day, sums] : days_) {
    const double factor = forgetting.Factor(day, today);
    if (factor > 0) total.AddScaled(sums, factor);
  }
  return total;
}

void DayBuckets::DropBefore(int64_t day) {
  days_.erase(days_.begin(), days_.lower_bound(day));
}

}  // namespace suggest::bandit
