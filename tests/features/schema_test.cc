#include "features/schema.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/features/feature_test_support.h"

namespace suggest::features {
namespace {

using ::testing::HasSubstr;

std::string Problem(const FeatureSchema& schema) {
  return std::string(ValidateSchema(schema).message());
}

TEST(ValidateSchemaTest, AcceptsTheFoundingSchema) {
  EXPECT_EQ(ValidateSchema(FoundingSchema()), absl::OkStatus());
}

TEST(ValidateSchemaTest, ReportsAllProblemsAtOnce) {
  const FeatureSchema schema = Schema(R"pb(
    features {
      side: CUSTOMER
      numeric { column: "a" }
    }
    features {
      name: "b"
      numeric { column: "b" }
    }
    features {
      name: "b"
      side: CUSTOMER
      numeric { clip_min: 3 clip_max: 2 }
    }
    features { name: "d" side: RECOMMENDATION }
    customer_pca { components: 0 }
    recommendation_pca { variance_share: 1.5 }
  )pb");
  const absl::Status status = ValidateSchema(schema);
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  for (const char* expected : {"features[0]: name is missing", "feature \"b\": side is missing",
                               "feature \"b\": name is used twice", "feature \"b\": column is missing",
                               "feature \"b\": clip_min 3 is not below clip_max 2", "feature \"d\": kind is missing",
                               "customer_pca: components is 0", "recommendation_pca: variance_share is 1.5"}) {
    EXPECT_THAT(Problem(schema), HasSubstr(expected));
  }
}

TEST(ValidateSchemaTest, RefusesAnEmptySchema) {
  EXPECT_THAT(Problem(FeatureSchema()), HasSubstr("has none"));
}

TEST(ValidateSchemaTest, RefusesUnboundedRawCount) {
  const std::string unbounded = "name: 'n' side: CUSTOMER counter { event: PURCHASES count { ";
  EXPECT_THAT(Problem(SchemaOf(unbounded + "} }")),
              HasSubstr("feature \"n\": an unbounded raw count grows without end"));
  EXPECT_EQ(Problem(SchemaOf(unbounded + "window_days: 30 } }")), "");
  EXPECT_EQ(Problem(SchemaOf(unbounded + "clip_max: 10 } }")), "");
  EXPECT_EQ(Problem(SchemaOf(unbounded + "transform: LOG1P } }")), "");
}

struct BadFeature {
  const char* feature;
  const char* message;
};

class BadFeatureTest : public ::testing::TestWithParam<BadFeature> {};

TEST_P(BadFeatureTest, IsRefusedWithItsMessage) {
  EXPECT_THAT(Problem(SchemaOf(GetParam().feature)), HasSubstr(GetParam().message));
}

INSTANTIATE_TEST_SUITE_P(
    All, BadFeatureTest,
    ::testing::Values(
        BadFeature{"name: 'x' side: PAIR numeric { column: 'a' }", "side PAIR takes counters only"},
        BadFeature{"name: 'x' side: CUSTOMER counter { event: PURCHASES count { window_days: -1 } }",
                   "window_days is -1"},
        BadFeature{"name: 'x' side: CUSTOMER counter { event: PURCHASES count { clip_max: 0 } }", "clip_max is 0"},
        BadFeature{"name: 'x' side: CUSTOMER counter { count { window_days: 1 } }", "event is missing"},
        BadFeature{"name: 'x' side: CUSTOMER counter { event: PURCHASES }", "counter has no kind"},
        BadFeature{"name: 'x' side: CUSTOMER counter { event: CONVERSIONS age_since_last { cap_days: 1 } }",
                   "needs event EXPOSURES or PURCHASES"},
        BadFeature{"name: 'x' side: CUSTOMER counter { event: PURCHASES age_since_last { } }", "cap_days is 0"},
        BadFeature{"name: 'x' side: CUSTOMER counter { event: PURCHASES smoothed_rate { prior_rate: .1 strength: 1 } }",
                   "smoothed_rate counts CONVERSIONS, not PURCHASES"},
        BadFeature{"name: 'x' side: CUSTOMER counter { smoothed_rate { prior_rate: 1 strength: 1 } }",
                   "prior_rate is 1"},
        BadFeature{"name: 'x' side: CUSTOMER counter { smoothed_rate { prior_rate: nan strength: 1 } }",
                   "prior_rate is"},
        BadFeature{"name: 'x' side: CUSTOMER counter { smoothed_rate { prior_rate: .1 strength: 0 } }",
                   "strength is 0"},
        BadFeature{"name: 'x' side: CUSTOMER counter { same_attribute: 'a' event: PURCHASES count { clip_max: 1 } }",
                   "same_attribute \"a\" is for side PAIR only"},
        BadFeature{"name: 'x' side: CUSTOMER categorical { column: 'a' max_vocabulary: -2 }", "max_vocabulary is -2"},
        BadFeature{"name: 'x' side: CUSTOMER categorical { column: 'a' vocabulary: 'v' vocabulary: 'v' }",
                   "vocabulary has \"v\" twice"},
        BadFeature{"name: 'x' side: CUSTOMER multi_valued { column: 'a' vocabulary: '' }",
                   "vocabulary has an empty value"},
        BadFeature{"name: 'x' side: CUSTOMER categorical { column: 'a' } missing { policy: ZERO }",
                   "missing is for numeric, boolean and age"},
        BadFeature{"name: 'x' side: CUSTOMER numeric { column: 'a' } missing { policy: CONSTANT constant: inf }",
                   "missing.constant is inf"},
        BadFeature{"name: 'x' side: CUSTOMER numeric { column: 'a' clip_max: nan }", "clip_max is nan"},
        BadFeature{"name: 'x' side: CUSTOMER age { column: 'a' clip_max: -1 }", "clip_max is -1"},
        BadFeature{"name: 'x' side: CUSTOMER numeric { column: 'a' } scaling { center: 1 }", "scaling.scale is 0"},
        BadFeature{"name: 'x' side: CUSTOMER numeric { column: 'a' } scaling { center: nan scale: 1 }",
                   "scaling.center is nan"}));

TEST(ValidateSchemaTest, RefusesPcaWithoutSizeAndUnknownEnums) {
  FeatureSchema schema = FoundingSchema();
  schema.mutable_customer_pca()->clear_size();
  schema.set_interactions(static_cast<FeatureSchema::Interactions>(9));
  EXPECT_THAT(Problem(schema), HasSubstr("customer_pca: size is missing"));
  EXPECT_THAT(Problem(schema), HasSubstr("interactions is unknown"));
}

}  // namespace
}  // namespace suggest::features
