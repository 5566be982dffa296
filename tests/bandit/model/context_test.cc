#include "bandit/model/context.h"

#include "tests/bandit/fixture.h"

namespace suggest::bandit {
namespace {

TEST(Context, FullInteractionsAreTheOuterProductThenThePairPart) {
  const ContextLayout layout{2, 3, 2, Interactions::kFull};
  const FactoredContext context{Eigen::Vector2d(1, 2), Eigen::Vector3d(1, 5, 7), Eigen::Vector2d(0.5, -1)};
  Eigen::VectorXd expected(8);
  expected << 1, 5, 7, 2, 10, 14, 0.5, -1;
  EXPECT_EQ(layout.dim(), 8);
  EXPECT_EQ(AssembleContext(layout, context), expected);
}

TEST(Context, WithoutInteractionsTheSidesStandBesideEachOther) {
  const ContextLayout layout{2, 3, 1, Interactions::kNone};
  const FactoredContext context{Eigen::Vector2d(1, 2), Eigen::Vector3d(1, 5, 7), {}};
  Eigen::VectorXd expected(5);
  expected << 1, 2, 5, 7, 0;
  EXPECT_EQ(layout.dim(), 5);
  EXPECT_EQ(AssembleContext(layout, context), expected);
}

TEST(Context, ContributionsSumToTheExpectedReward) {
  CounterRng rng(Seed{5}, 0);
  const ContextLayout layout{4, 3, 2, Interactions::kFull};
  const FactoredContext context{RandomVector(4, rng, true), RandomVector(3, rng, true), RandomVector(2, rng)};
  const Eigen::VectorXd mean = RandomVector(layout.dim(), rng);
  EXPECT_NEAR(Contributions(layout, context, mean).sum(), AssembleContext(layout, context).dot(mean), 1e-13);
}

TEST(Context, ValidationNamesTheEntryAndTheLength) {
  const ContextLayout layout{2, 3, 1, Interactions::kFull};
  FactoredContext context{Eigen::Vector2d(1, 2), Eigen::Vector3d(1, 5, 7), {}};
  EXPECT_TRUE(ValidateContext(layout, context).ok());
  context.recommendation[2] = NAN;
  EXPECT_THAT(ValidateContext(layout, context),
              IsError(absl::StatusCode::kInvalidArgument, "recommendation part of the context: entry 2 is nan"));
  context.customer = Eigen::Vector3d(1, 2, 3);
  EXPECT_THAT(ValidateContext(layout, context),
              IsError(absl::StatusCode::kInvalidArgument, "has 3 entries, the layout expects 2"));
}

}  // namespace
}  // namespace suggest::bandit
