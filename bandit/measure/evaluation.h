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

struct CalibrationBin {
  int64_t n = 0;
  double mean_predicted = 0;
  double observed = 0;  // mean label
  double wilson_lower = 0;
  double wilson_upper = 1;
};

// Rows sorted by prediction (ties by position) and cut into `bins` groups of equal size (they differ by one at most);
// with fewer rows than bins, one group per row. REQUIRES: equal lengths, bins >= 1.
std::vector<CalibrationBin> Calibration(absl::Span<const double> predictions, absl::Span<const double> labels,
                                        int bins = 10);

// Mean prediction over mean label. NaN when the labels sum to 0.
double MeanPredictedOverObserved(absl::Span<const double> predictions, absl::Span<const double> labels);

}  // namespace suggest::bandit

#endif  // BANDIT_MEASURE_EVALUATION_H_
