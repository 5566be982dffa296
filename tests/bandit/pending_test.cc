#include "bandit/pending.h"

#include "bandit/posterior.h"
#include "tests/bandit/fixture.h"

namespace suggest::bandit {
namespace {

// delayed_feedback.md section 7, item 5: d = 1, b = 1, lambda = 1; 10 mature exposures with 2 purchases, 10 pending
// ones at F = .3 with 1 purchase.
double HandFixtureMean(PendingMode mode) {
  const Eigen::VectorXd b = Eigen::VectorXd::Ones(1);
  SufficientStatistics sums(1);
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(sums.AddMature(b, i < 2).ok());
  for (int i = 0; i < 10; ++i) {
    const PendingTarget pending = Target(mode, 0.3, i < 1);
    EXPECT_TRUE(sums.Add(b, pending.weight, pending.target).ok());
  }
  return Posterior::Solve(Prior{1.0, 1.0, 0.0}, sums, 1.0)->mean()[0];
}

TEST(Pending, GivesTheHandFixture) {
  EXPECT_NEAR(HandFixtureMean(PendingMode::kExposure), 3.0 / 14, 1e-15);
  EXPECT_NEAR(HandFixtureMean(PendingMode::kFakeNegative), 3.0 / 21, 1e-15);
  EXPECT_NEAR(HandFixtureMean(PendingMode::kWait), 2.0 / 11, 1e-15);
}

// delayed_feedback.md section 7, item 6: b = (1, x), truth (.1, .1); the old item (x = 0) at F = 1,
// the new one (x = 1, worth .2) at F = .3.
Eigen::VectorXd OldAndNewItem(PendingMode mode) {
  SufficientStatistics sums(2);
  const double n = 1e9;  // exposures of each, in expectation; the prior then does not matter
  EXPECT_TRUE(sums.Add(Eigen::Vector2d(1, 0), n, 0.1 * n).ok());
  const PendingTarget pending = Target(mode, 0.3, 0.2 * 0.3);
  EXPECT_TRUE(sums.Add(Eigen::Vector2d(1, 1), n * pending.weight, n * pending.target).ok());
  return Posterior::Solve(Prior{1e-3, 1e-3, 0.0}, sums, 1.0)->mean();
}

TEST(Pending, ExposureDoesNotMakeANewItemLookWorse) {
  const Eigen::VectorXd exposure = OldAndNewItem(PendingMode::kExposure);
  EXPECT_NEAR(exposure[0], 0.1, 1e-9);
  EXPECT_NEAR(exposure[1], 0.1, 1e-9);
  const Eigen::VectorXd fake = OldAndNewItem(PendingMode::kFakeNegative);
  EXPECT_NEAR(fake[1], -0.04, 1e-9) << "the known bias of the mode";
}

TEST(Pending, TheSeenRewardCountsWholeInTheExposureMode) {
  EXPECT_EQ(Target(PendingMode::kExposure, 0.3, 0.8), (PendingTarget{0.3, 0.8}));
  EXPECT_EQ(Target(PendingMode::kFakeNegative, 0.3, 0.8), (PendingTarget{1.0, 0.8}));
  EXPECT_EQ(Target(PendingMode::kWait, 0.3, 0.8), (PendingTarget{0.0, 0.0}));
}

}  // namespace
}  // namespace suggest::bandit
