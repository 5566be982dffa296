#include "features/side_encoder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "tests/features/feature_test_support.h"

namespace suggest::features {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::vector<Feature> Numeric(const std::vector<std::string>& names, const std::string& more = "") {
  std::vector<Feature> features;
  for (const std::string& name : names) {
    features.push_back(
        SchemaOf("name: '" + name + "' side: CUSTOMER numeric { column: '" + name + "' } " + more).features(0));
  }
  return features;
}

config::v1::Pca Components(int k, bool whiten = false) {
  config::v1::Pca pca;
  pca.set_components(k);
  pca.set_whiten(whiten);
  return pca;
}

std::vector<RawSide> Rows(const std::vector<std::vector<double>>& numbers) {
  std::vector<RawSide> rows;
  for (const std::vector<double>& row : numbers) rows.push_back({row, {}});
  return rows;
}

std::vector<double> EncodeSide(const SideEncoder& encoder, const RawSide& raw) {
  const Eigen::VectorXd encoded = encoder.Encode(raw);
  return {encoded.data(), encoded.data() + encoded.size()};
}

TEST(SideEncoderTest, WithoutPcaEveryColumnIsStandardisedAndPassesBy) {
  std::vector<std::string> messages;
  const auto rows = Rows({{1, 10}, {3, 10}, {1, 40}, {3, 40}});
  const SideEncoder encoder = *SideEncoder::Fit(Numeric({"a", "b"}), rows, nullptr, &messages);
  EXPECT_THAT(EncodeSide(encoder, rows[1]), ElementsAre(1, -1));
  EXPECT_THAT(EncodeSide(encoder, {{5, 25}, {}}), ElementsAre(3, 0));
  EXPECT_THAT(encoder.TermNames(), ElementsAre("a", "b"));
  EXPECT_THAT(messages, IsEmpty());
}

TEST(SideEncoderTest, RotatesTwoCorrelatedColumnsByHand) {
  // Standardised columns are equal up to sign: one component, (1, -1) / sqrt(2), z = sqrt(2) x.
  std::vector<std::string> messages;
  const auto rows = Rows({{1, -10}, {3, -30}, {1, -10}, {3, -30}});
  const config::v1::Pca pca = Components(2);
  const SideEncoder encoder = *SideEncoder::Fit(Numeric({"a", "b"}), rows, &pca, &messages);
  ASSERT_EQ(encoder.dim(), 1);
  EXPECT_NEAR(EncodeSide(encoder, rows[1])[0], std::sqrt(2.0), 1e-14);
  EXPECT_THAT(messages, ElementsAre("PCA: 2 components asked for, but 2 columns of rank 1; capped at 1"));
}

TEST(SideEncoderTest, WhitenedComponentsHaveUnitVarianceOnTheTrainingRows) {
  std::vector<std::string> messages;
  const auto rows = Rows({{1, 7, 2}, {3, 1, 2}, {4, 5, 0}, {9, 2, 1}, {6, 6, 6}});
  const config::v1::Pca pca = Components(3, true);
  const SideEncoder encoder = *SideEncoder::Fit(Numeric({"a", "b", "c"}), rows, &pca, &messages);
  for (int j = 0; j < 3; ++j) {
    double sum = 0, squares = 0;
    for (const RawSide& row : rows) {
      sum += encoder.Encode(row)(j);
      squares += encoder.Encode(row)(j) * encoder.Encode(row)(j);
    }
    EXPECT_NEAR(sum, 0, 1e-12);
    EXPECT_NEAR(squares / 4, 1, 1e-12);
  }
}

TEST(SideEncoderTest, PassedByFeaturesAreScaledAndStandAfterTheComponents) {
  std::vector<Feature> features = Numeric({"p", "a", "b"});
  features[0].set_passes_by(true);
  std::vector<std::string> messages;
  const auto rows = Rows({{2, 1, 7}, {6, 3, 1}, {2, 4, 5}, {6, 9, 2}});
  const config::v1::Pca pca = Components(2);
  const SideEncoder encoder = *SideEncoder::Fit(features, rows, &pca, &messages);
  EXPECT_THAT(encoder.TermNames(), ElementsAre("pc1: a", "pc2: b", "p"));
  EXPECT_EQ(EncodeSide(encoder, rows[1])[2], 1);
}

TEST(SideEncoderTest, ComponentsAreNamedByTheirHeaviestFeaturesAndTellTheirLoadings) {
  std::vector<std::string> messages;
  // "big" and "wide" vary together, "odd" by itself: the first component is theirs, the second is its.
  const config::v1::Pca pca = Components(2);
  const SideEncoder encoder =
      *SideEncoder::Fit(Numeric({"odd", "big", "wide"}),
                        Rows({{5, 1, 2}, {1, 2, 4}, {5, 3, 6.1}, {1.2, 4, 8}, {5, 5, 10}}), &pca, &messages);
  const std::vector<std::string> names = encoder.TermNames();
  ASSERT_EQ(names.size(), 2u);
  EXPECT_THAT(names[0], ::testing::AnyOf("pc1: big, wide", "pc1: wide, big"));
  EXPECT_EQ(names[1], "pc2: odd");
  const auto components = encoder.Components();
  ASSERT_EQ(components.size(), 2u);
  EXPECT_EQ(components[1].name, names[1]);
  EXPECT_EQ(components[1].loadings[0].first, "odd");
  EXPECT_GT(components[1].loadings[0].second, 0.9);
  EXPECT_GT(components[0].deviation, components[1].deviation);
  double squares = 0;
  for (const auto& [column, loading] : components[0].loadings) squares += loading * loading;
  EXPECT_NEAR(squares, 1, 1e-12);
}

TEST(SideEncoderTest, AColumnThatDoesNotVaryIsDroppedWithAMessage) {
  std::vector<std::string> messages;
  const auto rows = Rows({{0.1, 1}, {0.1, 2}, {0.1, 3}});
  const SideEncoder encoder = *SideEncoder::Fit(Numeric({"flat", "b"}), rows, nullptr, &messages);
  EXPECT_THAT(encoder.TermNames(), ElementsAre("b"));
  EXPECT_THAT(messages, ElementsAre("feature \"flat\": does not vary in the training history; dropped"));
  EXPECT_EQ(encoder.Encode({{99, 2}, {}}).size(), 1);
}

TEST(SideEncoderTest, ASideWhereNothingVariesHasNoTerms) {
  std::vector<std::string> messages;
  const config::v1::Pca pca = Components(2);
  const SideEncoder encoder = *SideEncoder::Fit(Numeric({"a"}), Rows({{1}, {1}}), &pca, &messages);
  EXPECT_EQ(encoder.dim(), 0);
  EXPECT_EQ(SideEncoder::Fit(Numeric({"a"}), Rows({{1}}), &pca, &messages)->dim(), 0) << "one row";
  EXPECT_EQ(SideEncoder::Fit({}, Rows({{}, {}}), &pca, &messages)->dim(), 0) << "no features";
}

TEST(SideEncoderTest, WithoutHistoryTheConfiguredScaleIsUsedAndNothingIsRotated) {
  const SideEncoder encoder = SideEncoder::FromSchema(Numeric({"a", "b"}, "scaling { center: 4 scale: 2 }"));
  EXPECT_THAT(EncodeSide(encoder, {{8, 4}, {}}), ElementsAre(2, 0));
  EXPECT_THAT(encoder.TermNames(), ElementsAre("a", "b"));
}

TEST(SideEncoderTest, WithoutHistoryCountersTakeTheirDocumentedDefaults) {
  const FeatureSchema schema = Schema(R"pb(
    features {
      name: "n"
      side: CUSTOMER
      counter {
        event: PURCHASES
        count { clip_max: 9 }
      }
    }
    features {
      name: "r"
      side: CUSTOMER
      counter { smoothed_rate { prior_rate: 0.2 strength: 15 } }
    }
    features {
      name: "s"
      side: CUSTOMER
      counter {
        event: PURCHASES
        age_since_last { cap_days: 12 }
      }
    }
    features {
      name: "l"
      side: CUSTOMER
      counter {
        event: PURCHASES
        age_since_last { cap_days: 12 transform: LOG1P }
      }
    }
    features {
      name: "c"
      side: CUSTOMER
      counter {
        event: PURCHASES
        count { clip_max: 9 }
      }
      scaling { center: 1 scale: 2 }
    }
  )pb");
  const SideEncoder encoder = SideEncoder::FromSchema(FeaturesOfSide(schema, Feature::CUSTOMER));
  const std::vector<double> encoded = EncodeSide(encoder, {{3, 0.3, 12, 2, 7}, {}});
  EXPECT_EQ(encoded[0], 3);
  EXPECT_NEAR(encoded[1], (0.3 - 0.2) / 0.1, 1e-14);
  EXPECT_NEAR(encoded[2], 6 / std::sqrt(12.0), 1e-14);
  EXPECT_EQ(encoded[3], 2);
  EXPECT_EQ(encoded[4], 3);
}

TEST(SideEncoderTest, ScalesAreRightForColumnsFarFromZero) {
  std::vector<std::string> messages;
  const auto rows = Rows({{1e9 + 1}, {1e9 + 3}});
  const SideEncoder encoder = *SideEncoder::Fit(Numeric({"a"}), rows, nullptr, &messages);
  EXPECT_THAT(EncodeSide(encoder, rows[0]), ElementsAre(-1));
}

}  // namespace
}  // namespace suggest::features
