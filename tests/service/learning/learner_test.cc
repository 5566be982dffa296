#include "service/learning/learner.h"

#include <algorithm>
#include <numeric>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/instants.h"
#include "tests/support/status_matchers.h"

namespace suggest::learning {
namespace {

using ::suggest::testing::IsOk;
using ::suggest::testing::StatusIs;

const bandit::ContextLayout kLayout{.customer_dim = 2, .recommendation_dim = 2};
const bandit::Prior kPrior{.ridge = 1, .intercept_ridge = 1, .base_rate = 0.1};
const bandit::NoiseModel kNoise{.fixed_variance = 0.1};

absl::Time LearnerDay(double days) {
  return absl::UnixEpoch() + 20000 * kDay + days * kDay;
}

LearnerSettings Settings(bandit::DelayMode mode) {
  LearnerSettings settings;
  settings.window = 10 * kDay;
  settings.grace = kDay;
  settings.delay_mode = mode;
  settings.prior_mean_delay = 3 * kDay;
  return settings;
}

bandit::FactoredContext ContextOf(int64_t id) {
  const double x = 0.3 + 0.01 * static_cast<double>(id % 17), y = 1 - 0.02 * static_cast<double>(id % 23);
  return {Eigen::Vector2d(1, x), Eigen::Vector2d(1, y), {}};
}

struct Sums {
  Eigen::MatrixXd precision = Eigen::MatrixXd::Identity(4, 4);
  Eigen::VectorXd moment = 0.1 * Eigen::VectorXd::Unit(4, 0);
  void Add(int64_t id, double weight, double target) {
    const bandit::FactoredContext c = ContextOf(id);
    const double x = c.customer[1], y = c.recommendation[1];
    const Eigen::Vector4d b(1, y, x, x * y);
    precision += weight * b * b.transpose();
    moment += target * b;
  }
};

void ExpectSums(const bandit::Posterior& posterior, const Sums& sums) {
  EXPECT_LE((posterior.precision() - sums.precision).norm(), 1e-10 * sums.precision.norm());
  EXPECT_LE((posterior.moment() - sums.moment).norm(), 1e-10 * sums.moment.norm());
}

TEST(LearnerTest, OnceAllIsMatureAnyOrderAndSplitEqualsTheBatchSums) {
  Sums batch;
  for (int64_t id = 0; id < 60; ++id) batch.Add(id, 1, id % 3 == 0 ? 0.5 : 0);
  for (const bandit::DelayMode mode :
       {bandit::DelayMode::kFakeNegative, bandit::DelayMode::kWait, bandit::DelayMode::kExposure,
        bandit::DelayMode::kExpectedLabel, bandit::DelayMode::kEsDfmLabel}) {
    for (int split : {1, 7, 60}) {
      Learner learner(Settings(mode), kLayout, kPrior, kNoise);
      for (int64_t i = 0; i < 60; ++i) {
        const int64_t id = i * 37 % 60;
        ASSERT_THAT(learner.BookExposure(id, LearnerDay(id % 2), ContextOf(id)), IsOk());  // two crowded instants
        if (i % split == 0) {
          ASSERT_THAT(learner.Step(LearnerDay(2)), IsOk());
        }
        if (id % 3 == 0) {
          ASSERT_THAT(learner.SetReward(id, 0.5, LearnerDay(3)), IsOk());
        }
      }
      ASSERT_THAT(learner.Step(LearnerDay(5)), IsOk());
      const auto posterior = learner.Step(LearnerDay(30));
      ASSERT_THAT(posterior, IsOk());
      ExpectSums(*posterior, batch);
      EXPECT_EQ(learner.mature_exposures(), 60);
      EXPECT_EQ(learner.pending_exposures(), 0);
    }
  }
}

TEST(LearnerTest, WeighsPendingExposuresByTheirModeCrowdedOrNot) {
  for (const bandit::DelayMode mode :
       {bandit::DelayMode::kFakeNegative, bandit::DelayMode::kWait, bandit::DelayMode::kExposure}) {
    for (int64_t count : {3, 40}) {
      Learner learner(Settings(mode), kLayout, kPrior, kNoise);
      for (int64_t id = 0; id < count; ++id)
        ASSERT_THAT(learner.BookExposure(id, LearnerDay(0), ContextOf(id)), IsOk());
      ASSERT_THAT(learner.SetReward(1, 0.5, LearnerDay(1)), IsOk());
      ASSERT_THAT(learner.Step(LearnerDay(2)), IsOk());
      const auto posterior = learner.Step(LearnerDay(4));
      ASSERT_THAT(posterior, IsOk());
      const double share = learner.delay_law().Share(4 * kDay);
      Sums expected;
      for (int64_t id = 0; id < count; ++id) {
        const double weight = mode == bandit::DelayMode::kWait           ? 0
                              : mode == bandit::DelayMode::kFakeNegative ? 1
                                                                         : share;
        expected.Add(id, weight, id == 1 && mode != bandit::DelayMode::kWait ? 0.5 : 0);
      }
      ExpectSums(*posterior, expected);
    }
  }
}

TEST(LearnerTest, ARefundAfterMaturityLeavesWhatNeverBuyingWouldHave) {
  Learner learner(Settings(bandit::DelayMode::kExposure), kLayout, kPrior, kNoise);
  ASSERT_THAT(learner.BookExposure(5, LearnerDay(0), ContextOf(5)), IsOk());
  ASSERT_THAT(learner.SetReward(5, 0.7, LearnerDay(1)), IsOk());
  ASSERT_THAT(learner.Step(LearnerDay(20)), IsOk());
  ASSERT_THAT(learner.SetReward(5, 0, LearnerDay(21)), IsOk());
  const auto posterior = learner.Step(LearnerDay(22));
  ASSERT_THAT(posterior, IsOk());
  Sums never;
  never.Add(5, 1, 0);
  EXPECT_LE((posterior->moment() - never.moment).norm(), 1e-12);
}

TEST(LearnerTest, DiscountsByTheAgeOfTheExposureAlsoForALatePurchase) {
  LearnerSettings settings = Settings(bandit::DelayMode::kFakeNegative);
  settings.forgetting.discount_per_day = 0.9;
  Learner learner(settings, kLayout, kPrior, kNoise);
  ASSERT_THAT(learner.BookExposure(1, LearnerDay(0), ContextOf(1)), IsOk());
  ASSERT_THAT(learner.Step(LearnerDay(1)), IsOk());
  ASSERT_THAT(learner.SetReward(1, 1, LearnerDay(5)), IsOk());
  const auto posterior = learner.Step(LearnerDay(5));
  ASSERT_THAT(posterior, IsOk());
  Sums expected;
  expected.Add(1, 0.59049, 0.59049);
  ExpectSums(*posterior, expected);
}

TEST(LearnerTest, AnEmptiedWindowIsExactlyThePrior) {
  LearnerSettings settings = Settings(bandit::DelayMode::kExposure);
  settings.forgetting.window_days = 30;
  Learner learner(settings, kLayout, kPrior, kNoise);
  for (int64_t id = 0; id < 20; ++id) ASSERT_THAT(learner.BookExposure(id, LearnerDay(0), ContextOf(id)), IsOk());
  ASSERT_THAT(learner.Step(LearnerDay(29)), IsOk());
  EXPECT_EQ(learner.mature_exposures(), 20);
  const auto posterior = learner.Step(LearnerDay(30));
  ASSERT_THAT(posterior, IsOk());
  EXPECT_EQ(posterior->precision(), Sums().precision);
  EXPECT_EQ(posterior->moment(), Sums().moment);
  EXPECT_THAT(learner.SetReward(3, 1, LearnerDay(31)), IsOk());  // forgotten: no error, no effect
  EXPECT_EQ(learner.mature_exposures(), 0);
}

TEST(LearnerTest, RefusesWhatCannotBe) {
  Learner learner(Settings(bandit::DelayMode::kExposure), kLayout, kPrior, kNoise);
  EXPECT_THAT(learner.BookExposure(1, LearnerDay(0), {Eigen::Vector2d(1, NAN), Eigen::Vector2d(1, 1), {}}),
              StatusIs(absl::StatusCode::kInvalidArgument));
  ASSERT_THAT(learner.BookExposure(1, LearnerDay(0), ContextOf(1)), IsOk());
  EXPECT_THAT(learner.BookExposure(1, LearnerDay(0), ContextOf(1)), StatusIs(absl::StatusCode::kAlreadyExists));
  EXPECT_THAT(learner.SetReward(2, 1, LearnerDay(1)), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(learner.SetReward(1, 1.5, LearnerDay(1)), StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST(LearnerTest, AForgottenDayThatIsBookedAgainDoesNotConfuseOldExposures) {
  LearnerSettings settings = Settings(bandit::DelayMode::kExposure);
  settings.forgetting.window_days = 30;
  Learner learner(settings, kLayout, kPrior, kNoise);
  for (int64_t id = 0; id < 20; ++id) ASSERT_THAT(learner.BookExposure(id, LearnerDay(0), ContextOf(id)), IsOk());
  ASSERT_THAT(learner.Step(LearnerDay(30)), IsOk());
  ASSERT_THAT(learner.BookExposure(20, LearnerDay(0), ContextOf(20)), IsOk());
  EXPECT_THAT(learner.SetReward(19, 1, LearnerDay(31)), IsOk());  // was beyond the end of the day's new list
  EXPECT_THAT(learner.SetReward(20, 1, LearnerDay(31)), IsOk());
  EXPECT_EQ(learner.pending_exposures(), 0);
  const auto posterior = learner.Step(LearnerDay(31));
  ASSERT_THAT(posterior, IsOk());
  EXPECT_EQ(posterior->moment(), Sums().moment);
}

}  // namespace
}  // namespace suggest::learning
