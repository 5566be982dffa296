#include "service/lab/importance_weights.h"

#include <algorithm>

#include "bandit/base/portable_math.h"
#include "bandit/delay/pending.h"
#include "bandit/model/logistic.h"

namespace suggest::lab {

double DelayedPositiveProbability(double p, double late_share) {
  return p * late_share;
}

double RealNegativeProbability(double p, double late_share) {
  return (1 - p) / (1 - p + p * late_share);
}

LabelWeights EsDfmWeights(double delayed_positive, double real_negative, WeightForm form) {
  const double mass =
      form == WeightForm::kPublished ? 1 + std::clamp(delayed_positive, 0.0, 1 - bandit::kMinProbability) : 1.0;
  return {mass, mass * std::clamp(real_negative, bandit::kMinProbability, 1.0)};
}

LabelWeights FnwWeights(double p) {
  return {1 + p, (1 + p) * (1 - p)};
}

double FncPrediction(double q) {
  constexpr double kLargest = 0.5 - 2.5e-7;  // p = 1 - 1e-6
  const double clipped = std::clamp(q, 0.0, kLargest);
  return clipped / (1 - clipped);
}

LabelWeights FsiwWeights(double p, double share, double cap) {
  return {share * cap > 1 ? 1 / share : cap, RealNegativeProbability(p, 1 - share)};
}

LabelWeights DeferWeights(double p, double late_share) {
  return {1 / (1 - late_share / 2), (1 - p) / (1 - p + p * late_share / 2)};
}

DfmTerm DfmLikelihood(double u, double v, double delay, bool converted) {
  const double p = bandit::Sigmoid(u);
  const double rate = PortableExp(v);
  if (converted) return {-bandit::LogOnePlusExp(-u) + v - rate * delay, 1 - p, 1 - rate * delay};
  const double still = PortableExp(-rate * delay);
  const double likelihood = 1 - p + p * still;
  return {PortableLog(likelihood), p * (1 - p) * (still - 1) / likelihood, -p * still * rate * delay / likelihood};
}

double DfmPosterior(double p, double rate, double elapsed) {
  const double still = PortableExp(-rate * elapsed);
  return p * still / (1 - p + p * still);
}

double FixedPoint(double p, double late_share, double real_negative) {
  return p / (p + real_negative * (1 - p + p * late_share));
}

}  // namespace suggest::lab
