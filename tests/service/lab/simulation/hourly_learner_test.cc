#include "service/lab/simulation/hourly_learner.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <Eigen/Cholesky>
#include <cmath>

#include "service/learning/learner.h"
#include "tests/support/status_matchers.h"

namespace suggest::simulation {
namespace {

constexpr int kHours = 24;

DelayWorldOptions SmallWorld(double forget_days) {
  DelayWorldOptions options;
  options.scenario = *FindDelayScenario("hetero_drift");
  options.scenario.forget_days = forget_days;
  options.days = 4;
  options.decisions_per_hour = 5;
  options.candidates = 3;
  options.dim = 4;
  options.window_hours = kHours;
  return options;
}

DelayModeSpec Mode(const std::string& name) {
  for (const DelayModeSpec& spec : DelayModeSpecs()) {
    if (spec.name == name) return spec;
  }
  ADD_FAILURE() << name;
  return {};
}

// The first candidate of each decision of an hour.
Cohort FirstCandidates(const DelayWorld& world, int hour) {
  const DelayWorldOptions& options = world.options();
  Eigen::MatrixXd contexts(options.dim, options.decisions_per_hour);
  std::vector<double> purchase;
  for (int n = 0; n < options.decisions_per_hour; ++n) {
    contexts.col(n) = world.Candidates(hour, n).col(0);
    purchase.push_back(world.HoursToPurchase(hour, n, contexts.col(n)));
  }
  return Cohort(hour, contexts, purchase);
}

// The posterior at the batch before `end` when the first candidates of hours 0 to booked - 1 were suggested.
absl::StatusOr<bandit::Posterior> LearnUntil(const DelayWorld& world, const std::string& mode, int booked, int end) {
  HourlyLearner learner(Mode(mode), {.ridge = 2, .elapsed_hours = 3}, world);
  for (int hour = 0; hour < end; ++hour) {
    RETURN_IF_ERROR(learner.Step(hour).status());
    if (hour < booked) learner.Book(FirstCandidates(world, hour));
  }
  return learner.Step(end);
}

// Weights and targets by the definition of each mode, over all decisions in one pass.
Eigen::VectorXd MeanByDefinition(const DelayWorld& world, const std::string& mode, int end) {
  const int d = world.options().dim;
  Eigen::MatrixXd precision = 2 * Eigen::MatrixXd::Identity(d, d);
  Eigen::VectorXd moment = Eigen::VectorXd::Zero(d);
  for (int hour = 0; hour < end; ++hour) {
    const Cohort cohort = FirstCandidates(world, hour);
    const int age = mode == "oracle" ? kHours : end - hour;
    const double discount = std::exp(-(end - hour) / (24 * world.options().scenario.forget_days));
    for (int i = 0; i < cohort.size(); ++i) {
      const Eigen::VectorXd b = cohort.contexts().col(i);
      double weight = 1;
      if (mode == "wait") weight = age >= kHours ? 1 : 0;
      if (mode == "exposure_true") weight = std::max(1e-3, world.TrueShare(hour, cohort.stratum(i), age));
      precision += discount * weight * b * b.transpose();
      if (cohort.BoughtBy(i, age) && (mode != "wait" || age >= kHours)) moment += discount * b;
    }
  }
  return precision.ldlt().solve(moment);
}

TEST(HourlyLearnerTest, IsThePosteriorOfTheModesDefinition) {
  const DelayWorld world(SmallWorld(3), 5);
  for (const char* mode : {"oracle", "exposure_true", "fake_negative", "wait"}) {
    for (const int end : {1, 10, kHours, 60}) {
      ASSERT_OK_AND_ASSIGN(const auto posterior, LearnUntil(world, mode, end, end));
      EXPECT_LT((posterior.mean() - MeanByDefinition(world, mode, end)).norm(), 1e-10) << mode << " " << end;
    }
  }
}

// Without forgetting and with nothing left to estimate, service/learning's Learner can be told the same.
TEST(HourlyLearnerTest, IsTheProductsLearnerWhereBothCanExpressTheSame) {
  const DelayWorld world(SmallWorld(0), 6);
  const int end = 60;
  for (const auto& [name, mode] :
       {std::pair("fake_negative", bandit::DelayMode::kFakeNegative), std::pair("wait", bandit::DelayMode::kWait)}) {
    learning::LearnerSettings settings;
    settings.window = absl::Hours(kHours);
    settings.grace = absl::ZeroDuration();
    settings.delay_mode = mode;
    learning::Learner learner(settings, {.customer_dim = 1, .recommendation_dim = 4},
                              {.ridge = 2, .intercept_ridge = 2}, {.fixed_variance = 1});
    int64_t id = 0;
    for (int hour = 0; hour < end; ++hour) {
      const Cohort cohort = FirstCandidates(world, hour);
      const absl::Time exposed_at = absl::UnixEpoch() + absl::Hours(hour);
      for (int i = 0; i < cohort.size(); ++i) {
        ASSERT_OK(learner.BookExposure(++id, exposed_at, {Eigen::VectorXd::Ones(1), cohort.contexts().col(i), {}}));
        if (!cohort.BoughtBy(i, end - hour)) continue;
        ASSERT_OK(learner.SetReward(id, 1, exposed_at + absl::Hours(cohort.hours_to_purchase(i))));
      }
    }
    ASSERT_OK_AND_ASSIGN(const auto expected, learner.Step(absl::UnixEpoch() + absl::Hours(end)));
    ASSERT_OK_AND_ASSIGN(const auto posterior, LearnUntil(world, name, end, end));
    EXPECT_LT((posterior.mean() - expected.mean()).norm(), 1e-10) << name;
    EXPECT_LT((posterior.precision() - expected.precision()).norm(), 1e-9) << name;
  }
}

TEST(HourlyLearnerTest, OnceAllIsMatureEveryModeButEsDfmIwHasTheExactPosterior) {
  const DelayWorld world(SmallWorld(3), 7);
  const int end = 30 + kHours;
  ASSERT_OK_AND_ASSIGN(const auto exact, LearnUntil(world, "oracle", 30, end));
  for (const DelayModeSpec& spec : DelayModeSpecs()) {
    ASSERT_OK_AND_ASSIGN(const auto posterior, LearnUntil(world, spec.name, 30, end));
    const double error = (posterior.mean() - exact.mean()).norm();
    if (spec.events) {
      EXPECT_GT(error, 1e-4) << spec.name;
    } else {
      EXPECT_LT(error, 1e-10) << spec.name;
    }
  }
}

TEST(HourlyLearnerTest, WithoutDecisionsItIsThePrior) {
  const DelayWorld world(SmallWorld(3), 8);
  for (const DelayModeSpec& spec : DelayModeSpecs()) {
    ASSERT_OK_AND_ASSIGN(const auto posterior, LearnUntil(world, spec.name, 0, 3));
    EXPECT_EQ(posterior.mean().norm(), 0) << spec.name;
    EXPECT_EQ((posterior.precision() - 2 * Eigen::MatrixXd::Identity(4, 4)).norm(), 0) << spec.name;
  }
}

// What a purchase will do later must not show now: the same posterior when it never comes.
TEST(HourlyLearnerTest, NoModeSeesAPurchaseBeforeItsTime) {
  const DelayWorld world(SmallWorld(3), 9);
  const int end = 20;
  for (const DelayModeSpec& spec : DelayModeSpecs()) {
    if (spec.no_delay) continue;
    HourlyLearner sighted(spec, {.elapsed_hours = 3}, world), blind(spec, {.elapsed_hours = 3}, world);
    for (int hour = 0; hour < end; ++hour) {
      ASSERT_OK(sighted.Step(hour).status());
      ASSERT_OK(blind.Step(hour).status());
      const Cohort cohort = FirstCandidates(world, hour);
      std::vector<double> purchase;
      for (int i = 0; i < cohort.size(); ++i) {
        purchase.push_back(cohort.BoughtBy(i, end - hour) ? cohort.hours_to_purchase(i) : DelayWorld::kNever);
      }
      blind.Book(Cohort(hour, cohort.contexts(), purchase));
      sighted.Book(cohort);
    }
    ASSERT_OK_AND_ASSIGN(const auto with, sighted.Step(end));
    ASSERT_OK_AND_ASSIGN(const auto without, blind.Step(end));
    EXPECT_EQ((with.mean() - without.mean()).norm(), 0) << spec.name;
  }
}

}  // namespace
}  // namespace suggest::simulation
