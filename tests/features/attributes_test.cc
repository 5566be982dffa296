#include "features/attributes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "tests/features/feature_test_support.h"

namespace suggest::features {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

AttributeValue Value(const std::string& json) {
  return Attrs("{\"x\": " + json + "}").fields().at("x");
}

AttributeValue Number(double x) {
  AttributeValue value;
  value.set_number_value(x);
  return value;
}

TEST(FindAttributeTest, AbsentNullAndEmptyAreMissing) {
  const Attributes attributes = Attrs(R"({"null": null, "empty": "", "spaces": "  ", "zero": 0, "list": []})");
  EXPECT_EQ(FindAttribute(attributes, "absent"), nullptr);
  EXPECT_EQ(FindAttribute(attributes, "null"), nullptr);
  EXPECT_EQ(FindAttribute(attributes, "empty"), nullptr);
  EXPECT_EQ(FindAttribute(attributes, "spaces"), nullptr);
  EXPECT_NE(FindAttribute(attributes, "zero"), nullptr);
  EXPECT_NE(FindAttribute(attributes, "list"), nullptr);
}

TEST(ReadNumberTest, TakesNumbersAndWholeNumericStrings) {
  EXPECT_EQ(*ReadNumber(Value("2.5")), 2.5);
  EXPECT_EQ(*ReadNumber(Value(R"("-3e2")")), -300);
  EXPECT_EQ(*ReadNumber(Value(R"(" 7 ")")), 7);
}

TEST(ReadNumberTest, RefusesOtherTypesAndQuotesTheValue) {
  EXPECT_THAT(std::string(ReadNumber(Value(R"("12px")")).status().message()), HasSubstr("\"12px\" is not a number"));
  EXPECT_EQ(ReadNumber(Value("true")).status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(ReadNumber(Value("[1]")).status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(ReadNumber(Value("{}")).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST(ReadNumberTest, RefusesNanInfinityAndHugeNumbers) {
  for (const AttributeValue& value : {Number(std::nan("")), Number(std::numeric_limits<double>::infinity()),
                                      Number(-1.1e15), Value(R"("nan")"), Value(R"("-inf")"), Value(R"("1e999")")}) {
    EXPECT_EQ(ReadNumber(value).status().code(), absl::StatusCode::kInvalidArgument) << Quote(value);
  }
}

TEST(ReadBooleanTest, TakesAllFormsAndNoOthers) {
  for (const char* yes : {"true", "1", R"("TRUE")", R"("t")", R"("Yes")", R"("y")", R"("1")"}) {
    EXPECT_EQ(*ReadBoolean(Value(yes)), 1) << yes;
  }
  for (const char* no : {"false", "0", R"("False")", R"("f")", R"("no")", R"("N")", R"("0")"}) {
    EXPECT_EQ(*ReadBoolean(Value(no)), 0) << no;
  }
  for (const char* neither : {"2", R"("maybe")", "[]"}) {
    EXPECT_EQ(ReadBoolean(Value(neither)).status().code(), absl::StatusCode::kInvalidArgument) << neither;
  }
}

TEST(ReadLabelTest, NumberAndItsTextAreTheSameName) {
  EXPECT_EQ(*ReadLabel(Value("3")), *ReadLabel(Value(R"("3")")));
  EXPECT_EQ(*ReadLabel(Value("0.1")), *ReadLabel(Value(R"("0.1")")));
  EXPECT_EQ(*ReadLabel(Number(-0.0)), "0");
  EXPECT_EQ(*ReadLabel(Value("true")), "true");
  EXPECT_EQ(*ReadLabel(Value(R"(" shop ")")), "shop");
  EXPECT_EQ(*ReadLabel(Value(R"("  ")")), std::nullopt);
  EXPECT_EQ(ReadLabel(Value("[1]")).status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(ReadLabel(Number(std::nan(""))).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST(ReadLabelTest, ANumberKeepsWhatWasWritten) {
  EXPECT_EQ(*ReadLabel(Number(100000)), "100000");
  EXPECT_EQ(*ReadLabel(Number(1e15)), "1000000000000000");
  EXPECT_EQ(*ReadLabel(Number(1e6)), *ReadLabel(Value(R"("1000000")")));
  EXPECT_EQ(*ReadLabel(Number(1e-5)), "0.00001");
  EXPECT_EQ(*ReadLabel(Value(R"("2.50")")), "2.50");
  EXPECT_EQ(*ReadLabel(Value(R"("007")")), "007");
  EXPECT_THAT(std::string(ReadLabel(Number(1e17)).status().message()), HasSubstr("write it as text"));
}

TEST(ReadNumberTest, ATextThatKeptItsDigitsIsTheSameNumber) {
  EXPECT_EQ(*ReadNumber(Value(R"("2.50")")), 2.5);
  EXPECT_EQ(*ReadBoolean(Value(R"("1.0")")), 1);
  for (const char* text : {R"("9,5")", R"("0x1A")", R"("1 000")", R"("1.234,5")"}) {
    EXPECT_EQ(ReadNumber(Value(text)).status().code(), absl::StatusCode::kInvalidArgument) << text;
  }
}

TEST(ReadTimeTest, YearsOfTwoDigitsAndZeroDatesAreRefused) {
  for (const char* text :
       {R"("31-01-21")", R"("21-1-3")", R"("0001-01-01")", R"("1799-12-31")", R"("99-12-31T10:00:00Z")"}) {
    EXPECT_EQ(ReadTime(Value(text)).status().code(), absl::StatusCode::kInvalidArgument) << text;
  }
}

TEST(ReadLabelsTest, ListAndDividedStringGiveTheSameSortedNames) {
  EXPECT_THAT(*ReadLabels(Value(R"(["sell", "grow", "sell"])")), ElementsAre("grow", "sell"));
  EXPECT_THAT(*ReadLabels(Value(R"("sell; grow ;;sell")")), ElementsAre("grow", "sell"));
  EXPECT_THAT(*ReadLabels(Value("[1, true]")), ElementsAre("1", "true"));
  EXPECT_THAT(*ReadLabels(Value("[]")), IsEmpty());
}

TEST(ReadLabelsTest, RefusesNestedListsAndNumbers) {
  EXPECT_EQ(ReadLabels(Value("[[1]]")).status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(ReadLabels(Value("4")).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST(ReadTimeTest, TakesTimestampsOfJsonCsvAndPostgres) {
  const absl::Time noon = At("2026-01-31T12:00:00Z");
  for (const char* text : {"2026-01-31T12:00:00Z", "2026-01-31T13:00:00+01:00", "2026-01-31 12:00:00",
                           "2026-01-31T12:00:00", "2026-01-31 12:00:00+00", "2026-01-31 12:00:00.000+00:00"}) {
    AttributeValue value;
    value.set_string_value(text);
    ASSERT_TRUE(ReadTime(value).ok()) << text;
    EXPECT_EQ(*ReadTime(value), noon) << text;
  }
  EXPECT_EQ(*ReadTime(Value(R"("2026-01-31")")), At("2026-01-31T00:00:00Z"));
}

TEST(ReadTimeTest, RefusesNumbersNonsenseAndInfinity) {
  for (const char* json : {"1700000000", R"("31.01.2026")", R"("2026-02-30")", R"("infinite-future")", "true"}) {
    EXPECT_EQ(ReadTime(Value(json)).status().code(), absl::StatusCode::kInvalidArgument) << json;
  }
}

TEST(QuoteTest, CutsLongStringsBetweenCharacters) {
  AttributeValue value;
  value.set_string_value(std::string(59, 'a') + "\xC3\xA4" + std::string(100, 'b'));
  EXPECT_EQ(Quote(value), "\"" + std::string(59, 'a') + "...\"");
  EXPECT_EQ(Quote(Value("[1]")), "a list");
  EXPECT_EQ(Quote(Value("{}")), "an object");
  EXPECT_EQ(Quote(Value("null")), "null");
}

}  // namespace
}  // namespace suggest::features
