#include "features/extractor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "tests/features/feature_test_support.h"
#include "tests/support/status_matchers.h"

namespace suggest::features {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const char kTick[] = "2026-03-10T00:00:00Z";
const char kDecision[] = "2026-03-10T18:00:00Z";

FeatureExtractor Extractor(const FeatureSchema& schema) {
  absl::StatusOr<FeatureExtractor> extractor = FeatureExtractor::Create(schema, TestSettings());
  SUGGEST_CHECK(extractor.ok());
  return *std::move(extractor);
}

absl::StatusOr<RawSide> Customer(const std::string& feature, const Attributes& attributes) {
  return Extractor(SchemaOf(feature)).Customer(attributes, {}, At(kDecision), At(kTick));
}

double OneNumber(const std::string& feature, const std::string& json) {
  const absl::StatusOr<RawSide> raw = Customer(feature, Attrs(json));
  SUGGEST_CHECK(raw.ok() && raw->numbers.size() == 1);
  return raw->numbers[0];
}

RawLabels OneLabels(const std::string& feature, const std::string& json) {
  const absl::StatusOr<RawSide> raw = Customer(feature, Attrs(json));
  SUGGEST_CHECK(raw.ok() && raw->labels.size() == 1);
  return raw->labels[0];
}

TEST(FeatureExtractorTest, ReadsEveryKind) {
  EXPECT_EQ(OneNumber("name: 'x' side: CUSTOMER numeric { column: 'a' clip_max: 5 }", R"({"a": 9})"), 5);
  EXPECT_EQ(OneNumber("name: 'x' side: CUSTOMER boolean { column: 'a' }", R"({"a": "yes"})"), 1);
  EXPECT_EQ(OneNumber("name: 'x' side: CUSTOMER age { column: 'a' }", R"({"a": "2026-03-08T18:00:00Z"})"), 2);
  EXPECT_EQ(OneNumber("name: 'x' side: CUSTOMER age { column: 'a' }", R"({"a": "2026-03-08T17:59:01Z"})"), 2)
      << "of whole minutes";
  EXPECT_EQ(OneNumber("name: 'x' side: CUSTOMER age { column: 'a' }", R"({"a": "2026-04-08"})"), 0);
  EXPECT_EQ(OneLabels("name: 'x' side: CUSTOMER categorical { column: 'a' }", R"({"a": 3})"),
            (RawLabels{false, {"3"}}));
  EXPECT_EQ(OneLabels("name: 'x' side: CUSTOMER multi_valued { column: 'a' }", R"({"a": "sell; grow;sell"})"),
            (RawLabels{false, {"grow", "sell"}}));
}

TEST(FeatureExtractorTest, MissingIsNanOrAMissingLabelAndAnEmptyListIsNot) {
  for (const char* json : {"{}", R"({"a": null})", R"({"a": ""})"}) {
    EXPECT_TRUE(std::isnan(OneNumber("name: 'x' side: CUSTOMER numeric { column: 'a' }", json))) << json;
    EXPECT_TRUE(OneLabels("name: 'x' side: CUSTOMER categorical { column: 'a' }", json).missing) << json;
    EXPECT_TRUE(OneLabels("name: 'x' side: CUSTOMER multi_valued { column: 'a' }", json).missing) << json;
  }
  EXPECT_FALSE(OneLabels("name: 'x' side: CUSTOMER multi_valued { column: 'a' }", R"({"a": []})").missing);
}

TEST(FeatureExtractorTest, CustomerAgesAreTakenAtTheDecisionAndRecommendationAgesAtTheTick) {
  const FeatureExtractor extractor = Extractor(Schema(R"pb(
    features {
      name: "c"
      side: CUSTOMER
      age { column: "since" }
    }
    features {
      name: "r"
      side: RECOMMENDATION
      age { column: "since" }
    }
  )pb"));
  const Attributes attributes = Attrs(R"({"since": "2026-03-09T00:00:00Z"})");
  EXPECT_THAT(extractor.Customer(attributes, {}, At(kDecision), At(kTick))->numbers, ElementsAre(1.75));
  EXPECT_THAT(extractor.Recommendation(attributes, {}, At(kTick))->numbers, ElementsAre(1.0));
}

TEST(FeatureExtractorTest, ACustomerIsTheSameUntilAnAgeIsAMinuteFurther) {
  const FeatureExtractor extractor = Extractor(Schema(R"pb(
    features {
      name: "a"
      side: CUSTOMER
      age { column: "a" }
    }
    features {
      name: "b"
      side: CUSTOMER
      age { column: "b" }
    }
  )pb"));
  const Attributes attributes = Attrs(R"({"a": "2026-03-09T00:00:10Z", "b": "2026-03-20T00:00:45Z"})");
  const SideReading reading = *extractor.ReadCustomer(attributes, {}, At(kTick));
  const absl::Time at = At("2026-03-11T12:00:20Z");
  const absl::Time next = FeatureExtractor::NextChange(reading, at);
  EXPECT_EQ(next, At("2026-03-11T12:00:45Z")) << "also of one that is yet to come";
  EXPECT_EQ(FeatureExtractor::NextChange(reading, next), At("2026-03-11T12:01:10Z"));
  const auto numbers = [&](absl::Time when) { return extractor.CustomerAt(reading, when).numbers; };
  EXPECT_EQ(numbers(at), numbers(next - absl::Nanoseconds(1)));
  EXPECT_NE(numbers(at), numbers(FeatureExtractor::NextChange(reading, next)));
  EXPECT_EQ(FeatureExtractor::NextChange(*extractor.ReadCustomer({}, {}, At(kTick)), at), absl::InfiniteFuture());
}

TEST(FeatureExtractorTest, CountersAreReadAtTheTickNotAtTheDecision) {
  const FeatureExtractor extractor =
      Extractor(SchemaOf("name: 'x' side: CUSTOMER counter { event: PURCHASES age_since_last { cap_days: 99 } }"));
  CustomerHistory history;
  history["r1"].AddPurchase(At("2026-03-08T00:00:00Z"));
  for (const char* decision : {kTick, kDecision, "2026-03-20T00:00:00Z"}) {
    EXPECT_THAT(extractor.Customer({}, history, At(decision), At(kTick))->numbers, ElementsAre(2.0));
  }
}

TEST(FeatureExtractorTest, CustomerCountersSumOverAllRecommendations) {
  const FeatureExtractor extractor =
      Extractor(SchemaOf("name: 'x' side: CUSTOMER counter { event: PURCHASES count { window_days: 9 } }"));
  CustomerHistory history;
  history["r1"].AddPurchase(At("2026-03-08T00:00:00Z"));
  history["r2"].AddPurchase(At("2026-03-08T05:00:00Z"), 2);
  EXPECT_THAT(extractor.Customer({}, history, At(kDecision), At(kTick))->numbers, ElementsAre(3.0));
}

TEST(FeatureExtractorTest, RecommendationCountersReadItsOwnHistory) {
  const FeatureExtractor extractor =
      Extractor(SchemaOf("name: 'x' side: RECOMMENDATION counter { event: EXPOSURES count { window_days: 9 } }"));
  DayHistory history;
  history.AddExposure(At("2026-03-08T00:00:00Z"), 7);
  EXPECT_THAT(extractor.Recommendation({}, history, At(kTick))->numbers, ElementsAre(7.0));
}

TEST(FeatureExtractorTest, WhatCannotBeReadCountsAsMissingForACallerWhoCollectsIt) {
  const FeatureExtractor extractor = Extractor(Schema(R"pb(
    features {
      name: "size"
      side: CUSTOMER
      numeric { column: "pages" }
    }
    features {
      name: "age"
      side: CUSTOMER
      age { column: "since" }
    }
    features {
      name: "trade"
      side: CUSTOMER
      categorical { column: "trade" }
    }
    features {
      name: "paid"
      side: CUSTOMER
      numeric { column: "paid" }
    }
  )pb"));
  const Attributes attributes =
      Attrs(R"({"pages": "NaN", "since": "01.02.2020", "trade": {"a": "secret"}, "paid": 7})");
  std::vector<std::string> unreadable;
  ASSERT_OK_AND_ASSIGN(const RawSide raw, extractor.Customer(attributes, {}, At(kDecision), At(kTick), &unreadable));
  const Attributes readable = Attrs(R"({"paid": 7})");
  EXPECT_EQ(raw, *extractor.Customer(readable, {}, At(kDecision), At(kTick)));
  std::vector<std::string> places;
  for (const std::string& error : unreadable) places.emplace_back(FeatureExtractor::PlaceOf(error));
  EXPECT_THAT(places, ElementsAre("feature \"size\", column \"pages\"", "feature \"age\", column \"since\"",
                                  "feature \"trade\", column \"trade\""))
      << "without the values";
  EXPECT_FALSE(extractor.Customer(attributes, {}, At(kDecision), At(kTick)).ok()) << "for a caller who does not";
}

TEST(FeatureExtractorTest, AValueOfTheWrongTypeNamesFeatureColumnAndValue) {
  const absl::Status status =
      Customer("name: 'size' side: CUSTOMER numeric { column: 'pages' }", Attrs(R"({"pages": "many"})")).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(status.message(), "feature \"size\", column \"pages\": \"many\" is not a number");
}

TEST(FeatureExtractorTest, RefusesNanAndInfinity) {
  for (const double bad : {std::nan(""), std::numeric_limits<double>::infinity()}) {
    Attributes attributes;
    (*attributes.mutable_fields())["pages"].set_number_value(bad);
    const absl::Status status =
        Customer("name: 'size' side: CUSTOMER numeric { column: 'pages' }", attributes).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_THAT(std::string(status.message()), HasSubstr("is not finite"));
  }
}

TEST(FeatureExtractorTest, PassesOverAttributesThatNoFeatureReads) {
  EXPECT_EQ(OneNumber("name: 'x' side: CUSTOMER numeric { column: 'a' }", R"({"a": 1, "b": "free text"})"), 1);
}

TEST(FeatureExtractorTest, CreateRefusesBadSchemaBadSettingsAndAMissingDelayLaw) {
  EXPECT_EQ(FeatureExtractor::Create(FeatureSchema(), TestSettings()).status().code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(FeatureExtractor::Create(FoundingSchema(), {absl::ZeroDuration(), {}, {}}).status().code(),
            absl::StatusCode::kInvalidArgument);
  const absl::Status no_law = FeatureExtractor::Create(FoundingSchema(), {absl::Hours(24), {}, {}}).status();
  EXPECT_THAT(std::string(no_law.message()), HasSubstr("feature \"rate\": a delay-corrected rate needs a delay law"));
}

TEST(FeatureExtractorTest, ColumnsAreWhatASourceMustProvide) {
  const FeatureExtractor extractor = Extractor(FoundingSchema());
  EXPECT_THAT(extractor.Columns(Feature::CUSTOMER),
              ElementsAre("category", "goals", "pages", "sections", "since", "vip"));
  EXPECT_THAT(extractor.Columns(Feature::RECOMMENDATION), ElementsAre("created", "price", "theme"));
}

TEST(ValidateRequestAttributesTest, AcceptsColumnsOfTheSchemaAndNull) {
  const FeatureExtractor extractor = Extractor(FoundingSchema());
  EXPECT_EQ(extractor.ValidateRequestAttributes(Attrs(R"({"pages": 3, "goals": ["sell"], "vip": null})")),
            absl::OkStatus());
  EXPECT_EQ(extractor.ValidateRequestAttributes({}), absl::OkStatus());
}

TEST(ValidateRequestAttributesTest, ListsUnknownAndUnreadableAttributesTogether) {
  const FeatureExtractor extractor = Extractor(FoundingSchema());
  const absl::Status status =
      extractor.ValidateRequestAttributes(Attrs(R"({"pagez": 3, "price": 2, "vip": "perhaps", "since": 12})"));
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  const std::string message(status.message());
  EXPECT_THAT(message, HasSubstr("unknown attribute \"pagez\", expected one of: category, goals"));
  EXPECT_THAT(message, HasSubstr("unknown attribute \"price\""));
  EXPECT_THAT(message, HasSubstr("feature \"vip\", column \"vip\": \"perhaps\" is not a boolean"));
  EXPECT_THAT(message, HasSubstr("feature \"tenure\", column \"since\": 12 is not a timestamp"));
}

TEST(RawSideTest, EqualityIsBitForBit) {
  const double nan = std::nan("");
  EXPECT_EQ((RawSide{{1, nan}, {{true, {}}}}), (RawSide{{1, nan}, {{true, {}}}}));
  EXPECT_FALSE((RawSide{{0.0}, {}}) == (RawSide{{-0.0}, {}}));
  EXPECT_FALSE((RawSide{{1}, {}}) == (RawSide{{1, 2}, {}}));
  EXPECT_FALSE((RawSide{{1}, {{true, {}}}}) == (RawSide{{1}, {{false, {}}}}));
}

}  // namespace
}  // namespace suggest::features
