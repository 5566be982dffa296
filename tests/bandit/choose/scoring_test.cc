#include "bandit/choose/scoring.h"

#include <algorithm>
#include <bit>
#include <set>

#include "tests/bandit/fixture.h"

namespace suggest::bandit {
namespace {

using ::testing::ElementsAre;
constexpr ContextLayout kLayout{4, 5, 2, Interactions::kFull};

PolicySettings Settings(PolicyKind kind, double floor = 0, int draws = 0) {
  PolicySettings settings;
  settings.kind = kind;
  settings.floor = floor;
  settings.propensity_draws = draws;
  return settings;
}

std::vector<int> OrderOf(std::vector<ScoredCandidate> all, int count) {
  std::stable_sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.score > b.score; });
  std::vector<int> order;
  for (int i = 0; i < count; ++i) order.push_back(all[i].candidate);
  return order;
}

TEST(ChooseSlate, EachPolicyRanksByItsScore) {
  const World world(kLayout, 300, 51, 50, 7);
  PolicySettings settings;
  for (int i = 0; i < 300; ++i) settings.popularity.push_back((i * 37) % 100);
  for (const PolicyKind kind : {PolicyKind::kThompson, PolicyKind::kLinUcb, PolicyKind::kGreedy,
                                PolicyKind::kEpsilonGreedy, PolicyKind::kPopular}) {
    settings.kind = kind;
    settings.propensity_draws = 0;
    const Slate slate = *ChooseSlate(world.problem, settings, 9, 77);
    const auto all = *ScoreAll(world.problem, settings, 77);
    EXPECT_EQ(Order(slate), OrderOf(all, 9)) << static_cast<int>(kind);
    for (const ScoredCandidate& item : slate.items) {
      EXPECT_EQ(item.score, all[item.candidate].score);
      EXPECT_EQ(item.mean, all[item.candidate].mean);
      EXPECT_EQ(item.sd, all[item.candidate].sd);
    }
  }
}

TEST(ChooseSlate, ScoresAreThoseOfTheirPolicy) {
  const World world(kLayout, 20, 52, 50, 3);
  PolicySettings settings = Settings(PolicyKind::kLinUcb);
  settings.scale = 0.7;
  const auto upper = *ScoreAll(world.problem, settings, 1);
  for (const auto& item : upper) EXPECT_EQ(item.score, item.mean + 0.7 * item.sd);
  const auto greedy = *ScoreAll(world.problem, Settings(PolicyKind::kGreedy), 1);
  for (const auto& item : greedy) EXPECT_EQ(item.score, item.mean);
  settings.kind = PolicyKind::kThompson;
  settings.scale = 0;
  const auto cold = *ScoreAll(world.problem, settings, 1);
  for (const auto& item : cold) EXPECT_EQ(item.score, item.mean);
}

// The documented trap (design section 3.4): without interactions and pair features the customer moves all scores alike.
TEST(ChooseSlate, GreedyWithoutInteractionsRanksTheSameForEveryCustomer) {
  const World none(ContextLayout{4, 5, 0, Interactions::kNone}, 60, 53);
  const World full(ContextLayout{4, 5, 0, Interactions::kFull}, 60, 53);
  std::set<std::vector<int>> orders_none, orders_full;
  CounterRng rng(Seed{54}, 0);
  for (int customer = 0; customer < 50; ++customer) {
    const Eigen::VectorXd z = RandomVector(4, rng, true);
    DecisionProblem problem = none.problem;
    problem.customer = z;
    orders_none.insert(Order(*ChooseSlate(problem, Settings(PolicyKind::kGreedy), 10, 1)));
    problem = full.problem;
    problem.customer = z;
    orders_full.insert(Order(*ChooseSlate(problem, Settings(PolicyKind::kGreedy), 10, 1)));
  }
  EXPECT_EQ(orders_none.size(), 1u);
  EXPECT_GT(orders_full.size(), 40u);
}

void ExpectSameBits(const Slate& a, const Slate& b) {
  ASSERT_EQ(a.items.size(), b.items.size());
  EXPECT_EQ(a.explore, b.explore);
  for (size_t i = 0; i < a.items.size(); ++i) {
    const ScoredCandidate &x = a.items[i], &y = b.items[i];
    EXPECT_EQ(x.candidate, y.candidate);
    EXPECT_EQ(std::bit_cast<uint64_t>(x.score), std::bit_cast<uint64_t>(y.score));
    EXPECT_EQ(std::bit_cast<uint64_t>(x.mean), std::bit_cast<uint64_t>(y.mean));
    EXPECT_EQ(std::bit_cast<uint64_t>(x.sd), std::bit_cast<uint64_t>(y.sd));
    EXPECT_EQ(std::bit_cast<uint64_t>(x.propensity.first.value), std::bit_cast<uint64_t>(y.propensity.first.value));
    EXPECT_EQ(std::bit_cast<uint64_t>(x.propensity.at_rank.standard_error),
              std::bit_cast<uint64_t>(y.propensity.at_rank.standard_error));
  }
}

TEST(ChooseSlate, WideAndNarrowKernelsGiveTheSameBits) {
  const World world(kLayout, 3000, 55, 50, 20);
  for (uint64_t seed = 0; seed < 30; ++seed) {
    const PolicySettings settings = Settings(PolicyKind::kThompson, 0.1, seed == 0 ? 8 : 0);
    ExpectSameBits(*ChooseSlate(world.problem, settings, 10, seed, KernelWidth::kAuto),
                   *ChooseSlate(world.problem, settings, 10, seed, KernelWidth::kNarrow));
  }
}

TEST(ChooseSlate, TheSameSeedGivesTheSameBitsAndAnotherSeedAnotherDraw) {
  const World world(kLayout, 40, 56);
  const PolicySettings settings = Settings(PolicyKind::kThompson, 0.05, 64);
  ExpectSameBits(*ChooseSlate(world.problem, settings, 5, 9), *ChooseSlate(world.problem, settings, 5, 9));
  EXPECT_NE(ChooseSlate(world.problem, settings, 5, 9)->items[0].score,
            ChooseSlate(world.problem, settings, 5, 10)->items[0].score);
}

// The bits of whole slates, written down once: another machine, compiler or optimisation must not change them.
TEST(ChooseSlate, BitsAreTheSameEverywhere) {
  uint64_t hash = 14695981039346656037ULL;
  const auto add = [&hash](double value) { hash = (hash ^ std::bit_cast<uint64_t>(value)) * 1099511628211ULL; };
  const World world(kLayout, 1000, 57, 200, 11);
  for (uint64_t seed = 0; seed < 20; ++seed) {
    const Slate slate = *ChooseSlate(world.problem, Settings(PolicyKind::kThompson, 0.1, 16), 10, seed);
    for (const ScoredCandidate& item : slate.items) {
      add(item.candidate);
      for (const double value : {item.score, item.mean, item.sd, item.propensity.in_slate.value}) add(value);
    }
  }
  EXPECT_EQ(hash, 5628740721153023183ULL);
}

TEST(ChooseSlate, EligibleSubsetsAreRespected) {
  World world(kLayout, 500, 58);
  world.problem.eligible = {3, 100, 101, 499};
  EXPECT_THAT(Order(*ChooseSlate(world.problem, Settings(PolicyKind::kThompson), 10, 1)),
              ::testing::UnorderedElementsAre(3, 100, 101, 499));
  world.problem.eligible = {42};
  const Slate one = *ChooseSlate(world.problem, Settings(PolicyKind::kThompson, 0.1, 16), 3, 1);
  EXPECT_THAT(Order(one), ElementsAre(42));
  EXPECT_EQ(one.items[0].propensity.first.value, 1.0);
  EXPECT_EQ(one.items[0].propensity.in_slate.value, 1.0);
}

TEST(ChooseSlate, CandidatesThatEqualEachOtherStandInOrderOfIndex) {
  World world(ContextLayout{1, 1, 0, Interactions::kFull}, 1000, 59);
  for (uint64_t seed = 0; seed < 5; ++seed) {
    const Slate slate = *ChooseSlate(world.problem, Settings(PolicyKind::kThompson, 0, 8), 3, seed);
    EXPECT_THAT(Order(slate), ElementsAre(0, 1, 2));
    for (int rank = 0; rank < 3; ++rank) {
      EXPECT_EQ(slate.items[rank].propensity.first.value, rank == 0 ? 1.0 : 0.0);
      EXPECT_EQ(slate.items[rank].propensity.at_rank.value, 1.0);
    }
  }
}

TEST(ChooseSlate, WithoutAModelUniformAndPopularStillServe) {
  World world(kLayout, 6, 60);
  world.problem.posterior = nullptr;
  world.problem.customer[1] = NAN;
  PolicySettings settings = Settings(PolicyKind::kPopular);
  settings.popularity = {1, 5, 3, 5, 2, 0};
  const Slate popular = *ChooseSlate(world.problem, settings, 3, 1);
  EXPECT_THAT(Order(popular), ElementsAre(1, 3, 2));
  EXPECT_EQ(popular.items[0].score, 5);
  EXPECT_EQ(popular.items[0].sd, 0);
  EXPECT_EQ(ChooseSlate(world.problem, Settings(PolicyKind::kUniform), 3, 1)->items.size(), 3u);
}

TEST(ChooseSlate, NoEligibleCandidateIsAFailedPrecondition) {
  World world(kLayout, 5, 61);
  world.problem.eligible = CandidateSet();
  EXPECT_THAT(ChooseSlate(world.problem, Settings(PolicyKind::kUniform), 1, 1).status(),
              IsError(absl::StatusCode::kFailedPrecondition, "no eligible candidate"));
}

TEST(ChooseSlate, RejectsANonFiniteCustomerByEntry) {
  World world(kLayout, 5, 62);
  const Eigen::MatrixXd before = world.posterior.covariance();
  world.problem.customer[2] = NAN;
  EXPECT_THAT(ChooseSlate(world.problem, Settings(PolicyKind::kThompson), 1, 1).status(),
              IsError(kInvalid, "customer entry 2 is nan"));
  EXPECT_THAT(ScoreAll(world.problem, Settings(PolicyKind::kThompson), 1).status(), IsError(kInvalid, "entry 2"));
  EXPECT_EQ(world.posterior.covariance(), before);
}

TEST(ChooseSlate, RejectsSettingsOutsideTheirRanges) {
  const World world(kLayout, 5, 63);
  const auto status = [&](PolicySettings settings, int count = 1) {
    return ChooseSlate(world.problem, settings, count, 1).status();
  };
  PolicySettings settings;
  EXPECT_THAT(status(settings, 0), IsError(kInvalid, "count is 0"));
  EXPECT_THAT(status(settings, -3), IsError(kInvalid, "count is -3"));
  settings.scale = -0.5;
  EXPECT_THAT(status(settings), IsError(kInvalid, "exploration scale is -0.5"));
  settings.scale = NAN;
  EXPECT_THAT(status(settings), IsError(kInvalid, "exploration scale is nan"));
  EXPECT_THAT(status(Settings(PolicyKind::kGreedy, 1.5)), IsError(kInvalid, "exploration floor is 1.5"));
  EXPECT_THAT(status(Settings(PolicyKind::kGreedy, 0, 1)), IsError(kInvalid, "propensity_draws is 1"));
  EXPECT_THAT(status(Settings(PolicyKind::kPopular)), IsError(kInvalid, "popularity has 0 entries"));
  settings = Settings(PolicyKind::kPopular);
  settings.popularity = {1, 2, NAN, 4, 5};
  EXPECT_THAT(status(settings), IsError(kInvalid, "popularity of row 2 is nan"));
}

TEST(ChooseSlate, RejectsAProblemWhosePartsDoNotFit) {
  const World good(kLayout, 5, 64);
  const auto status = [](const DecisionProblem& problem) {
    return ChooseSlate(problem, PolicySettings{}, 1, 1).status();
  };
  DecisionProblem problem = good.problem;
  problem.customer = Eigen::VectorXd::Ones(3);
  EXPECT_THAT(status(problem), IsError(kInvalid, "customer has 3 entries, the layout expects 4"));
  problem = good.problem;
  problem.layout.pair_dim = 3;
  EXPECT_THAT(status(problem), IsError(kInvalid, "context has 23 features, the posterior expects 22"));
  problem.layout = {5, 4, 2, Interactions::kFull};
  EXPECT_THAT(status(problem), IsError(kInvalid, "catalogue has 5 columns, the layout expects 4"));
  problem = good.problem;
  problem.eligible = {1, 1};
  EXPECT_THAT(status(problem), IsError(kInvalid, "eligible candidate 1 after 1"));
  problem.eligible = {5};
  EXPECT_THAT(status(problem), IsError(kInvalid, "eligible candidate 5 after -1, the catalogue has 5 rows"));
  problem = good.problem;
  problem.pairs = {{2, Eigen::Vector2d(1, 1)}, {1, Eigen::Vector2d(1, 1)}};
  EXPECT_THAT(status(problem), IsError(kInvalid, "pair features of candidate 1 after 2"));
  problem.pairs = {{2, Eigen::Vector3d(1, 1, 1)}};
  EXPECT_THAT(status(problem), IsError(kInvalid, "candidate 2 has 3 pair features, the layout expects 2"));
  problem.pairs = {{2, Eigen::Vector2d(1, NAN)}};
  EXPECT_THAT(status(problem), IsError(kInvalid, "candidate 2 has a pair feature that is not finite"));
}

// 20,000 decisions; 5 standard errors: false alarms below 1e-6 each over seeds.
TEST(ChooseSlate, TheFloorsCoinComesUpAsOftenAsConfigured) {
  const World world(ContextLayout{1, 3, 0, Interactions::kFull}, 4, 65);
  int explored = 0;
  for (uint64_t seed = 0; seed < 20000; ++seed) {
    explored += ChooseSlate(world.problem, Settings(PolicyKind::kGreedy, 0.1), 2, seed)->explore;
  }
  EXPECT_NEAR(explored / 20000.0, 0.1, 5 * std::sqrt(0.09 / 20000));
}

}  // namespace
}  // namespace suggest::bandit
