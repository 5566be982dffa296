#include "service/lab/streams/stream_protocol.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "bandit/base/check.h"
#include "bandit/base/random.h"
#include "bandit/base/status_macros.h"
#include "bandit/measure/evaluation.h"

namespace suggest::streams {
namespace {

constexpr int64_t kHourSeconds = 3600;
constexpr int64_t kHoursADay = 24;

// Clicks of [begin, end) by time.
std::pair<size_t, size_t> ClicksBetween(const ConversionLog& log, int64_t begin, int64_t end) {
  const auto before = [](const Click& click, int64_t time) { return click.at < time; };
  const auto first = std::lower_bound(log.clicks.begin(), log.clicks.end(), begin, before);
  const auto last = std::lower_bound(first, log.clicks.end(), end, before);
  return {first - log.clicks.begin(), last - log.clicks.begin()};
}

// Sums over test hours.
class Judge {
 public:
  void AddHour(int64_t day, absl::Span<const double> predictions, absl::Span<const double> labels,
               MethodResult& result) {
    const auto n = static_cast<double>(predictions.size());
    double predicted = 0;
    double actual = 0;
    for (size_t i = 0; i < predictions.size(); ++i) {
      predicted += predictions[i];
      actual += labels[i];
    }
    result.hourly_predicted.push_back(predicted);
    if (result.days.empty() || result.days.back().day != day) result.days.push_back({.day = day});
    StreamDay& sums = result.days.back();
    sums.clicks += static_cast<int64_t>(predictions.size());
    sums.predicted += predicted;
    sums.actual += actual;
    if (predictions.empty()) return;
    clicks_ += n;
    predicted_ += predicted;
    actual_ += actual;
    nll_ += n * bandit::LogLoss(predictions, labels, 1e-7);
    const absl::StatusOr<double> auc = bandit::Auc(predictions, labels);
    const absl::StatusOr<double> pr_auc = bandit::PrAuc(predictions, labels);
    if (!auc.ok() || !pr_auc.ok()) return;  // one class only
    ranked_ += n;
    auc_ += n * *auc;
    pr_auc_ += n * *pr_auc;
  }

  absl::StatusOr<StreamMetrics> Finish() const {
    if (!(ranked_ > 0))
      return absl::FailedPreconditionError("no test hour has a click with and one without conversion");
    return StreamMetrics{auc_ / ranked_, pr_auc_ / ranked_, nll_ / clicks_, predicted_ / actual_};
  }

 private:
  double clicks_ = 0, ranked_ = 0, predicted_ = 0, actual_ = 0;
  double auc_ = 0, pr_auc_ = 0, nll_ = 0;
};

absl::Status CheckLog(const ConversionLog& log, const StreamOptions& options) {
  SUGGEST_CHECK(options.pretrain_until % kHourSeconds == 0);
  if (log.clicks.empty() || log.clicks.back().at < options.pretrain_until + 2 * kHourSeconds) {
    return absl::FailedPreconditionError(
        absl::StrCat("the log ends at second ", log.clicks.empty() ? 0 : log.clicks.back().at,
                     ", before the stream, which begins at ", options.pretrain_until, ", has had two hours"));
  }
  if (log.clicks.front().at + options.mature_after > options.pretrain_until) {
    return absl::FailedPreconditionError(absl::StrCat("no click of the history is ", options.mature_after,
                                                      " seconds old when the stream begins, at second ",
                                                      options.pretrain_until));
  }
  return absl::OkStatus();
}

Estimate EstimateOf(const std::vector<double>& values) {
  const auto n = static_cast<double>(values.size());
  double mean = 0;
  for (const double value : values) mean += value / n;
  double squares = 0;
  for (const double value : values) squares += (value - mean) * (value - mean);
  return {mean, n > 1 ? std::sqrt(squares / (n - 1) / n) : 0.0};
}

const StreamMetrics* Find(const std::vector<MethodResult>& run, Method method) {
  for (const MethodResult& result : run) {
    if (result.method == method) return &result.metrics;
  }
  return nullptr;
}

Estimate Improvement(absl::Span<const std::vector<MethodResult>> runs, Method method, Method reference,
                     double StreamMetrics::*metric) {
  std::vector<double> values;
  for (const std::vector<MethodResult>& run : runs) {
    const StreamMetrics* of = Find(run, method);
    const StreamMetrics* low = Find(run, reference);
    const StreamMetrics* high = Find(run, Method::kOracle);
    values.push_back(low == nullptr || high == nullptr ? std::numeric_limits<double>::quiet_NaN()
                                                       : (of->*metric - low->*metric) / (high->*metric - low->*metric));
  }
  return EstimateOf(values);
}

Estimate Mean(absl::Span<const std::vector<MethodResult>> runs, Method method, double StreamMetrics::*metric) {
  std::vector<double> values;
  for (const std::vector<MethodResult>& run : runs) values.push_back(Find(run, method)->*metric);
  return EstimateOf(values);
}

}  // namespace

absl::StatusOr<MethodResult> RunMethod(Method method, const ConversionLog& log, const ConversionLog& judge,
                                       const StreamOptions& options) {
  RETURN_IF_ERROR(CheckLog(log, options));
  SUGGEST_CHECK(judge.clicks.size() == log.clicks.size());
  StreamLearner learner(method, log, options);
  const std::vector<StreamRow> rows = RowsOf(method, log, options);
  MethodResult result{.method = method, .metrics = {}, .days = {}, .hourly_predicted = {}};
  Judge sums;
  size_t next = 0;
  std::vector<double> predictions;
  std::vector<double> labels;
  // The last full hour of clicks is the last test.
  const int64_t last_hour = (log.clicks.back().at + 1) / kHourSeconds;
  for (int64_t hour = options.pretrain_until / kHourSeconds; hour + 1 < last_hour; ++hour) {
    const int64_t end = (hour + 1) * kHourSeconds;
    for (; next < rows.size() && rows[next].at < end; ++next) learner.Learn(rows[next]);
    if ((hour + 1) % kHoursADay == 0) learner.Refresh(end - 1);
    const auto [first, last] = ClicksBetween(log, end, end + kHourSeconds);
    predictions.clear();
    labels.clear();
    for (size_t i = first; i < last; ++i) {
      predictions.push_back(learner.Predict(log.clicks[i]));
      labels.push_back(judge.clicks[i].converted() ? 1.0 : 0.0);
    }
    sums.AddHour(end / kHourSeconds / kHoursADay, predictions, labels, result);
  }
  ASSIGN_OR_RETURN(result.metrics, sums.Finish());
  return result;
}

std::vector<MethodSummary> Summarise(absl::Span<const std::vector<MethodResult>> runs) {
  std::vector<MethodSummary> table;
  if (runs.empty()) return table;
  for (const MethodResult& result : runs.front()) {
    const Method method = result.method;
    const auto against = [&](Method reference, double StreamMetrics::*metric) {
      return Improvement(runs, method, reference, metric);
    };
    table.push_back({.method = method,
                     .auc = Mean(runs, method, &StreamMetrics::auc),
                     .pr_auc = Mean(runs, method, &StreamMetrics::pr_auc),
                     .nll = Mean(runs, method, &StreamMetrics::nll),
                     .predicted_over_actual = Mean(runs, method, &StreamMetrics::predicted_over_actual),
                     .ri_auc = against(Method::kVanilla, &StreamMetrics::auc),
                     .ri_pr_auc = against(Method::kVanilla, &StreamMetrics::pr_auc),
                     .ri_nll = against(Method::kVanilla, &StreamMetrics::nll),
                     .published_ri_auc = against(Method::kVanillaDuplicates, &StreamMetrics::auc),
                     .published_ri_pr_auc = against(Method::kVanillaDuplicates, &StreamMetrics::pr_auc),
                     .published_ri_nll = against(Method::kVanillaDuplicates, &StreamMetrics::nll)});
  }
  return table;
}

LogFacts FactsOf(const ConversionLog& log, int64_t waiting) {
  LogFacts facts{.clicks = static_cast<int64_t>(log.clicks.size())};
  for (const Click& click : log.clicks) {
    if (!click.converted()) continue;
    ++facts.conversions;
    facts.seen_in_waiting += click.delay() <= (click.waiting > 0 ? click.waiting : waiting) ? 1 : 0;
    facts.seen_in_hour += click.delay() <= kHourSeconds ? 1 : 0;
    facts.seen_in_day += click.delay() <= kHoursADay * kHourSeconds ? 1 : 0;
  }
  const auto n = static_cast<double>(std::max<int64_t>(facts.conversions, 1));
  facts.seen_in_waiting /= n;
  facts.seen_in_hour /= n;
  facts.seen_in_day /= n;
  if (!log.clicks.empty()) facts.seconds = log.clicks.back().at - log.clicks.front().at;
  return facts;
}

ConversionLog WithSwappedLabels(const ConversionLog& log, int64_t from, double share, uint64_t seed) {
  ConversionLog noisy = log;
  bandit::CounterRng rng(bandit::Seed{seed}, 0);
  const size_t first = ClicksBetween(log, from, kNever).first;
  std::vector<size_t> positives;
  std::vector<size_t> negatives;
  for (size_t i = first; i < log.clicks.size(); ++i) (log.clicks[i].converted() ? positives : negatives).push_back(i);
  for (const size_t positive : positives) {
    if (rng.NextUniform() >= share || negatives.empty()) continue;
    const uint32_t pick = rng.Below(static_cast<uint32_t>(negatives.size()));
    Click& loser = noisy.clicks[positive];
    Click& winner = noisy.clicks[negatives[pick]];
    winner.converted_at = winner.at + loser.delay();
    loser.converted_at = kNever;
    negatives[pick] = negatives.back();
    negatives.pop_back();
  }
  return noisy;
}

}  // namespace suggest::streams
