#include "bandit/model/weight_space.h"

#include "bandit/model/fold_kernel.h"
#include "tests/bandit/fixture.h"

namespace suggest::bandit {
namespace {

using Eigen::MatrixXd;
using Eigen::VectorXd;

// (layout, pairs): both interaction forms, with and without pair features.
class Factored : public ::testing::TestWithParam<ContextLayout> {};

INSTANTIATE_TEST_SUITE_P(
    Layouts, Factored,
    ::testing::Values(ContextLayout{5, 4, 0, Interactions::kFull}, ContextLayout{5, 4, 3, Interactions::kFull},
                      ContextLayout{5, 4, 0, Interactions::kNone}, ContextLayout{5, 4, 3, Interactions::kNone},
                      ContextLayout{1, 1, 0, Interactions::kFull}, ContextLayout{1, 6, 1, Interactions::kNone}));

double Deviation(const Posterior& posterior, const VectorXd& b) {
  return std::sqrt(posterior.noise_variance() * b.dot(posterior.covariance() * b));
}

TEST_P(Factored, MeansAndDeviationsEqualThePlainOnes) {
  const World world(GetParam(), 12, 31, 60, GetParam().pair_dim > 0 ? 5 : 0);
  const auto scored = ScoreAll(world.problem, PolicySettings{.kind = PolicyKind::kGreedy}, 1);
  ASSERT_TRUE(scored.ok()) << scored.status();
  for (const ScoredCandidate& item : *scored) {
    const VectorXd b = PlainContext(world.problem, item.candidate);
    EXPECT_NEAR(item.mean, b.dot(world.posterior.mean()), 1e-12);
    EXPECT_NEAR(item.sd, Deviation(world.posterior, b), 1e-12);
  }
}

// Whatever theta is drawn, the folded weights score as b . theta does: taken with theta in place of the mean.
TEST_P(Factored, ScoresEqualBTimesThetaForAnyTheta) {
  const World world(GetParam(), 12, 32, 60, GetParam().pair_dim > 0 ? 5 : 0);
  CounterRng rng(Seed{33}, 0);
  for (int repeat = 0; repeat < 20; ++repeat) {
    const VectorXd theta = RandomVector(world.layout.dim(), rng);
    const Posterior at_theta = *Posterior::FromPrecision(MatrixXd::Identity(theta.size(), theta.size()), theta, 1.0);
    DecisionProblem problem = world.problem;
    const FoldedPosterior folded(at_theta, world.layout);
    problem.posterior = &folded;
    const auto scored = ScoreAll(problem, PolicySettings{.kind = PolicyKind::kGreedy}, 1);
    for (const ScoredCandidate& item : *scored) {
      EXPECT_NEAR(item.score, PlainContext(problem, item.candidate).dot(theta), 1e-12);
    }
  }
}

// All covariances between scores, not only their deviations: L L' against A Sigma A' formed in full.
TEST_P(Factored, CovarianceOfTheWeightsIsExact) {
  const World world(GetParam(), 3, 34);
  const int m = world.layout.recommendation_dim + world.layout.pair_dim;
  MatrixXd fold(m, world.layout.dim());
  for (int r = 0; r < m; ++r) {
    FactoredContext unit{world.problem.customer, VectorXd::Zero(world.layout.recommendation_dim),
                         VectorXd::Zero(world.layout.pair_dim)};
    const int rows = world.layout.recommendation_dim;
    (r < rows ? unit.recommendation[r] : unit.pair[r - rows]) = 1.0;
    VectorXd b = AssembleContext(world.layout, unit);
    // Without interactions the constant and the customer's part belong to the intercept of w.
    if (world.layout.interactions == Interactions::kNone && r != 0) b.head(world.layout.customer_dim).setZero();
    fold.row(r) = b;
  }
  const auto weights = world.folded.Fold(world.problem.customer);
  ASSERT_TRUE(weights.ok());
  const MatrixXd expected = world.posterior.noise_variance() * fold * world.posterior.covariance() * fold.transpose();
  EXPECT_LT((weights->factor * weights->factor.transpose() - expected).norm(), 1e-12 * expected.norm());
  EXPECT_LT((weights->mean - fold * world.posterior.mean()).norm(), 1e-12);
}

// 40,000 draws; the bound of 5 standard errors on each of the 10 entries: false alarms below 1e-5 over seeds.
TEST(WeightSpace, DrawsHaveTheCovarianceTimesTheSquaredScale) {
  const World world(ContextLayout{3, 3, 1, Interactions::kFull}, 3, 35);
  const JointNormal weights = *world.folded.Fold(world.problem.customer);
  const double scale = 0.5;
  const MatrixXd expected = scale * scale * weights.factor * weights.factor.transpose();
  CounterRng rng(Seed{36}, 0);
  const int n = 40000;
  MatrixXd sum = MatrixXd::Zero(4, 4);
  for (int i = 0; i < n; ++i) {
    const VectorXd w = Draw(weights, scale, rng) - weights.mean;
    sum += w * w.transpose();
  }
  for (int i = 0; i < 4; ++i) {
    for (int j = 0; j <= i; ++j) {
      const double variance = expected(i, i) * expected(j, j) + expected(i, j) * expected(i, j);
      EXPECT_NEAR(sum(i, j) / n, expected(i, j), 5 * std::sqrt(variance / n));
    }
  }
}

// The kernel at lengths that are no multiple of any vector, against the sum in its stated order.
TEST(FoldKernel, AddsRowsInTheirOrder) {
  CounterRng rng(Seed{38}, 0);
  for (const int length : {1, 7, 16, 33}) {
    for (const int rows : {1, 3, 4, 9}) {
      const VectorXd table = RandomVector(rows * length, rng), factors = RandomVector(rows, rng);
      VectorXd out = RandomVector(length, rng), expected = out;
      for (int q = 0; q < rows; ++q) {
        for (int k = 0; k < length; ++k) expected[k] += factors[q] * table[q * length + k];
      }
      AddRows(table.data(), factors.data(), rows, length, out.data());
      EXPECT_EQ(out, expected);
    }
  }
}

TEST(WeightSpace, ANumericalErrorIsAStatusNotAnEndOfExploration) {
  const World world(ContextLayout{2, 2, 0, Interactions::kFull}, 3, 37);
  DecisionProblem problem = world.problem;
  problem.customer[1] = 1e200;
  EXPECT_THAT(ChooseSlate(problem, PolicySettings{}, 1, 1).status(),
              IsError(absl::StatusCode::kInternal, "not finite"));
}

}  // namespace
}  // namespace suggest::bandit
