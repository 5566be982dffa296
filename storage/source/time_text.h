// Times as exports write them, read strictly: what could mean two things is refused.
#ifndef STORAGE_SOURCE_TIME_TEXT_H_
#define STORAGE_SOURCE_TIME_TEXT_H_

#include <optional>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace suggest::storage {

// What a date without a time of day stands for.
enum class DayPoint {
  kStart,  // its first instant: a state that begins, a suggestion
  kEnd,    // its last microsecond: a purchase comes after what was suggested on that day
};

// The years that a time of the company's data may lie in. 0001-01-01 and years before Christ are how systems write that
// there is none; 9999-12-31 is how they write "for ever", and is taken.
inline constexpr int kFirstYear = 1900;
inline constexpr int kLastYear = 9999;

// True for infinite times, too.
bool IsPlausibleTime(absl::Time time);

// Reads YYYY-MM-DD, or that with "T" or a blank and HH:MM[:SS[.fraction]], and Z or an offset (+02, +0200, +02:00). A
// time without offset, and a date, are of `zone`; without a zone a date is of UTC and a time without offset is refused.
// A time that the zone's clocks show twice is the first of the two; one that they skip is read with the offset before.
// Errors: INVALID_ARGUMENT that quotes the text and says what is expected.
absl::StatusOr<absl::Time> ReadTimeText(absl::string_view text, const std::optional<absl::TimeZone>& zone,
                                        DayPoint day_point);

}  // namespace suggest::storage

#endif  // STORAGE_SOURCE_TIME_TEXT_H_
