#include "bandit/base/random.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace suggest::bandit {
namespace {

using ::testing::ElementsAre;

// Random123's kat_vectors, philox4x32 with 10 rounds.
TEST(Philox, GivesThePublishedKnownAnswers) {
  EXPECT_THAT(Philox4x32({0, 0, 0, 0}, {0, 0}), ElementsAre(0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8));
  const uint32_t ones = 0xffffffff;
  EXPECT_THAT(Philox4x32({ones, ones, ones, ones}, {ones, ones}),
              ElementsAre(0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd));
  EXPECT_THAT(Philox4x32({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}),
              ElementsAre(0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1));
}

TEST(CounterRng, IsAFunctionOfSeedAndStreamAlone) {
  CounterRng a(Seed{7}, 3);
  CounterRng b(Seed{7}, 3);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(a.NextUint64(), b.NextUint64());
  CounterRng copy = a;
  EXPECT_EQ(copy.NextUint64(), a.NextUint64());
}

TEST(CounterRng, StreamsAndSeedsDiffer) {
  const uint64_t base = CounterRng(Seed{7}, 3).NextUint64();
  EXPECT_NE(base, CounterRng(Seed{7}, 4).NextUint64());
  EXPECT_NE(base, CounterRng(Seed{8}, 3).NextUint64());
  EXPECT_NE(base, CounterRng(Seed{7}, 3 + (uint64_t{1} << 32)).NextUint64());
  EXPECT_NE(base, CounterRng(Seed{7 + (uint64_t{1} << 32)}, 3).NextUint64());
}

// Fixed seed: passes or fails for ever. Over seeds each bound of 5 standard errors is passed by chance but 6e-7.
TEST(CounterRng, NormalsHaveTheMomentsOfANormal) {
  CounterRng rng(Seed{1}, 0);
  const int n = 200000;
  double sums[5] = {};
  for (int i = 0; i < n; ++i) {
    const double x = rng.NextNormal();
    for (int power = 1; power <= 4; ++power) sums[power] += std::pow(x, power);
  }
  EXPECT_NEAR(sums[1] / n, 0.0, 5 * std::sqrt(1.0 / n));
  EXPECT_NEAR(sums[2] / n, 1.0, 5 * std::sqrt(2.0 / n));
  EXPECT_NEAR(sums[3] / n, 0.0, 5 * std::sqrt(15.0 / n));
  EXPECT_NEAR(sums[4] / n, 3.0, 5 * std::sqrt(96.0 / n));
}

TEST(CounterRng, UniformsLieInsideTheUnitInterval) {
  CounterRng rng(Seed{2}, 0);
  double sum = 0;
  for (int i = 0; i < 100000; ++i) {
    const double u = rng.NextUniform();
    ASSERT_GT(u, 0.0);
    ASSERT_LT(u, 1.0);
    sum += u;
  }
  EXPECT_NEAR(sum / 100000, 0.5, 5 * std::sqrt(1 / 12.0 / 100000));
}

// False-alarm rate over seeds below 1e-6: the chi-square of 6 degrees of freedom passes 40 with probability 5e-7.
TEST(CounterRng, BelowIsUniform) {
  CounterRng rng(Seed{3}, 0);
  const int n = 70000;
  std::vector<int> counts(7);
  for (int i = 0; i < n; ++i) ++counts[rng.Below(7)];
  double chi_square = 0;
  for (const int count : counts) chi_square += std::pow(count - n / 7.0, 2) / (n / 7.0);
  EXPECT_LT(chi_square, 40);
  EXPECT_EQ(rng.Below(1), 0u);
}

}  // namespace
}  // namespace suggest::bandit
