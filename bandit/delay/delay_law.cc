#include "bandit/delay/delay_law.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "bandit/base/check.h"
#include "bandit/base/portable_math.h"

namespace suggest::bandit {
namespace {

std::vector<double> EvenGrid(double window_seconds, int bins) {
  std::vector<double> ages(bins);
  for (int i = 0; i < bins; ++i) ages[i] = window_seconds * (i + 1) / bins;
  return ages;
}

}  // namespace

DelayLaw DelayLaw::TruncatedExponential(absl::Duration mean, absl::Duration window, int bins) {
  SUGGEST_CHECK(mean > absl::ZeroDuration() && window > absl::ZeroDuration() && bins >= 1);
  const double rate = 1.0 / absl::ToDoubleSeconds(mean);
  std::vector<double> ages = EvenGrid(absl::ToDoubleSeconds(window), bins);
  const double whole = 1.0 - PortableExp(-rate * ages.back());
  std::vector<double> share(bins);
  for (int i = 0; i < bins; ++i) {
    // A mean far longer than the window leaves an even law: the limit, where the quotient loses its digits.
    share[i] = whole < 1e-9 ? ages[i] / ages.back() : std::min(1.0, (1.0 - PortableExp(-rate * ages[i])) / whole);
  }
  share.back() = 1.0;
  return DelayLaw(std::move(ages), std::move(share));
}

absl::StatusOr<DelayLaw> DelayLaw::FromGrid(std::vector<double> age_seconds, std::vector<double> share) {
  if (age_seconds.empty() || age_seconds.size() != share.size()) {
    return absl::InvalidArgumentError(
        absl::StrCat("delay law has ", age_seconds.size(), " ages and ", share.size(), " shares"));
  }
  double last_age = 0;
  double last_share = 0;
  for (size_t i = 0; i < share.size(); ++i) {
    if (!(age_seconds[i] > last_age) || !std::isfinite(age_seconds[i])) {
      return absl::InvalidArgumentError(
          absl::StrCat("delay law: age ", i, " is ", age_seconds[i], " after ", last_age));
    }
    if (!(share[i] >= last_share) || share[i] > 1) {
      return absl::InvalidArgumentError(absl::StrCat("delay law: share ", i, " is ", share[i], " after ", last_share));
    }
    last_age = age_seconds[i];
    last_share = share[i];
  }
  if (last_share != 1) return absl::InvalidArgumentError(absl::StrCat("delay law ends at ", last_share, ", not at 1"));
  return DelayLaw(std::move(age_seconds), std::move(share));
}

double DelayLaw::ShareAt(double seconds) const {
  if (seconds >= age_seconds_.back()) return 1.0;
  const size_t i = std::upper_bound(age_seconds_.begin(), age_seconds_.end(), seconds) - age_seconds_.begin();
  const double left_age = i == 0 ? 0.0 : age_seconds_[i - 1];
  const double left_share = i == 0 ? 0.0 : share_[i - 1];
  const double part = (seconds - left_age) / (age_seconds_[i] - left_age);
  return std::min(share_[i], left_share + part * (share_[i] - left_share));
}

double DelayLaw::Share(absl::Duration age) const {
  if (age <= absl::ZeroDuration()) return 0.0;
  return std::max(kMinShare, ShareAt(absl::ToDoubleSeconds(age)));
}

absl::Duration DelayLaw::Quantile(double share) const {
  if (!(share > 0)) return absl::ZeroDuration();
  if (share >= 1) return window();
  const size_t i = std::lower_bound(share_.begin(), share_.end(), share) - share_.begin();
  const double left_age = i == 0 ? 0.0 : age_seconds_[i - 1];
  const double left_share = i == 0 ? 0.0 : share_[i - 1];
  const double part = (share - left_share) / (share_[i] - left_share);
  return absl::Seconds(left_age + part * (age_seconds_[i] - left_age));
}

DelayLawEstimator::DelayLawEstimator(absl::Duration window, int bins)
    : window_seconds_(absl::ToDoubleSeconds(window)), ends_(bins + 1), partial_(bins), mass_(bins) {
  SUGGEST_CHECK(window > absl::ZeroDuration() && bins >= 1);
}

int DelayLawEstimator::Bin(double seconds) const {
  const int bins = static_cast<int>(mass_.size());
  if (seconds <= 0) return 0;
  if (seconds >= window_seconds_) return bins;
  return std::min(bins - 1, static_cast<int>(seconds / window_seconds_ * bins));
}

void DelayLawEstimator::AddExposure(absl::Duration age_now, double weight) {
  const int bins = static_cast<int>(mass_.size());
  const double seconds = std::max(0.0, absl::ToDoubleSeconds(age_now));
  const int bin = Bin(seconds);
  ends_[bin] += weight;
  if (bin < bins) partial_[bin] += weight * std::max(0.0, seconds / window_seconds_ * bins - bin);
}

void DelayLawEstimator::ExcludeAges(absl::Duration from, absl::Duration to, double weight) {
  from = std::max(from, absl::ZeroDuration());
  if (to <= from) return;
  AddExposure(to, -weight);
  AddExposure(from, weight);
}

void DelayLawEstimator::AddReward(absl::Duration age_at_visible, double mass) {
  mass_[std::min<int>(Bin(absl::ToDoubleSeconds(age_at_visible)), mass_.size() - 1)] += mass;
}

std::vector<double> DelayLawEstimator::CumulativeReward(const DelayLaw& prior, double strength,
                                                        double prior_reward) const {
  const int bins = static_cast<int>(mass_.size());
  std::vector<double> lived(bins);
  double older = ends_[bins];
  for (int j = bins - 1; j >= 0; --j) {
    lived[j] = std::max(0.0, older + partial_[j]);  // exclusions may leave a rounding below 0
    older += ends_[j];
  }
  std::vector<double> cumulative(bins);
  double sum = 0;
  double prior_share = 0;
  for (int j = 0; j < bins; ++j) {
    const double next_share = prior.ShareAt(window_seconds_ * (j + 1) / bins);
    const double watched = lived[j] + strength;
    const double mass = mass_[j] + strength * prior_reward * (next_share - prior_share);
    if (watched > 0) sum += mass / watched;
    cumulative[j] = sum;
    prior_share = next_share;
  }
  // A refund takes back what was given at an earlier age: by no age can more have been given for good than by a later.
  for (int j = bins - 2; j >= 0; --j) cumulative[j] = std::min(cumulative[j], cumulative[j + 1]);
  for (double& value : cumulative) value = std::max(0.0, value);
  return cumulative;
}

DelayLaw DelayLawEstimator::Estimate(const DelayLaw& prior, double strength, double prior_reward) const {
  std::vector<double> share = CumulativeReward(prior, strength, prior_reward);
  const double sum = share.back();
  if (!(sum > 0)) return prior;
  for (double& value : share) value = std::min(1.0, value / sum);
  share.back() = 1.0;
  return DelayLaw(EvenGrid(window_seconds_, static_cast<int>(mass_.size())), std::move(share));
}

double DelayLawEstimator::MeanReward(const DelayLaw& prior, double strength, double prior_reward) const {
  return CumulativeReward(prior, strength, prior_reward).back();
}

}  // namespace suggest::bandit
