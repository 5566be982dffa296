#include "service/lab/simulation/estimates.h"

#include <cmath>

#include "bandit/base/check.h"

namespace suggest::simulation {

using model::v1::Estimate;

Estimate MeanOf(const std::vector<double>& values) {
  SUGGEST_CHECK(!values.empty());
  const double n = static_cast<double>(values.size());
  double sum = 0;
  for (double value : values) sum += value;
  double squares = 0;
  for (double value : values) squares += (value - sum / n) * (value - sum / n);
  Estimate estimate;
  estimate.set_mean(sum / n);
  estimate.set_standard_error(n > 1 ? std::sqrt(squares / (n - 1) / n) : 0);
  return estimate;
}

Estimate PairedDifferenceOf(const std::vector<double>& a, const std::vector<double>& b) {
  SUGGEST_CHECK(a.size() == b.size());
  std::vector<double> differences;
  for (size_t i = 0; i < a.size(); ++i) differences.push_back(a[i] - b[i]);
  return MeanOf(differences);
}

Estimate PairedRatioOf(const std::vector<double>& a, const std::vector<double>& b) {
  SUGGEST_CHECK(a.size() == b.size());
  const double below = MeanOf(b).mean();
  const double ratio = MeanOf(a).mean() / below;
  std::vector<double> rest;
  for (size_t i = 0; i < a.size(); ++i) rest.push_back((a[i] - ratio * b[i]) / below);
  Estimate estimate = MeanOf(rest);
  estimate.set_mean(ratio);
  return estimate;
}

}  // namespace suggest::simulation
