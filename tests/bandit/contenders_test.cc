#include "bandit/contenders.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "bandit/folded_posterior.h"
#include "tests/bandit/fixture.h"

namespace suggest::bandit {
namespace {

// Expected slots that the rows outside `kept` take, by plain draws of w and a sort; *error: its standard error.
double SlotsMissed(const Eigen::MatrixXd& features, const JointNormal& weights, double scale, int slate,
                   const std::vector<int>& kept, double* error) {
  constexpr int kDraws = 20000;
  const int n = static_cast<int>(features.rows());
  std::vector<bool> in(n, false);
  for (const int row : kept) in[row] = true;
  CounterRng rng(Seed{4711}, 9);
  std::vector<int> order(n);
  double sum = 0, squares = 0;
  for (int draw = 0; draw < kDraws; ++draw) {
    const Eigen::VectorXd scores = features * Draw(weights, scale, rng);
    std::iota(order.begin(), order.end(), 0);
    std::nth_element(order.begin(), order.begin() + slate - 1, order.end(),
                     [&](int a, int b) { return scores[a] > scores[b]; });
    const double missed = std::count_if(order.begin(), order.begin() + slate, [&](int row) { return !in[row]; });
    sum += missed;
    squares += missed * missed;
  }
  *error = std::sqrt(squares) / kDraws;
  return sum / kDraws;
}

// The normal that stands for the cut is an approximation: twice what is stated is allowed. At 4 standard errors each,
// over ten worlds of other seeds, a false alarm in less than 4e-4 of runs.
TEST(Contenders, WhatIsLeftOutTakesHardlyASlotAndMostIsLeftOutWhereTheModelKnows) {
  for (const double scale : {0.02, 0.5}) {
    for (uint64_t seed = 0; seed < 5; ++seed) {
      const World world(ContextLayout{5, 8, 0, Interactions::kFull}, 400, 300 + seed, 6000);
      const JointNormal weights = *world.folded.Fold(world.problem.customer);
      Eigen::MatrixXd features(400, 8);
      for (int k = 0; k < 400; ++k) {
        for (int c = 0; c < 8; ++c) features(k, c) = world.catalogue.row(k)[c];
      }
      const PropensityQuestion question{
          .features = features, .weights = weights, .scale = scale, .slate = 10, .draws = 128};
      const Blocks points(weights.dim(), CounterRng(Seed{seed}, 3));
      const std::vector<int> kept = Contenders(question, {}, points, 4);
      double error = 0;
      const double missed = SlotsMissed(features, weights, scale, 10, kept, &error);
      EXPECT_LT(missed, 2 * kNeglected + 4 * error) << scale << " " << seed;
      EXPECT_LE(kept.size(), scale == 0.02 ? 100u : 400u);  // a wide posterior leaves most of them a chance
      EXPECT_GE(kept.size(), 10u);
    }
  }
}

TEST(Contenders, TargetsAreAlwaysAmongThem) {
  const World world(ContextLayout{3, 6, 0, Interactions::kFull}, 300, 90, 4000);
  const JointNormal weights = *world.folded.Fold(world.problem.customer);
  Eigen::MatrixXd features(300, 6);
  for (int k = 0; k < 300; ++k) {
    for (int c = 0; c < 6; ++c) features(k, c) = world.catalogue.row(k)[c];
  }
  Eigen::Index worst = 0;
  (features * weights.mean).minCoeff(&worst);
  const PropensityQuestion question{.features = features, .weights = weights, .scale = 0.02, .slate = 5};
  const Blocks points(weights.dim(), CounterRng(Seed{1}, 3));
  const PropensityTarget target{static_cast<int>(worst)};
  const std::vector<int> with = Contenders(question, {&target, 1}, points, 4);
  EXPECT_TRUE(std::binary_search(with.begin(), with.end(), target.row));
  const std::vector<int> without = Contenders(question, {}, points, 4);
  EXPECT_FALSE(std::binary_search(without.begin(), without.end(), target.row));
}

}  // namespace
}  // namespace suggest::bandit
