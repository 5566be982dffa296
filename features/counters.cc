#include "features/counters.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "absl/strings/str_cat.h"
#include "bandit/base/check.h"
#include "bandit/base/status_macros.h"
#include "features/transform.h"

namespace suggest::features {
namespace {

using config::v1::Counter;
using config::v1::SmoothedRate;

constexpr int64_t kSecondsPerDay = 86400;

absl::Time DayStart(int64_t day) {
  return absl::FromUnixSeconds(day * kSecondsPerDay);
}

double Days(absl::Duration duration) {
  return absl::FDivDuration(duration, absl::Hours(24));
}

// Whole microseconds, rounded down, as PostgreSQL keeps them.
absl::Time ToMicros(absl::Time time) {
  return absl::FromUnixMicros(absl::ToUnixMicros(time));
}

// First UTC day of a window that ends with the tick's day; before all days if there is none.
int64_t FirstDay(int window_days, int64_t today) {
  return window_days > 0 ? today - window_days + 1 : std::numeric_limits<int64_t>::min();
}

int64_t CountOf(const DayCounts& counts, Counter::Event event) {
  switch (event) {
    case Counter::EXPOSURES:
      return counts.exposures;
    case Counter::PURCHASES:
      return counts.purchases;
    default:
      return counts.conversions;
  }
}

double CountInWindow(const Counter& counter, const DayHistory& history, absl::Time tick) {
  const int64_t today = UtcDay(tick);
  int64_t sum = 0;
  for (auto day = history.days.lower_bound(FirstDay(counter.count().window_days(), today));
       day != history.days.end() && day->first <= today; ++day) {
    sum += CountOf(day->second, counter.event());
  }
  const double count = static_cast<double>(sum);
  const double clipped = counter.count().has_clip_max() ? std::min(count, counter.count().clip_max()) : count;
  return ApplyTransform(counter.count().transform(), clipped);
}

// The last event up to the tick. An instant after the tick says nothing about the time before it; then the days do, by
// their end.
absl::Time LastEvent(Counter::Event event, const DayHistory& history, absl::Time tick) {
  const absl::Time exact = event == Counter::EXPOSURES ? history.last_exposed_at : history.last_purchased_at;
  if (exact <= tick) return exact;
  for (auto day = history.days.upper_bound(UtcDay(tick)); day != history.days.begin();) {
    --day;
    if (CountOf(day->second, event) > 0) return std::min(DayStart(day->first + 1), tick);
  }
  return absl::InfinitePast();
}

double AgeSinceLast(const Counter& counter, const DayHistory& history, absl::Time tick) {
  const absl::Time last = LastEvent(counter.event(), history, tick);
  const double cap = counter.age_since_last().cap_days();
  const double age = last == absl::InfinitePast() ? cap : std::min(Days(tick - last), cap);
  return ApplyTransform(counter.age_since_last().transform(), age);
}

double SmoothedRateValue(const SmoothedRate& rate, const CounterSettings& settings, const DayHistory& history,
                         absl::Time tick) {
  const bool mature_only = rate.denominator() == SmoothedRate::MATURE;
  const int64_t today = UtcDay(tick);
  double conversions = 0, exposures = 0;
  for (auto day = history.days.lower_bound(FirstDay(rate.window_days(), today));
       day != history.days.end() && day->first <= today; ++day) {
    const absl::Time start = DayStart(day->first), end = DayStart(day->first + 1);
    if (mature_only && end + settings.maturity > tick) break;
    const absl::Time middle = start + (std::min(end, tick) - start) / 2;
    const double weight = mature_only ? 1.0 : settings.ShareVisible(tick - middle);
    conversions += static_cast<double>(day->second.conversions);
    exposures += static_cast<double>(day->second.exposures) * weight;
  }
  return (rate.strength() * rate.prior_rate() + conversions) / (rate.strength() + exposures);
}

}  // namespace

int64_t UtcDay(absl::Time time) {
  const int64_t seconds = absl::ToUnixSeconds(time);  // rounds down
  return seconds >= 0 ? seconds / kSecondsPerDay : (seconds + 1) / kSecondsPerDay - 1;
}

void DayHistory::AddExposure(absl::Time exposed_at, int64_t count) {
  days[UtcDay(exposed_at)].exposures += count;
  if (count > 0) last_exposed_at = std::max(last_exposed_at, ToMicros(exposed_at));
}

void DayHistory::AddConversion(absl::Time exposed_at, int64_t count) {
  days[UtcDay(exposed_at)].conversions += count;
}

void DayHistory::AddPurchase(absl::Time purchased_at, int64_t count) {
  days[UtcDay(purchased_at)].purchases += count;
  if (count > 0) last_purchased_at = std::max(last_purchased_at, ToMicros(purchased_at));
}

void DayHistory::Merge(const DayHistory& other) {
  for (const auto& [day, counts] : other.days) {
    DayCounts& sum = days[day];
    sum.exposures += counts.exposures;
    sum.conversions += counts.conversions;
    sum.purchases += counts.purchases;
  }
  last_exposed_at = std::max(last_exposed_at, other.last_exposed_at);
  last_purchased_at = std::max(last_purchased_at, other.last_purchased_at);
}

bool DayHistory::empty() const {
  return last_exposed_at == absl::InfinitePast() && last_purchased_at == absl::InfinitePast() &&
         std::all_of(days.begin(), days.end(), [](const auto& day) { return day.second == DayCounts(); });
}

model::v1::DayHistory DayHistory::ToProto() const {
  model::v1::DayHistory proto;
  for (const auto& [day, counts] : days) {
    if (counts == DayCounts()) continue;
    model::v1::DayHistory::Day* out = proto.add_days();
    out->set_day(static_cast<int32_t>(day));
    out->set_exposures(counts.exposures);
    out->set_conversions(counts.conversions);
    out->set_purchases(counts.purchases);
  }
  if (last_exposed_at != absl::InfinitePast()) proto.set_last_exposed_at_micros(absl::ToUnixMicros(last_exposed_at));
  if (last_purchased_at != absl::InfinitePast()) {
    proto.set_last_purchased_at_micros(absl::ToUnixMicros(last_purchased_at));
  }
  return proto;
}

absl::StatusOr<DayHistory> DayHistory::FromProto(const model::v1::DayHistory& proto) {
  DayHistory history;
  for (const model::v1::DayHistory::Day& day : proto.days()) {
    if (!history.days.empty() && day.day() <= history.days.rbegin()->first) {
      return absl::DataLossError(absl::StrCat("day history: day ", day.day(), " after day ",
                                              history.days.rbegin()->first, ", expected ascending"));
    }
    history.days[day.day()] = {day.exposures(), day.conversions(), day.purchases()};
  }
  if (proto.has_last_exposed_at_micros()) {
    history.last_exposed_at = absl::FromUnixMicros(proto.last_exposed_at_micros());
  }
  if (proto.has_last_purchased_at_micros()) {
    history.last_purchased_at = absl::FromUnixMicros(proto.last_purchased_at_micros());
  }
  return history;
}

absl::Status CounterSettings::Validate() const {
  if (maturity <= absl::ZeroDuration() || maturity == absl::InfiniteDuration()) {
    return absl::InvalidArgumentError(
        absl::StrCat("counter settings: maturity is ", absl::FormatDuration(maturity), ", expected > 0 and finite"));
  }
  if (delay_age_seconds.size() != delay_share.size()) {
    return absl::InvalidArgumentError(absl::StrCat("counter settings: delay law has ", delay_age_seconds.size(),
                                                   " ages and ", delay_share.size(), " shares"));
  }
  double last_age = 0, last_share = 0;
  for (size_t i = 0; i < delay_share.size(); ++i) {
    const double age = delay_age_seconds[i], share = delay_share[i];
    const bool ascending = i == 0 ? age >= 0 : age > last_age;
    if (!std::isfinite(age) || !ascending || !(share >= last_share) || !(share <= 1)) {
      return absl::InvalidArgumentError(absl::StrCat("counter settings: delay law point ", i, " is (", age, " s, ",
                                                     share, "), expected ascending ages and shares in [0, 1]"));
    }
    last_age = age;
    last_share = share;
  }
  return absl::OkStatus();
}

double CounterSettings::ShareVisible(absl::Duration age) const {
  SUGGEST_CHECK(!delay_age_seconds.empty());
  const double seconds = absl::ToDoubleSeconds(age);
  const size_t upper = static_cast<size_t>(
      std::upper_bound(delay_age_seconds.begin(), delay_age_seconds.end(), seconds) - delay_age_seconds.begin());
  if (seconds < 0) return 0;
  if (upper == delay_age_seconds.size()) return delay_share.back();
  const double x0 = upper == 0 ? 0 : delay_age_seconds[upper - 1], y0 = upper == 0 ? 0 : delay_share[upper - 1];
  const double x1 = delay_age_seconds[upper], y1 = delay_share[upper];
  return y0 + (y1 - y0) * ((seconds - x0) / (x1 - x0));
}

double Popularity(const DayHistory& history, double prior_rate) {
  double exposures = 0;
  double conversions = 0;
  for (const auto& [day, counts] : history.days) {
    exposures += static_cast<double>(counts.exposures);
    conversions += static_cast<double>(counts.conversions);
  }
  return (conversions + kPopularityStrength * prior_rate) / (exposures + kPopularityStrength);
}

double EvaluateCounter(const Counter& counter, const CounterSettings& settings, const DayHistory& history,
                       absl::Time tick) {
  switch (counter.kind_case()) {
    case Counter::kCount:
      return CountInWindow(counter, history, tick);
    case Counter::kAgeSinceLast:
      return AgeSinceLast(counter, history, tick);
    default:
      return SmoothedRateValue(counter.smoothed_rate(), settings, history, tick);
  }
}

}  // namespace suggest::features
