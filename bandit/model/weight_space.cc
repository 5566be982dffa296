#include "bandit/model/weight_space.h"

#include <cmath>

namespace suggest::bandit {

using Eigen::VectorXd;

VectorXd Draw(const JointNormal& weights, double scale, CounterRng& rng) {
  VectorXd w = weights.mean;
  for (int j = 0; j < weights.dim(); ++j) {
    const double step = scale * rng.NextNormal();
    for (int i = j; i < weights.dim(); ++i) w[i] += step * weights.factor(i, j);
  }
  return w;
}

double FixedOrderScore(absl::Span<const double> row, absl::Span<const double> pair, const VectorXd& w) {
  const double* weight = w.data();
  double sum = 0;
  for (const double z : row) sum += z * *weight++;
  for (const double p : pair) sum += p * *weight++;
  return sum;
}

double StandardDeviation(const JointNormal& weights, absl::Span<const double> row, absl::Span<const double> pair) {
  double variance = 0;
  for (int j = 0; j < weights.dim(); ++j) {
    double sum = 0;
    for (size_t i = j; i < row.size(); ++i) sum += weights.factor(i, j) * row[i];
    for (size_t p = 0; p < pair.size(); ++p) {
      if (row.size() + p >= static_cast<size_t>(j)) sum += weights.factor(row.size() + p, j) * pair[p];
    }
    variance += sum * sum;
  }
  return std::sqrt(variance);
}

}  // namespace suggest::bandit
