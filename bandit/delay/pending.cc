#include "bandit/delay/pending.h"

#include <algorithm>

#include "bandit/base/check.h"

namespace suggest::bandit {
namespace {

double SeenOr(const PendingFacts& facts, double late_probability) {
  if (facts.purchase_seen || facts.reward_seen > 0) return facts.reward_seen;
  return facts.mean_reward * late_probability;
}

}  // namespace

double ClipProbability(double probability) {
  return std::clamp(probability, kMinProbability, 1 - kMinProbability);
}

PendingTarget Target(DelayMode mode, const PendingFacts& facts) {
  switch (mode) {
    case DelayMode::kExposure:
      return {facts.share, facts.reward_seen};
    case DelayMode::kEsDfmLabel:
      return {1.0, SeenOr(facts, facts.late_probability)};
    case DelayMode::kExpectedLabel:
      return {1.0, SeenOr(facts, LateProbability(facts.purchase_probability, facts.share))};
    case DelayMode::kFakeNegative:
      return {1.0, facts.reward_seen};
    case DelayMode::kWait:
      return {0.0, 0.0};
  }
  SUGGEST_CHECK(false);
}

double PurchaseProbability(double expected_reward, double mean_reward) {
  return ClipProbability(expected_reward / (mean_reward > 0 && mean_reward <= 1 ? mean_reward : 1.0));
}

double LateProbability(double purchase_probability, double share) {
  const double p = ClipProbability(purchase_probability);
  return p * (1 - share) / (1 - p * share);
}

bool NeedsContext(DelayMode mode) {
  return mode == DelayMode::kEsDfmLabel || mode == DelayMode::kExpectedLabel;
}

}  // namespace suggest::bandit
