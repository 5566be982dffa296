#include "service/lab/simulation/purchase_delay.h"

#include <algorithm>

#include "bandit/base/check.h"
#include "bandit/base/portable_math.h"

namespace suggest::simulation {
namespace {

constexpr double kSigma = 2.0;
constexpr double kShortest = 1e-9;  // of a delay, in windows

// Means in windows, rising in the parameter.
double ExponentialMean(double scale) {
  const double tail = PortableExp(-1 / scale);
  return scale - tail / (1 - tail);
}

double LogNormalMean(double location) {
  const double cut = -location / kSigma;
  return PortableExp(location + kSigma * kSigma / 2) * NormalCdf(cut - kSigma) / NormalCdf(cut);
}

// The x in [low, high] where mean(x) = wanted, by bisection.
template <typename Mean>
double Solve(Mean mean, double low, double high, double wanted) {
  for (int i = 0; i < 200; ++i) {
    const double middle = 0.5 * (low + high);
    (mean(middle) < wanted ? low : high) = middle;
  }
  return 0.5 * (low + high);
}

}  // namespace

PurchaseDelay PurchaseDelay::Exponential(double window_hours, double mean_share) {
  SUGGEST_CHECK(window_hours > 0 && mean_share > 0.001 && mean_share < 0.5);
  return {Family::kExponential, window_hours, Solve(ExponentialMean, 1e-3, 50.0, mean_share)};
}

PurchaseDelay PurchaseDelay::LogNormal(double window_hours, double mean_share) {
  SUGGEST_CHECK(window_hours > 0 && mean_share > 0.001 && mean_share < 0.5);
  return {Family::kLogNormal, window_hours, Solve(LogNormalMean, -12.0, 12.0, mean_share)};
}

PurchaseDelay PurchaseDelay::ExponentialOfScale(double window_hours, double scale_hours) {
  SUGGEST_CHECK(window_hours > 0 && scale_hours > 0);
  return {Family::kExponential, window_hours, scale_hours / window_hours};
}

double PurchaseDelay::Cdf(double hours) const {
  if (hours <= 0) return 0;
  if (hours >= window_hours_) return 1;
  const double part = hours / window_hours_;
  if (family_ == Family::kExponential) {
    return (1 - PortableExp(-part / parameter_)) / (1 - PortableExp(-1 / parameter_));
  }
  return NormalCdf((PortableLog(part) - parameter_) / kSigma) / NormalCdf(-parameter_ / kSigma);
}

double PurchaseDelay::Quantile(double u) const {
  double part = 0;
  if (family_ == Family::kExponential) {
    part = -parameter_ * PortableLog1p(-u * (1 - PortableExp(-1 / parameter_)));
  } else {
    part = PortableExp(parameter_ + kSigma * NormalQuantile(u * NormalCdf(-parameter_ / kSigma)));
  }
  return window_hours_ * std::clamp(part, kShortest, 1.0);
}

double PurchaseDelay::Mean() const {
  return window_hours_ * (family_ == Family::kExponential ? ExponentialMean(parameter_) : LogNormalMean(parameter_));
}

}  // namespace suggest::simulation
