#include "storage/source/time_text.h"

#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "storage/source/csv.h"

namespace suggest::storage {
namespace {

absl::Status NotATime(absl::string_view text) {
  return absl::InvalidArgumentError(absl::StrCat("'", ShownField(text),
                                                 "' is not a time like 2017-01-31T12:00:00Z or a date like 2017-01-31 "
                                                 "(a year has four digits and comes first)"));
}

// Takes what matches `pattern` from the front of `text`: 'd' is a digit, any other character itself.
bool ConsumePattern(absl::string_view* text, absl::string_view pattern) {
  if (text->size() < pattern.size()) return false;
  for (size_t i = 0; i < pattern.size(); ++i) {
    const char c = (*text)[i];
    if (pattern[i] == 'd' ? !absl::ascii_isdigit(static_cast<unsigned char>(c)) : c != pattern[i]) return false;
  }
  text->remove_prefix(pattern.size());
  return true;
}

// The two digits at `at`.
int TwoDigits(absl::string_view text, size_t at) {
  return 10 * (text[at] - '0') + (text[at + 1] - '0');
}

// ".5", up to nine digits; PostgreSQL keeps six.
bool ConsumeFraction(absl::string_view* text, absl::Duration* fraction) {
  if (text->empty() || text->front() != '.') return true;
  text->remove_prefix(1);
  absl::Duration unit = absl::Seconds(1);
  size_t digits = 0;
  for (; !text->empty() && absl::ascii_isdigit(static_cast<unsigned char>(text->front())); ++digits) {
    unit /= 10;
    if (digits < 9) *fraction += (text->front() - '0') * unit;
    text->remove_prefix(1);
  }
  return digits > 0;
}

// "Z", "+02", "+0200", "+02:00", perhaps after a blank; nothing leaves `offset` empty.
bool ConsumeOffset(absl::string_view text, std::optional<absl::Duration>* offset) {
  if (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  if (text.empty()) return true;
  if (text == "Z" || text == "z" || text == "UTC") {
    *offset = absl::ZeroDuration();
    return true;
  }
  const char sign = text.front();
  if (sign != '+' && sign != '-') return false;
  text.remove_prefix(1);
  const absl::string_view digits = text;
  int minutes = 0;
  absl::string_view rest = digits;
  if (ConsumePattern(&rest, "dd:dd") && rest.empty()) {
    minutes = TwoDigits(digits, 3);
  } else if (rest = digits; ConsumePattern(&rest, "dddd") && rest.empty()) {
    minutes = TwoDigits(digits, 2);
  } else if (rest = digits; !ConsumePattern(&rest, "dd") || !rest.empty()) {
    return false;
  }
  const int hours = TwoDigits(digits, 0);
  if (hours > 15 || minutes > 59) return false;
  *offset = (sign == '-' ? -1 : 1) * (absl::Hours(hours) + absl::Minutes(minutes));
  return true;
}

}  // namespace

bool IsPlausibleTime(absl::Time time) {
  if (time == absl::InfinitePast() || time == absl::InfiniteFuture()) return true;
  const int64_t year = absl::ToCivilYear(time, absl::UTCTimeZone()).year();
  return year >= kFirstYear && year <= kLastYear;
}

absl::StatusOr<absl::Time> ReadTimeText(absl::string_view text, const std::optional<absl::TimeZone>& zone,
                                        DayPoint day_point) {
  absl::string_view rest = text;
  if (!ConsumePattern(&rest, "dddd-dd-dd")) return NotATime(text);
  const int year = 100 * TwoDigits(text, 0) + TwoDigits(text, 2);
  const absl::CivilDay day(year, TwoDigits(text, 5), TwoDigits(text, 8));
  if (day.year() != year || day.month() != TwoDigits(text, 5) || day.day() != TwoDigits(text, 8)) {
    return absl::InvalidArgumentError(
        absl::StrCat("'", ShownField(text), "' is a day that the calendar does not have"));
  }
  if (year < kFirstYear) {
    return absl::InvalidArgumentError(absl::StrCat("'", ShownField(text), "' lies outside of the years ", kFirstYear,
                                                   " to ", kLastYear,
                                                   "; leave the field empty where there is no time"));
  }
  const absl::TimeZone day_zone = zone.value_or(absl::UTCTimeZone());
  if (rest.empty()) {
    if (day_point == DayPoint::kStart) return absl::FromCivil(day, day_zone);
    return absl::FromCivil(day + 1, day_zone) - absl::Microseconds(1);
  }
  if (rest.front() != 'T' && rest.front() != 't' && rest.front() != ' ') return NotATime(text);
  rest.remove_prefix(1);
  const absl::string_view clock = rest;
  if (!ConsumePattern(&rest, "dd:dd")) return NotATime(text);
  int second = 0;
  absl::Duration fraction;
  if (const absl::string_view seconds = rest; ConsumePattern(&rest, ":dd")) {
    second = TwoDigits(seconds, 1);
    if (!ConsumeFraction(&rest, &fraction)) return NotATime(text);
  }
  std::optional<absl::Duration> offset;
  const int hour = TwoDigits(clock, 0);
  const int minute = TwoDigits(clock, 3);
  if (hour > 23 || minute > 59 || second > 59 || !ConsumeOffset(rest, &offset)) return NotATime(text);
  const absl::CivilSecond civil(day.year(), day.month(), day.day(), hour, minute, second);
  if (offset.has_value()) return absl::FromCivil(civil, absl::UTCTimeZone()) - *offset + fraction;
  if (!zone.has_value()) {
    return absl::InvalidArgumentError(
        absl::StrCat("'", ShownField(text),
                     "' has no time zone: append Z or an offset such as +02:00, or set source.time_zone in the "
                     "configuration, such as \"Europe/Berlin\""));
  }
  return absl::FromCivil(civil, *zone) + fraction;
}

}  // namespace suggest::storage
