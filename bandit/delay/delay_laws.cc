#include "bandit/delay/delay_laws.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace suggest::bandit {
namespace {

std::vector<Outage> Disjoint(std::vector<Outage> outages) {
  std::sort(outages.begin(), outages.end(), [](const Outage& a, const Outage& b) { return a.begin < b.begin; });
  std::vector<Outage> merged;
  for (const Outage& outage : outages) {
    if (outage.end <= outage.begin) continue;
    if (!merged.empty() && outage.begin <= merged.back().end) {
      merged.back().end = std::max(merged.back().end, outage.end);
    } else {
      merged.push_back(outage);
    }
  }
  return merged;
}

}  // namespace

absl::StatusOr<DelayLaws> DelayLaws::Create(DelayLaw global, Strata strata) {
  for (const auto& [name, law] : strata) {
    if (name.empty()) return absl::InvalidArgumentError("delay laws: a stratum has no name");
    if (law.window() != global.window()) {
      return absl::InvalidArgumentError(absl::StrCat("delay laws: stratum \"", name, "\" has the window ",
                                                     absl::FormatDuration(law.window()), ", the global law ",
                                                     absl::FormatDuration(global.window())));
    }
  }
  DelayLaws laws(std::move(global));
  laws.strata_ = std::move(strata);
  return laws;
}

const DelayLaw& DelayLaws::Of(absl::string_view stratum) const {
  const auto found = strata_.find(stratum);
  return found == strata_.end() ? global_ : found->second;
}

DelayLawsEstimator::DelayLawsEstimator(absl::Duration window, const std::vector<Outage>& outages, int bins)
    : window_(window), bins_(bins), outages_(Disjoint(outages)), global_(window, bins) {}

DelayLawEstimator* DelayLawsEstimator::Of(absl::string_view stratum) {
  if (stratum.empty()) return nullptr;
  return &strata_.try_emplace(std::string(stratum), window_, bins_).first->second;
}

void DelayLawsEstimator::AddExposure(absl::string_view stratum, absl::Time exposed_at, absl::Time now, double weight) {
  for (DelayLawEstimator* estimator : {&global_, Of(stratum)}) {
    if (estimator == nullptr) continue;
    estimator->AddExposure(now - exposed_at, weight);
    for (const Outage& outage : outages_) {
      estimator->ExcludeAges(outage.begin - exposed_at, std::min(outage.end, now) - exposed_at, weight);
    }
  }
}

void DelayLawsEstimator::AddReward(absl::string_view stratum, absl::Time exposed_at, absl::Time visible_at,
                                   double mass) {
  const auto after = std::lower_bound(outages_.begin(), outages_.end(), visible_at,
                                      [](const Outage& outage, absl::Time at) { return outage.end < at; });
  if (after != outages_.end() && after->begin < visible_at) return;
  global_.AddReward(visible_at - exposed_at, mass);
  if (DelayLawEstimator* estimator = Of(stratum); estimator != nullptr) {
    estimator->AddReward(visible_at - exposed_at, mass);
  }
}

DelayLaws DelayLawsEstimator::Estimate(const DelayLaw& prior, double strength, double prior_reward) const {
  DelayLaws laws(global_.Estimate(prior, strength, prior_reward));
  const double mean_reward = global_.MeanReward(prior, strength, prior_reward);
  for (const auto& [stratum, estimator] : strata_) {
    laws.strata_.emplace(stratum, estimator.Estimate(laws.global_, strength, mean_reward));
  }
  return laws;
}

}  // namespace suggest::bandit
