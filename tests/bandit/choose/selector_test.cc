#include "bandit/choose/selector.h"

#include <algorithm>

#include "bandit/choose/score_kernel.h"
#include "bandit/model/weight_space.h"
#include "tests/bandit/fixture.h"

namespace suggest::bandit {
namespace {

using Eigen::VectorXd;

std::vector<Ranked> SortEverything(const CandidateMatrix& catalogue, const std::vector<int>& eligible,
                                   const std::vector<PairRow>& pairs, const VectorXd& w, int count) {
  std::vector<Ranked> all;
  for (const int j : eligible) all.push_back({j, FixedOrderScore(catalogue.row(j), PairOf(pairs, j), w)});
  std::sort(all.begin(), all.end(), Before);
  all.resize(std::min<size_t>(all.size(), count));
  return all;
}

void ExpectSame(const std::vector<Ranked>& a, const std::vector<Ranked>& b) {
  ASSERT_EQ(a.size(), b.size());
  for (size_t i = 0; i < a.size(); ++i) {
    EXPECT_EQ(a[i].candidate, b[i].candidate) << i;
    EXPECT_EQ(a[i].score, b[i].score) << i;
  }
}

std::vector<int> All(int n) {
  std::vector<int> all(n);
  for (int i = 0; i < n; ++i) all[i] = i;
  return all;
}

void ExpectSelectsTheBest(const CandidateMatrix& catalogue, const std::vector<int>& eligible,
                          const std::vector<PairRow>& pairs, const VectorXd& w, int count) {
  const std::vector<Ranked> expected = SortEverything(catalogue, eligible, pairs, w, count);
  ExpectSame(SelectBest(catalogue, eligible, pairs, w, count, KernelWidth::kAuto), expected);
  ExpectSame(SelectBest(catalogue, eligible, pairs, w, count, KernelWidth::kNarrow), expected);
}

TEST(Selector, FindsTheBestOfLargeCatalogues) {
  CounterRng rng(Seed{41}, 0);
  for (const int cols : {1, 2, 17, 40}) {
    const CandidateMatrix catalogue = RandomCatalogue(5003, cols, rng);
    const VectorXd w = RandomVector(cols, rng);
    for (const int count : {1, 10, 300}) ExpectSelectsTheBest(catalogue, All(5003), {}, w, count);
  }
}

TEST(Selector, FindsTheBestOfSubsetsWithPairFeatures) {
  CounterRng rng(Seed{42}, 0);
  const CandidateMatrix catalogue = RandomCatalogue(4000, 9, rng);
  for (const double share : {0.9, 0.4, 0.01}) {
    std::vector<int> eligible;
    std::vector<PairRow> pairs;
    for (int i = 0; i < 4000; ++i) {
      if (rng.NextUniform() < share) eligible.push_back(i);
      if (rng.NextUniform() < 0.02) pairs.push_back({i, 3 * RandomVector(2, rng)});
    }
    ExpectSelectsTheBest(catalogue, eligible, pairs, RandomVector(11, rng), 10);
  }
}

// Scores so close that the panel cannot tell them apart: they differ from the 40th bit on.
TEST(Selector, TellsScoresApartThatThePanelCannot) {
  CounterRng rng(Seed{43}, 0);
  std::vector<double> values;
  for (int i = 0; i < 2000; ++i) {
    values.push_back(1.0);
    values.push_back(1.0 + 1e-12 * rng.NextNormal());
    values.push_back(i % 3 ? 1.0 : -5.0);
  }
  const CandidateMatrix catalogue = *CandidateMatrix::Create(values, 3);
  ExpectSelectsTheBest(catalogue, All(2000), {}, Eigen::Vector3d(0.3, 0.7, 1e-3), 10);
}

TEST(Selector, EqualScoresStandInOrderOfCandidate) {
  const CandidateMatrix catalogue = *CandidateMatrix::Create(std::vector<double>(3000, 1.0), 1);
  const auto best = SelectBest(catalogue, All(3000), {}, VectorXd::Ones(1), 5, KernelWidth::kAuto);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(best[i].candidate, i);
}

TEST(Selector, ValuesBeyondThePanelAreScoredInDouble) {
  CounterRng rng(Seed{44}, 0);
  std::vector<double> values;
  for (int i = 0; i < 1000; ++i) {
    values.push_back(1.0);
    values.push_back(1e200 * rng.NextNormal());
  }
  const CandidateMatrix catalogue = *CandidateMatrix::Create(values, 2);
  ExpectSelectsTheBest(catalogue, All(1000), {}, Eigen::Vector2d(1, 1), 3);
  ExpectSelectsTheBest(catalogue, All(1000), {}, Eigen::Vector2d(1, 1e-190), 3);
}

// One column that towers over the others, and weights of many magnitudes.
TEST(Selector, FindsTheBestOfColumnsOfUnlikeSize) {
  CounterRng rng(Seed{48}, 0);
  std::vector<double> values;
  for (int i = 0; i < 3000; ++i) {
    values.push_back(1.0);
    values.push_back(std::exp(6 * rng.NextNormal()));
    for (int c = 0; c < 4; ++c) values.push_back(rng.NextNormal());
  }
  const CandidateMatrix catalogue = *CandidateMatrix::Create(values, 6);
  for (int repeat = 0; repeat < 20; ++repeat) {
    VectorXd w = RandomVector(6, rng);
    for (double& weight : w) weight *= std::exp(5 * rng.NextNormal());
    ExpectSelectsTheBest(catalogue, All(3000), {}, w, 10);
  }
}

TEST(Selector, ABaseWithoutAFewSelectsAsTheListOfTheRestDoes) {
  CounterRng rng(Seed{47}, 0);
  const CandidateMatrix catalogue = RandomCatalogue(3000, 5, rng);
  const VectorXd w = RandomVector(5, rng);
  std::vector<int> removed, rest;
  const std::vector<Ranked> all = SortEverything(catalogue, All(3000), {}, w, 20);
  for (int i = 0; i < 3000; ++i) {
    const bool best = std::any_of(all.begin(), all.end(), [i](const Ranked& r) { return r.candidate == i; });
    (best ? removed : rest).push_back(i);
  }
  const CandidateSet eligible(CandidateMask::All(3000), removed);
  for (const KernelWidth width : {KernelWidth::kAuto, KernelWidth::kNarrow}) {
    ExpectSame(SelectBest(catalogue, eligible, {}, w, 10, width), SortEverything(catalogue, rest, {}, w, 10));
  }
}

TEST(CandidateMatrix, RejectsWhatDoesNotFitOrIsNotFinite) {
  const auto invalid = absl::StatusCode::kInvalidArgument;
  EXPECT_THAT(CandidateMatrix::Create({1, 2, 3}, 2).status(), IsError(invalid, "3 numbers does not fit rows of 2"));
  EXPECT_THAT(CandidateMatrix::Create({1, 2}, 0).status(), IsError(invalid, "rows of 0"));
  EXPECT_THAT(CandidateMatrix::Create({1, 2, 1, NAN}, 2).status(), IsError(invalid, "row 1, column 1 is nan"));
  EXPECT_EQ(CandidateMatrix::Create({}, 2)->rows(), 0);
}

}  // namespace
}  // namespace suggest::bandit
