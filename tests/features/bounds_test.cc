#include "features/bounds.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "features/column_expander.h"
#include "features/pair_encoder.h"
#include "features/side_encoder.h"
#include "tests/features/feature_test_support.h"

namespace suggest::features {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::vector<Feature> SizeFeature(const std::string& more = "") {
  return {SchemaOf("name: 'size' side: CUSTOMER numeric { column: 'size' } " + more).features(0)};
}

std::vector<RawSide> OfSizes(const std::vector<double>& sizes) {
  std::vector<RawSide> rows;
  for (const double size : sizes) rows.push_back({{size}, {}});
  return rows;
}

std::vector<double> OneTo(int n) {
  std::vector<double> values;
  for (int i = 1; i <= n; ++i) values.push_back(i);
  return values;
}

TEST(BoundsTest, AreTheQuantilesWidenedByThreeTimesTheirDistance) {
  const Bounds bounds = WidenedSpan(OneTo(201));  // 1 %: the third value, 99 %: the third from the end
  EXPECT_EQ(bounds.lower, 3 - 3 * 196.0);
  EXPECT_EQ(bounds.upper, 199 + 3 * 196.0);
}

TEST(BoundsTest, OneValueInAnotherUnitDoesNotWidenThem) {
  std::vector<double> values = OneTo(200);
  values.push_back(1e15);
  EXPECT_LT(WidenedSpan(values).upper, 1000);
}

TEST(BoundsTest, AColumnThatIsNearlyAlwaysTheSameKeepsItsFewOtherValues) {
  std::vector<double> values(1000, 0.0);
  values[7] = 1;
  const Bounds bounds = WidenedSpan(values);
  EXPECT_EQ(bounds.Clip(1), 1);
  EXPECT_EQ(bounds.upper, 4);
}

TEST(BoundsTest, NothingAndOneValueBoundNothing) {
  EXPECT_FALSE(WidenedSpan({}).bounded());
  EXPECT_FALSE(WidenedSpan({std::nan(""), std::nan("")}).bounded());
  EXPECT_FALSE(WidenedSpan({5, 5, 5}).bounded());
  EXPECT_EQ(Bounds().Clip(1e300), 1e300);
  EXPECT_TRUE(std::isnan(Bounds{0, 1}.Clip(std::nan(""))));
}

TEST(BoundsTest, AnEncodedOutlierIsTheBound) {
  std::vector<std::string> messages;
  const SideEncoder encoder = *SideEncoder::Fit(SizeFeature(), OfSizes(OneTo(201)), nullptr, &messages);
  EXPECT_THAT(messages, IsEmpty());
  EXPECT_EQ(encoder.Encode({{1e15}, {}})[0], encoder.Encode({{199 + 3 * 196.0}, {}})[0]);
  EXPECT_EQ(encoder.CountClipped({{1e15}, {}}), 1);
  EXPECT_EQ(encoder.CountClipped({{201}, {}}), 0);
  EXPECT_EQ(encoder.CountClipped({{std::nan("")}, {}}), 0);
}

TEST(BoundsTest, ATrainingOutlierHidesNobodyElseAndIsNamed) {
  std::vector<double> sizes = OneTo(200);
  sizes.push_back(1e15);
  std::vector<std::string> messages;
  const SideEncoder encoder = *SideEncoder::Fit(SizeFeature(), OfSizes(sizes), nullptr, &messages);
  EXPECT_GT(encoder.Encode({{200}, {}})[0] - encoder.Encode({{1}, {}})[0], 2);
  EXPECT_LT(std::abs(encoder.Encode({{std::nan("")}, {}})[0]), 0.1);  // the mean of what is within bounds
  EXPECT_THAT(messages, ElementsAre(HasSubstr("feature \"size\": 1 of 201 training rows lie beyond")));
}

TEST(BoundsTest, AComponentOfAnUnseenCombinationIsBounded) {
  // Both columns nearly agree in training: their difference has a tiny deviation, by which whitening would divide.
  std::vector<RawSide> rows;
  for (int i = 0; i < 200; ++i) rows.push_back({{double(i), i + 1e-3 * (i % 7)}, {}});
  std::vector<Feature> features = SizeFeature();
  features.push_back(SchemaOf("name: 'b' side: CUSTOMER numeric { column: 'b' }").features(0));
  config::v1::Pca pca;
  pca.set_components(2);
  pca.set_whiten(true);
  std::vector<std::string> messages;
  const SideEncoder encoder = *SideEncoder::Fit(features, rows, &pca, &messages);
  ASSERT_EQ(encoder.dim(), 2);
  EXPECT_LT(encoder.Encode({{-300, 300}, {}}).cwiseAbs().maxCoeff(), 100);
  EXPECT_LT(encoder.Encode(rows[10]).cwiseAbs().maxCoeff(), 3);
}

TEST(BoundsTest, WithoutHistoryTheConfiguredScaleBounds) {
  const SideEncoder encoder = SideEncoder::FromSchema(SizeFeature("scaling { center: 5 scale: 3 }"));
  EXPECT_EQ(encoder.Encode({{1e15}, {}})[0], 100);
  EXPECT_EQ(encoder.Encode({{-1e15}, {}})[0], -100);
  EXPECT_EQ(encoder.Encode({{8}, {}})[0], 1);
}

TEST(BoundsTest, AreStoredAndAPipelineWithoutThemEncodesAsItDid) {
  std::vector<std::string> messages;
  const SideEncoder encoder = *SideEncoder::Fit(SizeFeature(), OfSizes(OneTo(201)), nullptr, &messages);
  model::v1::FittedSide proto = encoder.ToProto();
  const auto read = SideEncoder::FromProto(SizeFeature(), nullptr, proto);
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->Encode({{1e15}, {}}), encoder.Encode({{1e15}, {}}));

  proto.mutable_features(0)->clear_lower();
  proto.mutable_features(0)->clear_upper();
  const auto old = SideEncoder::FromProto(SizeFeature(), nullptr, proto);
  ASSERT_TRUE(old.ok()) << old.status();
  EXPECT_EQ(old->Encode({{1e15}, {}})[0], (1e15 - proto.columns(0).center()) / proto.columns(0).scale());

  proto.mutable_features(0)->set_lower(2);
  proto.mutable_features(0)->set_upper(1);
  EXPECT_THAT(std::string(SideEncoder::FromProto(SizeFeature(), nullptr, proto).status().message()),
              HasSubstr("the bounds 2 to 1 are not usable"));
}

TEST(BoundsTest, APairWithoutHistoryStaysZeroWhateverTheOthersShow) {
  const std::vector<Feature> features = {
      SchemaOf("name: 'p' side: PAIR counter { event: PURCHASES count { window_days: 30 } }").features(0)};
  std::vector<std::optional<RawSide>> rows;
  for (int i = 0; i < 500; ++i) rows.push_back(RawSide{{10 + 0.001 * (i % 10)}, {}});
  std::vector<std::string> messages;
  const PairEncoder encoder = PairEncoder::Fit(features, TestSettings(), rows, &messages);
  EXPECT_EQ(encoder.Encode({{0}, {}})[0], 0);
  EXPECT_LT(encoder.Encode({{1e9}, {}})[0], 10);
  EXPECT_EQ(encoder.CountClipped({{1e9}, {}}), 1);
}

}  // namespace
}  // namespace suggest::features
