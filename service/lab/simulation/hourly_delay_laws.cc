#include "service/lab/simulation/hourly_delay_laws.h"

#include <algorithm>

#include "service/lab/simulation/purchase_delay.h"

namespace suggest::simulation {
namespace {

absl::Time At(int hour) {
  return absl::UnixEpoch() + absl::Hours(hour);
}

bandit::DelayLaw PriorLaw(int window_hours) {
  const auto prior = PurchaseDelay::Exponential(window_hours, 1.0 / 3);
  std::vector<double> age_seconds, share;
  for (int hour = 1; hour <= window_hours; ++hour) {
    age_seconds.push_back(3600.0 * hour);
    share.push_back(prior.Cdf(hour));
  }
  return *bandit::DelayLaw::FromGrid(std::move(age_seconds), std::move(share));
}

}  // namespace

HourlyDelayLaws::HourlyDelayLaws(int window_hours, double hourly_factor)
    : window_hours_(window_hours), prior_(PriorLaw(window_hours)) {
  double weight = 1;
  for (int age = 0; age <= window_hours; ++age, weight *= hourly_factor) weight_.push_back(weight);
  for (auto& rewards : kept_rewards_) rewards.assign(window_hours, 0.0);
}

void HourlyDelayLaws::PassHour() {
  for (double& exposures : kept_exposures_) exposures *= weight_[1];
  for (auto& rewards : kept_rewards_) {
    for (double& mass : rewards) mass *= weight_[1];
  }
}

void HourlyDelayLaws::AddMature(const Cohort& cohort) {
  for (int stratum = 0; stratum < DelayWorld::kStrata; ++stratum) {
    kept_exposures_[stratum] += weight_[window_hours_] * cohort.size_of(stratum);
  }
  AddRewards(cohort, window_hours_, kept_rewards_);
}

void HourlyDelayLaws::AddRewards(const Cohort& cohort, int age, Rewards& rewards) const {
  for (int i = 0; i < cohort.size(); ++i) {
    if (!cohort.BoughtBy(i, age)) continue;
    const int bin = std::min(window_hours_ - 1, static_cast<int>(cohort.hours_to_purchase(i)));
    rewards[cohort.stratum(i)][bin] += weight_[age];
  }
}

bandit::DelayLaws HourlyDelayLaws::Estimate(const std::deque<Cohort>& pending, int hour) const {
  bandit::DelayLawsEstimator estimator(absl::Hours(window_hours_), {}, window_hours_);
  const absl::Time now = At(hour);
  const absl::Time window_ago = At(hour - window_hours_);  // from W on the age does not matter
  for (int stratum = 0; stratum < DelayWorld::kStrata; ++stratum) {
    estimator.AddExposure(StratumName(stratum), window_ago, now, kept_exposures_[stratum]);
  }
  Rewards rewards = kept_rewards_;
  for (const Cohort& cohort : pending) {
    const int age = hour - cohort.hour();
    for (int stratum = 0; stratum < DelayWorld::kStrata; ++stratum) {
      estimator.AddExposure(StratumName(stratum), At(cohort.hour()), now, weight_[age] * cohort.size_of(stratum));
    }
    AddRewards(cohort, age, rewards);
  }
  for (int stratum = 0; stratum < DelayWorld::kStrata; ++stratum) {
    for (int bin = 0; bin < window_hours_; ++bin) {
      const double mass = rewards[stratum][bin];
      if (mass == 0) continue;
      estimator.AddReward(StratumName(stratum), window_ago, window_ago + absl::Hours(bin + 0.5), mass);
    }
  }
  return estimator.Estimate(prior_, kPriorStrength, kPriorReward);
}

}  // namespace suggest::simulation
