#include "features/pair_encoder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "features/pair_extractor.h"
#include "tests/features/feature_test_support.h"

namespace suggest::features {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::vector<Feature> Pairs(const std::string& scaling = "") {
  return FeaturesOfSide(Schema(R"pb(
                                 features {
                                   name: "seen"
                                   side: PAIR
                                   counter {
                                     event: EXPOSURES
                                     count { clip_max: 9 }
                                   }
                                 }
                                 features { name: "since" side: PAIR
                                            counter {
                                              event: PURCHASES
                                              age_since_last { cap_days: 90 }
                                            }
                               )pb" +
                               scaling + "}"),
                        Feature::PAIR);
}

TEST(PairEncoderTest, NoHistoryEncodesToExactlyZero) {
  const std::vector<std::optional<RawSide>> rows = {RawSide{{2, 30.7}, {}}, RawSide{{5, 0.3}, {}}, std::nullopt};
  std::vector<std::string> messages;
  const PairEncoder encoder = PairEncoder::Fit(Pairs(), TestSettings(), rows, &messages);
  EXPECT_EQ(encoder.Encode(PairWithoutHistory(Pairs(), TestSettings())), Eigen::VectorXd::Zero(2));
}

TEST(PairEncoderTest, ScalesByTheRootMeanSquareWhereItIsShownAndDoesNotCentre) {
  const std::vector<std::optional<RawSide>> rows = {RawSide{{3, 90}, {}}, RawSide{{4, 70}, {}}, std::nullopt,
                                                    RawSide{{0, 60}, {}}};
  std::vector<std::string> messages;
  const PairEncoder encoder = PairEncoder::Fit(Pairs(), TestSettings(), rows, &messages);
  const Eigen::VectorXd encoded = encoder.Encode({{1, 80}, {}});
  EXPECT_NEAR(encoded(0), 1 / std::sqrt((9 + 16) / 2.0), 1e-15);
  EXPECT_NEAR(encoded(1), -10 / std::sqrt((400 + 900) / 2.0), 1e-15);
  EXPECT_TRUE(messages.empty());
}

TEST(PairEncoderTest, WhatTheHistoryNeverShowsIsDroppedUnlessItsScaleIsConfigured) {
  const std::vector<std::optional<RawSide>> rows = {RawSide{{3, 90}, {}}, std::nullopt};
  std::vector<std::string> messages;
  const PairEncoder dropped = PairEncoder::Fit(Pairs(), TestSettings(), rows, &messages);
  EXPECT_THAT(dropped.TermNames(), ElementsAre("seen"));
  EXPECT_EQ(dropped.Encode({{3, 10}, {}}).size(), 1);
  EXPECT_THAT(messages, ElementsAre(HasSubstr("feature \"since\": no pair of the training history shows it")));
  const PairEncoder kept = PairEncoder::Fit(Pairs("scaling { scale: 20 }"), TestSettings(), rows, &messages);
  EXPECT_EQ(kept.Encode({{3, 10}, {}})(1), -4);
}

TEST(PairEncoderTest, WithoutHistoryTheConfiguredScaleIsUsed) {
  const PairEncoder encoder = PairEncoder::FromSchema(Pairs("scaling { scale: 20 }"), TestSettings());
  const Eigen::VectorXd encoded = encoder.Encode({{3, 10}, {}});
  EXPECT_EQ(encoded(0), 3);
  EXPECT_EQ(encoded(1), -4);
}

}  // namespace
}  // namespace suggest::features
