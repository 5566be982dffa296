#include "bandit/model/logistic.h"

#include "tests/bandit/fixture.h"

namespace suggest::bandit {
namespace {

// n rows [1, x, ...] with labels drawn from these weights.
struct Data {
  Eigen::MatrixXd rows;
  Eigen::VectorXd labels;
  Data(int n, const Eigen::VectorXd& truth, uint64_t seed) : rows(n, truth.size()), labels(n) {
    CounterRng rng(Seed{seed}, 0);
    for (int i = 0; i < n; ++i) {
      rows.row(i) = RandomVector(static_cast<int>(truth.size()), rng, true);
      labels[i] = rng.NextUniform() < Sigmoid(rows.row(i).dot(truth)) ? 1 : 0;
    }
  }
};

// The optimum is where the gradient vanishes: an oracle that does not know Newton's method.
TEST(Logistic, EndsWhereThePenalisedGradientVanishes) {
  const Data data(400, Eigen::Vector3d(-1, 0.8, -0.3), 3);
  const Eigen::VectorXd weights = Eigen::VectorXd::LinSpaced(400, 0.1, 2);
  const Eigen::Vector3d center(0.2, 0, -0.1);
  const Eigen::VectorXd w = *FitLogistic(data.rows, data.labels, weights, center, {.ridge = 2});
  Eigen::VectorXd gradient = -2 * (w - center);
  for (int i = 0; i < 400; ++i) {
    const double p = 1 / (1 + std::exp(-data.rows.row(i).dot(w)));
    gradient += weights[i] * (data.labels[i] - p) * data.rows.row(i).transpose();
  }
  EXPECT_LT(gradient.cwiseAbs().maxCoeff(), 1e-9);
}

// With an intercept alone and hardly a ridge: logit of the share.
TEST(Logistic, AnInterceptIsTheLogitOfTheShare) {
  Eigen::VectorXd labels = Eigen::VectorXd::Zero(10);
  labels.head(3).setOnes();
  const Eigen::VectorXd w =
      *FitLogistic(Eigen::MatrixXd::Ones(10, 1), labels, {}, Eigen::VectorXd::Zero(1), {.ridge = 1e-9});
  EXPECT_NEAR(w[0], std::log(3.0 / 7.0), 1e-8);
}

TEST(Logistic, AWeightIsAsManyRows) {
  const Data data(50, Eigen::Vector2d(0, 1), 4);
  Eigen::MatrixXd twice(100, 2);
  twice << data.rows, data.rows;
  Eigen::VectorXd labels(100);
  labels << data.labels, data.labels;
  const Eigen::VectorXd zero = Eigen::VectorXd::Zero(2);
  const Eigen::VectorXd a = *FitLogistic(data.rows, data.labels, Eigen::VectorXd::Constant(50, 2), zero);
  EXPECT_LT((a - *FitLogistic(twice, labels, {}, zero)).norm(), 1e-9);
}

// Test 15: no data, one class only, and classes that a plane separates, also with inputs of a large scale.
TEST(Logistic, Test15_DegenerateDataHaveFiniteAnswers) {
  const Eigen::Vector2d center(0.5, -2);
  EXPECT_EQ(*FitLogistic(Eigen::MatrixXd(0, 2), Eigen::VectorXd(0), {}, center), Eigen::VectorXd(center));
  const Data data(100, Eigen::Vector2d(0, 1), 5);
  for (const double scale : {1.0, 1e4}) {
    const Eigen::MatrixXd rows = scale * data.rows;
    for (const Eigen::VectorXd& labels : {Eigen::VectorXd(Eigen::VectorXd::Ones(100)),
                                          Eigen::VectorXd((data.rows.col(1).array() > 0).cast<double>())}) {
      const auto w = FitLogistic(rows, labels, {}, Eigen::VectorXd::Zero(2));
      ASSERT_TRUE(w.ok()) << w.status();
      EXPECT_TRUE(w->allFinite());
    }
  }
}

TEST(Logistic, TheSameRowsGiveTheSameBits) {
  const Data data(200, Eigen::Vector3d(-1, 0.8, -0.3), 6);
  const Eigen::VectorXd zero = Eigen::VectorXd::Zero(3);
  EXPECT_EQ(*FitLogistic(data.rows, data.labels, {}, zero), *FitLogistic(data.rows, data.labels, {}, zero));
}

TEST(Logistic, RefusesWhatDoesNotFit) {
  const Eigen::MatrixXd rows = Eigen::MatrixXd::Ones(2, 1);
  const Eigen::Vector2d labels(0, 1);
  const Eigen::VectorXd zero = Eigen::VectorXd::Zero(1);
  EXPECT_THAT(FitLogistic(rows, labels, {}, zero, {.ridge = 0}).status(), IsError(kInvalid, "ridge is 0"));
  EXPECT_THAT(FitLogistic(rows, Eigen::VectorXd::Zero(3), {}, zero).status(), IsError(kInvalid, "2 rows, 3 labels"));
  EXPECT_THAT(FitLogistic(rows, labels, Eigen::VectorXd::Ones(1), zero).status(), IsError(kInvalid, "1 weights"));
  EXPECT_THAT(FitLogistic(rows, labels, {}, Eigen::VectorXd::Zero(2)).status(), IsError(kInvalid, "the center 2"));
  EXPECT_THAT(FitLogistic(rows, Eigen::Vector2d(0, 1.5), {}, zero).status(), IsError(kInvalid, "label 1 is 1.5"));
  EXPECT_THAT(FitLogistic(rows, labels, Eigen::Vector2d(1, -1), zero).status(), IsError(kInvalid, "weight 1 is -1"));
  Eigen::MatrixXd bad = rows;
  bad(1, 0) = NAN;
  EXPECT_THAT(FitLogistic(bad, labels, {}, zero).status(), IsError(kInvalid, "row 1 is not finite"));
  EXPECT_THAT(FitLogistic(rows, labels, {}, Eigen::VectorXd::Constant(1, NAN)).status(),
              IsError(kInvalid, "center is not finite"));
  EXPECT_THAT(FitLogistic(rows, Eigen::Vector2d(1, 1), {}, zero, {.max_steps = 1}).status(),
              IsError(absl::StatusCode::kInternal, "no end after 1 steps"));
}

TEST(Logistic, SigmoidAndSoftplusDoNotOverflow) {
  for (const double x : {-1000.0, -20.0, -0.5, 0.0, 0.5, 20.0, 1000.0}) {
    EXPECT_NEAR(Sigmoid(x), 1 / (1 + std::exp(-x)), 1e-15);
    EXPECT_NEAR(LogOnePlusExp(x) - LogOnePlusExp(-x), x, 1e-12 * std::max(1.0, std::abs(x)));
  }
}

}  // namespace
}  // namespace suggest::bandit
