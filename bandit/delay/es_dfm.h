// ES-DFM's nuisance models on contexts, and the label corrector that is made of them (M25 to M27).
//
//   f_dp(x) = P(the purchase comes after the label was read | x)
//   f_rn(x) = P(never | x, none when the label was read)
//   LateCorrector: P(a purchase comes | b, none by age a) = sigmoid(beta'b + (kappa'b) log S0(a)), S0 = 1 - F of all.
// With a delay that does not depend on b the odds are p S0 / (1 - p): kappa'b = 1 and beta'b = logit p. Hence the
// prior: kappa = (1, 0, ...) and beta = 0, b[0] being 1.
//
// All are logistic models fitted on *matured* exposures only; an immature one is refused, for its label is not known.
// Two mistakes give models that look right: f_dp trained on purchases alone estimates S, not p S (every exposure is a
// row of f_dp); and f_dp trained on a stream with the late positives inserted again estimates p_dp / (1 + p_dp) (one
// row per exposure, never the stream). Trainers take exposures, not rows, so that neither can be made.
//
// The corrector is exact under retraction: its imputed targets are made anew at each run from the pending exposures and
// never stored in a sum, and what matures counts (1, r).
//
// `context` is any vector with a leading 1. Where b = z_c (x) z_r is long, [1; z_c; z_r] does as well at a hundredth of
// the cost: Newton's method takes n d^2 a step. A trainer keeps its newest `max_exposures` exposures.
#ifndef BANDIT_DELAY_ES_DFM_H_
#define BANDIT_DELAY_ES_DFM_H_

#include <Eigen/Core>
#include <deque>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "bandit/base/random.h"
#include "bandit/delay/delay_law.h"
#include "bandit/delay/importance_weights.h"
#include "bandit/model/day_buckets.h"

namespace suggest::bandit {

// One exposure as a trainer sees it. Ages are visibility ages since exposed_at.
struct ObservedExposure {
  Eigen::VectorXd context;                                     // leading 1
  absl::Duration age;                                          // now
  absl::Duration purchase_visible = absl::InfiniteDuration();  // age at which its first purchase was visible
  double weight = 1;                                           // forgetting factor
};

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
  absl::Duration Sample(CounterRng& rng) const;
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

struct TrainerOptions {
  absl::Duration maturity;  // W + grace
  double ridge = 2;
  int max_exposures = 20000;
};

// Not thread-safe.
class EsDfmTrainer {
 public:
  // REQUIRES: dim >= 1, maturity > 0.
  EsDfmTrainer(int dim, const TrainerOptions& options) : dim_(dim), options_(options) {}

  // `waiting`: the time after which this exposure's label was read (a sample of p(e | x)).
  // Errors: FAILED_PRECONDITION for an exposure that is not mature; INVALID_ARGUMENT for a context of another length or
  // not finite, a weight that is negative or not finite, or waiting <= 0.
  absl::Status Add(const ObservedExposure& exposure, absl::Duration waiting);

  // The untrained model when there are no exposures. Errors: those of FitLogistic.
  absl::StatusOr<EsDfmModel> Fit() const;
  int64_t size() const { return static_cast<int64_t>(exposures_.size()); }

 private:
  const int dim_;
  const TrainerOptions options_;
  std::deque<std::pair<ObservedExposure, absl::Duration>> exposures_;
};

// --- f_rn(b, age)

// Immutable.
class LateCorrector {
 public:
  LateCorrector() = default;  // untrained
  // Errors: INVALID_ARGUMENT for lengths that differ or weights that are not finite.
  static absl::StatusOr<LateCorrector> FromWeights(Eigen::VectorXd beta, Eigen::VectorXd kappa);

  // While false, LateProbability(p, F) of pending.h stands in (the EM label).
  bool trained() const { return beta_.size() > 0; }
  // P(a purchase comes | context, none by the age at which F is `share`), clipped to [1e-3, 1 - 1e-3]; 0 at a share
  // of 1. REQUIRES: trained(), the trainer's dimension.
  double LatePurchase(const Eigen::VectorXd& context, double share) const;

  const Eigen::VectorXd& beta() const { return beta_; }
  const Eigen::VectorXd& kappa() const { return kappa_; }

 private:
  Eigen::VectorXd beta_;
  Eigen::VectorXd kappa_;
};

// Not thread-safe.
class LateCorrectorTrainer {
 public:
  // Each exposure is asked at three ages, W/12, W/3 and 2W/3. `law` is the law of all strata: kappa'b takes up how a
  // stratum differs from it. REQUIRES: dim >= 1, maturity >= law.window().
  LateCorrectorTrainer(int dim, DelayLaw law, const TrainerOptions& options);

  // Errors: as EsDfmTrainer::Add.
  absl::Status Add(const ObservedExposure& exposure);

  // The untrained corrector when no exposure was left to ask. Errors: those of FitLogistic.
  absl::StatusOr<LateCorrector> Fit() const;
  int64_t size() const { return static_cast<int64_t>(exposures_.size()); }

 private:
  const int dim_;
  const DelayLaw law_;
  const TrainerOptions options_;
  std::deque<ObservedExposure> exposures_;
};

// --- es_dfm_iw: sums of weighted events

// Events enter the bucket of their exposure's day with the weights of the model at that time, and stay as they are. So
// windows and discounts work as for exact sums, but the sums never become the exact ones. Not thread-safe.
class EventAccumulator {
 public:
  explicit EventAccumulator(int dim) : buckets_(dim) {}

  // The label was read after the waiting time. Bought by then: (w+, w+ reward); not: (w-, 0).
  // Errors: as SufficientStatistics::Add, and INVALID_ARGUMENT for weights outside (0, 2].
  absl::Status AddLabel(int64_t day, const Eigen::VectorXd& context, bool bought, double reward,
                        const LabelWeights& weights);
  // A purchase that came after it: (w+, w+ reward). Errors: as AddLabel.
  absl::Status AddLatePurchase(int64_t day, const Eigen::VectorXd& context, double reward, const LabelWeights& weights);

  SufficientStatistics Total(int64_t today, const Forgetting& forgetting) const {
    return buckets_.Total(today, forgetting);
  }
  // To store them, and to drop what is forgotten.
  DayBuckets& buckets() { return buckets_; }

 private:
  DayBuckets buckets_;
};

}  // namespace suggest::bandit

#endif  // BANDIT_DELAY_ES_DFM_H_
