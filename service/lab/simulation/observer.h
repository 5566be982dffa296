// What a service can have seen of the made-up company: attributes as of an instant, and events by the ingest at which
// they became visible. Keeps the histories that counters read, in visibility time.
#ifndef SERVICE_LAB_SIMULATION_OBSERVER_H_
#define SERVICE_LAB_SIMULATION_OBSERVER_H_

#include <cstdint>
#include <queue>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "features/counters.h"
#include "features/extractor.h"
#include "features/raw_side.h"
#include "service/lab/simulation/company.h"
#include "service/lab/simulation/world.h"

namespace suggest::simulation {

// A change of an exposure's reward that an ingest sees.
struct RewardChange {
  int64_t exposure = 0;
  double reward = 0;
  absl::Time visible_at;
};

// Payments and refunds are visible at once and counted at the next tick. Not thread-safe.
class Observer {
 public:
  // Keeps a reference to `company`.
  explicit Observer(const Company& company);

  // Takes note of an exposure and of what is to come of it; nothing of it counts before the tick after it happened.
  void Watch(const Exposure& exposure);

  // An ingest: everything that happened before `tick` counts from now on. Returns the changes of rewards since the last
  // one, in order of time. REQUIRES: ticks do not go back.
  std::vector<RewardChange> Advance(absl::Time tick);
  absl::Time tick() const { return tick_; }

  absl::StatusOr<features::RawSide> Customer(const features::FeatureExtractor& extractor, int customer,
                                             absl::Time at) const;
  absl::StatusOr<features::RawSide> Recommendation(const features::FeatureExtractor& extractor,
                                                   int recommendation) const;
  const features::CustomerHistory& CustomerHistory(int customer) const { return customer_histories_[customer]; }
  const features::DayHistory& RecommendationHistory(int recommendation) const {
    return recommendation_histories_[recommendation];
  }

 private:
  enum class Kind { kExposed, kPaid, kRefunded };
  struct Event {
    absl::Time at;
    Kind kind;
    Exposure exposure;
    // Later events have lower priority; within an instant, those of older exposures and earlier kinds come first.
    bool operator<(const Event& other) const;
  };

  void Count(const Event& event);

  const Company* company_;
  absl::Time tick_ = absl::InfinitePast();
  std::priority_queue<Event> events_;
  std::vector<features::CustomerHistory> customer_histories_;
  std::vector<features::DayHistory> recommendation_histories_;
  std::vector<features::Attributes> recommendation_attributes_;
};

}  // namespace suggest::simulation

#endif  // SERVICE_LAB_SIMULATION_OBSERVER_H_
