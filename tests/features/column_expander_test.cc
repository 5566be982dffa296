#include "features/column_expander.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "tests/features/feature_test_support.h"

namespace suggest::features {
namespace {

using ::testing::DoubleNear;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

const double kMissing = std::nan("");

std::vector<Feature> Customers(const std::string& text) {
  return FeaturesOfSide(Schema(text), Feature::CUSTOMER);
}

std::vector<double> Expand(const ColumnExpander& expander, const RawSide& raw) {
  std::vector<double> out(expander.size());
  expander.Expand(raw, absl::MakeSpan(out));
  return out;
}

double Filled(const std::string& missing) {
  const std::vector<Feature> features = Customers(
      "features { name: 'x' side: CUSTOMER numeric { column: 'a' transform: LOG1P clip_min: 1 } " + missing + " }");
  const std::vector<RawSide> rows = {{{2}, {}}, {{kMissing}, {}}, {{5}, {}}};
  return Expand(*ColumnExpander::Learn(features, rows, nullptr), rows[1])[0];
}

TEST(ColumnExpanderTest, FillsMissingNumbersByEachPolicy) {
  EXPECT_DOUBLE_EQ(Filled(""), 3.5);
  EXPECT_DOUBLE_EQ(Filled("missing { policy: MEAN }"), 3.5);
  EXPECT_DOUBLE_EQ(Filled("missing { policy: ZERO }"), std::log(2.0)) << "0 is clipped to 1, then transformed";
  EXPECT_DOUBLE_EQ(Filled("missing { policy: CONSTANT constant: 9 }"), std::log(10.0));
}

TEST(ColumnExpanderTest, IndicatorSaysWhatWasMissing) {
  const std::vector<Feature> features = Customers(
      "features { name: 'x' side: CUSTOMER boolean { column: 'a' } missing { policy: ZERO indicator: true } }");
  const ColumnExpander expander = *ColumnExpander::Learn(features, std::vector<RawSide>{{{1}, {}}}, nullptr);
  EXPECT_THAT(Expand(expander, {{kMissing}, {}}), ElementsAre(0, 1));
  EXPECT_THAT(Expand(expander, {{1}, {}}), ElementsAre(1, 0));
  EXPECT_EQ(expander.columns()[1].name, "x.missing");
}

TEST(ColumnExpanderTest, LearnsVocabulariesUpToTheirSizeUnlessListed) {
  const std::vector<Feature> features = Customers(R"pb(
    features {
      name: "k"
      side: CUSTOMER
      categorical { column: "k" max_vocabulary: 2 }
    }
    features {
      name: "g"
      side: CUSTOMER
      multi_valued { column: "g" vocabulary: "z" }
    }
  )pb");
  const auto row = [](const std::string& kind, std::vector<std::string> goals) {
    return RawSide{{}, {{false, {kind}}, {false, std::move(goals)}}};
  };
  const std::vector<RawSide> rows = {row("b", {"y"}), row("b", {"y"}), row("c", {}), row("a", {"z"})};
  const ColumnExpander expander = *ColumnExpander::Learn(features, rows, nullptr);
  std::vector<std::string> names;
  for (const ColumnInfo& column : expander.columns()) names.push_back(column.name);
  EXPECT_THAT(names, ElementsAre("k=b", "k=a", "k=(other)", "k=(missing)", "g=z", "g=(other)", "g=(missing)"));
  EXPECT_THAT(Expand(expander, row("c", {"y", "z"})), ElementsAre(0, 0, 1, 0, 1, 1, 0));
}

TEST(ColumnExpanderTest, NamesAllColumnsThatNoTrainingRowHas) {
  const std::vector<Feature> features = Customers(R"pb(
    features {
      name: "x"
      side: CUSTOMER
      numeric { column: "gone" }
    }
    features {
      name: "y"
      side: CUSTOMER
      categorical { column: "lost" }
    }
    features {
      name: "z"
      side: CUSTOMER
      numeric { column: "here" }
    }
  )pb");
  const std::vector<RawSide> rows = {{{kMissing, 1}, {{true, {}}}}};
  const absl::Status status = ColumnExpander::Learn(features, rows, nullptr).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(
      std::string(status.message()),
      HasSubstr("feature \"x\": no training row has a value in column \"gone\"; feature \"y\": no training row"));
  EXPECT_THAT(std::string(status.message()), ::testing::Not(HasSubstr("here")));
}

TEST(ColumnExpanderTest, WithoutHistoryMissingTakesTheConfiguredCentre) {
  const std::vector<Feature> features =
      Customers("features { name: 'x' side: CUSTOMER numeric { column: 'a' } scaling { center: 4 scale: 2 } }");
  EXPECT_THAT(Expand(ColumnExpander::FromSchema(features), {{kMissing}, {}}), ElementsAre(DoubleNear(4, 0)));
}

}  // namespace
}  // namespace suggest::features
