#include "bandit/propensity/propensity.h"

#include <algorithm>

#include "bandit/base/portable_math.h"
#include "bandit/propensity/normal_points.h"
#include "bandit/propensity/propensity_estimator.h"
#include "bandit/propensity/propensity_kernel.h"
#include "tests/bandit/fixture.h"

namespace suggest::bandit {
namespace {

using Eigen::VectorXd;

PolicySettings ThompsonSettings(PolicyKind kind, double floor, int draws) {
  PolicySettings settings;
  settings.kind = kind;
  settings.floor = floor;
  settings.propensity_draws = draws;
  return settings;
}

// Phi(-|x|) is known to 1e-12 from portable_math: the vectors' shorter polynomial is within its stated error.
TEST(PropensityKernel, TailsAreWithinTheirStatedError) {
  std::vector<float> x, tails;
  for (float at = -12.9f; at < 12.9f; at += 0.0137f) x.push_back(at);
  tails.resize(x.size());
  NormalTails(x.data(), static_cast<int>(x.size()), tails.data());
  for (size_t i = 0; i < x.size(); ++i) EXPECT_NEAR(tails[i] / NormalCdf(-std::abs(x[i])), 1.0, 1e-5) << x[i];
  const float far[2] = {-HUGE_VALF, HUGE_VALF};
  NormalTails(far, 2, tails.data());
  EXPECT_LT(tails[0], 1e-37);
  EXPECT_LT(tails[1], 1e-37);
}

TEST(PropensityKernel, SurvivalsAreTheNormalDistributionsOnBothSides) {
  std::vector<float> x(2 * kLanes), right(2 * kLanes), left(2 * kLanes);
  for (int i = 0; i < 2 * kLanes; ++i) x[i] = -6.2f + 0.2f * i;
  x[0] = -HUGE_VALF;
  x[1] = HUGE_VALF;
  Survivals(x.data(), 2 * kLanes, false, right.data());
  Survivals(x.data(), 2 * kLanes, true, left.data());
  EXPECT_EQ(right[0], 1.0f);
  EXPECT_EQ(left[0], 0.0f);
  EXPECT_EQ(right[1], 0.0f);
  EXPECT_EQ(left[1], 1.0f);
  for (int i = 2; i < 2 * kLanes; ++i) {
    EXPECT_NEAR(right[i] / NormalCdf(-x[i]), 1.0, 1e-5) << x[i];
    EXPECT_NEAR(left[i] / NormalCdf(x[i]), 1.0, 1e-5) << x[i];
  }
  const std::vector<float> none(kLanes, -HUGE_VALF);
  Survivals(none.data(), kLanes, false, right.data());
  Survivals(none.data(), kLanes, true, left.data());
  EXPECT_EQ(right[5], 1.0f);
  EXPECT_EQ(left[5], 0.0f);
}

TEST(PropensityKernel, KeepsTheLargestBreakpointsOfEachLaneInOrder) {
  CounterRng rng(Seed{70}, 0);
  for (int n = 0; n < 45; ++n) {
    const Eigen::VectorXf scores = RandomVector((n + 1) * kLanes, rng).cast<float>();
    const Eigen::VectorXf gain = RandomVector(n + 1, rng).cwiseAbs().cast<float>();
    const Eigen::VectorXf own = RandomVector(kLanes, rng).cast<float>();
    const Eigen::VectorXf own_x = RandomVector(kLanes, rng).cast<float>();
    std::vector<int> index;
    for (int k = n; k > 0; --k) index.push_back(k - 1);
    const int keep = 1 + n % 14;  // those that registers have room for, and more
    std::vector<float> largest(keep * kLanes, -HUGE_VALF);
    OfferBreakpoints(scores.data(), index.data(), gain.data(), n, own.data(), own_x.data(), keep, largest.data());
    for (int lane = 0; lane < kLanes; ++lane) {
      std::vector<float> all(keep, -HUGE_VALF);
      for (int i = 0; i < n; ++i) {
        all.push_back(own_x[lane] + (scores[index[i] * kLanes + lane] - own[lane]) * gain[i]);
      }
      std::sort(all.rbegin(), all.rend());
      for (int place = 0; place < keep; ++place) {
        EXPECT_EQ(largest[place * kLanes + lane], all[place]) << "n " << n << " keep " << keep;
      }
    }
  }
}

// Blocks of points: each dimension has one point in each 16th of the distribution, and no two are alike.
TEST(NormalPoints, AreStratifiedInEachDimension) {
  const NormalPoints& points = NormalPoints::OfDimension(5);
  EXPECT_EQ(&points, &NormalPoints::OfDimension(8));
  for (const int block : {0, 1, kNormalBlocks - 1}) {
    for (int dim = 0; dim < 5; ++dim) {
      std::vector<float> lanes(points.block(block) + dim * kLanes, points.block(block) + (dim + 1) * kLanes);
      std::sort(lanes.begin(), lanes.end());
      for (int i = 0; i < kLanes; ++i) EXPECT_EQ(static_cast<int>(NormalCdf(lanes[i]) * kLanes), i);
    }
  }
  EXPECT_NE(points.block(0)[0], points.block(1)[0]);
}

// Pruning overlooks less than it says: the same draws with and without it, where it leaves few.
TEST(Propensity, PruningChangesNothingThatCanBeSeen) {
  for (uint64_t seed = 0; seed < 5; ++seed) {
    const World world(ContextLayout{3, 6, 0, Interactions::kFull}, 300, 90 + seed, 4000);
    const JointNormal weights = *world.folded.Fold(world.problem.customer);
    PolicySettings settings = ThompsonSettings(PolicyKind::kThompson, 0, 0);
    settings.scale = 0.02;
    const std::vector<int> order = Order(*ChooseSlate(world.problem, settings, 5, seed));
    std::vector<PropensityTarget> targets;
    for (int rank = 0; rank < 5; ++rank) targets.push_back({order[rank], rank});
    PropensityQuestion question = QuestionOf(world, weights, settings.scale, 5);
    const auto pruned = EstimatePropensities(question, targets, CounterRng(Seed{seed}, 3));
    question.neglected = 0;
    const auto whole = EstimatePropensities(question, targets, CounterRng(Seed{seed}, 3));
    EXPECT_EQ(whole->contenders, 300);
    EXPECT_LT(pruned->contenders, 150);
    for (int rank = 0; rank < 5; ++rank) {
      EXPECT_NEAR(pruned->estimates[rank].in_slate.value, whole->estimates[rank].in_slate.value, kNeglected);
      EXPECT_NEAR(pruned->estimates[rank].first.value, whole->estimates[rank].first.value, kNeglected);
      EXPECT_NEAR(pruned->estimates[rank].at_rank.value, whole->estimates[rank].at_rank.value, kNeglected);
    }
  }
}

// Two candidates: P(first) is Phi of the standardised difference, in closed form, and every draw gives it exactly.
TEST(Propensity, OfTwoCandidatesIsTheNormalDistributionFunction) {
  const World world(ContextLayout{3, 3, 0, Interactions::kFull}, 2, 72);
  const Slate slate = *ChooseSlate(world.problem, ThompsonSettings(PolicyKind::kThompson, 0, 400), 1, 5);
  const VectorXd b0 = PlainContext(world.problem, slate.items[0].candidate);
  const VectorXd difference = b0 - PlainContext(world.problem, 1 - slate.items[0].candidate);
  const double sd = 0.5 * std::sqrt(0.09 * difference.dot(world.posterior.covariance() * difference));
  const double truth = NormalCdf(difference.dot(world.posterior.mean()) / sd);
  const Probability first = slate.items[0].propensity.first;
  EXPECT_GT(first.standard_error, 0);
  EXPECT_NEAR(first.value, truth, 5 * first.standard_error);
}

struct Frequencies {
  std::vector<double> first, in_slate;
  std::vector<std::vector<double>> at_rank;
};

Frequencies CountChoices(const DecisionProblem& problem, double floor, int count, int decisions) {
  const int n = problem.catalogue->rows();
  Frequencies counts{std::vector<double>(n), std::vector<double>(n),
                     std::vector<std::vector<double>>(n, std::vector<double>(count))};
  const PolicySettings settings = ThompsonSettings(PolicyKind::kThompson, floor, 0);
  for (int seed = 0; seed < decisions; ++seed) {
    const std::vector<int> order = Order(*ChooseSlate(problem, settings, count, seed));
    counts.first[order[0]] += 1.0 / decisions;
    for (int rank = 0; rank < count; ++rank) {
      counts.in_slate[order[rank]] += 1.0 / decisions;
      counts.at_rank[order[rank]][rank] += 1.0 / decisions;
    }
  }
  return counts;
}

// 5 standard errors of the difference, which counts both the frequency's and the estimate's.
void ExpectAgrees(const Probability& p, double frequency, int decisions, const char* what, int candidate) {
  const double variance = p.value * (1 - p.value) / decisions + p.standard_error * p.standard_error;
  EXPECT_NEAR(p.value, frequency, 5 * std::sqrt(variance) + 1e-9) << what << " of " << candidate;
}

// rivals.md defect 4. 10^5 decisions per world; 4 worlds of at most 7 x 3 x 3 comparisons at 5 standard errors: over
// seeds, a false alarm in less than 2e-4 of runs.
TEST(Propensity, Rival4_LoggedPropensityEqualsChoiceFrequencyOver100000Draws) {
  const int decisions = 100000;
  for (const auto& [pair_dim, floor] : {std::pair{0, 0.0}, {0, 0.2}, {2, 0.0}, {2, 0.2}}) {
    const World world(ContextLayout{3, 4, pair_dim, Interactions::kFull}, 7, 73 + pair_dim, 30, pair_dim ? 3 : 0);
    const Frequencies counts = CountChoices(world.problem, floor, 3, decisions);
    std::vector<bool> seen(7);  // each candidate is compared once, at the first rank it is met at
    for (int seed = 200000; seed < 200040; ++seed) {
      const Slate slate = *ChooseSlate(world.problem, ThompsonSettings(PolicyKind::kThompson, floor, 2000), 3, seed);
      ASSERT_EQ(slate.propensity_status, PropensityStatus::kEstimated);
      for (int rank = 0; rank < 3; ++rank) {
        const ScoredCandidate& item = slate.items[rank];
        if (seen[item.candidate]) continue;
        seen[item.candidate] = true;
        ExpectAgrees(item.propensity.first, counts.first[item.candidate], decisions, "first", item.candidate);
        ExpectAgrees(item.propensity.in_slate, counts.in_slate[item.candidate], decisions, "slate", item.candidate);
        ExpectAgrees(item.propensity.at_rank, counts.at_rank[item.candidate][rank], decisions, "rank", item.candidate);
      }
    }
  }
}

// Twins: the later one is never first, and only the tie-break says so.
TEST(Propensity, OfTwinsFollowsTheTieBreak) {
  const World base(ContextLayout{2, 3, 0, Interactions::kFull}, 1, 74);
  const CandidateMatrix catalogue = *CandidateMatrix::Create({1, .5, .2, 1, .5, .2, 1, -.4, .1}, 3);
  DecisionProblem problem = base.problem;
  problem.catalogue = &catalogue;
  problem.eligible = {0, 1, 2};
  for (uint64_t seed = 0; seed < 20; ++seed) {
    const Slate slate = *ChooseSlate(problem, ThompsonSettings(PolicyKind::kThompson, 0, 64), 2, seed);
    for (const ScoredCandidate& item : slate.items) {
      if (item.candidate == 1) {
        EXPECT_EQ(item.propensity.first.value, 0.0);
      }
      EXPECT_GT(item.propensity.at_rank.value, 0.0);
    }
  }
}

// The expected inverse propensity of what a policy serves is the number of choices: weights with mean 1.
// 4 standard errors: over seeds, a false alarm in 6e-5 of runs.
TEST(Propensity, InverseWeightsOnItsOwnLogHaveMeanOne) {
  const World world(ContextLayout{3, 4, 0, Interactions::kFull}, 12, 75, 30);
  double sum = 0, square_sum = 0;
  const int decisions = 4000;
  for (int seed = 0; seed < decisions; ++seed) {
    const Slate slate = *ChooseSlate(world.problem, ThompsonSettings(PolicyKind::kThompson, 0.1, 100), 1, seed);
    const double weight = (1.0 / 12) / slate.items[0].propensity.first.value;
    sum += weight;
    square_sum += weight * weight;
  }
  const double mean = sum / decisions;
  const double se = std::sqrt((square_sum / decisions - mean * mean) / decisions);
  EXPECT_NEAR(mean, 1.0, 4 * se);
}

TEST(Propensity, IsNeverZeroForWhatWasServed) {
  for (uint64_t world_seed = 0; world_seed < 20; ++world_seed) {
    const World world(ContextLayout{3, 4, 1, Interactions::kFull}, 60, 76 + world_seed, 400, 6);
    for (uint64_t seed = 0; seed < 20; ++seed) {
      const Slate slate = *ChooseSlate(world.problem, ThompsonSettings(PolicyKind::kThompson, 0, 4), 5, seed);
      EXPECT_GT(slate.items[0].propensity.first.value, 0.0);
      for (const ScoredCandidate& item : slate.items) {
        EXPECT_GT(item.propensity.at_rank.value, 0.0);
        EXPECT_GE(item.propensity.in_slate.value, item.propensity.at_rank.value);
        EXPECT_LE(item.propensity.in_slate.value, 1.0);
      }
    }
  }
}

TEST(Propensity, DoesNotKnowWhatTheChoosingDrawWas) {
  const World world(ContextLayout{3, 4, 0, Interactions::kFull}, 5, 77);
  const JointNormal weights = *world.folded.Fold(world.problem.customer);
  CounterRng choosing(Seed{5}, 2);
  const VectorXd w = Draw(weights, 0.5, choosing);
  CounterRng estimating(Seed{5}, 3);
  EXPECT_NE(Draw(weights, 0.5, estimating), w);
}

TEST(Propensity, UniformIsExact) {
  const World world(ContextLayout{3, 4, 0, Interactions::kFull}, 8, 78);
  const Slate slate = *ChooseSlate(world.problem, ThompsonSettings(PolicyKind::kUniform, 0, 0), 3, 1);
  EXPECT_EQ(slate.propensity_status, PropensityStatus::kExact);
  for (const ScoredCandidate& item : slate.items) {
    EXPECT_DOUBLE_EQ(item.propensity.first.value, 1.0 / 8);
    EXPECT_DOUBLE_EQ(item.propensity.in_slate.value, 3.0 / 8);
    EXPECT_DOUBLE_EQ(item.propensity.at_rank.value, 1.0 / 8);
    EXPECT_EQ(item.propensity.first.standard_error, 0);
  }
}

// 40,000 decisions, 20 ordered pairs of 5 candidates; chi-square of 19 degrees above 60 by chance: 4e-6 of seeds.
TEST(Propensity, UniformSlatesAreUniformOverOrderedSubsets) {
  const World world(ContextLayout{1, 2, 0, Interactions::kFull}, 5, 79);
  std::vector<int> counts(25);
  const int n = 40000;
  for (int seed = 0; seed < n; ++seed) {
    const auto order = Order(*ChooseSlate(world.problem, ThompsonSettings(PolicyKind::kUniform, 0, 0), 2, seed));
    ++counts[order[0] * 5 + order[1]];
  }
  double chi_square = 0;
  for (int i = 0; i < 25; ++i) {
    const double expected = i % 6 == 0 ? 0 : n / 20.0;
    if (expected > 0) {
      chi_square += std::pow(counts[i] - expected, 2) / expected;
    } else {
      EXPECT_EQ(counts[i], 0);
    }
  }
  EXPECT_LT(chi_square, 60);
}

TEST(Propensity, DeterministicWithoutFloorHasNoOverlap) {
  const World world(ContextLayout{3, 4, 0, Interactions::kFull}, 8, 80);
  PolicySettings no_scale = ThompsonSettings(PolicyKind::kThompson, 0, 64);
  no_scale.scale = 0;
  for (const PolicySettings& settings :
       {ThompsonSettings(PolicyKind::kGreedy, 0, 64), ThompsonSettings(PolicyKind::kLinUcb, 0, 64), no_scale}) {
    const Slate slate = *ChooseSlate(world.problem, settings, 2, 1);
    EXPECT_EQ(slate.propensity_status, PropensityStatus::kNoOverlap);
    EXPECT_EQ(slate.items[0].propensity.first.value, 1.0);
    EXPECT_EQ(slate.items[1].propensity.first.value, 0.0);
    EXPECT_EQ(slate.items[1].propensity.at_rank.value, 1.0);
    EXPECT_EQ(slate.items[1].propensity.in_slate.value, 1.0);
  }
}

// P = e/K + (1 - e) 1 for the policy's own, e/K for the others, whether or not the coin explored.
TEST(Propensity, DeterministicWithAFloorIsExact) {
  const World world(ContextLayout{3, 4, 0, Interactions::kFull}, 8, 81);
  const std::vector<int> best = Order(*ChooseSlate(world.problem, ThompsonSettings(PolicyKind::kGreedy, 0, 0), 2, 1));
  int explored = 0;
  for (uint64_t seed = 0; seed < 60; ++seed) {
    const Slate slate = *ChooseSlate(world.problem, ThompsonSettings(PolicyKind::kEpsilonGreedy, 0.4, 0), 2, seed);
    EXPECT_EQ(slate.propensity_status, PropensityStatus::kExact);
    explored += slate.explore;
    for (int rank = 0; rank < 2; ++rank) {
      const ScoredCandidate& item = slate.items[rank];
      const bool own = item.candidate == best[0] || item.candidate == best[1];
      EXPECT_DOUBLE_EQ(item.propensity.first.value, 0.05 + (item.candidate == best[0] ? 0.6 : 0));
      EXPECT_DOUBLE_EQ(item.propensity.in_slate.value, 0.1 + (own ? 0.6 : 0));
      EXPECT_DOUBLE_EQ(item.propensity.at_rank.value, 0.05 + (item.candidate == best[rank] ? 0.6 : 0));
    }
  }
  EXPECT_GT(explored, 0);
}

TEST(Propensity, AFloorOfOneIsUniformWhateverThePolicy) {
  const World world(ContextLayout{3, 4, 0, Interactions::kFull}, 8, 82);
  const Slate slate = *ChooseSlate(world.problem, ThompsonSettings(PolicyKind::kThompson, 1.0, 64), 2, 1);
  EXPECT_TRUE(slate.explore);
  EXPECT_EQ(slate.propensity_status, PropensityStatus::kExact);
  EXPECT_DOUBLE_EQ(slate.items[1].propensity.first.value, 1.0 / 8);
}

TEST(Propensity, IsDeferredWholeWhenTheTimeRunsOutInAnyBlockAndNeverTakesFewerDraws) {
  const World world(ContextLayout{3, 4, 0, Interactions::kFull}, 10, 83);
  PolicySettings settings = ThompsonSettings(PolicyKind::kThompson, 0.1, 48);
  for (int answers = 0; answers <= 4; ++answers) {  // once before anything is drawn, then per block of 16
    int left = answers;
    settings.time_left = [&left] { return left-- > 0; };
    const Slate slate = *ChooseSlate(world.problem, settings, 2, 1);
    EXPECT_EQ(slate.propensity_status, answers < 4 ? PropensityStatus::kDeferred : PropensityStatus::kEstimated);
    EXPECT_EQ(slate.items[0].propensity.first.value > 0, answers == 4);
  }
  EXPECT_EQ(ChooseSlate(world.problem, ThompsonSettings(PolicyKind::kThompson, 0.1, 0), 2, 1)->propensity_status,
            PropensityStatus::kDeferred);
}

TEST(Propensity, AWholeCatalogueSlateIsCertainToHoldEveryone) {
  const World world(ContextLayout{3, 4, 0, Interactions::kFull}, 4, 84);
  const Slate slate = *ChooseSlate(world.problem, ThompsonSettings(PolicyKind::kThompson, 0.3, 64), 9, 1);
  ASSERT_EQ(slate.items.size(), 4u);
  for (const ScoredCandidate& item : slate.items) EXPECT_NEAR(item.propensity.in_slate.value, 1.0, 1e-6);
}

}  // namespace
}  // namespace suggest::bandit
