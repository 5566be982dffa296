// Sufficient statistics per UTC day of exposure, and how they are forgotten (M7).
//
// The posterior is the prior plus the live buckets, summed again at each use and never down-dated. Hence forgetting is
// exact, no order of arrivals matters, the prior never decays, and an empty window is exactly the prior. Two modes,
// which may be combined: a sliding window of whole days, and a discount of gamma per day of age on all sums alike.
#ifndef BANDIT_MODEL_DAY_BUCKETS_H_
#define BANDIT_MODEL_DAY_BUCKETS_H_

#include <cstdint>

#include "absl/container/btree_map.h"
#include "bandit/model/sufficient_statistics.h"

namespace suggest::bandit {

struct Forgetting {
  int64_t window_days = 0;        // 0 = unbounded; else `day` is live while today - day < window_days
  double discount_per_day = 1.0;  // gamma in (0, 1]

  bool Live(int64_t day, int64_t today) const { return window_days == 0 || today - day < window_days; }
  // gamma^(today - day), 1 for days to come, 0 for what is not live. By multiplication alone, so the same bits
  // everywhere.
  double Factor(int64_t day, int64_t today) const;
};

class DayBuckets {
 public:
  // REQUIRES: dim >= 1.
  explicit DayBuckets(int dim) : dim_(dim) {}

  // The bucket of this day, made empty when there is none.
  SufficientStatistics& At(int64_t day);
  // Null when there is none.
  const SufficientStatistics* Find(int64_t day) const;

  // Sum of the live buckets, each times its factor, in order of day.
  SufficientStatistics Total(int64_t today, const Forgetting& forgetting) const;

  // Frees the buckets before this day.
  void DropBefore(int64_t day);

  int dim() const { return dim_; }
  const absl::btree_map<int64_t, SufficientStatistics>& days() const { return days_; }

 private:
  int dim_;
  absl::btree_map<int64_t, SufficientStatistics> days_;
};

}  // namespace suggest::bandit

#endif  // BANDIT_MODEL_DAY_BUCKETS_H_
