#include "service/lab/simulation/observer.h"

#include <algorithm>
#include <tuple>

#include "service/lab/simulation/csv_writer.h"

namespace suggest::simulation {

bool Observer::Event::operator<(const Event& other) const {
  return std::tie(other.at, other.exposure.id, other.kind) < std::tie(at, exposure.id, kind);
}

Observer::Observer(const Company& company)
    : company_(&company),
      customer_histories_(company.options().customers_at_end),
      recommendation_histories_(company.recommendations().size()) {
  for (const simulation::Recommendation& r : company.recommendations()) {
    recommendation_attributes_.push_back(ToAttributes(RecommendationFields(r)));
  }
}

void Observer::Watch(const Exposure& exposure) {
  events_.push({exposure.at, Kind::kExposed, exposure});
  if (exposure.purchased()) events_.push({exposure.purchased_at, Kind::kPaid, exposure});
  if (exposure.refunded()) events_.push({exposure.refunded_at, Kind::kRefunded, exposure});
}

std::vector<RewardChange> Observer::Advance(absl::Time tick) {
  std::vector<RewardChange> changes;
  while (!events_.empty() && events_.top().at < tick) {
    const Event event = events_.top();
    events_.pop();
    Count(event);
    if (event.kind == Kind::kExposed || !event.exposure.attributed()) continue;
    const double price = company_->recommendations()[event.exposure.recommendation].price;
    const double reward = event.kind == Kind::kPaid ? std::min(1.0, price / kRewardCap) : 0;
    changes.push_back({event.exposure.id, reward, event.at});
  }
  tick_ = tick;
  return changes;
}

void Observer::Count(const Event& event) {
  const Exposure& exposure = event.exposure;
  const std::string& id = company_->recommendations()[exposure.recommendation].id;
  for (features::DayHistory* history :
       {&customer_histories_[exposure.customer][id], &recommendation_histories_[exposure.recommendation]}) {
    if (event.kind == Kind::kExposed) {
      history->AddExposure(exposure.at);
      continue;
    }
    const int count = event.kind == Kind::kPaid ? 1 : -1;
    history->AddPurchase(exposure.purchased_at, count);
    if (exposure.attributed()) history->AddConversion(exposure.at, count);
  }
}

absl::StatusOr<features::RawSide> Observer::Customer(const features::FeatureExtractor& extractor, int customer,
                                                     absl::Time at) const {
  const features::Attributes attributes = ToAttributes(CustomerFields(*company_, customer, company_->Day(at)));
  return extractor.Customer(attributes, customer_histories_[customer], at, tick_);
}

absl::StatusOr<features::RawSide> Observer::Recommendation(const features::FeatureExtractor& extractor,
                                                           int recommendation) const {
  return extractor.Recommendation(recommendation_attributes_[recommendation], recommendation_histories_[recommendation],
                                  tick_);
}

}  // namespace suggest::simulation
