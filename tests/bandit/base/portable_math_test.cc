#include "bandit/base/portable_math.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

namespace suggest {
namespace {

double Relative(double value, long double truth) {
  return static_cast<double>(std::abs((value - truth) / truth));
}

// The oracle is the C library's extended precision.
TEST(PortableMath, LogIsWithinTwoUnitsInTheLastPlace) {
  for (double x = 1e-320; x < 1e308; x *= 1.37) {
    EXPECT_LT(Relative(PortableLog(x), std::log(static_cast<long double>(x))), 4.5e-16) << x;
  }
  for (double x = 0.50051; x < 2; x += 0.00137) {
    EXPECT_LT(Relative(PortableLog(x), std::log(static_cast<long double>(x))), 4.5e-16) << x;
  }
}

TEST(PortableMath, LogOfTheEdges) {
  EXPECT_EQ(PortableLog(1.0), 0.0);
  EXPECT_EQ(PortableLog(0.0), -std::numeric_limits<double>::infinity());
  EXPECT_TRUE(std::isnan(PortableLog(-1.0)));
  EXPECT_TRUE(std::isnan(PortableLog(NAN)));
  EXPECT_EQ(PortableLog(INFINITY), INFINITY);
}

TEST(PortableMath, Log1pKeepsItsDigitsNearZero) {
  for (const double sign : {1.0, -1.0}) {
    for (double x = 1e-300; x < 0.99; x *= 3.1) {
      EXPECT_LT(Relative(PortableLog1p(sign * x), std::log1p(static_cast<long double>(sign * x))), 1e-15) << sign * x;
    }
  }
}

TEST(PortableMath, ExpIsWithinTwoUnitsInTheLastPlace) {
  for (double x = -708; x < 709.7; x += 0.1237) {
    EXPECT_LT(Relative(PortableExp(x), std::exp(static_cast<long double>(x))), 4.5e-16) << x;
  }
  EXPECT_NEAR(PortableExp(-740.0), std::exp(-740.0), 0x1p-1074);
  EXPECT_EQ(PortableExp(0.0), 1.0);
  EXPECT_EQ(PortableExp(-INFINITY), 0.0);
  EXPECT_EQ(PortableExp(INFINITY), INFINITY);
  EXPECT_TRUE(std::isnan(PortableExp(NAN)));
}

TEST(PortableMath, NormalCdfKeepsItsDigitsInTheLowerTail) {
  for (double x = -37; x < 8; x += 0.0371) {
    const long double truth = 0.5L * std::erfc(-static_cast<long double>(x) / std::sqrt(2.0L));
    EXPECT_LT(Relative(NormalCdf(x), truth), 1e-12) << x;
  }
  EXPECT_EQ(NormalCdf(-INFINITY), 0.0);
  EXPECT_EQ(NormalCdf(INFINITY), 1.0);
}

// The three check values printed with AS 241 (Wichura 1988, Applied Statistics 37, p. 477).
TEST(PortableMath, NormalQuantileGivesThePublishedCheckValues) {
  EXPECT_NEAR(NormalQuantile(0.25), -0.6744897501960817, 2e-16);
  EXPECT_NEAR(NormalQuantile(0.001), -3.090232306167814, 1e-15);
  EXPECT_NEAR(NormalQuantile(1e-20), -9.262340089798408, 4e-15);
  EXPECT_EQ(NormalQuantile(0.5), 0.0);
}

TEST(PortableMath, NormalQuantileInvertsNormalCdf) {
  for (double x = -8; x < 5; x += 0.0173) {
    EXPECT_NEAR(NormalQuantile(NormalCdf(x)), x, 1e-12 + 1e-15 * std::exp(0.5 * x * x) * (x > 0)) << x;
  }
}

uint64_t Hash(uint64_t hash, double value) {
  return (hash ^ std::bit_cast<uint64_t>(value)) * 1099511628211ULL;
}

// The bits of 4,000 values, written down once. Any compiler, machine or optimisation that changes one changes this.
TEST(PortableMath, BitsAreTheSameEverywhere) {
  uint64_t hash = 14695981039346656037ULL;
  for (int i = 1; i <= 1000; ++i) {
    hash = Hash(hash, PortableLog(i * 0.37));
    hash = Hash(hash, PortableExp(i * 0.13 - 60));
    hash = Hash(hash, NormalCdf(i * 0.01 - 8));
    hash = Hash(hash, NormalQuantile(i / 1001.0));
  }
  EXPECT_EQ(hash, 1223779241235109523ULL);
}

}  // namespace
}  // namespace suggest
