// How good predictions are, on exposures whose rewards are known (M19): ranking (AUC), probability (log loss),
// calibration.
#ifndef BANDIT_MEASURE_EVALUATION_H_
#define BANDIT_MEASURE_EVALUATION_H_

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"

namespace suggest::bandit {

// Probability that a random positive scores above a random negative, ties counting half (Mann-Whitney). Labels count
// as positive when > 0. Weights >= 0, or empty for all 1. O(n log n).
// Errors: INVALID_ARGUMENT for lengths that differ or a score that is not finite; FAILED_PRECONDITION without a
// positive or without a negative.
absl::StatusOr<double> Auc(absl::Span<const double> scores, absl::Span<const double> labels,
                           absl::Span<const double> weights = {});

// Area under the precision-recall curve as average precision: sum over the distinct scores, from the highest down, of
// (recall_k - recall_{k-1}) precision_k. Steps, not straight lines, which would promise too much (Davis and Goadrich,
// ICML 2006). A random ranking has the share of the positives. O(n log n). Errors: as Auc.
absl::StatusOr<double> PrAuc(absl::Span<const double> scores, absl::Span<const double> labels);

// Standard deviation of the AUC over `resamples` bootstrap samples of whole clusters (customers), each drawn with
// replacement; samples with one class only are left out. Ids are any integers; the same seed gives the same bits.
// Errors: as Auc; FAILED_PRECONDITION when fewer than two samples were usable.
absl::StatusOr<double> AucStandardErrorByCluster(absl::Span<const double> scores, absl::Span<const double> labels,
                                                 absl::Span<const int64_t> cluster_ids, int resamples, uint64_t seed);

// Mean of -r log p - (1 - r) log(1 - p), p clipped to [clip, 1 - clip]. NaN for no rows.
// REQUIRES: equal lengths, 0 < clip < 0.5.
double LogLoss(absl::Span<const double> predictions, absl::Span<const double> labels, double clip = 1e-6);

struct Interval {
  double lower = 0;
  double upper = 1;
};

// Wilson's score interval for a share of `successes` in n, at `z` standard deviations (1.96: 95 %). [0, 1] for n = 0.
Interval WilsonInterval(double successes, double n, double z = 1.959963984540054);

// Interval for the mean of rewards in [0, 1] that are 0 or the worth of a purchase, from their own variance: Wilson's
// interval with the variance k mu - mu^2 of such a reward in place of mu - mu^2, where k = sum r^2 / sum r is the mean
// worth of a purchase, weighted by itself. With k = 1, purchases that are all worth 1, it is Wilson's to the bit.
// [0, 1] for n = 0. REQUIRES: 0 <= mean <= k <= 1, k > 0.
Interval RewardInterval(double mean, double n, double k, double z = 1.959963984540054);

struct CalibrationBin {
  int64_t n = 0;
  double mean_predicted = 0;
  double observed = 0;  // mean label
  double lower = 0;     // 95 % interval of the observed mean
  double upper = 1;
};

// Rows sorted by prediction (ties by position) and cut into `bins` groups of equal size (they differ by one at most);
// with fewer rows than bins, one group per row. Intervals are Wilson's, for labels that are 0 or 1.
// REQUIRES: equal lengths, bins >= 1.
std::vector<CalibrationBin> Calibration(absl::Span<const double> predictions, absl::Span<const double> labels,
                                        int bins = 10);

// The same for rewards: intervals are RewardInterval's, with k of the group's own purchases, or of all where the group
// has none. Without any reward above 0 they are NaN: nothing is known of a purchase's worth.
// REQUIRES: rewards in [0, 1].
std::vector<CalibrationBin> RewardCalibration(absl::Span<const double> predictions, absl::Span<const double> rewards,
                                              int bins = 10);

// What a prediction is taken for at least and at most where its logarithm is taken: a quarter of the base rate, and as
// much below 1. The negative predictions of a linear model say "less than usual", not "never".
struct ProbabilityBounds {
  double lower = 0;
  double upper = 1;
};
ProbabilityBounds BoundsOf(double base_rate);

// Predictions clipped to the bounds; `floored`, when not null, counts those that lay below the lower one.
std::vector<double> Bounded(absl::Span<const double> predictions, const ProbabilityBounds& bounds, int64_t* floored);

// Mean of (p - r)^2; of labels 0 or 1 it is the Brier score. NaN for no rows. REQUIRES: equal lengths.
double MeanSquaredError(absl::Span<const double> predictions, absl::Span<const double> labels);

// A number with its standard error over clusters; NaN where it cannot be had.
struct Measured {
  double value = 0;
  double standard_error = 0;
};

// Mean of the labels. Clusters (customers) are the independent units; one cluster has no standard error.
Measured MeanOf(absl::Span<const double> labels, absl::Span<const int64_t> cluster_ids);

// Slope of the least-squares line of labels on predictions: 1 where a difference between two predictions comes true,
// less where it is exaggerated. NaN when all predictions are equal.
Measured ObservedOnPredicted(absl::Span<const double> predictions, absl::Span<const double> labels,
                             absl::Span<const int64_t> cluster_ids);

// Mean prediction over mean label. NaN when the labels sum to 0.
double MeanPredictedOverObserved(absl::Span<const double> predictions, absl::Span<const double> labels);

}  // namespace suggest::bandit

#endif  // BANDIT_MEASURE_EVALUATION_H_
