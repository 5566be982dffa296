#include "service/lab/streams/delay_study.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/time/time.h"
#include "bandit/base/check.h"
#include "bandit/base/status_macros.h"
#include "service/lab/streams/stream_waiting.h"

namespace suggest::streams {
namespace {

using Runs = std::vector<std::vector<MethodResult>>;  // of each log

std::vector<Method> WithReferences(const std::vector<Method>& asked) {
  std::vector<Method> methods;
  for (const Method method : AllMethods()) {
    const bool reference =
        method == Method::kOracle || method == Method::kVanilla || method == Method::kVanillaDuplicates;
    if (reference || std::find(asked.begin(), asked.end(), method) != asked.end()) methods.push_back(method);
  }
  return methods;
}

// Counts method runs for the progress line.
class Counter {
 public:
  Counter(int64_t total, const StudyProgress& progress) : total_(total), progress_(progress) { Report(); }
  void Step() {
    ++done_;
    Report();
  }

 private:
  void Report() const {
    if (progress_ != nullptr) progress_(done_, total_);
  }
  int64_t done_ = 0;
  const int64_t total_;
  const StudyProgress& progress_;
};

absl::StatusOr<std::vector<MethodResult>> RunAll(const std::vector<Method>& methods, const ConversionLog& log,
                                                 const ConversionLog& judge, const StreamOptions& options,
                                                 Counter& counter) {
  std::vector<MethodResult> results;
  for (const Method method : methods) {
    ASSIGN_OR_RETURN(MethodResult result, RunMethod(method, log, judge, options));
    results.push_back(std::move(result));
    counter.Step();
  }
  return results;
}

chart::Chart SweepChart(const std::vector<SweepPoint>& sweep, const std::vector<Method>& methods) {
  SUGGEST_CHECK(!sweep.empty());
  chart::Chart chart;
  chart.y.label = "NLL of the next hour";
  for (const Method method : methods) {
    chart::Series series{.name = std::string(MethodName(method)), .points = {}, .markers = true};
    for (const SweepPoint& point : sweep) {
      for (const MethodSummary& summary : point.methods) {
        if (summary.method != method) continue;
        series.points.emplace_back(point.value, summary.nll.mean);
      }
    }
    chart.series.push_back(std::move(series));
  }
  return chart;
}

}  // namespace

const std::vector<Method>& WaitingSweepMethods() {
  static const auto* const methods =
      new std::vector<Method>{Method::kOracle, Method::kVanillaDuplicates, Method::kEsDfm, Method::kEsDfmRefreshed};
  return *methods;
}

const std::vector<Method>& NoiseSweepMethods() {
  static const auto* const methods =
      new std::vector<Method>{Method::kOracle, Method::kVanillaDuplicates, Method::kFnw, Method::kFsiw,
                              Method::kEsDfm,  Method::kEsDfmRefreshed};
  return *methods;
}

absl::StatusOr<DelayStudy> RunDelayStudy(const LogSource& source, int logs, const DelayStudyOptions& options,
                                         const StudyProgress& progress) {
  const std::vector<Method> methods = WithReferences(options.methods);
  Counter counter(
      static_cast<int64_t>(logs) * (methods.size() + options.waitings.size() * WaitingSweepMethods().size() +
                                    options.noises.size() * NoiseSweepMethods().size()),
      progress);
  DelayStudy study;
  study.waiting_sweep.resize(options.waitings.size());
  study.noise_sweep.resize(options.noises.size());
  Runs table;
  std::vector<Runs> waiting_runs(options.waitings.size());
  std::vector<Runs> noise_runs(options.noises.size());
  for (int log_number = 0; log_number < logs; ++log_number) {
    ASSIGN_OR_RETURN(ConversionLog log, source(log_number));
    if (options.waiting_column.has_value()) {
      ASSIGN_OR_RETURN(const lab::WaitingTimes times,
                       WaitingTimesOf(log, options.stream, *options.waiting_column, options.waiting_shares));
      DrawWaiting(*options.waiting_column, times, options.noise_seed, &log);
    }
    study.facts.push_back(FactsOf(log, options.stream.waiting));
    ASSIGN_OR_RETURN(std::vector<MethodResult> results, RunAll(methods, log, log, options.stream, counter));
    table.push_back(std::move(results));
    for (size_t i = 0; i < options.waitings.size(); ++i) {
      StreamOptions stream = options.stream;
      stream.waiting = options.waitings[i];
      study.waiting_sweep[i].seen_share += FactsOf(log, stream.waiting).seen_in_waiting / logs;
      ASSIGN_OR_RETURN(results, RunAll(WaitingSweepMethods(), log, log, stream, counter));
      waiting_runs[i].push_back(std::move(results));
    }
    for (size_t i = 0; i < options.noises.size(); ++i) {
      const ConversionLog noisy =
          WithSwappedLabels(log, options.stream.pretrain_until, options.noises[i], options.noise_seed);
      ASSIGN_OR_RETURN(results, RunAll(NoiseSweepMethods(), noisy, log, options.stream, counter));
      noise_runs[i].push_back(std::move(results));
    }
  }
  study.table = Summarise(table);
  study.first_log = std::move(table.front());
  for (size_t i = 0; i < options.waitings.size(); ++i) {
    study.waiting_sweep[i].value = static_cast<double>(options.waitings[i]);
    study.waiting_sweep[i].methods = Summarise(waiting_runs[i]);
  }
  for (size_t i = 0; i < options.noises.size(); ++i) {
    study.noise_sweep[i].value = options.noises[i];
    study.noise_sweep[i].methods = Summarise(noise_runs[i]);
  }
  return study;
}

chart::Chart CalibrationChart(const DelayStudy& study) {
  chart::Chart chart{.title = "Predicted over actual conversions",
                     .x = {.label = "day of the log"},
                     .y = {.label = "predicted / actual", .minimum = 0, .maximum = 1.4}};
  for (const MethodResult& result : study.first_log) {
    if (result.method == Method::kPretrained || result.method == Method::kDfm || result.method == Method::kFnc)
      continue;
    chart::Series series{.name = std::string(MethodName(result.method)), .points = {}};
    for (const StreamDay& day : result.days) {
      if (day.actual > 0) series.points.emplace_back(static_cast<double>(day.day), day.predicted / day.actual);
    }
    chart.series.push_back(std::move(series));
  }
  return chart;
}

chart::Chart WaitingChart(const DelayStudy& study) {
  chart::Chart chart = SweepChart(study.waiting_sweep, WaitingSweepMethods());
  chart.title = "How long to wait before a label is read";
  chart.x = {.label = "waiting time", .logarithmic = true};
  for (const SweepPoint& point : study.waiting_sweep)
    chart.x.ticks.emplace_back(point.value, absl::FormatDuration(absl::Seconds(point.value)));
  return chart;
}

chart::Chart NoiseChart(const DelayStudy& study) {
  chart::Chart chart = SweepChart(study.noise_sweep, NoiseSweepMethods());
  chart.title = "Robustness: labels of the stream swapped";
  chart.x = {.label = "share of the conversions that were swapped", .minimum = 0};
  return chart;
}

}  // namespace suggest::streams
