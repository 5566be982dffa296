#include "storage/source/time_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>

#include "tests/support/status_matchers.h"

namespace suggest::storage {
namespace {

using suggest::testing::StatusIs;
using ::testing::HasSubstr;

std::string Utc(const std::string& text, const char* zone = nullptr, DayPoint point = DayPoint::kStart) {
  std::optional<absl::TimeZone> loaded;
  if (zone != nullptr) {
    loaded.emplace();
    EXPECT_TRUE(absl::LoadTimeZone(zone, &*loaded));
  }
  const absl::StatusOr<absl::Time> time = ReadTimeText(text, loaded, point);
  if (!time.ok()) return std::string(time.status().message());
  return absl::FormatTime("%E4Y-%m-%dT%H:%M:%E*SZ", *time, absl::UTCTimeZone());
}

TEST(TimeTextTest, ReadsTimesWithAnOffset) {
  EXPECT_EQ(Utc("2026-08-01T10:00:00Z"), "2026-08-01T10:00:00Z");
  EXPECT_EQ(Utc("2026-08-01 10:00:00.25+02"), "2026-08-01T08:00:00.25Z");
  EXPECT_EQ(Utc("2026-08-01T10:00-0330"), "2026-08-01T13:30:00Z");
  EXPECT_EQ(Utc("2026-08-01 10:00:00 +02:00"), "2026-08-01T08:00:00Z");
  EXPECT_EQ(Utc("2026-08-01 10:00:00 UTC"), "2026-08-01T10:00:00Z");
}

TEST(TimeTextTest, WithoutAnOffsetATimeIsOfTheConfiguredZoneOrRefusedWithThatAdvice) {
  EXPECT_EQ(Utc("2026-08-01 10:00:00", "Europe/Berlin"), "2026-08-01T08:00:00Z");
  EXPECT_EQ(Utc("2026-01-15T10:00", "America/New_York"), "2026-01-15T15:00:00Z");
  EXPECT_EQ(Utc("2026-08-01 10:00:00Z", "Europe/Berlin"), "2026-08-01T10:00:00Z");
  EXPECT_EQ(Utc("2026-10-25 02:30:00", "Europe/Berlin"), "2026-10-25T00:30:00Z");  // shown twice: the first
  EXPECT_THAT(Utc("2026-08-01 10:00:00"), HasSubstr("no time zone: append Z or an offset such as +02:00, or set "
                                                    "source.time_zone"));
  EXPECT_THAT(Utc("2026-08-01T10:00"), HasSubstr("no time zone"));
}

TEST(TimeTextTest, ADateIsTheStartOrTheLastMicrosecondOfItsDay) {
  EXPECT_EQ(Utc("2026-08-01"), "2026-08-01T00:00:00Z");
  EXPECT_EQ(Utc("2026-08-01", nullptr, DayPoint::kEnd), "2026-08-01T23:59:59.999999Z");
  EXPECT_EQ(Utc("2026-08-01", "Europe/Berlin"), "2026-07-31T22:00:00Z");
  EXPECT_EQ(Utc("2026-08-01", "Europe/Berlin", DayPoint::kEnd), "2026-08-01T21:59:59.999999Z");
  EXPECT_EQ(Utc("2026-10-25", "Europe/Berlin", DayPoint::kEnd), "2026-10-25T22:59:59.999999Z");  // 25 hours
}

TEST(TimeTextTest, WhatCouldMeanTwoThingsIsRefused) {
  for (const char* text :
       {"31-01-21", "05-10-20", "1/2/2026", "01.02.2026", "2026-1-5", "20260105", "2026/01/05", "12026-01-05",
        "yesterday", "infinity", "2026-01-05T", "2026-01-05T10", "2026-01-05T24:00", "2026-01-05 10:00:00 PM",
        "2026-01-05T10:00:00+2", "2026-01-05T10:00:60Z", "1767225600", ""}) {
    EXPECT_THAT(ReadTimeText(text, absl::UTCTimeZone(), DayPoint::kStart),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("is not a time like")))
        << text;
  }
  EXPECT_THAT(Utc("2026-02-30"), HasSubstr("a day that the calendar does not have"));
  EXPECT_THAT(Utc("2026-00-10"), HasSubstr("a day that the calendar does not have"));
}

TEST(TimeTextTest, YearsThatStandForNoTimeAreRefused) {
  EXPECT_THAT(Utc("0001-01-01"),
              HasSubstr("'0001-01-01' lies outside of the years 1900 to 9999; leave the field empty"));
  EXPECT_THAT(Utc("0000-00-00"), HasSubstr("'0000-00-00'"));
  EXPECT_THAT(Utc("1899-12-31T00:00:00Z"), HasSubstr("1900 to 9999"));
  EXPECT_EQ(Utc("9999-12-31"), "9999-12-31T00:00:00Z");
  EXPECT_FALSE(IsPlausibleTime(absl::FromCivil(absl::CivilDay(10000, 1, 1), absl::UTCTimeZone())));
  EXPECT_FALSE(IsPlausibleTime(absl::FromCivil(absl::CivilDay(-5, 1, 1), absl::UTCTimeZone())));
  EXPECT_TRUE(IsPlausibleTime(absl::InfinitePast()));
}

}  // namespace
}  // namespace suggest::storage
