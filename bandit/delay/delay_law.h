// The delay law F(age): the share of an exposure's final reward that is visible at this age; its estimator (M11).
//
// Estimated by the mean cumulative function, which counts every exposure for as long as it has been watched, so that
// young ones do not bias it toward short delays. Per age bin j of [0, W):
//   N_j  exposures that lived through it (one that is now inside it counts by the part it has lived),
//   M_j  reward that first became visible in it (changes of the clipped reward: a refund is negative),
//   dA_j = (M_j + n0 r0 dF0_j) / (N_j + n0), not below 0,   F(a_j) = sum_{i<=j} dA_i / sum dA_i,
// with a prior law F0 worth n0 exposures of mean reward r0. Monotone by construction; F = 1 from W on.
// Ages are visibility ages, from exposed_at to the instant at which the reward could be seen: the lag of the pipeline
// is part of the law. Assumed: what becomes visible per exposure at an age does not depend on the calendar. Where it
// does because the pipeline was down, that time is left out of N and M alike (ExcludeAges; delay_laws.h does it by
// dates).
#ifndef BANDIT_DELAY_DELAY_LAW_H_
#define BANDIT_DELAY_DELAY_LAW_H_

#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace suggest::bandit {

// Immutable. Linear between grid points.
class DelayLaw {
 public:
  static constexpr double kMinShare = 1e-3;
  static constexpr int kDefaultBins = 128;

  // Exponential delays of this mean (before the cut), truncated at `window`: (1 - e^(-a/m)) / (1 - e^(-W/m)).
  // REQUIRES: mean > 0, window > 0, bins >= 1.
  static DelayLaw TruncatedExponential(absl::Duration mean, absl::Duration window, int bins = kDefaultBins);

  // Ages in seconds, ascending from > 0; shares ascending in [0, 1], the last one 1.
  // Errors: INVALID_ARGUMENT when that does not hold.
  static absl::StatusOr<DelayLaw> FromGrid(std::vector<double> age_seconds, std::vector<double> share);

  // 0 for age <= 0; at least kMinShare after it; 1 from window() on; never falls with age.
  double Share(absl::Duration age) const;

  // The least age at which Share is at least `share`, linear between grid points; 0 for share <= 0, window() for >= 1.
  absl::Duration Quantile(double share) const;

  absl::Duration window() const { return absl::Seconds(age_seconds_.back()); }
  const std::vector<double>& age_seconds() const { return age_seconds_; }
  const std::vector<double>& share() const { return share_; }

 private:
  friend class DelayLawEstimator;
  DelayLaw(std::vector<double> age_seconds, std::vector<double> share)
      : age_seconds_(std::move(age_seconds)), share_(std::move(share)) {}
  double ShareAt(double seconds) const;  // without the floor

  std::vector<double> age_seconds_;
  std::vector<double> share_;
};

// Not thread-safe. An update is O(1), Estimate is O(bins).
class DelayLawEstimator {
 public:
  // Even bins over [0, window). REQUIRES: window > 0, bins >= 1.
  explicit DelayLawEstimator(absl::Duration window, int bins = DelayLaw::kDefaultBins);

  // An exposure that has been watched for `age_now` (older than the window: all of it). Negative ages count as 0.
  void AddExposure(absl::Duration age_now, double weight = 1);

  // An exposure that was added was not watched between these ages: takes its life between them out of N again. What
  // became visible in that span must not be added. Ages past the window, or `to` <= `from`, exclude nothing.
  // REQUIRES: `to` is not past the age that the exposure was added with.
  void ExcludeAges(absl::Duration from, absl::Duration to, double weight = 1);

  // Of its reward, `mass` (times the exposure's weight) first became visible at this age of it (past the window: in the
  // last bin). A refund is a negative mass at the age at which it became visible.
  void AddReward(absl::Duration age_at_visible, double mass);

  // The law of the file comment. `strength` = n0 >= 0, `prior_reward` = r0 >= 0. The prior itself when nothing was
  // seen that could change it.
  DelayLaw Estimate(const DelayLaw& prior, double strength, double prior_reward) const;

  // sum dA_j: the mean final reward of an exposure by the same estimate, and the prior_reward of what is shrunk to it.
  double MeanReward(const DelayLaw& prior, double strength, double prior_reward) const;

 private:
  int Bin(double seconds) const;
  std::vector<double> CumulativeReward(const DelayLaw& prior, double strength, double prior_reward) const;

  double window_seconds_;
  std::vector<double> ends_;     // exposures whose present age lies in this bin; the last entry: past the window
  std::vector<double> partial_;  // what those have lived of it, in bins
  std::vector<double> mass_;
};

}  // namespace suggest::bandit

#endif  // BANDIT_DELAY_DELAY_LAW_H_
