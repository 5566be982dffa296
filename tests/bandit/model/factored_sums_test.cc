#include "bandit/model/factored_sums.h"

#include <cmath>

#include "gtest/gtest.h"
#include "tests/support/status_matchers.h"

namespace suggest::bandit {
namespace {

using ::suggest::testing::IsOk;
using ::suggest::testing::StatusIs;

double Number(int i, int j) {
  return std::remainder(0.37 * i * i + 1.13 * j * j + 0.71 * i * j, 2.0);
}

FactoredContext ContextOf(const ContextLayout& layout, int decision, int slot, bool pair) {
  FactoredContext context{Eigen::VectorXd(layout.customer_dim), Eigen::VectorXd(layout.recommendation_dim), {}};
  for (int i = 0; i < layout.customer_dim; ++i) context.customer[i] = i == 0 ? 1 : Number(decision, i);
  for (int i = 0; i < layout.recommendation_dim; ++i) context.recommendation[i] = i == 0 ? 1 : Number(slot + 31, i);
  if (pair && layout.pair_dim > 0) {
    context.pair = Eigen::VectorXd::LinSpaced(layout.pair_dim, Number(decision, slot), 1);
  }
  return context;
}

// Against one dense b b' after the other.
void ExpectSameAsOneByOne(const ContextLayout& layout, int decisions, int slots) {
  FactoredSums sums(layout);
  const int d = layout.dim();
  Eigen::MatrixXd precision = Eigen::MatrixXd::Zero(d, d);
  Eigen::VectorXd moment = Eigen::VectorXd::Zero(d);
  for (int i = 0; i < decisions; ++i) {
    for (int j = 0; j < slots; ++j) {
      const FactoredContext context = ContextOf(layout, i, j, (i + j) % 3 == 0);
      const double weight = 0.1 + 0.05 * ((i * slots + j) % 17), target = (i + j) % 5 == 0 ? 0.4 : 0;
      ASSERT_THAT(sums.Add(context, weight, target), IsOk());
      const Eigen::VectorXd b = AssembleContext(layout, context);
      precision += weight * b * b.transpose();
      moment += target * b;
    }
  }
  const SufficientStatistics result = sums.Sums();
  EXPECT_LE((result.precision() - precision).norm(), 1e-13 * precision.norm());
  EXPECT_LE((result.moment() - moment).norm(), 1e-13 * moment.norm());
}

TEST(FactoredSumsTest, EqualsTheSumOfWholeContexts) {
  for (const Interactions interactions : {Interactions::kFull, Interactions::kNone}) {
    for (const int pair_dim : {0, 2}) {
      const ContextLayout layout{
          .customer_dim = 5, .recommendation_dim = 4, .pair_dim = pair_dim, .interactions = interactions};
      ExpectSameAsOneByOne(layout, 1, 1);
      ExpectSameAsOneByOne(layout, 300, 3);  // more than two blocks
      ExpectSameAsOneByOne(layout, 7, 50);
    }
  }
}

TEST(FactoredSumsTest, SumsMayBeReadBetweenAdditions) {
  const ContextLayout layout{.customer_dim = 3, .recommendation_dim = 2};
  FactoredSums twice(layout), once(layout);
  for (int slot = 0; slot < 2; ++slot) {
    ASSERT_THAT(twice.Add(ContextOf(layout, 1, slot, false), 0.5, 1), IsOk());
    ASSERT_THAT(once.Add(ContextOf(layout, 1, slot, false), 0.5, 1), IsOk());
    twice.Sums();
  }
  EXPECT_LE((twice.Sums().precision() - once.Sums().precision()).norm(), 1e-14);
  EXPECT_EQ(twice.Sums().moment(), once.Sums().moment());
}

TEST(FactoredSumsTest, MatureOnesCountWithTheirRewards) {
  const ContextLayout layout{.customer_dim = 2, .recommendation_dim = 2};
  FactoredSums sums(layout);
  ASSERT_THAT(sums.AddMature(ContextOf(layout, 1, 1, false), 0.5), IsOk());
  ASSERT_THAT(sums.AddMature(ContextOf(layout, 2, 1, false), 0), IsOk());
  EXPECT_EQ(sums.Sums().count(), 2);
  EXPECT_EQ(sums.Sums().reward_sum(), 0.5);
  EXPECT_EQ(sums.Sums().reward_square_sum(), 0.25);
}

TEST(FactoredSumsTest, RefusesWhatIsNotFiniteAndStaysUnchanged) {
  const ContextLayout layout{.customer_dim = 2, .recommendation_dim = 2};
  FactoredSums sums(layout);
  FactoredContext bad = ContextOf(layout, 1, 1, false);
  EXPECT_THAT(sums.Add(bad, -1, 0), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(sums.Add(bad, 1, NAN), StatusIs(absl::StatusCode::kInvalidArgument));
  bad.customer[1] = INFINITY;
  EXPECT_THAT(sums.Add(bad, 1, 0), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_TRUE(sums.Sums().precision().isZero(0));
  EXPECT_TRUE(sums.Sums().moment().isZero(0));
}

}  // namespace
}  // namespace suggest::bandit
