#include "service/lab/simulation/delay_study.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "absl/algorithm/container.h"
#include "absl/strings/str_cat.h"
#include "bandit/base/mutex.h"
#include "bandit/base/status_macros.h"
#include "bandit/model/folded_posterior.h"
#include "service/lab/simulation/estimates.h"
#include "service/lab/simulation/parallel.h"

namespace suggest::simulation {
namespace {

using model::v1::DelayModeResult;
using model::v1::DelayStudy;

// Plays one hour: suggests for each decision the candidate that scores best in a draw of its own.
class Hour {
 public:
  Hour(const DelayWorld& world, int hour)
      : world_(world), hour_(hour), contexts_(world.options().dim, world.options().decisions_per_hour) {}

  void Play(const bandit::JointNormal& weights, double scale) {
    for (int n = 0; n < contexts_.cols(); ++n) {
      const auto candidates = world_.Candidates(hour_, n);
      bandit::CounterRng stream = world_.DrawStream(hour_, n);
      const Eigen::VectorXd draw = bandit::Draw(weights, scale, stream);
      int best = 0;
      (candidates.transpose() * draw).maxCoeff(&best);
      const Eigen::VectorXd probability = candidates.transpose() * world_.Weights(hour_);
      regret_ += probability.maxCoeff() - probability[best];
      contexts_.col(n) = candidates.col(best);
      hours_to_purchase_.push_back(world_.HoursToPurchase(hour_, n, candidates.col(best)));
    }
  }

  double regret() const { return regret_; }
  Cohort TakeCohort() { return Cohort(hour_, std::move(contexts_), std::move(hours_to_purchase_)); }

 private:
  const DelayWorld& world_;
  const int hour_;
  Eigen::MatrixXd contexts_;
  std::vector<double> hours_to_purchase_;
  double regret_ = 0;
};

absl::Status OutOfRange(absl::string_view field, double value, absl::string_view range) {
  return absl::InvalidArgumentError(absl::StrCat(field, " is ", value, ", expected ", range));
}

absl::Status CheckSizes(const DelayStudyOptions& options) {
  const DelayWorldOptions& world = options.world;
  if (options.replicates < 1) return OutOfRange("replicates", options.replicates, ">= 1");
  if (options.jobs < 1) return OutOfRange("jobs", options.jobs, ">= 1");
  if (world.days < 1) return OutOfRange("days", world.days, ">= 1");
  if (world.decisions_per_hour < 1) return OutOfRange("decisions_per_hour", world.decisions_per_hour, ">= 1");
  if (world.candidates < 1) return OutOfRange("candidates", world.candidates, ">= 1");
  if (world.dim < 2) return OutOfRange("dim", world.dim, ">= 2");
  if (world.window_hours < 2) return OutOfRange("window_hours", world.window_hours, ">= 2");
  return absl::OkStatus();
}

absl::Status CheckOptions(const DelayStudyOptions& options) {
  RETURN_IF_ERROR(CheckSizes(options));
  const auto at_least_zero = [](double value) { return std::isfinite(value) && value >= 0; };
  const DelayScenario& scenario = options.world.scenario;
  if (!at_least_zero(options.scale)) return OutOfRange("scale", options.scale, ">= 0");
  if (!at_least_zero(scenario.drift_days)) return OutOfRange("drift_days", scenario.drift_days, ">= 0");
  if (!at_least_zero(scenario.forget_days)) return OutOfRange("forget_days", scenario.forget_days, ">= 0");
  if (!at_least_zero(options.learner.ridge) || options.learner.ridge == 0) {
    return OutOfRange("ridge", options.learner.ridge, "> 0");
  }
  const int elapsed = options.learner.elapsed_hours;
  if (elapsed < 1 || elapsed >= options.world.window_hours) {
    return OutOfRange("elapsed_hours", elapsed,
                      absl::StrCat("1 to ", options.world.window_hours - 1, ", less than window_hours"));
  }
  for (const char* name : {kNoDelayMode, kReferenceMode}) {
    if (absl::c_any_of(options.modes, [&](const DelayModeSpec& mode) { return mode.name == name; })) continue;
    return absl::InvalidArgumentError(absl::StrCat("modes has no \"", name, "\" to compare with"));
  }
  return absl::OkStatus();
}

// Cumulative regret at the end of each day, by mode and replicate.
class DelayStudyRunner {
 public:
  explicit DelayStudyRunner(const DelayStudyOptions& options)
      : options_(options), regret_(options.modes.size(), std::vector<std::vector<double>>(options.replicates)) {}

  absl::Status Run() {
    return ForEachInParallel(options_.replicates, options_.jobs, [this](int i) { return RunReplicate(i); });
  }

  std::vector<double> AtEndOf(size_t mode, int day) const {
    std::vector<double> values;
    for (const std::vector<double>& days : regret_[mode]) values.push_back(days[day]);
    return values;
  }

 private:
  absl::Status RunReplicate(int replicate) {
    const DelayWorld world(options_.world, options_.seed + static_cast<uint64_t>(replicate));
    for (size_t m = 0; m < options_.modes.size(); ++m) {
      ASSIGN_OR_RETURN(const std::vector<double> hours,
                       PlayDelayMode(world, options_.modes[m], options_.learner, options_.scale));
      double sum = 0;
      for (size_t hour = 0; hour < hours.size(); ++hour) {
        sum += hours[hour];
        if (hour % 24 == 23) regret_[m][replicate].push_back(sum);
      }
      MutexLock lock(mutex_);
      ++done_;
      const int64_t all = static_cast<int64_t>(options_.replicates) * options_.modes.size();
      if (options_.progress) options_.progress(done_, all);
    }
    return absl::OkStatus();
  }

  const DelayStudyOptions& options_;
  std::vector<std::vector<std::vector<double>>> regret_;
  Mutex mutex_;
  int64_t done_ ABSL_GUARDED_BY(mutex_) = 0;
};

DelayStudy Describe(const DelayStudyOptions& options) {
  DelayStudy study;
  study.set_scenario(options.world.scenario.name);
  study.set_replicates(options.replicates);
  study.set_seed(options.seed);
  study.set_days(options.world.days);
  study.set_decisions_per_hour(options.world.decisions_per_hour);
  study.set_window_hours(options.world.window_hours);
  study.set_exploration_scale(options.scale);
  study.set_ridge(options.learner.ridge);
  study.set_drift_days(options.world.scenario.drift_days);
  study.set_forget_days(options.world.scenario.forget_days);
  study.set_elapsed_hours(options.learner.elapsed_hours);
  study.set_reference(kReferenceMode);
  return study;
}

size_t IndexOf(const std::vector<DelayModeSpec>& modes, absl::string_view name) {
  return absl::c_find_if(modes, [&](const DelayModeSpec& mode) { return mode.name == name; }) - modes.begin();
}

}  // namespace

absl::StatusOr<std::vector<double>> PlayDelayMode(const DelayWorld& world, const DelayModeSpec& mode,
                                                  const HourlyLearnerOptions& options, double scale) {
  const bandit::ContextLayout layout{.customer_dim = 1, .recommendation_dim = world.options().dim};
  HourlyLearner learner(mode, options, world);
  std::vector<double> regret;
  for (int hour = 0; hour < world.options().hours(); ++hour) {
    ASSIGN_OR_RETURN(const bandit::Posterior posterior, learner.Step(hour));
    ASSIGN_OR_RETURN(const bandit::JointNormal weights,
                     bandit::FoldedPosterior(posterior, layout).Fold(Eigen::VectorXd::Ones(1)));
    Hour play(world, hour);
    play.Play(weights, scale);
    regret.push_back(play.regret());
    learner.Book(play.TakeCohort());
  }
  return regret;
}

absl::StatusOr<DelayStudy> RunDelayStudy(const DelayStudyOptions& options) {
  RETURN_IF_ERROR(CheckOptions(options));
  DelayStudyRunner runner(options);
  RETURN_IF_ERROR(runner.Run());
  const int last = options.world.days - 1;
  const std::vector<double> oracle = runner.AtEndOf(IndexOf(options.modes, kNoDelayMode), last);
  const std::vector<double> reference = runner.AtEndOf(IndexOf(options.modes, kReferenceMode), last);
  DelayStudy study = Describe(options);
  for (size_t m = 0; m < options.modes.size(); ++m) {
    const std::vector<double> regret = runner.AtEndOf(m, last);
    DelayModeResult& result = *study.add_modes();
    result.set_name(options.modes[m].name);
    result.set_description(options.modes[m].description);
    *result.mutable_regret() = MeanOf(regret);
    *result.mutable_ratio_to_oracle() = PairedRatioOf(regret, oracle);
    *result.mutable_ratio_to_reference() = PairedRatioOf(regret, reference);
    *result.mutable_difference() = PairedDifferenceOf(regret, reference);
    for (int day = 0; day <= last; ++day) *result.add_regret_by_day() = MeanOf(runner.AtEndOf(m, day));
  }
  return study;
}

}  // namespace suggest::simulation
