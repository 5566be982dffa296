// Histories as they grow in visibility time: what counters of a tick are read from during a replay.
#ifndef SERVICE_LEARNING_HISTORY_BOOK_H_
#define SERVICE_LEARNING_HISTORY_BOOK_H_

#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "features/counters.h"

namespace suggest::learning {

struct HistoryEvent {
  enum class Kind { kExposure, kConversion, kPurchase };
  absl::Time visible_at;
  Kind kind = Kind::kExposure;
  std::string customer_id;
  std::string recommendation_id;
  absl::Time at;   // exposed_at of the exposure that was made or converted, purchased_at of the purchase
  int change = 1;  // -1 takes a conversion or a purchase back
};

class HistoryBook {
 public:
  // In any order.
  explicit HistoryBook(std::vector<HistoryEvent> events);

  // Enters the events that were visible strictly before `tick`. REQUIRES: ticks do not go back.
  void AdvanceTo(absl::Time tick);

  const features::CustomerHistory& OfCustomer(absl::string_view customer_id) const;
  const features::DayHistory& OfRecommendation(absl::string_view recommendation_id) const;

 private:
  std::vector<HistoryEvent> events_;  // by visible_at
  size_t entered_ = 0;
  absl::flat_hash_map<std::string, features::CustomerHistory> customers_;
  absl::flat_hash_map<std::string, features::DayHistory> recommendations_;
};

}  // namespace suggest::learning

#endif  // SERVICE_LEARNING_HISTORY_BOOK_H_
