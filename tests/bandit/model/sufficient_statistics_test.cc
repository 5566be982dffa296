#include "bandit/model/sufficient_statistics.h"

#include "tests/bandit/fixture.h"

namespace suggest::bandit {
namespace {

using Eigen::MatrixXd;
using Eigen::VectorXd;

TEST(SufficientStatistics, AreTheSumsOfTheirDefinition) {
  CounterRng rng(Seed{1}, 0);
  SufficientStatistics sums(4);
  MatrixXd precision = MatrixXd::Zero(4, 4);
  VectorXd moment = VectorXd::Zero(4);
  for (int i = 0; i < 20; ++i) {
    const VectorXd b = RandomVector(4, rng);
    ASSERT_TRUE(sums.Add(b, 0.3, 0.2).ok());
    ASSERT_TRUE(sums.AddMature(b, 0.5).ok());
    precision += 1.3 * b * b.transpose();
    moment += 0.7 * b;
  }
  EXPECT_LT((sums.precision() - precision).norm(), 1e-13 * precision.norm());
  EXPECT_LT((sums.moment() - moment).norm(), 1e-13 * moment.norm());
  EXPECT_NEAR(sums.weight(), 26, 1e-12);
  EXPECT_EQ(sums.count(), 20);
  EXPECT_NEAR(sums.reward_sum(), 10, 1e-12);
  EXPECT_NEAR(sums.reward_square_sum(), 5, 1e-12);
}

TEST(SufficientStatistics, ABatchEqualsItsRowsOneByOne) {
  CounterRng rng(Seed{2}, 0);
  SufficientStatistics one_by_one(5);
  SufficientStatistics batch(5);
  MatrixXd contexts(30, 5);
  VectorXd weights(30), targets(30);
  for (int i = 0; i < 30; ++i) {
    contexts.row(i) = RandomVector(5, rng);
    weights[i] = rng.NextUniform();
    targets[i] = rng.NextUniform();
    ASSERT_TRUE(one_by_one.Add(contexts.row(i), weights[i], targets[i]).ok());
  }
  ASSERT_TRUE(batch.AddBatch(contexts, weights, targets).ok());
  ASSERT_TRUE(batch.AddBatch(MatrixXd(0, 5), VectorXd(0), VectorXd(0)).ok());
  EXPECT_LT((batch.precision() - one_by_one.precision()).norm(), 1e-13 * one_by_one.precision().norm());
  EXPECT_LT((batch.moment() - one_by_one.moment()).norm(), 1e-13 * one_by_one.moment().norm());
  EXPECT_NEAR(batch.weight(), one_by_one.weight(), 1e-13);
}

TEST(SufficientStatistics, ALateRewardCorrectsExactlyInAnyOrder) {
  CounterRng rng(Seed{3}, 0);
  const VectorXd b1 = RandomVector(3, rng), b2 = RandomVector(3, rng);
  SufficientStatistics straight(3), late(3);
  ASSERT_TRUE(straight.AddMature(b1, 0.75).ok());
  ASSERT_TRUE(straight.AddMature(b2, 0.25).ok());
  ASSERT_TRUE(late.AddMature(b2, 0).ok());
  ASSERT_TRUE(late.AddMature(b1, 0).ok());
  ASSERT_TRUE(late.AdjustMature(b2, 0, 0.25).ok());
  ASSERT_TRUE(late.AdjustMature(b1, 0, 0.75).ok());
  EXPECT_LT((late.moment() - straight.moment()).norm(), 1e-15);
  EXPECT_LT((late.precision() - straight.precision()).norm(), 1e-14);
  EXPECT_EQ(late.reward_square_sum(), straight.reward_square_sum());
}

// delayed_feedback.md section 7, item 9.
TEST(SufficientStatistics, ARefundLeavesTheMomentAsIfNeverBought) {
  CounterRng rng(Seed{4}, 0);
  SufficientStatistics sums(6), never(6);
  for (int i = 0; i < 50; ++i) {
    const VectorXd b = RandomVector(6, rng);
    const double reward = rng.NextUniform();
    ASSERT_TRUE(never.AddMature(b, 0).ok());
    ASSERT_TRUE(sums.AddMature(b, 0).ok());
    ASSERT_TRUE(sums.AdjustMature(b, 0, reward / 2).ok());
    ASSERT_TRUE(sums.AdjustMature(b, reward / 2, reward).ok());
    ASSERT_TRUE(sums.AdjustMature(b, reward, 0).ok());
  }
  EXPECT_LT((sums.moment() - never.moment()).norm(), 1e-12);
  EXPECT_NEAR(sums.reward_square_sum(), 0, 1e-12);
  EXPECT_NEAR(sums.reward_sum(), 0, 1e-12);
}

TEST(SufficientStatistics, RejectsWhatIsNotFiniteAndStaysUnchanged) {
  SufficientStatistics sums(2);
  ASSERT_TRUE(sums.AddMature(Eigen::Vector2d(1, 2), 0.5).ok());
  const SufficientStatistics::Parts before = sums.ToParts();
  const Eigen::Vector2d good(1, 1), bad(1, NAN);
  const auto invalid = absl::StatusCode::kInvalidArgument;
  EXPECT_THAT(sums.Add(bad, 1, 0), IsError(invalid, "context feature 1 is nan"));
  EXPECT_THAT(sums.AddMature(Eigen::Vector2d(INFINITY, 1), 0), IsError(invalid, "context feature 0 is inf"));
  EXPECT_THAT(sums.Add(good, -1, 0), IsError(invalid, "weight is -1"));
  EXPECT_THAT(sums.Add(good, NAN, 0), IsError(invalid, "weight is nan"));
  EXPECT_THAT(sums.AddMature(good, NAN), IsError(invalid, "reward is nan"));
  EXPECT_THAT(sums.AdjustMature(good, 0, INFINITY), IsError(invalid, "reward is inf"));
  EXPECT_THAT(sums.Add(Eigen::Vector3d(1, 1, 1), 1, 0), IsError(invalid, "context has 3 features, the sums have 2"));
  MatrixXd batch(2, 2);
  batch << 1, 1, 1, NAN;
  EXPECT_THAT(sums.AddBatch(batch, good, good), IsError(invalid, "context feature 1 is nan"));
  const SufficientStatistics::Parts after = sums.ToParts();
  EXPECT_EQ(after.lower, before.lower);
  EXPECT_EQ(after.moment, before.moment);
  EXPECT_EQ(after.weight, before.weight);
  EXPECT_EQ(after.count, before.count);
  EXPECT_EQ(after.reward_square_sum, before.reward_square_sum);
}

TEST(SufficientStatistics, PartsComeBackBitForBit) {
  CounterRng rng(Seed{5}, 0);
  SufficientStatistics sums(3);
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(sums.AddMature(RandomVector(3, rng), rng.NextUniform()).ok());
  const auto back = SufficientStatistics::FromParts(sums.ToParts());
  ASSERT_TRUE(back.ok());
  EXPECT_EQ(back->precision(), sums.precision());
  EXPECT_EQ(back->moment(), sums.moment());
  EXPECT_EQ(back->reward_sum(), sums.reward_sum());
}

TEST(SufficientStatistics, CorruptPartsAreDataLoss) {
  SufficientStatistics::Parts parts = SufficientStatistics(2).ToParts();
  parts.lower.pop_back();
  EXPECT_THAT(SufficientStatistics::FromParts(parts).status(), IsError(absl::StatusCode::kDataLoss, "need 3 entries"));
  parts.lower.push_back(NAN);
  EXPECT_THAT(SufficientStatistics::FromParts(parts).status(), IsError(absl::StatusCode::kDataLoss, "not finite"));
  EXPECT_THAT(SufficientStatistics::FromParts({}).status(), IsError(absl::StatusCode::kDataLoss, "dimension 0"));
}

}  // namespace
}  // namespace suggest::bandit
