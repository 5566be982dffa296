#include "bandit/measure/evaluation.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "bandit/base/check.h"
#include "bandit/base/portable_math.h"
#include "bandit/base/random.h"
#include "bandit/base/status_macros.h"

namespace suggest::bandit {
namespace {

absl::Status CheckRows(absl::Span<const double> scores, size_t labels) {
  if (scores.size() != labels) {
    return absl::InvalidArgumentError(absl::StrCat(scores.size(), " scores and ", labels, " labels"));
  }
  for (size_t i = 0; i < scores.size(); ++i) {
    if (!std::isfinite(scores[i])) return absl::InvalidArgumentError(absl::StrCat("score ", i, " is ", scores[i]));
  }
  return absl::OkStatus();
}

std::vector<size_t> OrderByScore(absl::Span<const double> scores) {
  std::vector<size_t> order(scores.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(), [scores](size_t a, size_t b) { return scores[a] < scores[b]; });
  return order;
}

// NaN when one class has no weight. `weight(i)` of row i.
template <typename Weight>
double AucInOrder(const std::vector<size_t>& order, absl::Span<const double> scores, absl::Span<const double> labels,
                  Weight weight) {
  double positives = 0;
  double negatives = 0;  // below the present group of equal scores
  double wins = 0;
  for (size_t begin = 0; begin < order.size();) {
    double tied_positives = 0;
    double tied_negatives = 0;
    size_t end = begin;
    for (; end < order.size() && scores[order[end]] == scores[order[begin]]; ++end) {
      (labels[order[end]] > 0 ? tied_positives : tied_negatives) += weight(order[end]);
    }
    wins += tied_positives * (negatives + 0.5 * tied_negatives);
    positives += tied_positives;
    negatives += tied_negatives;
    begin = end;
  }
  if (!(positives > 0) || !(negatives > 0)) return std::numeric_limits<double>::quiet_NaN();
  return wins / (positives * negatives);
}

// Clusters numbered from 0 in order of first appearance.
std::vector<int> NumberClusters(absl::Span<const int64_t> ids, int* clusters) {
  absl::flat_hash_map<int64_t, int> numbers;
  std::vector<int> cluster_of;
  cluster_of.reserve(ids.size());
  for (const int64_t id : ids) cluster_of.push_back(numbers.try_emplace(id, numbers.size()).first->second);
  *clusters = static_cast<int>(numbers.size());
  return cluster_of;
}

// sqrt(C / (C - 1) sum over the C clusters of (sum of part(i))^2): the standard error of a sum of parts whose mean
// is 0, the clusters being independent. NaN with fewer than two of them.
template <typename Part>
double RootOfClusterSquares(size_t rows, absl::Span<const int64_t> cluster_ids, Part part) {
  SUGGEST_CHECK(cluster_ids.size() == rows);
  int clusters = 0;
  const std::vector<int> cluster_of = NumberClusters(cluster_ids, &clusters);
  if (clusters < 2) return std::numeric_limits<double>::quiet_NaN();
  std::vector<double> sums(clusters, 0.0);
  for (size_t i = 0; i < rows; ++i) sums[cluster_of[i]] += part(i);
  double squares = 0;
  for (const double sum : sums) squares += sum * sum;
  return std::sqrt(squares * clusters / (clusters - 1));
}

// Groups by prediction; `interval` of the sum of a group's labels, of their squares, and their number.
template <typename IntervalOf>
std::vector<CalibrationBin> CalibrationBins(absl::Span<const double> predictions, absl::Span<const double> labels,
                                            int bins, IntervalOf interval) {
  SUGGEST_CHECK(predictions.size() == labels.size() && bins >= 1);
  const std::vector<size_t> order = OrderByScore(predictions);
  const size_t groups = std::min<size_t>(bins, order.size());
  std::vector<CalibrationBin> out;
  for (size_t group = 0; group < groups; ++group) {
    const size_t begin = group * order.size() / groups;
    const size_t end = (group + 1) * order.size() / groups;
    CalibrationBin bin;
    bin.n = static_cast<int64_t>(end - begin);
    double label_sum = 0, square_sum = 0;
    for (size_t i = begin; i < end; ++i) {
      bin.mean_predicted += predictions[order[i]];
      label_sum += labels[order[i]];
      square_sum += labels[order[i]] * labels[order[i]];
    }
    bin.mean_predicted /= static_cast<double>(bin.n);
    bin.observed = label_sum / static_cast<double>(bin.n);
    const Interval around = interval(label_sum, square_sum, static_cast<double>(bin.n));
    bin.lower = around.lower;
    bin.upper = around.upper;
    out.push_back(bin);
  }
  return out;
}

}  // namespace

absl::StatusOr<double> Auc(absl::Span<const double> scores, absl::Span<const double> labels,
                           absl::Span<const double> weights) {
  RETURN_IF_ERROR(CheckRows(scores, labels.size()));
  if (!weights.empty() && weights.size() != scores.size()) {
    return absl::InvalidArgumentError(absl::StrCat(scores.size(), " scores and ", weights.size(), " weights"));
  }
  const double auc = AucInOrder(OrderByScore(scores), scores, labels,
                                [weights](size_t i) { return weights.empty() ? 1.0 : weights[i]; });
  if (std::isnan(auc)) return absl::FailedPreconditionError("AUC needs a positive and a negative label");
  return auc;
}

absl::StatusOr<double> PrAuc(absl::Span<const double> scores, absl::Span<const double> labels) {
  RETURN_IF_ERROR(CheckRows(scores, labels.size()));
  const std::vector<size_t> order = OrderByScore(scores);
  double seen = 0;
  double positives = 0;
  double area = 0;
  for (size_t end = order.size(); end > 0;) {
    const double score = scores[order[end - 1]];
    double found = 0;
    for (; end > 0 && scores[order[end - 1]] == score; --end) {
      ++seen;
      found += labels[order[end - 1]] > 0 ? 1 : 0;
    }
    positives += found;
    area += found * positives / seen;
  }
  if (positives == 0 || positives == seen) {
    return absl::FailedPreconditionError("PR-AUC needs a positive and a negative label");
  }
  return area / positives;
}

absl::StatusOr<double> AucStandardErrorByCluster(absl::Span<const double> scores, absl::Span<const double> labels,
                                                 absl::Span<const int64_t> cluster_ids, int resamples, uint64_t seed) {
  RETURN_IF_ERROR(CheckRows(scores, labels.size()));
  if (cluster_ids.size() != scores.size()) {
    return absl::InvalidArgumentError(absl::StrCat(scores.size(), " scores and ", cluster_ids.size(), " cluster ids"));
  }
  int clusters = 0;
  const std::vector<int> cluster_of = NumberClusters(cluster_ids, &clusters);
  const std::vector<size_t> order = OrderByScore(scores);
  std::vector<double> aucs;
  for (int resample = 0; resample < resamples; ++resample) {
    CounterRng rng(Seed{seed}, resample);
    std::vector<double> times(clusters, 0.0);
    for (int i = 0; i < clusters; ++i) times[rng.Below(clusters)] += 1.0;
    const double auc = AucInOrder(order, scores, labels, [&](size_t i) { return times[cluster_of[i]]; });
    if (!std::isnan(auc)) aucs.push_back(auc);
  }
  if (aucs.size() < 2) {
    return absl::FailedPreconditionError(absl::StrCat("only ", aucs.size(), " bootstrap samples hold both labels"));
  }
  const double mean = std::accumulate(aucs.begin(), aucs.end(), 0.0) / aucs.size();
  double square_sum = 0;
  for (const double auc : aucs) square_sum += (auc - mean) * (auc - mean);
  return std::sqrt(square_sum / (aucs.size() - 1));
}

double LogLoss(absl::Span<const double> predictions, absl::Span<const double> labels, double clip) {
  SUGGEST_CHECK(predictions.size() == labels.size() && clip > 0 && clip < 0.5);
  double sum = 0;
  for (size_t i = 0; i < predictions.size(); ++i) {
    const double p = std::clamp(predictions[i], clip, 1 - clip);
    sum -= labels[i] * PortableLog(p) + (1 - labels[i]) * PortableLog1p(-p);
  }
  return sum / static_cast<double>(predictions.size());
}

Interval WilsonInterval(double successes, double n, double z) {
  return n > 0 ? RewardInterval(successes / n, n, 1, z) : Interval{};
}

Interval RewardInterval(double mean, double n, double k, double z) {
  if (!(n > 0)) return {};
  const double square = z * z;
  const double middle = (mean + k * square / (2 * n)) / (1 + square / n);
  const double half = z / (1 + square / n) * std::sqrt(mean * (k - mean) / n + k * k * square / (4 * n * n));
  return {std::max(0.0, middle - half), std::min(1.0, middle + half)};
}

std::vector<CalibrationBin> Calibration(absl::Span<const double> predictions, absl::Span<const double> labels,
                                        int bins) {
  return CalibrationBins(predictions, labels, bins,
                         [](double label_sum, double, double n) { return WilsonInterval(label_sum, n); });
}

std::vector<CalibrationBin> RewardCalibration(absl::Span<const double> predictions, absl::Span<const double> rewards,
                                              int bins) {
  double sum = 0, square_sum = 0;
  for (const double reward : rewards) {
    sum += reward;
    square_sum += reward * reward;
  }
  constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
  return CalibrationBins(predictions, rewards, bins, [&](double group_sum, double group_square_sum, double n) {
    if (sum == 0) return Interval{kNaN, kNaN};
    const double k = group_sum > 0 ? group_square_sum / group_sum : square_sum / sum;
    return RewardInterval(group_sum / n, n, k);
  });
}

ProbabilityBounds BoundsOf(double base_rate) {
  const double rate = std::clamp(base_rate, 1e-6, 1 - 1e-6);
  return {rate / 4, 1 - (1 - rate) / 4};
}

std::vector<double> Bounded(absl::Span<const double> predictions, const ProbabilityBounds& bounds, int64_t* floored) {
  std::vector<double> bounded;
  bounded.reserve(predictions.size());
  for (const double prediction : predictions) {
    if (floored != nullptr && prediction < bounds.lower) ++*floored;
    bounded.push_back(std::clamp(prediction, bounds.lower, bounds.upper));
  }
  return bounded;
}

double MeanSquaredError(absl::Span<const double> predictions, absl::Span<const double> labels) {
  SUGGEST_CHECK(predictions.size() == labels.size());
  double sum = 0;
  for (size_t i = 0; i < predictions.size(); ++i) sum += (predictions[i] - labels[i]) * (predictions[i] - labels[i]);
  return sum / static_cast<double>(predictions.size());
}

Measured MeanOf(absl::Span<const double> labels, absl::Span<const int64_t> cluster_ids) {
  const double n = static_cast<double>(labels.size());
  const double mean = std::accumulate(labels.begin(), labels.end(), 0.0) / n;
  return {mean, RootOfClusterSquares(labels.size(), cluster_ids, [&](size_t i) { return labels[i] - mean; }) / n};
}

Measured ObservedOnPredicted(absl::Span<const double> predictions, absl::Span<const double> labels,
                             absl::Span<const int64_t> cluster_ids) {
  SUGGEST_CHECK(predictions.size() == labels.size());
  const double n = static_cast<double>(predictions.size());
  const double mean_prediction = std::accumulate(predictions.begin(), predictions.end(), 0.0) / n;
  const double mean_label = std::accumulate(labels.begin(), labels.end(), 0.0) / n;
  double products = 0, squares = 0;
  for (size_t i = 0; i < predictions.size(); ++i) {
    const double deviation = predictions[i] - mean_prediction;
    products += deviation * (labels[i] - mean_label);
    squares += deviation * deviation;
  }
  constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
  if (!(squares > 1e-20 * n * (1e-6 + mean_prediction * mean_prediction))) return {kNaN, kNaN};
  const double slope = products / squares;
  const double root = RootOfClusterSquares(predictions.size(), cluster_ids, [&](size_t i) {
    const double deviation = predictions[i] - mean_prediction;
    return deviation * (labels[i] - mean_label - slope * deviation);
  });
  return {slope, root / squares};
}

double MeanPredictedOverObserved(absl::Span<const double> predictions, absl::Span<const double> labels) {
  SUGGEST_CHECK(predictions.size() == labels.size());
  const double observed = std::accumulate(labels.begin(), labels.end(), 0.0);
  if (observed == 0) return std::numeric_limits<double>::quiet_NaN();
  return std::accumulate(predictions.begin(), predictions.end(), 0.0) / observed;
}

}  // namespace suggest::bandit
