#include "service/learning/history_book.h"

#include <algorithm>
#include <utility>

namespace suggest::learning {
namespace {

void Enter(const HistoryEvent& event, features::DayHistory& history) {
  switch (event.kind) {
    case HistoryEvent::Kind::kExposure:
      return history.AddExposure(event.at, event.change);
    case HistoryEvent::Kind::kConversion:
      return history.AddConversion(event.at, event.change);
    case HistoryEvent::Kind::kPurchase:
      return history.AddPurchase(event.at, event.change);
  }
}

}  // namespace

HistoryBook::HistoryBook(std::vector<HistoryEvent> events) : events_(std::move(events)) {
  std::stable_sort(events_.begin(), events_.end(),
                   [](const HistoryEvent& a, const HistoryEvent& b) { return a.visible_at < b.visible_at; });
}

void HistoryBook::AdvanceTo(absl::Time tick) {
  for (; entered_ < events_.size() && events_[entered_].visible_at < tick; ++entered_) {
    const HistoryEvent& event = events_[entered_];
    Enter(event, customers_[event.customer_id][event.recommendation_id]);
    Enter(event, recommendations_[event.recommendation_id]);
  }
}

const features::CustomerHistory& HistoryBook::OfCustomer(absl::string_view customer_id) const {
  static const auto& none = *new features::CustomerHistory();
  const auto found = customers_.find(customer_id);
  return found == customers_.end() ? none : found->second;
}

const features::DayHistory& HistoryBook::OfRecommendation(absl::string_view recommendation_id) const {
  static const auto& none = *new features::DayHistory();
  const auto found = recommendations_.find(recommendation_id);
  return found == recommendations_.end() ? none : found->second;
}

}  // namespace suggest::learning
