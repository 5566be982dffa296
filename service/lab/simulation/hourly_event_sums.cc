#include "service/lab/simulation/hourly_event_sums.h"

#include "bandit/base/status_macros.h"
#include "service/lab/importance_weights.h"

namespace suggest::simulation {
namespace {

constexpr int kTrainingHours = 240;
constexpr double kTrainerRidge = 2;

}  // namespace

bandit::ObservedExposure ObservedMature(const Cohort& cohort, int i, int window_hours) {
  bandit::ObservedExposure exposure{.context = cohort.contexts().col(i), .age = absl::Hours(window_hours)};
  // The purchase shows at the batch after it.
  if (cohort.BoughtBy(i, window_hours)) exposure.purchase_visible = absl::Hours(cohort.hours_to_purchase(i));
  return exposure;
}

bandit::TrainerOptions StudyTrainerOptions(const DelayWorldOptions& world) {
  return {.maturity = absl::Hours(world.window_hours),
          .ridge = kTrainerRidge,
          .max_exposures = kTrainingHours * world.decisions_per_hour};
}

bool TimeToRefit(int hour, const DelayWorldOptions& world) {
  return hour % 24 == 0 && hour >= world.window_hours + 24;
}

HourlyEventSums::HourlyEventSums(const DelayWorld& world, int elapsed_hours, bool true_weights)
    : world_(world),
      elapsed_hours_(elapsed_hours),
      true_weights_(true_weights),
      trainer_(world.options().dim, StudyTrainerOptions(world.options())),
      events_(world.options().dim) {}

lab::LabelWeights HourlyEventSums::WeightsOf(const Cohort& cohort, int i) const {
  constexpr auto kForm = lab::WeightForm::kPublished;
  const auto context = cohort.contexts().col(i);
  if (!true_weights_) return model_.Weights(context, kForm);
  const double p = world_.Probability(cohort.hour(), context);
  const double late = 1 - world_.TrueShare(cohort.hour(), cohort.stratum(i), elapsed_hours_);
  return lab::EsDfmWeights(lab::DelayedPositiveProbability(p, late), lab::RealNegativeProbability(p, late), kForm);
}

absl::Status HourlyEventSums::AddEvents(const std::deque<Cohort>& cohorts, int hour) {
  for (const Cohort& cohort : cohorts) {
    const int age = hour - cohort.hour();
    if (age < elapsed_hours_) continue;
    for (int i = 0; i < cohort.size(); ++i) {
      const bool bought = cohort.BoughtBy(i, age);
      const auto context = cohort.contexts().col(i);
      if (age == elapsed_hours_) {
        RETURN_IF_ERROR(events_.AddLabel(cohort.hour(), context, bought, 1, WeightsOf(cohort, i)));
      } else if (bought && !cohort.BoughtBy(i, age - 1)) {
        RETURN_IF_ERROR(events_.AddLatePurchase(cohort.hour(), context, 1, WeightsOf(cohort, i)));
      }
    }
  }
  return absl::OkStatus();
}

absl::Status HourlyEventSums::AddMature(const Cohort& cohort) {
  for (int i = 0; i < cohort.size() && !true_weights_; ++i) {
    RETURN_IF_ERROR(
        trainer_.Add(ObservedMature(cohort, i, world_.options().window_hours), absl::Hours(elapsed_hours_)));
  }
  return absl::OkStatus();
}

absl::Status HourlyEventSums::Refit(int hour) {
  if (true_weights_ || !TimeToRefit(hour, world_.options())) return absl::OkStatus();
  ASSIGN_OR_RETURN(model_, trainer_.Fit());
  return absl::OkStatus();
}

bandit::SufficientStatistics HourlyEventSums::Total(int hour, double hourly_factor) const {
  return events_.Total(hour, {.discount_per_day = hourly_factor});
}

}  // namespace suggest::simulation
