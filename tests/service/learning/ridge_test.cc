#include "service/learning/ridge.h"

#include <gtest/gtest.h>

#include <cmath>

#include "bandit/base/random.h"
#include "bandit/model/evidence.h"
#include "service/learning/learner.h"
#include "tests/support/status_matchers.h"

namespace suggest::learning {
namespace {

using ::suggest::testing::IsOk;

constexpr bandit::NoiseModel kNoise{.fixed_variance = 0, .alpha = 6, .beta = 0.5};

// n mature exposures of three terms, the weights of which are 0.1, 0.2, -0.1.
bandit::SufficientStatistics MatureSums(int n) {
  bandit::SufficientStatistics sums(3);
  bandit::CounterRng rng(bandit::Seed{11}, 0);
  for (int i = 0; i < n; ++i) {
    const Eigen::Vector3d context(1, rng.NextNormal(), rng.NextNormal());
    const double mean = 0.1 + 0.2 * context[1] - 0.1 * context[2];
    EXPECT_TRUE(sums.AddMature(context, mean + 0.3 * rng.NextNormal()).ok());
  }
  return sums;
}

LearnerSettings ByEvidence() {
  LearnerSettings settings;
  settings.ridge_by_evidence = true;
  return settings;
}

TEST(RidgeTest, AConfiguredOneIsKeptWhateverTheEvidence) {
  const auto choice =
      NextRidge(LearnerSettings(), {.ridge = 7}, kNoise, MatureSums(1000), {.ridge = 50, .exposures = 9});
  ASSERT_THAT(choice, IsOk());
  EXPECT_EQ(choice->ridge, 7);
  EXPECT_EQ(choice->exposures, 0);
}

TEST(RidgeTest, IsTheMeanByEvidence) {
  const bandit::SufficientStatistics sums = MatureSums(1000);
  const bandit::Prior prior{.ridge = 0, .intercept_ridge = 0.01, .base_rate = 0.1};
  const auto choice = NextRidge(ByEvidence(), prior, kNoise, sums, {});
  ASSERT_THAT(choice, IsOk());
  const auto evidence = bandit::RidgeEvidence::Create(prior, sums, kNoise);
  EXPECT_EQ(choice->ridge, bandit::MeanRidge(*evidence, 1000));
  EXPECT_EQ(choice->exposures, 1000);
}

TEST(RidgeTest, BeforeTheEvidenceItIsTenForEachTerm) {
  const auto start = NextRidge(ByEvidence(), {.ridge = 0}, kNoise, MatureSums(0), {});
  ASSERT_THAT(start, IsOk());
  EXPECT_EQ(start->ridge, 30);
  EXPECT_EQ(start->exposures, 0);
  // It gives way as soon as there is evidence.
  const auto first = NextRidge(ByEvidence(), {.ridge = 0}, kNoise, MatureSums(100), *start);
  ASSERT_THAT(first, IsOk());
  EXPECT_EQ(first->exposures, 100);
}

TEST(RidgeTest, StaysUntilMatureExposuresHaveDoubled) {
  const RidgeChoice before{.ridge = 12345, .exposures = 400};
  const auto stays = NextRidge(ByEvidence(), {.ridge = 0}, kNoise, MatureSums(799), before);
  ASSERT_THAT(stays, IsOk());
  EXPECT_EQ(stays->ridge, 12345);
  EXPECT_EQ(stays->exposures, 400);
  const auto anew = NextRidge(ByEvidence(), {.ridge = 0}, kNoise, MatureSums(800), before);
  ASSERT_THAT(anew, IsOk());
  EXPECT_NE(anew->ridge, 12345);
  EXPECT_EQ(anew->exposures, 800);
}

TEST(RidgeTest, TheReportSaysWhatAConfiguredRidgeLoses) {
  const bandit::SufficientStatistics sums = MatureSums(1000);
  const auto ridge = DescribeRidge(LearnerSettings(), {.ridge = 1e6}, kNoise, sums);
  ASSERT_THAT(ridge, IsOk());
  EXPECT_TRUE(ridge->configured());
  EXPECT_EQ(ridge->used(), 1e6);
  EXPECT_LT(ridge->by_evidence(), 1000);
  EXPECT_GT(ridge->log_evidence_lost(), 10);
  const auto few = DescribeRidge(LearnerSettings(), {.ridge = 1e6}, kNoise, MatureSums(99));
  ASSERT_THAT(few, IsOk());
  EXPECT_TRUE(std::isnan(few->by_evidence()));
}

TEST(RidgeTest, TheLearnerSolvesWithTheOneThatItChose) {
  LearnerSettings settings = ByEvidence();
  const bandit::ContextLayout layout{.customer_dim = 2, .recommendation_dim = 2};
  const bandit::Prior open{.ridge = 0, .intercept_ridge = 1, .base_rate = 0.1};
  const absl::Time start = absl::UnixEpoch() + absl::Hours(24 * 20000);
  Learner learner(settings, layout, open, kNoise);
  bandit::CounterRng rng(bandit::Seed{3}, 0);
  std::vector<bandit::FactoredContext> contexts;
  for (int i = 0; i < 300; ++i) {
    contexts.push_back({Eigen::Vector2d(1, rng.NextNormal()), Eigen::Vector2d(1, rng.NextNormal()), {}});
    ASSERT_THAT(learner.BookExposure(i, start, contexts.back()), IsOk());
    if (rng.NextUniform() < 0.2) {
      ASSERT_THAT(learner.SetReward(i, 0.5, start + absl::Hours(24)), IsOk());
    }
  }
  const absl::Time tick = start + settings.maturity() + absl::Hours(24);
  const auto posterior = learner.Step(tick);
  ASSERT_THAT(posterior, IsOk());
  EXPECT_EQ(learner.ridge().exposures, 300);
  bandit::SufficientStatistics sums(layout.dim());
  for (const bandit::FactoredContext& context : contexts) {
    ASSERT_THAT(sums.AddMature(bandit::AssembleContext(layout, context), 0), IsOk());
  }
  EXPECT_NEAR(posterior->precision()(1, 1), sums.precision()(1, 1) + learner.ridge().ridge,
              1e-9 * posterior->precision()(1, 1));
}

}  // namespace
}  // namespace suggest::learning
