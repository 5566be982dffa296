#include "service/lab/simulation/world.h"

#include <algorithm>

namespace suggest::simulation {

World::World(const Company& company, const Truth& truth)
    : company_(&company), truth_(&truth), by_customer_(company.options().customers_at_end) {}

std::vector<int> World::Candidates(int customer, absl::Time at) const {
  std::vector<bool> removed(company_->recommendations().size(), false);
  for (const int64_t id : by_customer_[customer]) {
    const Exposure& exposure = exposures_[id];
    const bool open = at < exposure.at + kAttributionWindow;
    if (open || exposure.purchased_at <= at) removed[exposure.recommendation] = true;
  }
  const int day = company_->Day(at);
  std::vector<int> candidates;
  for (int r = 0; r < static_cast<int>(removed.size()); ++r) {
    if (!removed[r] && company_->Active(r, day)) candidates.push_back(r);
  }
  return candidates;
}

int World::RecentPurchases(int customer, absl::Time at) const {
  const absl::Time since = at - kRecentPurchaseDays * absl::Hours(24);
  return static_cast<int>(std::count_if(by_customer_[customer].begin(), by_customer_[customer].end(), [&](int64_t id) {
    return since < exposures_[id].purchased_at && exposures_[id].purchased_at <= at;
  }));
}

CustomerView World::View(int customer, absl::Time at) const {
  return truth_->View(customer, company_->Day(at), RecentPurchases(customer, at));
}

const Exposure& World::Expose(const CustomerView& view, int recommendation, absl::Time at) {
  Exposure exposure;
  exposure.id = static_cast<int64_t>(exposures_.size());
  exposure.customer = view.customer;
  exposure.recommendation = recommendation;
  exposure.at = at;
  const std::vector<int64_t>& earlier = by_customer_[view.customer];
  const bool decided = std::any_of(earlier.begin(), earlier.end(), [&](int64_t id) {
    return exposures_[id].recommendation == recommendation && exposures_[id].purchased();
  });
  if (const auto sale = decided ? std::nullopt : truth_->Outcome(view, recommendation); sale.has_value()) {
    exposure.purchased_at = at + sale->delay;
    if (sale->refunded_after.has_value()) exposure.refunded_at = exposure.purchased_at + *sale->refunded_after;
  }
  exposures_.push_back(exposure);
  by_customer_[view.customer].push_back(exposure.id);
  return exposures_.back();
}

}  // namespace suggest::simulation
