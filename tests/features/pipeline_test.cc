#include "features/pipeline.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "tests/features/random_history.h"

namespace suggest::features {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::StartsWith;

class PipelineTest : public ::testing::Test {
 protected:
  PipelineTest() : company_(42) {
    const FeatureExtractor extractor = *FeatureExtractor::Create(FoundingSchema(), TestSettings());
    rows_ = company_.Replay(extractor, company_.Events(300), company_.Decisions(80, absl::InfiniteFuture()));
  }
  absl::StatusOr<Pipeline> Fit(const FeatureSchema& schema) {
    return Pipeline::Fit(schema, TestSettings(), RandomCompany::Training(rows_), &messages_);
  }
  Pipeline Founding() { return *Fit(FoundingSchema()); }

  RandomCompany company_;
  std::vector<RawRow> rows_;
  std::vector<std::string> messages_;
};

TEST_F(PipelineTest, EncodingsHaveTheLayoutsSizesAndBeginWithOne) {
  const Pipeline pipeline = Founding();
  const bandit::ContextLayout layout = pipeline.layout();
  EXPECT_EQ(layout.customer_dim, 1 + 4 + 1) << "1, four components, the rate passing by";
  EXPECT_EQ(layout.pair_dim, 3);
  EXPECT_EQ(layout.interactions, bandit::Interactions::kFull);
  EXPECT_EQ(pipeline.fitted_rows(), 80);
  for (const RawRow& row : rows_) {
    const Eigen::VectorXd customer = pipeline.EncodeCustomer(row.customer);
    const Eigen::VectorXd recommendation = pipeline.EncodeRecommendation(row.recommendation);
    ASSERT_EQ(customer.size(), layout.customer_dim);
    ASSERT_EQ(recommendation.size(), layout.recommendation_dim);
    EXPECT_EQ(customer(0), 1);
    EXPECT_EQ(recommendation(0), 1);
    EXPECT_TRUE(customer.allFinite() && recommendation.allFinite());
  }
}

TEST_F(PipelineTest, ARoundTripThroughItsBytesEncodesToTheSameBits) {
  const Pipeline pipeline = Founding();
  const std::string bytes = pipeline.ToProto().SerializeAsString();
  model::v1::FittedPipeline proto;
  ASSERT_TRUE(proto.ParseFromString(bytes));
  const absl::StatusOr<Pipeline> back = Pipeline::FromProto(proto);
  ASSERT_TRUE(back.ok()) << back.status();
  EXPECT_EQ(back->ToProto().SerializeAsString(), bytes);
  EXPECT_EQ(back->layout(), pipeline.layout());
  EXPECT_EQ(back->TermNames(), pipeline.TermNames());
  EXPECT_EQ(back->fitted_rows(), 80);
  for (const RawRow& row : rows_) {
    EXPECT_EQ(back->EncodeCustomer(row.customer), pipeline.EncodeCustomer(row.customer));
    EXPECT_EQ(back->EncodeRecommendation(row.recommendation), pipeline.EncodeRecommendation(row.recommendation));
    if (!row.pair.has_value()) continue;
    EXPECT_EQ(back->EncodePair(*row.pair), pipeline.EncodePair(*row.pair));
  }
}

TEST_F(PipelineTest, FittingTwiceGivesTheSameBytes) {
  EXPECT_EQ(Founding().ToProto().SerializeAsString(), Founding().ToProto().SerializeAsString());
}

TEST_F(PipelineTest, TermNamesFollowTheContextsOrder) {
  const Pipeline pipeline = Founding();
  const bandit::ContextLayout layout = pipeline.layout();
  const std::vector<std::string> names = pipeline.TermNames();
  ASSERT_THAT(names, SizeIs(layout.dim()));
  EXPECT_EQ(names[0], "intercept");
  EXPECT_THAT(names[1], StartsWith("recommendation.pc1: "));
  EXPECT_EQ(names[layout.recommendation_dim - 1], "recommendation.item_rate");
  EXPECT_THAT(names[layout.recommendation_dim], StartsWith("customer.pc1: "));
  EXPECT_EQ(names[layout.recommendation_dim + 1], absl::StrCat(names[layout.recommendation_dim], " * ", names[1]));
  EXPECT_EQ(names[layout.shared_dim() - 1], "customer.rate * recommendation.item_rate");
  EXPECT_EQ(names[layout.shared_dim()], "pair.seen");
}

TEST_F(PipelineTest, WithoutInteractionsTheTermsAreBothSidesAndThePairs) {
  FeatureSchema schema = FoundingSchema();
  schema.set_interactions(FeatureSchema::NONE);
  const Pipeline pipeline = *Fit(schema);
  const std::vector<std::string> names = pipeline.TermNames();
  EXPECT_EQ(pipeline.layout().interactions, bandit::Interactions::kNone);
  ASSERT_THAT(names, SizeIs(pipeline.layout().dim()));
  EXPECT_EQ(names[0], "intercept");
  EXPECT_THAT(names[1], StartsWith("customer.pc1: "));
  EXPECT_THAT(names[6], StartsWith("recommendation.pc1: "));
}

TEST_F(PipelineTest, AnUnknownCategoryEncodesAsOther) {
  const Pipeline pipeline = Founding();
  const auto encode = [&](const std::string& category) {
    return pipeline.EncodeCustomer(*pipeline.extractor().Customer(
        Attrs("{\"category\": \"" + category + "\"}"), {}, At("2026-02-01T00:00:00Z"), At("2026-02-01T00:00:00Z")));
  };
  EXPECT_EQ(encode("never seen"), encode("nor this"));
  EXPECT_NE(encode("never seen"), encode("shop"));
  EXPECT_NE(encode("never seen"), encode(""));
}

TEST_F(PipelineTest, RefusesAHistoryWithoutExposures) {
  const absl::Status status = Pipeline::Fit(FoundingSchema(), TestSettings(), {}, nullptr).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(status.message(), "the training history has no exposures");
}

TEST_F(PipelineTest, NamesMissingColumnsOfBothSides) {
  for (RawRow& row : rows_) row.customer.numbers[0] = row.recommendation.numbers[0] = std::nan("");
  const absl::Status status = Fit(FoundingSchema()).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), HasSubstr("column \"since\""));
  EXPECT_THAT(std::string(status.message()), HasSubstr("column \"price\""));
}

TEST_F(PipelineTest, RefusesAContextOfTooManyTerms) {
  FeatureSchema schema;
  for (const Feature::Side side : {Feature::CUSTOMER, Feature::RECOMMENDATION}) {
    for (int i = 0; i < 70; ++i) {
      Feature* feature = schema.add_features();
      feature->set_name(absl::StrCat("x", side, "_", i));
      feature->set_side(side);
      feature->mutable_boolean()->set_column("b");
    }
  }
  const absl::Status status = Pipeline::FromSchema(schema, TestSettings()).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), HasSubstr("the context would have 5041 terms"));
}

TEST(PipelineFromSchemaTest, EverythingPassesByWithItsConfiguredScale) {
  const Pipeline pipeline = *Pipeline::FromSchema(FoundingSchema(), TestSettings());
  EXPECT_EQ(pipeline.fitted_rows(), 0);
  EXPECT_THAT(pipeline.TermNames()[1], "recommendation.price");
  EXPECT_EQ(pipeline.layout().recommendation_dim, 1 + 4);
  EXPECT_EQ(pipeline.layout().customer_dim, 1 + 1 + 4 + 4 + 2 + 1 + 1 + 1 + 1);
  const RawSide raw = *pipeline.extractor().Recommendation(Attrs(R"({"price": 0, "created": "2026-01-01"})"), {},
                                                           At("2026-01-11T00:00:00Z"));
  const Eigen::VectorXd encoded = pipeline.EncodeRecommendation(raw);
  EXPECT_EQ(encoded(1), -4) << "(log1p(0) - 4) / 1";
  EXPECT_EQ(encoded(2), -0.9f) << "(10 - 100) / 100, in single precision";
  EXPECT_EQ(encoded(4), 0) << "the prior rate";
}

TEST(PipelineFromSchemaTest, RoundTrips) {
  const Pipeline pipeline = *Pipeline::FromSchema(FoundingSchema(), TestSettings());
  const absl::StatusOr<Pipeline> back = Pipeline::FromProto(pipeline.ToProto());
  ASSERT_TRUE(back.ok()) << back.status();
  EXPECT_EQ(back->ToProto().SerializeAsString(), pipeline.ToProto().SerializeAsString());
}

TEST(PipelineFromSchemaTest, ListsEverythingThatHistoryWouldHaveTaught) {
  const FeatureSchema schema = Schema(R"pb(
    features {
      name: "a"
      side: CUSTOMER
      numeric { column: "a" }
    }
    features {
      name: "b"
      side: CUSTOMER
      age { column: "b" }
    }
    features {
      name: "c"
      side: CUSTOMER
      categorical { column: "c" }
    }
    features {
      name: "d"
      side: CUSTOMER
      multi_valued { column: "d" }
    }
    features {
      name: "e"
      side: CUSTOMER
      boolean { column: "e" }
    }
  )pb");
  const absl::Status status = Pipeline::FromSchema(schema, TestSettings()).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(
      status.message(),
      "feature \"a\": without history it needs scaling; feature \"b\": without history it needs scaling; "
      "feature \"c\": without history it needs a vocabulary; feature \"d\": without history it needs a vocabulary");
}

struct Corruption {
  const char* name;
  std::function<void(model::v1::FittedPipeline&)> damage;
  const char* message;
};

void PrintTo(const Corruption& corruption, std::ostream* out) {
  *out << corruption.name;
}

class CorruptPipelineTest : public PipelineTest, public ::testing::WithParamInterface<Corruption> {};

TEST_P(CorruptPipelineTest, IsRefusedWithDataLossAndItsPlace) {
  model::v1::FittedPipeline proto = Founding().ToProto();
  GetParam().damage(proto);
  const absl::Status status = Pipeline::FromProto(proto).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(std::string(status.message()), HasSubstr(GetParam().message));
}

using Fitted = model::v1::FittedPipeline;

INSTANTIATE_TEST_SUITE_P(
    All, CorruptPipelineTest,
    ::testing::Values(
        Corruption{"empty", [](Fitted& f) { f.Clear(); }, "schema and settings: features: the schema has none"},
        Corruption{"schema", [](Fitted& f) { f.mutable_schema()->mutable_features(0)->clear_kind(); },
                   "kind is missing"},
        Corruption{"settings", [](Fitted& f) { f.mutable_counters()->mutable_delay_law()->add_share(1); },
                   "delay law has 2 ages and 3 shares"},
        Corruption{"feature_count", [](Fitted& f) { f.mutable_customer()->mutable_features()->RemoveLast(); },
                   "customer: has 7 fitted features, its schema 8"},
        Corruption{"feature_name", [](Fitted& f) { f.mutable_recommendation()->mutable_features(1)->set_name("q"); },
                   "recommendation: fitted feature 1 is \"q\", in its schema \"item_age\""},
        Corruption{"missing_value",
                   [](Fitted& f) { f.mutable_customer()->mutable_features(0)->set_missing_value(std::nan("")); },
                   "feature \"tenure\": missing value is not finite"},
        Corruption{"vocabulary_size", [](Fitted& f) { f.mutable_customer()->mutable_features(1)->add_vocabulary("q"); },
                   "customer: has 15 scaled columns, its features make 16"},
        Corruption{"vocabulary_twice",
                   [](Fitted& f) { f.mutable_customer()->mutable_features(1)->set_vocabulary(1, "shop"); },
                   "vocabulary has a value twice"},
        Corruption{"columns", [](Fitted& f) { f.mutable_customer()->mutable_columns()->RemoveLast(); },
                   "customer: has 14 scaled columns, its features make 15"},
        Corruption{"scale", [](Fitted& f) { f.mutable_customer()->mutable_columns(0)->set_scale(0); },
                   "column \"tenure\": role"},
        Corruption{"center", [](Fitted& f) { f.mutable_customer()->mutable_columns(0)->set_center(1 / 0.0); },
                   "column \"tenure\": role"},
        Corruption{"role",
                   [](Fitted& f) {
                     f.mutable_customer()->mutable_columns(0)->set_role(static_cast<model::v1::FittedColumn::Role>(7));
                   },
                   "column \"tenure\": role 7"},
        Corruption{"loadings", [](Fitted& f) { f.mutable_customer()->mutable_rotation()->add_loadings(1); },
                   "customer: rotation has 4 components"},
        Corruption{"no_rotation", [](Fitted& f) { f.mutable_customer()->clear_rotation(); },
                   "customer: rotation has 0 components"},
        Corruption{"components", [](Fitted& f) { f.mutable_customer()->mutable_rotation()->set_components(-1); },
                   "customer: rotation has -1 components"},
        Corruption{"loading_nan",
                   [](Fitted& f) { f.mutable_customer()->mutable_rotation()->set_loadings(0, std::nan("")); },
                   "rotation has a loading that is not finite"},
        Corruption{"deviation", [](Fitted& f) { f.mutable_customer()->mutable_rotation()->set_deviations(0, 0); },
                   "rotation has the deviation 0"},
        Corruption{"pair_count", [](Fitted& f) { f.mutable_pair()->mutable_columns()->RemoveLast(); },
                   "pair: has 3 fitted features and 2 columns, its schema 3"},
        Corruption{"pair_name", [](Fitted& f) { f.mutable_pair()->mutable_features(0)->set_name("q"); },
                   "pair: fitted feature 0 is \"q\", in its schema \"seen\""},
        Corruption{"pair_scale", [](Fitted& f) { f.mutable_pair()->mutable_columns(0)->set_scale(-1); },
                   "pair: feature \"seen\": role"}),
    [](const auto& info) { return std::string(info.param.name); });

}  // namespace
}  // namespace suggest::features
