#include "bandit/base/decimal_text.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

namespace suggest {
namespace {

TEST(DecimalTextTest, WritesNumbersOutAsPostgresDoes) {
  EXPECT_EQ(DecimalText(100000), "100000");
  EXPECT_EQ(DecimalText(1e15), "1000000000000000");
  EXPECT_EQ(DecimalText(250000), "250000");
  EXPECT_EQ(DecimalText(0.1), "0.1");
  EXPECT_EQ(DecimalText(-2.5), "-2.5");
  EXPECT_EQ(DecimalText(1e-7), "0.0000001");
  EXPECT_EQ(DecimalText(-0.0), "0");
}

TEST(DecimalTextTest, ReadsBackToTheSameBits) {
  for (const double x :
       {1.0 / 3, 123456.789, 5e-324, 1.7976931348623157e308, 9007199254740993.0, 0.30000000000000004}) {
    const std::string text = DecimalText(x);
    EXPECT_EQ(std::strtod(text.c_str(), nullptr), x) << text;
    EXPECT_EQ(text.find('e'), std::string::npos) << text;
  }
}

}  // namespace
}  // namespace suggest
