#include "bandit/choose/customer_memo.h"

#include <gtest/gtest.h>

#include <memory>
#include <thread>
#include <vector>

#include "bandit/propensity/contenders.h"
#include "tests/bandit/fixture.h"

namespace suggest::bandit {
namespace {

constexpr ContextLayout kMemoLayout{5, 8, 0, Interactions::kFull};

std::vector<double> NumbersOf(const Slate& slate) {
  std::vector<double> numbers = {static_cast<double>(slate.contenders)};
  for (const ScoredCandidate& item : slate.items) {
    numbers.insert(numbers.end(),
                   {static_cast<double>(item.candidate), item.score, item.mean, item.sd, item.propensity.first.value,
                    item.propensity.in_slate.value, item.propensity.at_rank.value});
  }
  return numbers;
}

// Whatever was asked before: another customer, other settings, other candidates.
TEST(CustomerMemo, ChangesNoDecision) {
  World world(kMemoLayout, 400, 31, 6000);
  CounterRng rng(Seed{5}, 0);
  const std::vector<Eigen::VectorXd> customers = {world.problem.customer, RandomVector(5, rng, true)};
  const auto all = CandidateMask::All(400);
  const std::vector<CandidateSet> sets = {CandidateSet(all), CandidateSet(all, {3, 5, 7}), {1, 2, 3, 4, 5, 6, 7, 8}};
  CustomerMemo memo;
  for (int i = 0; i < 96; ++i) {
    world.problem.customer = customers[rng.Below(2)];
    world.problem.eligible = sets[rng.Below(3)];
    PolicySettings settings;
    settings.scale = rng.Below(2) == 0 ? 0.05 : 0.1;
    const int count = 2 + static_cast<int>(rng.Below(2));
    world.problem.memo = &memo;
    const Slate with = *ChooseSlate(world.problem, settings, count, i);
    world.problem.memo = nullptr;
    EXPECT_EQ(NumbersOf(with), NumbersOf(*ChooseSlate(world.problem, settings, count, i))) << i;
  }
}

TEST(CustomerMemo, KeepsTheLastWeightsAndContenders) {
  World world(kMemoLayout, 400, 32, 6000);
  CustomerMemo memo;
  world.problem.memo = &memo;
  EXPECT_EQ(memo.Weights(world.problem.customer), nullptr);
  ASSERT_TRUE(ChooseSlate(world.problem, {.scale = 0.05}, 3, 1).ok());
  const auto weights = memo.Weights(world.problem.customer);
  ASSERT_NE(weights, nullptr);
  EXPECT_EQ(weights->factor, world.folded.Fold(world.problem.customer)->factor);
  PropensityQuestion question = QuestionOf(world, *weights, 0.05, 3);
  const auto contenders = memo.Contenders(question);
  ASSERT_NE(contenders, nullptr);
  EXPECT_EQ(*contenders, Contenders(question, {}));
  ASSERT_TRUE(ChooseSlate(world.problem, {.scale = 0.05}, 3, 2).ok());
  EXPECT_EQ(memo.Weights(world.problem.customer), weights);
  EXPECT_EQ(memo.Contenders(question), contenders);
  question.slate = 4;
  EXPECT_EQ(memo.Contenders(question), nullptr);
  EXPECT_EQ(memo.Weights(2 * world.problem.customer), nullptr);
  EXPECT_EQ(memo.Weights(world.problem.customer.head(4)), nullptr);
}

TEST(CustomerMemo, KeepsNoContendersOfPairFeaturesNorTooMany) {
  World paired(ContextLayout{4, 6, 2, Interactions::kFull}, 400, 33, 6000, 60);
  CustomerMemo memo;
  paired.problem.memo = &memo;
  ASSERT_TRUE(ChooseSlate(paired.problem, {.scale = 0.05}, 3, 1).ok());
  auto weights = memo.Weights(paired.problem.customer);
  EXPECT_EQ(memo.Contenders(QuestionOf(paired, *weights, 0.05, 3)), nullptr);

  World wide(kMemoLayout, 3000, 34, 50);
  CustomerMemo other;
  wide.problem.memo = &other;
  const Slate slate = *ChooseSlate(wide.problem, {.scale = 1.0}, 3, 1);
  ASSERT_GT(slate.contenders, static_cast<int>(CustomerMemo::kMostKept));
  weights = other.Weights(wide.problem.customer);
  EXPECT_EQ(other.Contenders(QuestionOf(wide, *weights, 1.0, 3)), nullptr);
}

TEST(CustomerMemo, CountsWhatItKeeps) {
  World world(kMemoLayout, 400, 35, 6000);
  CustomerMemo memo;
  EXPECT_EQ(memo.bytes(), 0);
  world.problem.memo = &memo;
  const Slate slate = *ChooseSlate(world.problem, {.scale = 0.05}, 3, 1);
  EXPECT_GE(memo.bytes(), 8 * (5 + 8 + 8 * 8) + 4 * (slate.contenders - 3));
  memo.KeepWeights(world.problem.customer, memo.Weights(world.problem.customer));
  EXPECT_EQ(memo.bytes(), 8 * (5 + 8 + 8 * 8)) << "contenders of weights that were replaced";
}

TEST(CustomerMemo, ManyThreadsDecideAsWithoutOne) {
  World world(kMemoLayout, 200, 36, 6000);
  CounterRng rng(Seed{6}, 0);
  const std::vector<Eigen::VectorXd> customers = {world.problem.customer, RandomVector(5, rng, true)};
  CustomerMemo memo;
  const auto decide = [&](int customer, uint64_t seed, CustomerMemo* kept) {
    DecisionProblem problem = world.problem;
    problem.customer = customers[customer];
    problem.memo = kept;
    return NumbersOf(*ChooseSlate(problem, {.scale = 0.05, .propensity_draws = 16}, 3, seed));
  };
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 50; ++i) {
        const int customer = (i / 3 + t) % 2;
        EXPECT_EQ(decide(customer, i, &memo), decide(customer, i, nullptr));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace suggest::bandit
