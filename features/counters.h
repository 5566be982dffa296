// Histories by UTC day, and the counter features read from them. Pure functions: the history, the tick and the settings
// are arguments.
//
// Point-in-time: counters are read at a tick, the instant of the ingest that the serving model comes from, never at the
// decision. Whoever keeps a history records in it exactly the events that were visible at that tick, live (at each
// ingest) and in replay alike; a conversion is recorded when its purchase becomes visible. As a second fence, days
// after the tick's UTC day and instants after the tick do not count.
//
//   count          events on days D - window + 1 .. D, where D is the UTC day of the tick
//   age            days from the last event to the tick, at most the cap; the cap without one
//   smoothed rate  (strength prior + conversions) / (strength + denominator), by day d of exposure:
//                  MATURE           only days with end(d) + maturity <= tick, conversions and exposures alike
//                  DELAY_CORRECTED  all days; denominator = sum of exposures(d) F(age(d)), F the delay law,
//                                   age(d) = tick - the middle of the part of day d before the tick
#ifndef FEATURES_COUNTERS_H_
#define FEATURES_COUNTERS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "suggest/config/v1/features.pb.h"
#include "suggest/model/v1/pipeline.pb.h"

namespace suggest::features {

// Whole days from 1970-01-01T00:00:00Z, rounded down. REQUIRES: finite.
int64_t UtcDay(absl::Time time);

struct DayCounts {
  int64_t exposures = 0;    // exposed on this day
  int64_t conversions = 0;  // of these, how many led to a purchase
  int64_t purchases = 0;    // purchased on this day, attributed or not

  friend bool operator==(const DayCounts&, const DayCounts&) = default;
};

// What one customer did with one recommendation, or a sum of such. A value; copies are independent.
struct DayHistory {
  absl::btree_map<int64_t, DayCounts> days;
  absl::Time last_exposed_at = absl::InfinitePast();    // InfinitePast = never
  absl::Time last_purchased_at = absl::InfinitePast();  // the same

  // Record an event; count -1 takes one back (a refund, a re-attribution). Instants are kept in whole microseconds,
  // rounded down. Taking back does not move last_*_at: the event did happen.
  void AddExposure(absl::Time exposed_at, int64_t count = 1);
  void AddConversion(absl::Time exposed_at, int64_t count = 1);
  void AddPurchase(absl::Time purchased_at, int64_t count = 1);

  // Sum of both: counts by day, the later of the instants. Order-free.
  void Merge(const DayHistory& other);

  bool empty() const;

  model::v1::DayHistory ToProto() const;
  // Errors: DATA_LOSS if days are not ascending.
  static absl::StatusOr<DayHistory> FromProto(const model::v1::DayHistory& proto);

  friend bool operator==(const DayHistory&, const DayHistory&) = default;
};

// One customer's histories by recommendation_id.
using CustomerHistory = absl::btree_map<std::string, DayHistory>;

// What counters need beside a history; fixed with the fitted pipeline.
struct CounterSettings {
  // Age at which an exposure is mature: attribution window + grace. > 0.
  absl::Duration maturity = absl::ZeroDuration();
  // Delay law: share of purchases visible by an age, piecewise linear between the points, (0, 0) before the first,
  // constant after the last. Ages ascending and >= 0, shares not descending in [0, 1].
  std::vector<double> delay_age_seconds;
  std::vector<double> delay_share;

  // Errors: INVALID_ARGUMENT naming the first point that breaks the above. An empty law is valid here.
  absl::Status Validate() const;

  // F(age). REQUIRES: valid, law not empty. O(log points).
  double ShareVisible(absl::Duration age) const;
};

// The counter's value, transform and clip applied. Finite. O(days).
// REQUIRES: counter from a valid schema; settings valid, with a law if the counter is delay-corrected.
double EvaluateCounter(const config::v1::Counter& counter, const CounterSettings& settings, const DayHistory& history,
                       absl::Time tick);

// Popularity of a recommendation: its smoothed purchase rate, whoever the customer is,
//   (conversions + kPopularityStrength prior_rate) / (exposures + kPopularityStrength)
// over all days of its history. Young exposures count whole, so what is new is not popular yet. Within [0, 1] for a
// prior rate within. The policy POPULAR, the warm start's report and the simulator all rank by this one.
inline constexpr double kPopularityStrength = 20;
double Popularity(const DayHistory& history, double prior_rate);

}  // namespace suggest::features

#endif  // FEATURES_COUNTERS_H_
