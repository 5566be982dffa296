#include "service/lab/simulation/delay_world.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "tests/support/status_matchers.h"

namespace suggest::simulation {
namespace {

using ::suggest::testing::StatusIs;
using ::testing::AllOf;
using ::testing::HasSubstr;

DelayWorldOptions Small(const char* scenario) {
  DelayWorldOptions options;
  options.scenario = *FindDelayScenario(scenario);
  options.days = 4;
  return options;
}

TEST(DelayWorldTest, TheTruthStaysInItsBoundsForEveryContextOfTheCube) {
  for (const DelayScenario& scenario : DelayScenarios()) {
    const DelayWorld world(Small(scenario.name.c_str()), 3);
    for (int hour = 0; hour < 96; ++hour) {
      const Eigen::VectorXd mu = world.Weights(hour);
      const double reach = mu.tail(mu.size() - 1).cwiseAbs().sum();
      EXPECT_NEAR(mu[0] - reach, DelayWorld::kLowest, 1e-12) << scenario.name;
      EXPECT_NEAR(mu[0] + reach, DelayWorld::kHighest, 1e-12) << scenario.name;
      if (scenario.heterogeneous) {
        EXPECT_GT(mu[1], 0);
      }
    }
  }
}

TEST(DelayWorldTest, OnlyDriftingScenariosDrift) {
  const DelayWorld still(Small("exp"), 3);
  EXPECT_EQ((still.Weights(95) - still.Weights(0)).norm(), 0);
  const DelayWorld drifting(Small("exp_drift"), 3);
  EXPECT_GT((drifting.Weights(95) - drifting.Weights(0)).norm(), 0.01);
}

TEST(DelayWorldTest, ContextsAreUniformOnTheCubeBehindAOne) {
  const DelayWorld world(Small("exp"), 5);
  double sum = 0, square = 0;
  int count = 0;
  for (int hour = 0; hour < 96; ++hour) {
    for (int n = 0; n < 20; ++n) {
      const Eigen::MatrixXd candidates = world.Candidates(hour, n);
      ASSERT_EQ(candidates.rows(), 10);
      ASSERT_EQ(candidates.cols(), 10);
      EXPECT_EQ(candidates.row(0).minCoeff(), 1);
      EXPECT_EQ(candidates.row(0).maxCoeff(), 1);
      EXPECT_LE(candidates.cwiseAbs().maxCoeff(), 1);
      sum += candidates.bottomRows(9).sum();
      square += candidates.bottomRows(9).squaredNorm();
      count += 90;
    }
  }
  // 172,800 uniforms: standard errors .0014 and .0007; five of them, false alarm below 1e-6.
  EXPECT_NEAR(sum / count, 0, 0.007);
  EXPECT_NEAR(square / count, 1.0 / 3, 0.0036);
}

TEST(DelayWorldTest, TheSeedIsTheWorld) {
  const DelayWorld a(Small("shift_drift"), 7), b(Small("shift_drift"), 7), c(Small("shift_drift"), 8);
  EXPECT_EQ((Eigen::MatrixXd(a.Candidates(50, 3)) - Eigen::MatrixXd(b.Candidates(50, 3))).norm(), 0);
  EXPECT_GT((Eigen::MatrixXd(a.Candidates(50, 3)) - Eigen::MatrixXd(c.Candidates(50, 3))).norm(), 0.1);
  EXPECT_EQ((a.Weights(50) - b.Weights(50)).norm(), 0);
  EXPECT_EQ(a.DrawStream(50, 3).NextUint64(), b.DrawStream(50, 3).NextUint64());
  EXPECT_NE(a.DrawStream(50, 3).NextUint64(), a.DrawStream(50, 4).NextUint64());
  for (int n = 0; n < 20; ++n) {
    const Eigen::VectorXd context = a.Candidates(50, n).col(0);
    EXPECT_EQ(a.HoursToPurchase(50, n, context), b.HoursToPurchase(50, n, context));
  }
}

// What two modes suggest may differ; whoever suggests the likelier one sells whenever the other would have sold.
TEST(DelayWorldTest, OutcomesAreCommonRandomNumbers) {
  const DelayWorld world(Small("exp"), 11);
  int sold = 0;
  for (int hour = 0; hour < 96; ++hour) {
    for (int n = 0; n < 20; ++n) {
      Eigen::VectorXd less = world.Candidates(hour, n).col(0);
      Eigen::VectorXd more = world.Candidates(hour, n).col(1);
      if (world.Probability(hour, less) > world.Probability(hour, more)) std::swap(less, more);
      if (world.HoursToPurchase(hour, n, less) == DelayWorld::kNever) continue;
      EXPECT_EQ(world.HoursToPurchase(hour, n, more), world.HoursToPurchase(hour, n, less));
      ++sold;
    }
  }
  EXPECT_GT(sold, 100);
}

// 38,400 decisions (four worlds): a share p has standard error below .002, the mean delay of some 6,000 purchases .6 h.
TEST(DelayWorldTest, SellsAtTheTrueRateAfterTheTrueDelay) {
  double expected = 0, bought = 0, delay = 0;
  for (uint64_t seed = 0; seed < 4; ++seed) {
    DelayWorldOptions options = Small("exp");
    options.days = 20;
    const DelayWorld world(options, seed);
    for (int hour = 0; hour < options.hours(); ++hour) {
      for (int n = 0; n < 20; ++n) {
        const Eigen::VectorXd context = world.Candidates(hour, n).col(2);
        expected += world.Probability(hour, context);
        const double hours = world.HoursToPurchase(hour, n, context);
        if (hours == DelayWorld::kNever) continue;
        bought += 1;
        delay += hours;
      }
    }
  }
  EXPECT_NEAR(bought / 38400, expected / 38400, 0.01);
  EXPECT_NEAR(delay / bought, 168.0 / 3, 3.0);
}

TEST(DelayWorldTest, DelaysDependOnTheItemOrOnTheDayWhereTheScenarioSaysSo) {
  Eigen::VectorXd context = Eigen::VectorXd::Zero(10);
  context[1] = 0.5;
  const int slow = DelayWorld::Stratum(context);
  context[1] = -0.5;
  const int fast = DelayWorld::Stratum(context);
  const DelayWorld hetero(Small("hetero_drift"), 1);
  EXPECT_NEAR(hetero.TrueShare(0, slow, 42), PurchaseDelay::Exponential(168, 0.45).Cdf(42), 1e-15);
  EXPECT_NEAR(hetero.TrueShare(0, fast, 42), PurchaseDelay::Exponential(168, 0.08).Cdf(42), 1e-15);
  const DelayWorld common(Small("heavy_drift"), 1);
  EXPECT_EQ(common.TrueShare(0, slow, 42), common.TrueShare(0, fast, 42));
  EXPECT_NEAR(common.TrueShare(0, fast, 42), PurchaseDelay::LogNormal(168, 1.0 / 3).Cdf(42), 1e-15);
  const DelayWorld shift(Small("shift_drift"), 1);
  EXPECT_NEAR(shift.TrueShare(22 * 24 - 1, slow, 42), PurchaseDelay::Exponential(168, 0.08).Cdf(42), 1e-15);
  EXPECT_NEAR(shift.TrueShare(22 * 24, slow, 42), PurchaseDelay::Exponential(168, 1.0 / 3).Cdf(42), 1e-15);
}

TEST(DelayWorldTest, AnUnknownScenarioIsNamedAndTheKnownOnesListed) {
  EXPECT_THAT(FindDelayScenario("exq"), StatusIs(absl::StatusCode::kInvalidArgument,
                                                 AllOf(HasSubstr("\"exq\""), HasSubstr("exp_drift, heavy,"))));
}

}  // namespace
}  // namespace suggest::simulation
