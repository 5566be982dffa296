#include "bandit/choose/candidate_set.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>

#include "bandit/base/random.h"

namespace suggest::bandit {
namespace {

std::vector<bool> RandomMembers(int rows, double share, CounterRng& rng) {
  std::vector<bool> members(rows);
  for (int i = 0; i < rows; ++i) members[i] = rng.NextUniform() < share;
  return members;
}

void ExpectIs(const CandidateSet& set, const std::vector<int>& expected, int rows) {
  EXPECT_EQ(set.size(), static_cast<int>(expected.size()));
  EXPECT_EQ(set.ToVector(), expected);
  for (size_t rank = 0; rank < expected.size(); ++rank) EXPECT_EQ(set.Nth(static_cast<int>(rank)), expected[rank]);
  for (int i = -1; i <= rows; ++i) {
    EXPECT_EQ(set.Contains(i), std::binary_search(expected.begin(), expected.end(), i)) << i;
  }
}

TEST(CandidateSet, ABaseWithoutAFewEqualsTheListOfTheRest) {
  CounterRng rng(Seed{1}, 0);
  for (const int rows : {1, 63, 64, 65, 300, 1000}) {
    for (const double share : {0.05, 0.5, 1.0}) {
      const std::vector<bool> members = RandomMembers(rows, share, rng);
      std::vector<int> removed, rest;
      for (int i = 0; i < rows; ++i) {
        if (members[i]) (rng.NextUniform() < 0.1 ? removed : rest).push_back(i);
      }
      ExpectIs(CandidateSet(std::make_shared<const CandidateMask>(members), removed), rest, rows);
      ExpectIs(CandidateSet(rest), rest, rows);
    }
  }
}

TEST(CandidateSet, AnEmptyBaseAndAnEmptyListHaveNothing) {
  ExpectIs(CandidateSet(), {}, 3);
  ExpectIs(CandidateSet(CandidateMask::All(0)), {}, 0);
  ExpectIs(CandidateSet(CandidateMask::All(2), {0, 1}), {}, 2);
}

TEST(CandidateMask, CountsMembersBelowARow) {
  const CandidateMask mask({true, false, true, true});
  EXPECT_EQ(mask.Rank(0), 0);
  EXPECT_EQ(mask.Rank(3), 2);
  EXPECT_EQ(mask.Nth(2), 3);
}

}  // namespace
}  // namespace suggest::bandit
