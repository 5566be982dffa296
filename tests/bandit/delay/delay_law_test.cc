// Numbers "test N" are those of the list of acceptance tests for delayed feedback (docs/delays.md).
#include "bandit/delay/delay_law.h"

#include "tests/bandit/fixture.h"

namespace suggest::bandit {
namespace {

constexpr absl::Duration kWindow = absl::Hours(24 * 70);

void ExpectALaw(const DelayLaw& law) {
  double last = 0;
  for (int hour = 1; hour < 24 * 75; ++hour) {
    const double share = law.Share(absl::Hours(hour));
    EXPECT_GE(share, last);
    EXPECT_GE(share, DelayLaw::kMinShare);
    EXPECT_LE(share, 1.0);
    last = share;
  }
  EXPECT_EQ(law.Share(law.window()), 1.0);
  EXPECT_EQ(law.Share(absl::ZeroDuration()), 0.0);
  EXPECT_EQ(law.Share(-absl::Hours(1)), 0.0);
  EXPECT_GE(law.Share(absl::Nanoseconds(1)), DelayLaw::kMinShare);
}

TEST(DelayLaw, TruncatedExponentialIsItsFormulaOnTheGrid) {
  const DelayLaw law = DelayLaw::TruncatedExponential(absl::Seconds(1000), absl::Seconds(3000), 30);
  EXPECT_NEAR(law.Share(absl::Seconds(500)), (1 - std::exp(-0.5)) / (1 - std::exp(-3.0)), 1e-14);
  EXPECT_NEAR(law.Share(absl::Seconds(1000)), (1 - std::exp(-1.0)) / (1 - std::exp(-3.0)), 1e-14);
  EXPECT_NEAR(law.Share(absl::Seconds(550)), 0.5 * (law.Share(absl::Seconds(500)) + law.Share(absl::Seconds(600))),
              1e-14);
}

TEST(DelayLaw, IsMonotoneAndOneFromTheWindowOn) {
  ExpectALaw(DelayLaw::TruncatedExponential(kWindow / 4, kWindow));
  ExpectALaw(DelayLaw::TruncatedExponential(absl::Seconds(1), kWindow));
  ExpectALaw(DelayLaw::TruncatedExponential(kWindow * 1e13, kWindow));
}

TEST(DelayLaw, RejectsAGridThatIsNoLaw) {
  const auto invalid = absl::StatusCode::kInvalidArgument;
  EXPECT_TRUE(DelayLaw::FromGrid({1, 2}, {0.5, 1}).ok());
  EXPECT_THAT(DelayLaw::FromGrid({1, 2}, {0.5}).status(), IsError(invalid, "2 ages and 1 shares"));
  EXPECT_THAT(DelayLaw::FromGrid({}, {}).status(), IsError(invalid, "0 ages"));
  EXPECT_THAT(DelayLaw::FromGrid({2, 1}, {0.5, 1}).status(), IsError(invalid, "age 1 is 1 after 2"));
  EXPECT_THAT(DelayLaw::FromGrid({1, 2}, {0.5, 0.4}).status(), IsError(invalid, "share 1 is 0.4 after 0.5"));
  EXPECT_THAT(DelayLaw::FromGrid({1, 2}, {NAN, 1}).status(), IsError(invalid, "share 0 is nan"));
  EXPECT_THAT(DelayLaw::FromGrid({1, 2}, {0.5, 0.9}).status(), IsError(invalid, "ends at 0.9"));
  EXPECT_THAT(DelayLaw::FromGrid({1, 2}, {0.5, 1.5}).status(), IsError(invalid, "share 1 is 1.5"));
}

// Test 10: 4 exposures aged 2 (one buys in each bin), 4 aged 1 (one buys); W = 2.
TEST(DelayLawEstimator, Test10_GivesTheHandExample) {
  DelayLawEstimator estimator(absl::Hours(2), 2);
  for (int i = 0; i < 4; ++i) estimator.AddExposure(absl::Hours(2));
  for (int i = 0; i < 4; ++i) estimator.AddExposure(absl::Hours(1));
  estimator.AddReward(absl::Minutes(20), 1);
  estimator.AddReward(absl::Minutes(90), 1);
  estimator.AddReward(absl::Minutes(40), 1);
  const DelayLaw prior = DelayLaw::TruncatedExponential(absl::Hours(1), absl::Hours(2), 2);
  EXPECT_NEAR(estimator.Estimate(prior, 0, 0).Share(absl::Hours(1)), 0.5, 1e-15);
}

// Delays exp(1) cut at 3, exposures of uniform age: the seen delays alone would give .532/.796/.976.
// Standard errors are about .0018, so .01 is passed by chance less than once in 1e6 seeds.
TEST(DelayLawEstimator, Test10_IsNotBiasedTowardShortDelays) {
  CounterRng rng(Seed{21}, 0);
  DelayLawEstimator estimator(absl::Hours(3), 96);
  for (int i = 0; i < 200000; ++i) {
    const double age = 3 * rng.NextUniform();
    const double delay = -std::log(1 - rng.NextUniform() * (1 - std::exp(-3.0)));
    estimator.AddExposure(absl::Hours(1) * age);
    if (rng.NextUniform() < 0.5 && delay <= age) estimator.AddReward(absl::Hours(1) * delay, 1);
  }
  const DelayLaw prior = DelayLaw::TruncatedExponential(absl::Hours(2), absl::Hours(3));
  const DelayLaw law = estimator.Estimate(prior, 100, 0.5);
  EXPECT_NEAR(law.Share(absl::Minutes(30)), 0.414, 0.01);
  EXPECT_NEAR(law.Share(absl::Hours(1)), 0.665, 0.01);
  EXPECT_NEAR(law.Share(absl::Hours(2)), 0.910, 0.01);
}

// Test 15.
TEST(DelayLawEstimator, Test15_WithoutEvidenceIsThePrior) {
  const DelayLaw prior = DelayLaw::TruncatedExponential(kWindow / 4, kWindow);
  DelayLawEstimator estimator(kWindow);
  EXPECT_EQ(estimator.Estimate(prior, 0, 0).share(), prior.share());
  for (int day = 1; day < 70; day += 10) {
    EXPECT_NEAR(estimator.Estimate(prior, 100, 0.1).Share(absl::Hours(24 * day)), prior.Share(absl::Hours(24 * day)),
                1e-12);
  }
  estimator.AddExposure(absl::Hours(24));
  estimator.AddExposure(absl::Hours(24 * 100));
  ExpectALaw(estimator.Estimate(prior, 0, 0));
  ExpectALaw(estimator.Estimate(prior, 100, 0.1));
}

TEST(DelayLawEstimator, RefundsKeepTheirSignUntilTheLawIsMadeMonotoneOnce) {
  // 100 exposures lived through all four days: 20 bought on the first, 8 of these were refunded on the third, 4 bought
  // on the fourth. 12 of the first day's stay, so 12 of 16 are given for good by its end.
  DelayLawEstimator estimator(absl::Hours(96), 4);
  for (int i = 0; i < 100; ++i) estimator.AddExposure(absl::Hours(200));
  estimator.AddReward(absl::Hours(12), 20);
  estimator.AddReward(absl::Hours(60), -8);
  estimator.AddReward(absl::Hours(90), 4);
  const DelayLaw prior = DelayLaw::TruncatedExponential(absl::Hours(24), absl::Hours(96), 4);
  const DelayLaw law = estimator.Estimate(prior, 0, 0.1);
  EXPECT_NEAR(law.share()[0], 0.75, 1e-12);
  EXPECT_NEAR(law.share()[2], 0.75, 1e-12);
  EXPECT_EQ(law.share()[3], 1);
  EXPECT_NEAR(estimator.MeanReward(prior, 0, 0.1), 0.16, 1e-12);
}

TEST(DelayLawEstimator, StaysALawWithRefundsAndLateVisibility) {
  const DelayLaw prior = DelayLaw::TruncatedExponential(kWindow / 4, kWindow);
  DelayLawEstimator estimator(kWindow);
  for (int i = 0; i < 20; ++i) estimator.AddExposure(absl::Hours(24 * 10 * i));
  estimator.AddReward(absl::Hours(24 * 3), 1);
  estimator.AddReward(absl::Hours(24 * 30), -1);
  estimator.AddReward(absl::Hours(24 * 71), 1);
  estimator.AddReward(-absl::Minutes(1), 1);
  ExpectALaw(estimator.Estimate(prior, 0, 0));
  ExpectALaw(estimator.Estimate(prior, 10, 0.1));
}

}  // namespace
}  // namespace suggest::bandit
