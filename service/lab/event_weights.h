// ES-DFM as published, for comparisons: nuisance models of when a label is read, and sums of importance-weighted events
// (M25, M26).
//
//   f_dp(x) = P(the purchase comes after the label was read | x)
//   f_rn(x) = P(never | x, none when the label was read)
//
// Both are logistic models fitted on *matured* exposures only; an immature one is refused, for its label is not known.
// Two mistakes give models that look right: f_dp trained on purchases alone estimates S, not p S (every exposure is a
// row of f_dp); and f_dp trained on a stream with the late positives inserted again estimates p_dp / (1 + p_dp) (one
// row per exposure, never the stream). The trainer takes exposures, not rows, so that neither can be made.
#ifndef SERVICE_LAB_EVENT_WEIGHTS_H_
#define SERVICE_LAB_EVENT_WEIGHTS_H_

#include <Eigen/Core>
#include <cstdint>
#include <deque>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "bandit/base/random.h"
#include "bandit/delay/es_dfm.h"
#include "bandit/model/day_buckets.h"
#include "service/lab/importance_weights.h"

namespace suggest::lab {

// --- elapsed-time sampling, p(e | x)

// When labels are read: always after the same time, or after one of several with given probabilities.
class WaitingTime {
 public:
  // REQUIRES: at > 0.
  explicit WaitingTime(absl::Duration at) : times_{at}, shares_{1.0} {}
  // Errors: INVALID_ARGUMENT without times, with times that are not positive or do not ascend, with shares that are
  // negative or do not sum to 1 (within 1e-9).
  static absl::StatusOr<WaitingTime> Create(std::vector<absl::Duration> times, std::vector<double> shares);

  // Uses one uniform, also for a point.
  absl::Duration Sample(bandit::CounterRng& rng) const;
  const std::vector<absl::Duration>& times() const { return times_; }
  const std::vector<double>& shares() const { return shares_; }

 private:
  WaitingTime() = default;
  std::vector<absl::Duration> times_;
  std::vector<double> shares_;
};

// By stratum, as delay laws are. A stratum without an entry has `otherwise`.
struct WaitingTimes {
  WaitingTime otherwise;
  absl::btree_map<std::string, WaitingTime> strata = {};

  const WaitingTime& Of(absl::string_view stratum) const;
};

// --- f_dp and f_rn at the waiting time

// Immutable.
class EsDfmModel {
 public:
  // Untrained: f_dp = 0, f_rn = 1, that is plain fake negatives with duplicates.
  EsDfmModel() = default;
  // Errors: INVALID_ARGUMENT for lengths that differ or weights that are not finite.
  static absl::StatusOr<EsDfmModel> FromWeights(Eigen::VectorXd delayed_positive, Eigen::VectorXd real_negative);

  bool trained() const { return delayed_positive_.size() > 0; }
  // Clipped to [1e-3, 1 - 1e-3]. REQUIRES: the trainer's dimension, when trained.
  double DelayedPositive(const Eigen::VectorXd& context) const;
  double RealNegative(const Eigen::VectorXd& context) const;
  LabelWeights Weights(const Eigen::VectorXd& context, WeightForm form) const;

  const Eigen::VectorXd& delayed_positive_weights() const { return delayed_positive_; }
  const Eigen::VectorXd& real_negative_weights() const { return real_negative_; }

 private:
  Eigen::VectorXd delayed_positive_;
  Eigen::VectorXd real_negative_;
};

// Not thread-safe.
class EsDfmTrainer {
 public:
  // REQUIRES: dim >= 1, maturity > 0.
  EsDfmTrainer(int dim, const bandit::TrainerOptions& options) : dim_(dim), options_(options) {}

  // `waiting`: the time after which this exposure's label was read (a sample of p(e | x)).
  // Errors: FAILED_PRECONDITION for an exposure that is not mature; INVALID_ARGUMENT for a context of another length or
  // not finite, a weight that is negative or not finite, or waiting <= 0.
  absl::Status Add(const bandit::ObservedExposure& exposure, absl::Duration waiting);

  // The untrained model when there are no exposures. Errors: those of FitLogistic.
  absl::StatusOr<EsDfmModel> Fit() const;
  int64_t size() const { return static_cast<int64_t>(exposures_.size()); }

 private:
  const int dim_;
  const bandit::TrainerOptions options_;
  std::deque<std::pair<bandit::ObservedExposure, absl::Duration>> exposures_;
};

// --- es_dfm_iw: sums of weighted events

// Events enter the bucket of their exposure's day with the weights of the model at that time, and stay as they are. So
// windows and discounts work as for exact sums, but the sums never become the exact ones. Not thread-safe.
class EventAccumulator {
 public:
  explicit EventAccumulator(int dim) : buckets_(dim) {}

  // The label was read after the waiting time. Bought by then: (w+, w+ reward); not: (w-, 0).
  // Errors: as bandit::SufficientStatistics::Add, and INVALID_ARGUMENT for weights outside (0, 2].
  absl::Status AddLabel(int64_t day, const Eigen::VectorXd& context, bool bought, double reward,
                        const LabelWeights& weights);
  // A purchase that came after it: (w+, w+ reward). Errors: as AddLabel.
  absl::Status AddLatePurchase(int64_t day, const Eigen::VectorXd& context, double reward, const LabelWeights& weights);

  bandit::SufficientStatistics Total(int64_t today, const bandit::Forgetting& forgetting) const {
    return buckets_.Total(today, forgetting);
  }
  // To store them, and to drop what is forgotten.
  bandit::DayBuckets& buckets() { return buckets_; }

 private:
  bandit::DayBuckets buckets_;
};

}  // namespace suggest::lab

#endif  // SERVICE_LAB_EVENT_WEIGHTS_H_
