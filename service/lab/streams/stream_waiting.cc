#include "service/lab/streams/stream_waiting.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "absl/container/btree_map.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "bandit/base/random.h"
#include "bandit/base/status_macros.h"

namespace suggest::streams {
namespace {

std::string LevelOf(const Click& click, int column) {
  return absl::StrCat(click.features[column]);
}

// The times by which these shares of the delays had come, each at least a second and younger than a mature click.
absl::StatusOr<lab::WaitingTime> TimesOf(std::vector<int64_t> delays, const std::vector<double>& shares,
                                         const StreamOptions& options) {
  std::sort(delays.begin(), delays.end());
  std::vector<absl::Duration> times;
  std::vector<double> weights;
  for (const double share : shares) {
    const auto rank = static_cast<size_t>(std::ceil(share * static_cast<double>(delays.size()) - 1e-9));
    const int64_t delay = delays[std::clamp<size_t>(rank, 1, delays.size()) - 1];
    const absl::Duration time = absl::Seconds(std::clamp<int64_t>(delay, 1, options.mature_after - 1));
    if (times.empty() || time > times.back()) {
      times.push_back(time);
      weights.push_back(0);
    }
    weights.back() += 1.0 / static_cast<double>(shares.size());
  }
  return lab::WaitingTime::Create(std::move(times), std::move(weights));
}

}  // namespace

absl::StatusOr<int> FeatureColumn(absl::string_view name) {
  absl::string_view number = name;
  const bool integer = absl::ConsumePrefix(&number, "int");
  int column = 0;
  if ((integer || absl::ConsumePrefix(&number, "cat")) && absl::SimpleAtoi(number, &column) && column >= 1 &&
      column <= (integer ? kIntegerColumns : kCategoryColumns)) {
    return integer ? column - 1 : kIntegerColumns + column - 1;
  }
  return absl::InvalidArgumentError(absl::StrCat("column is \"", name, "\", expected int1 to int", kIntegerColumns,
                                                 " or cat1 to cat", kCategoryColumns));
}

absl::StatusOr<lab::WaitingTimes> WaitingTimesOf(const ConversionLog& log, const StreamOptions& options, int column,
                                                 const std::vector<double>& shares) {
  absl::btree_map<std::string, std::vector<int64_t>> delays;
  std::vector<int64_t> all;
  double seen = 0;
  for (const Click& click : log.clicks) {
    if (click.at + options.mature_after > options.pretrain_until) break;
    if (!click.ConvertedBy(options.pretrain_until)) continue;
    delays[LevelOf(click, column)].push_back(click.delay());
    all.push_back(click.delay());
    seen += click.delay() <= options.waiting ? 1 : 0;
  }
  if (all.empty()) {
    return absl::FailedPreconditionError(
        absl::StrCat("no conversion of a click that is ", options.mature_after, " seconds old is visible at second ",
                     options.pretrain_until, ", when the stream begins: there is nothing to take waiting times from"));
  }
  const std::vector<double> wanted =
      shares.empty() ? std::vector<double>{seen / static_cast<double>(all.size())} : shares;
  ASSIGN_OR_RETURN(lab::WaitingTime otherwise, TimesOf(all, wanted, options));
  lab::WaitingTimes times{.otherwise = std::move(otherwise)};
  for (auto& [level, own] : delays) {
    if (own.size() < static_cast<size_t>(kMinConversions)) continue;
    ASSIGN_OR_RETURN(lab::WaitingTime time, TimesOf(std::move(own), wanted, options));
    times.strata.emplace(level, std::move(time));
  }
  return times;
}

void DrawWaiting(int column, const lab::WaitingTimes& times, uint64_t seed, ConversionLog* log) {
  bandit::CounterRng rng(bandit::Seed{seed}, 1);
  for (Click& click : log->clicks) {
    click.waiting = static_cast<int32_t>(absl::ToInt64Seconds(times.Of(LevelOf(click, column)).Sample(rng)));
  }
}

}  // namespace suggest::streams
