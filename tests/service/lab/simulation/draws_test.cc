#include "service/lab/simulation/draws.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

namespace suggest::simulation {
namespace {

TEST(DrawsTest, IsAPureFunctionOfSeedPurposeAndKey) {
  const Draws a(7);
  const Draws b(7);
  EXPECT_EQ(a.Bits(Purpose::kKeep, 1, 2, 3), b.Bits(Purpose::kKeep, 1, 2, 3));
  EXPECT_NE(a.Bits(Purpose::kKeep, 1, 2, 3), Draws(8).Bits(Purpose::kKeep, 1, 2, 3));
  EXPECT_NE(a.Bits(Purpose::kKeep, 1, 2, 3), a.Bits(Purpose::kPurchase, 1, 2, 3));
  EXPECT_NE(a.Bits(Purpose::kKeep, 1, 2, 3), a.Bits(Purpose::kKeep, 2, 1, 3));
  EXPECT_NE(a.Bits(Purpose::kKeep, 1, -2), a.Bits(Purpose::kKeep, 1, 2));
}

// 100,000 draws: the mean of a uniform has standard error 0.0009, of a normal 0.0032, its variance 0.0045, the mean of
// a Gumbel (Euler's constant) 0.0041. Five standard errors each: false alarms below 1 in 10^5 seeds.
TEST(DrawsTest, HasTheMomentsOfItsDistributions) {
  constexpr int kDraws = 100'000;
  const Draws draws(1);
  double uniform = 0, normal = 0, square = 0, gumbel = 0, low = 1, high = 0;
  for (int i = 0; i < kDraws; ++i) {
    const double u = draws.Uniform(Purpose::kPurchase, i % 1000, i / 1000);
    const double z = draws.Normal(Purpose::kDelay, i % 1000, i / 1000);
    low = std::min(low, u), high = std::max(high, u);
    uniform += u, normal += z, square += z * z;
    gumbel += draws.Gumbel(Purpose::kExpertChoice, i % 1000, i / 1000);
  }
  EXPECT_GT(low, 0);
  EXPECT_LT(high, 1);
  EXPECT_NEAR(uniform / kDraws, 0.5, 5 * 0.0009);
  EXPECT_NEAR(normal / kDraws, 0, 5 * 0.0032);
  EXPECT_NEAR(square / kDraws, 1, 5 * 0.0045);
  EXPECT_NEAR(gumbel / kDraws, 0.57722, 5 * 0.0041);
}

}  // namespace
}  // namespace suggest::simulation
