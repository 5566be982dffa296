#include "service/lab/simulation/hourly_learner.h"

#include <algorithm>
#include <utility>

#include "bandit/base/portable_math.h"
#include "bandit/base/status_macros.h"
#include "bandit/delay/pending.h"

namespace suggest::simulation {
namespace {

// EM steps of one batch, from the last batch's mean.
constexpr int kExpectedLabelSteps = 2;

double HourlyFactor(const DelayScenario& scenario) {
  return scenario.forget_days > 0 ? PortableExp(-1 / (24 * scenario.forget_days)) : 1.0;
}

// Whether it reads an estimated F.
bool NeedsLaw(const DelayModeSpec& spec) {
  if (spec.no_delay || spec.events || spec.law == LawKnown::kTrue) return false;
  return spec.mode == bandit::DelayMode::kExposure || bandit::NeedsContext(spec.mode);
}

bandit::SufficientStatistics OnlyMoment(const Eigen::VectorXd& moment) {
  bandit::SufficientStatistics::Parts parts;
  parts.lower.assign(moment.size() * (moment.size() + 1) / 2, 0.0);
  parts.moment.assign(moment.data(), moment.data() + moment.size());
  return *bandit::SufficientStatistics::FromParts(parts);
}

}  // namespace

HourlyLearner::HourlyLearner(const DelayModeSpec& mode, const HourlyLearnerOptions& options, const DelayWorld& world)
    : mode_(mode),
      options_(options),
      world_(world),
      maturity_(mode.no_delay ? 1 : world.options().window_hours),
      mature_(world.options().dim),
      laws_(world.options().window_hours, HourlyFactor(world.options().scenario)),
      corrector_(world),
      events_(world, options.elapsed_hours, mode.true_nuisances),
      shares_(maturity_ + 1, Shares{}),
      mean_(Eigen::VectorXd::Zero(world.options().dim)) {
  discount_.push_back(1);
  for (int age = 1; age <= maturity_; ++age) {
    discount_.push_back(discount_.back() * HourlyFactor(world.options().scenario));
  }
}

void HourlyLearner::Book(Cohort cohort) {
  pending_.push_back(std::move(cohort));
}

absl::Status HourlyLearner::AddMature(const Cohort& cohort, bandit::SufficientStatistics& mature) {
  if (mode_.events) return events_.AddMature(cohort);
  bandit::SufficientStatistics sums(mature.dim());
  for (int i = 0; i < cohort.size(); ++i) {
    const bool bought = cohort.BoughtBy(i, world_.options().window_hours);
    RETURN_IF_ERROR(sums.AddMature(cohort.contexts().col(i), bought ? 1.0 : 0.0));
  }
  mature.AddScaled(sums, discount_[maturity_]);
  if (NeedsLaw(mode_)) laws_.AddMature(cohort);
  if (mode_.mode == bandit::DelayMode::kEsDfmLabel) corrector_.AddMature(cohort);
  return absl::OkStatus();
}

absl::Status HourlyLearner::Mature(int hour) {
  bandit::SufficientStatistics aged(mature_.dim());
  aged.AddScaled(mature_, discount_[1]);
  laws_.PassHour();
  while (!pending_.empty() && hour - pending_.front().hour() >= maturity_) {
    RETURN_IF_ERROR(AddMature(pending_.front(), aged));
    pending_.pop_front();
  }
  mature_ = std::move(aged);
  return absl::OkStatus();
}

absl::Status HourlyLearner::UpdateLaws(int hour) {
  if (!NeedsLaw(mode_)) return absl::OkStatus();
  const bandit::DelayLaws laws = laws_.Estimate(pending_, hour);
  for (int stratum = 0; stratum < DelayWorld::kStrata; ++stratum) {
    const bool own = mode_.law == LawKnown::kEstimatedByStratum;
    const bandit::DelayLaw& law = laws.Of(own ? HourlyDelayLaws::StratumName(stratum) : "");
    for (int age = 1; age <= maturity_; ++age) shares_[age][stratum] = law.Share(absl::Hours(age));
  }
  if (mode_.mode != bandit::DelayMode::kEsDfmLabel) return absl::OkStatus();
  return corrector_.Refit(hour, laws.global());
}

HourlyLearner::Shares HourlyLearner::SharesOf(const Cohort& cohort, int age) const {
  if (mode_.law != LawKnown::kTrue) return shares_[age];
  Shares shares;
  for (int stratum = 0; stratum < DelayWorld::kStrata; ++stratum) {
    shares[stratum] = std::max(bandit::DelayLaw::kMinShare, world_.TrueShare(cohort.hour(), stratum, age));
  }
  return shares;
}

bandit::SufficientStatistics HourlyLearner::PendingWeights(int hour) const {
  bandit::SufficientStatistics sums(mature_.dim());
  for (const Cohort& cohort : pending_) {
    const int age = hour - cohort.hour();
    const Shares shares = SharesOf(cohort, age);
    for (int stratum = 0; stratum < DelayWorld::kStrata; ++stratum) {
      const double weight = bandit::Target(mode_.mode, {.share = shares[stratum]}).weight;
      sums.AddScaled(cohort.sums(stratum), discount_[age] * weight);
    }
  }
  return sums;
}

Eigen::VectorXd HourlyLearner::Targets(const Cohort& cohort, int age, const Eigen::VectorXd& mean) const {
  const Shares shares = SharesOf(cohort, age);
  const bool imputes = bandit::NeedsContext(mode_.mode);
  Eigen::VectorXd expected;
  if (imputes) expected = cohort.contexts().transpose() * mean;
  Eigen::VectorXd targets = Eigen::VectorXd::Zero(cohort.size());
  for (int i = 0; i < cohort.size(); ++i) {
    const bool bought = cohort.BoughtBy(i, age);
    if (!bought && !imputes) continue;
    bandit::PendingFacts facts{
        .share = shares[cohort.stratum(i)], .reward_seen = bought ? 1.0 : 0.0, .purchase_seen = bought};
    if (imputes) facts.purchase_probability = bandit::PurchaseProbability(expected[i], 1);
    if (mode_.mode == bandit::DelayMode::kEsDfmLabel) {
      facts.late_probability =
          corrector_.LatePurchase(cohort.contexts().col(i), facts.purchase_probability, facts.share);
    }
    targets[i] = bandit::Target(mode_.mode, facts).target;
  }
  return targets;
}

Eigen::VectorXd HourlyLearner::PendingMoment(int hour, const Eigen::VectorXd& mean) const {
  Eigen::VectorXd moment = Eigen::VectorXd::Zero(mature_.dim());
  for (const Cohort& cohort : pending_) {
    const int age = hour - cohort.hour();
    moment.noalias() += discount_[age] * (cohort.contexts() * Targets(cohort, age, mean));
  }
  return moment;
}

absl::StatusOr<bandit::Posterior> HourlyLearner::Solve(const bandit::SufficientStatistics& total,
                                                       const Eigen::VectorXd& moment) const {
  bandit::SufficientStatistics all = total;
  all.AddScaled(OnlyMoment(moment), 1.0);
  return bandit::Posterior::Solve({.ridge = options_.ridge, .intercept_ridge = options_.ridge}, all, 1.0);
}

absl::StatusOr<bandit::Posterior> HourlyLearner::StepEvents(int hour) {
  RETURN_IF_ERROR(events_.Refit(hour));
  RETURN_IF_ERROR(events_.AddEvents(pending_, hour));
  RETURN_IF_ERROR(Mature(hour));
  return Solve(events_.Total(hour, discount_[1]), Eigen::VectorXd::Zero(mature_.dim()));
}

absl::StatusOr<bandit::Posterior> HourlyLearner::Step(int hour) {
  if (mode_.events) return StepEvents(hour);
  RETURN_IF_ERROR(Mature(hour));
  RETURN_IF_ERROR(UpdateLaws(hour));
  bandit::SufficientStatistics total = mature_;
  total.AddScaled(PendingWeights(hour), 1.0);
  const int steps = mode_.mode == bandit::DelayMode::kExpectedLabel ? kExpectedLabelSteps : 1;
  for (int step = 1; step < steps; ++step) {
    ASSIGN_OR_RETURN(const bandit::Posterior before, Solve(total, PendingMoment(hour, mean_)));
    mean_ = before.mean();
  }
  ASSIGN_OR_RETURN(bandit::Posterior posterior, Solve(total, PendingMoment(hour, mean_)));
  mean_ = posterior.mean();
  return posterior;
}

}  // namespace suggest::simulation
