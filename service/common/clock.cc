#include "service/common/clock.h"

#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "bandit/base/check.h"
#include "bandit/base/status_macros.h"

namespace suggest {
namespace {

constexpr double kFastestRate = 1e6;
constexpr absl::Duration kLongestRun = absl::Hours(24);

absl::StatusOr<absl::Time> ParseInstant(absl::string_view text, absl::string_view part) {
  absl::Time time;
  std::string error;
  if (!absl::ParseTime(absl::RFC3339_full, text, &time, &error)) {
    return absl::InvalidArgumentError(absl::StrCat("clock: ", part, " '", text, "' is not RFC 3339: ", error));
  }
  return time;
}

}  // namespace

absl::Time SystemClock::Now() const {
  return absl::Now();
}

AcceleratedClock::AcceleratedClock(absl::Time wall_epoch, absl::Time start, double rate)
    : wall_epoch_(wall_epoch), start_(start), rate_(rate) {
  SUGGEST_CHECK(rate > 0);
}

absl::Time AcceleratedClock::Now() const {
  return At(absl::Now());
}

absl::Time AcceleratedClock::At(absl::Time wall) const {
  return start_ + (wall - wall_epoch_) * rate_;
}

absl::StatusOr<std::unique_ptr<Clock>> ParseClock(absl::string_view text) {
  if (text.empty() || text == "system") return std::make_unique<SystemClock>();
  const std::vector<absl::string_view> parts = absl::StrSplit(text, ',');
  if (parts.size() != 3) {
    return absl::InvalidArgumentError(
        absl::StrCat("clock: '", text, "' is neither 'system' nor '<wall epoch>,<start>,<rate>'"));
  }
  ASSIGN_OR_RETURN(const absl::Time wall_epoch, ParseInstant(parts[0], "wall epoch"));
  ASSIGN_OR_RETURN(const absl::Time start, ParseInstant(parts[1], "start"));
  double rate = 0;
  if (!absl::SimpleAtod(parts[2], &rate) || !std::isfinite(rate) || rate <= 0) {
    return absl::InvalidArgumentError(absl::StrCat("clock: rate '", parts[2], "' is not a positive number"));
  }
  // Times of decisions are kept as milliseconds since 1970 in 48 bits, and shown with years of four digits.
  const absl::Time first = absl::UnixEpoch();
  const absl::Time last = absl::FromCivil(absl::CivilYear(9999), absl::UTCTimeZone());
  if (rate > kFastestRate) {
    return absl::InvalidArgumentError(
        absl::StrCat("clock: rate '", parts[2], "' is above ", kFastestRate, ", a year in half a minute"));
  }
  for (const auto& [part, time] : {std::pair(parts[0], wall_epoch), std::pair(parts[1], start)}) {
    if (time >= first && time < last) continue;
    return absl::InvalidArgumentError(absl::StrCat("clock: '", part, "' lies outside of the years 1970 to 9998"));
  }
  auto clock = std::make_unique<AcceleratedClock>(wall_epoch, start, rate);
  for (const absl::Time shown : {clock->Now(), clock->At(absl::Now() + kLongestRun)}) {
    if (shown >= first && shown < last) continue;
    return absl::InvalidArgumentError(absl::StrCat(
        "clock: '", text, "' shows ", absl::FormatTime(absl::RFC3339_sec, shown, absl::UTCTimeZone()),
        " within the next day; choose a wall epoch near now or a lower rate, so that it stays within 1970 to 9998"));
  }
  return clock;
}

}  // namespace suggest
