#include "service/lab/simulation/delay_calibration.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "bandit/base/mutex.h"
#include "bandit/base/random.h"
#include "bandit/base/status_macros.h"
#include "bandit/delay/delay_law.h"
#include "bandit/delay/pending.h"
#include "bandit/model/posterior.h"
#include "bandit/model/sufficient_statistics.h"
#include "service/lab/event_weights.h"
#include "service/lab/importance_weights.h"
#include "service/lab/simulation/delay_world.h"
#include "service/lab/simulation/estimates.h"
#include "service/lab/simulation/parallel.h"
#include "service/lab/simulation/purchase_delay.h"

namespace suggest::simulation {
namespace {

using bandit::DelayMode;
using bandit::Posterior;
using bandit::SufficientStatistics;
using model::v1::DelayCalibration;

constexpr int kDim = 3;
constexpr int kWindowHours = 168;
constexpr double kScaleHours = 100;
constexpr double kNoise = 0.16 * 0.84;
constexpr int kMaxExpectedLabelSteps = 60;
constexpr double kExpectedLabelTolerance = 1e-8;

Eigen::Vector3d TrueWeights() {
  return {0.16, 0.08, -0.05};
}

struct DrawnExposure {
  Eigen::VectorXd context;
  double probability;
  double hours_to_purchase;  // DelayWorld::kNever without one
  double age;
  double share;  // F(age)

  bool seen() const { return hours_to_purchase <= age; }
};

std::vector<DrawnExposure> DrawExposures(const PurchaseDelay& delay, int count, bandit::CounterRng rng) {
  std::vector<DrawnExposure> exposures;
  exposures.reserve(count);
  for (int i = 0; i < count; ++i) {
    DrawnExposure exposure;
    exposure.context = Eigen::VectorXd::Ones(kDim);
    for (int k = 1; k < kDim; ++k) exposure.context[k] = 2 * rng.NextUniform() - 1;
    exposure.probability = exposure.context.dot(TrueWeights());
    const bool bought = rng.NextUniform() < exposure.probability;
    const double hours = delay.Quantile(rng.NextUniform());
    exposure.hours_to_purchase = bought ? hours : DelayWorld::kNever;
    exposure.age = kWindowHours * rng.NextUniform();
    exposure.share = std::max(bandit::DelayLaw::kMinShare, delay.Cdf(exposure.age));
    exposures.push_back(std::move(exposure));
  }
  return exposures;
}

absl::StatusOr<Posterior> Solve(const SufficientStatistics& sums) {
  return Posterior::Solve({.ridge = 1e-6, .intercept_ridge = 1e-6}, sums, kNoise);
}

absl::StatusOr<Posterior> NoDelay(const std::vector<DrawnExposure>& exposures) {
  SufficientStatistics sums(kDim);
  for (const DrawnExposure& exposure : exposures) {
    const double reward = exposure.hours_to_purchase == DelayWorld::kNever ? 0 : 1;
    RETURN_IF_ERROR(sums.AddMature(exposure.context, reward));
  }
  return Solve(sums);
}

// `mean`: where kExpectedLabel takes its probabilities from.
absl::StatusOr<Posterior> OneStep(DelayMode mode, const std::vector<DrawnExposure>& exposures,
                                  const Eigen::VectorXd& mean) {
  SufficientStatistics sums(kDim);
  for (const DrawnExposure& exposure : exposures) {
    const bandit::PendingFacts facts{.share = exposure.share,
                                     .reward_seen = exposure.seen() ? 1.0 : 0.0,
                                     .purchase_seen = exposure.seen(),
                                     .purchase_probability = bandit::PurchaseProbability(exposure.context.dot(mean), 1),
                                     .late_probability = bandit::LateProbability(exposure.probability, exposure.share)};
    const bandit::PendingTarget target = bandit::Target(mode, facts);
    RETURN_IF_ERROR(sums.Add(exposure.context, target.weight, target.target));
  }
  return Solve(sums);
}

absl::StatusOr<Posterior> Learn(DelayMode mode, const std::vector<DrawnExposure>& exposures) {
  if (mode != DelayMode::kExpectedLabel) return OneStep(mode, exposures, Eigen::VectorXd::Zero(kDim));
  ASSIGN_OR_RETURN(Posterior posterior, OneStep(DelayMode::kExposure, exposures, Eigen::VectorXd::Zero(kDim)));
  for (int step = 0; step < kMaxExpectedLabelSteps; ++step) {
    const Eigen::VectorXd before = posterior.mean();
    ASSIGN_OR_RETURN(posterior, OneStep(mode, exposures, before));
    if ((posterior.mean() - before).cwiseAbs().maxCoeff() < kExpectedLabelTolerance) break;
  }
  return posterior;
}

// The weighted events that there are by now, with the true probabilities.
absl::StatusOr<Posterior> LearnEvents(const PurchaseDelay& delay, const std::vector<DrawnExposure>& exposures,
                                      double elapsed_hours, lab::WeightForm form) {
  const double late = 1 - delay.Cdf(elapsed_hours);
  lab::EventAccumulator events(kDim);
  for (const DrawnExposure& exposure : exposures) {
    if (exposure.age < elapsed_hours) continue;
    const double p = exposure.probability;
    const lab::LabelWeights weights =
        lab::EsDfmWeights(lab::DelayedPositiveProbability(p, late), lab::RealNegativeProbability(p, late), form);
    const bool by_then = exposure.hours_to_purchase <= elapsed_hours;
    RETURN_IF_ERROR(events.AddLabel(0, exposure.context, by_then, 1, weights));
    if (!by_then && exposure.seen()) RETURN_IF_ERROR(events.AddLatePurchase(0, exposure.context, 1, weights));
  }
  return Solve(events.Total(0, {}));
}

struct Row {
  const char* name;
  absl::StatusOr<Posterior> (*learn)(const PurchaseDelay&, const std::vector<DrawnExposure>&, double elapsed_hours);
};

template <DelayMode mode>
absl::StatusOr<Posterior> ByTargets(const PurchaseDelay&, const std::vector<DrawnExposure>& exposures, double) {
  return Learn(mode, exposures);
}

template <lab::WeightForm form>
absl::StatusOr<Posterior> ByEvents(const PurchaseDelay& delay, const std::vector<DrawnExposure>& exposures,
                                   double elapsed_hours) {
  return LearnEvents(delay, exposures, elapsed_hours, form);
}

absl::StatusOr<Posterior> ByFinalRewards(const PurchaseDelay&, const std::vector<DrawnExposure>& exposures, double) {
  return NoDelay(exposures);
}

constexpr Row kRows[] = {{"oracle", ByFinalRewards},
                         {"exposure", ByTargets<DelayMode::kExposure>},
                         {"expected_label", ByTargets<DelayMode::kExpectedLabel>},
                         {"es_dfm_iw", ByEvents<lab::WeightForm::kPublished>},
                         {"es_dfm_iw, count form", ByEvents<lab::WeightForm::kCount>},
                         {"fake_negative", ByTargets<DelayMode::kFakeNegative>}};

// One number per repetition.
struct RowErrors {
  std::vector<double> intercept;
  std::vector<double> first_weight;
  std::vector<double> chi_square;
};

RowErrors EmptyErrors(int repetitions) {
  const std::vector<double> zeros(repetitions, 0.0);
  return {zeros, zeros, zeros};
}

model::v1::CalibrationResult Summarise(const Row& row, const RowErrors& errors) {
  model::v1::CalibrationResult result;
  result.set_name(row.name);
  *result.mutable_bias() = MeanOf(errors.intercept);
  double squares = 0;
  for (double error : errors.first_weight) squares += error * error;
  result.set_rmse(std::sqrt(squares / static_cast<double>(errors.first_weight.size())));
  *result.mutable_chi_square() = MeanOf(errors.chi_square);
  return result;
}

absl::Status CheckOptions(const DelayCalibrationOptions& options) {
  const auto out_of_range = [](absl::string_view field, int value, absl::string_view range) {
    return absl::InvalidArgumentError(absl::StrCat(field, " is ", value, ", expected ", range));
  };
  if (options.repetitions < 1) return out_of_range("repetitions", options.repetitions, ">= 1");
  if (options.exposures < 1) return out_of_range("exposures", options.exposures, ">= 1");
  if (options.jobs < 1) return out_of_range("jobs", options.jobs, ">= 1");
  if (options.elapsed_hours < 1 || options.elapsed_hours >= kWindowHours) {
    return out_of_range("elapsed_hours", options.elapsed_hours, absl::StrCat("1 to ", kWindowHours - 1));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<DelayCalibration> RunDelayCalibration(const DelayCalibrationOptions& options) {
  RETURN_IF_ERROR(CheckOptions(options));
  const PurchaseDelay delay = PurchaseDelay::ExponentialOfScale(kWindowHours, kScaleHours);
  std::vector<RowErrors> errors(std::size(kRows), EmptyErrors(options.repetitions));
  Mutex mutex;
  int64_t done = 0;
  RETURN_IF_ERROR(ForEachInParallel(options.repetitions, options.jobs, [&](int i) -> absl::Status {
    const std::vector<DrawnExposure> exposures =
        DrawExposures(delay, options.exposures, {bandit::Seed{options.seed}, static_cast<uint64_t>(i)});
    for (size_t row = 0; row < std::size(kRows); ++row) {
      ASSIGN_OR_RETURN(const Posterior posterior, kRows[row].learn(delay, exposures, options.elapsed_hours));
      const Eigen::VectorXd error = posterior.mean() - TrueWeights();
      errors[row].intercept[i] = error[0];
      errors[row].first_weight[i] = error[1];
      errors[row].chi_square[i] = error.dot(posterior.precision() * error) / (kDim * kNoise);
    }
    MutexLock lock(mutex);
    if (options.progress) options.progress(++done, options.repetitions);
    return absl::OkStatus();
  }));
  DelayCalibration calibration;
  calibration.set_repetitions(options.repetitions);
  calibration.set_seed(options.seed);
  calibration.set_exposures(options.exposures);
  calibration.set_window_hours(kWindowHours);
  calibration.set_elapsed_hours(options.elapsed_hours);
  for (size_t row = 0; row < std::size(kRows); ++row) *calibration.add_modes() = Summarise(kRows[row], errors[row]);
  return calibration;
}

std::string FormatDelayCalibration(const DelayCalibration& calibration) {
  std::string table = absl::StrFormat(
      "calibration: %d repetitions of %d pending exposures of uniform age, window %d hours, the true delay law, "
      "elapsed time of ES-DFM %d hours\n"
      "bias of the intercept (truth .16) ± one standard error, root mean square error of the first weight (truth .08), "
      "chi2/d: 1 = as certain as it is right, more = overconfident\n\n%-22s  %-17s  %-6s  %s\n",
      calibration.repetitions(), calibration.exposures(), calibration.window_hours(), calibration.elapsed_hours(),
      "mode", "bias", "RMSE", "chi2/d");
  for (const auto& mode : calibration.modes()) {
    absl::StrAppendFormat(&table, "%-22s  %+.4f ±%.4f   %.4f  %5.2f ±%.2f\n", mode.name(), mode.bias().mean(),
                          mode.bias().standard_error(), mode.rmse(), mode.chi_square().mean(),
                          mode.chi_square().standard_error());
  }
  return table;
}

}  // namespace suggest::simulation
