#include "service/lab/simulation/delay_world.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "bandit/base/portable_math.h"

namespace suggest::simulation {
namespace {

constexpr double kMeanShare = 1.0 / 3;
constexpr double kFastShare = 0.08;
constexpr double kSlowShare = 0.45;
constexpr double kCentre = (DelayWorld::kLowest + DelayWorld::kHighest) / 2;
constexpr double kReach = (DelayWorld::kHighest - DelayWorld::kLowest) / 2;

// Streams of the seed; those from kDraws on belong to the decisions, one each.
enum Stream : uint64_t { kWeights, kContexts, kOutcomes, kDraws };

PurchaseDelay MakeDelay(DelayFamily family, double window_hours, double mean_share) {
  return family == DelayFamily::kExponential ? PurchaseDelay::Exponential(window_hours, mean_share)
                                             : PurchaseDelay::LogNormal(window_hours, mean_share);
}

}  // namespace

const std::vector<DelayScenario>& DelayScenarios() {
  static const auto& scenarios = *new std::vector<DelayScenario>{
      {.name = "exp"},
      {.name = "exp_drift", .drift_days = 15, .forget_days = 15},
      {.name = "heavy", .family = DelayFamily::kLogNormal},
      {.name = "heavy_drift", .family = DelayFamily::kLogNormal, .drift_days = 15, .forget_days = 15},
      {.name = "hetero_drift", .heterogeneous = true, .drift_days = 15, .forget_days = 15},
      {.name = "shift_drift", .shift_day = 22, .drift_days = 15, .forget_days = 15},
  };
  return scenarios;
}

absl::StatusOr<DelayScenario> FindDelayScenario(absl::string_view name) {
  const auto& all = DelayScenarios();
  const auto found = std::find_if(all.begin(), all.end(), [&](const auto& scenario) { return scenario.name == name; });
  if (found != all.end()) return *found;
  return absl::InvalidArgumentError(absl::StrCat(
      "scenario is \"", name, "\", expected one of: ", absl::StrJoin(all, ", ", [](std::string* out, const auto& s) {
        absl::StrAppend(out, s.name);
      })));
}

DelayWorld::DelayWorld(const DelayWorldOptions& options, uint64_t seed)
    : options_(options),
      seed_(seed),
      common_(MakeDelay(options.scenario.family, options.window_hours, kMeanShare)),
      fast_(MakeDelay(options.scenario.family, options.window_hours, kFastShare)),
      slow_(MakeDelay(options.scenario.family, options.window_hours, kSlowShare)),
      weights_(options.dim, options.hours()),
      contexts_(options.dim, int64_t{options.hours()} * options.decisions_per_hour * options.candidates) {
  DrawWeights();
  bandit::CounterRng contexts(bandit::Seed{seed_}, kContexts);
  for (auto column : contexts_.colwise()) {
    column[0] = 1;
    for (int i = 1; i < options_.dim; ++i) column[i] = 2 * contexts.NextUniform() - 1;
  }
  bandit::CounterRng outcomes(bandit::Seed{seed_}, kOutcomes);
  const int64_t decisions = Decision(options_.hours(), 0);
  for (int64_t i = 0; i < decisions; ++i) {
    purchase_.push_back(outcomes.NextUniform());
    lateness_.push_back(outcomes.NextUniform());
  }
}

void DelayWorld::DrawWeights() {
  const DelayScenario& scenario = options_.scenario;
  const double rho = scenario.drift_days > 0 ? PortableExp(-1 / (24 * scenario.drift_days)) : 1;
  const double step = std::sqrt(1 - rho * rho);
  bandit::CounterRng rng(bandit::Seed{seed_}, kWeights);
  Eigen::VectorXd state(options_.dim - 1);
  for (double& u : state) u = rng.NextNormal();
  for (int hour = 0; hour < options_.hours(); ++hour) {
    if (hour > 0) {
      for (double& u : state) u = rho * u + step * rng.NextNormal();
    }
    Eigen::VectorXd shape = state;
    if (scenario.heterogeneous) shape[0] = std::abs(shape[0]) + 0.5;
    double size = 0;
    for (double u : shape) size += std::abs(u);
    weights_.col(hour) << kCentre, kReach / size * shape;
  }
}

Eigen::Ref<const Eigen::MatrixXd> DelayWorld::Candidates(int hour, int decision) const {
  return contexts_.middleCols(Decision(hour, decision) * options_.candidates, options_.candidates);
}

const PurchaseDelay& DelayWorld::LawOf(int hour, int stratum) const {
  if (options_.scenario.heterogeneous) return stratum == 1 ? slow_ : fast_;
  return hour < 24 * options_.scenario.shift_day ? fast_ : common_;
}

double DelayWorld::HoursToPurchase(int hour, int decision, Eigen::Ref<const Eigen::VectorXd> context) const {
  const int64_t i = Decision(hour, decision);
  if (purchase_[i] >= Probability(hour, context)) return kNever;
  return LawOf(hour, Stratum(context)).Quantile(lateness_[i]);
}

double DelayWorld::TrueShare(int decided_hour, int stratum, double age_hours) const {
  return LawOf(decided_hour, stratum).Cdf(age_hours);
}

bandit::CounterRng DelayWorld::DrawStream(int hour, int decision) const {
  return {bandit::Seed{seed_}, kDraws + static_cast<uint64_t>(Decision(hour, decision))};
}

}  // namespace suggest::simulation
