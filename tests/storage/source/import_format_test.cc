#include "storage/source/import_format.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>

#include "tests/support/status_matchers.h"

namespace suggest::storage {
namespace {

using suggest::testing::StatusIs;
using ::testing::HasSubstr;

std::string Value(ValueKind kind, const std::string& field) {
  const auto value =
      ToSqlValue(ImportColumn{"column", kind, false, std::nullopt, DayPoint::kStart}, field, std::nullopt);
  return value.ok() ? value->value_or("NULL") : std::string(value.status().message());
}

TEST(ImportFormatTest, AnEmptyFieldIsNullOrTheDefaultOrRefused) {
  EXPECT_EQ(Value(ValueKind::kTime, ""), "NULL");
  EXPECT_EQ(
      **ToSqlValue(ImportColumn{"repeatable", ValueKind::kBool, false, "false", DayPoint::kStart}, "", std::nullopt),
      "false");
  EXPECT_THAT(ToSqlValue(ImportColumn{"id", ValueKind::kText, true, std::nullopt, DayPoint::kStart}, "", std::nullopt),
              StatusIs(absl::StatusCode::kInvalidArgument, "is empty"));
}

TEST(ImportFormatTest, TimesAreRfc3339OrDates) {
  EXPECT_EQ(Value(ValueKind::kTime, "2017-01-31T12:00:00Z"), "2017-01-31 12:00:00.000000+00");
  EXPECT_EQ(Value(ValueKind::kTime, "2017-01-31T12:00:00.25+02:00"), "2017-01-31 10:00:00.250000+00");
  EXPECT_EQ(Value(ValueKind::kTime, "2017-01-31 12:00:00Z"), "2017-01-31 12:00:00.000000+00");
  EXPECT_EQ(Value(ValueKind::kTime, "2017-01-31"), "2017-01-31 00:00:00.000000+00");
  for (const char* text : {"soon", "31.01.2017", "infinite-future", " 2017-01-31"}) {
    EXPECT_THAT(Value(ValueKind::kTime, text), HasSubstr(std::string("'") + text + "' is not a time")) << text;
  }
}

TEST(ImportFormatTest, ADayThatThereIsNotAndATimeWithoutAZoneAreRefusedForWhatTheyAre) {
  EXPECT_THAT(Value(ValueKind::kTime, "2017-02-30T00:00:00Z"), HasSubstr("is a day that the calendar does not have"));
  EXPECT_THAT(Value(ValueKind::kTime, "2017-01-31T12:00:00"), HasSubstr("has no time zone"));
}

TEST(ImportFormatTest, NumbersAreFiniteAndPropensitiesProbabilities) {
  EXPECT_EQ(Value(ValueKind::kAmount, "-12.50"), "-12.50");
  EXPECT_EQ(Value(ValueKind::kPropensity, "1"), "1");
  for (const char* text : {"nan", "inf", "1e999"}) {
    EXPECT_THAT(Value(ValueKind::kAmount, text), HasSubstr("is not a finite number")) << text;
  }
  for (const char* text : {"12,50", "EUR 5", "0x10", " 5", "1e"}) {
    EXPECT_THAT(Value(ValueKind::kAmount, text), HasSubstr("is not a number: write a decimal point")) << text;
  }
  EXPECT_EQ(Value(ValueKind::kPropensity, "0"), "'0' is not within (0, 1]");
  EXPECT_EQ(Value(ValueKind::kPropensity, "1.5"), "'1.5' is not within (0, 1]");
}

TEST(ImportFormatTest, BooleansAndStatusesHaveTheirWords) {
  for (const char* text : {"true", "T", "yes", "1"}) EXPECT_EQ(Value(ValueKind::kBool, text), "true");
  for (const char* text : {"false", "f", "No", "0"}) EXPECT_EQ(Value(ValueKind::kBool, text), "false");
  EXPECT_EQ(Value(ValueKind::kBool, "maybe"), "'maybe' is not true or false");
  EXPECT_EQ(Value(ValueKind::kStatus, "sent"), "SENT");
  EXPECT_THAT(Value(ValueKind::kStatus, "lost"), HasSubstr("'lost' is not one of SUGGESTED, KEPT"));
}

TEST(ImportFormatTest, JsonMembersAreEscaped) {
  std::string object = "{";
  AppendJsonMember(object, "a\"b", "x\\\n\x01ü");
  AppendJsonMember(object, "c", "");
  EXPECT_EQ(object, "{\"a\\\"b\": \"x\\\\\\u000a\\u0001ü\", \"c\": \"\"");
}

}  // namespace
}  // namespace suggest::storage
