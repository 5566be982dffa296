#include "service/lab/streams/conversion_generator.h"

#include <cmath>

#include "gtest/gtest.h"

namespace suggest::streams {
namespace {

TEST(ConversionGenerator, TheSameSeedGivesTheSameLogAndAnotherSeedAnother) {
  const GeneratorOptions options{.seed = 4, .days = 2, .clicks_per_hour = 10};
  GeneratorOptions other = options;
  other.seed = 5;
  const ConversionLog a = GenerateLog(options, 12);
  const ConversionLog b = GenerateLog(options, 12);
  const ConversionLog c = GenerateLog(other, 12);
  ASSERT_EQ(a.clicks.size(), 480u);
  int same = 0;
  for (size_t i = 0; i < a.clicks.size(); ++i) {
    EXPECT_EQ(a.clicks[i].converted_at, b.clicks[i].converted_at);
    EXPECT_EQ(a.clicks[i].features, b.clicks[i].features);
    same += a.clicks[i].features == c.clicks[i].features ? 1 : 0;
  }
  EXPECT_LT(same, 10);
}

// Conversions against the truth's own probabilities: |z| below 4.5, false alarm below 1e-5.
TEST(ConversionGenerator, ConversionsFollowTheStatedProbabilities) {
  ConversionGenerator generator({.seed = 6, .days = 20, .clicks_per_hour = 100});
  double expected = 0;
  double variance = 0;
  double converted = 0;
  int64_t last = 0;
  while (!generator.Done()) {
    for (const GeneratedClick& click : generator.NextHour()) {
      expected += click.probability;
      variance += click.probability * (1 - click.probability);
      converted += click.converted_at != kNever ? 1 : 0;
      EXPECT_GE(click.at, last);
      last = click.at;
      if (click.converted_at != kNever) {
        EXPECT_GT(click.converted_at, click.at);
        EXPECT_LE(click.converted_at - click.at, 30 * 86400);
      }
    }
  }
  EXPECT_LT(std::abs(converted - expected) / std::sqrt(variance), 4.5);
}

}  // namespace
}  // namespace suggest::streams
