// A whole evaluation of delayed feedback: the table of methods on one log or on several, a sweep over the waiting time,
// and one over label noise. What `suggestlab evaluate delay` prints and draws.
//
// One log is in memory at a time. Deterministic: the same logs and options give the same bits.
#ifndef SERVICE_LAB_STREAMS_DELAY_STUDY_H_
#define SERVICE_LAB_STREAMS_DELAY_STUDY_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "absl/status/statusor.h"
#include "service/chart/svg_chart.h"
#include "service/lab/streams/stream_protocol.h"

namespace suggest::streams {

struct DelayStudyOptions {
  StreamOptions stream;
  std::vector<Method> methods = AllMethods();  // the oracle and both vanillas are added: improvements need them
  std::optional<int> waiting_column = {};      // of Click::features: waiting times by its levels (stream_waiting.h)
  std::vector<double> waiting_shares = {};     // of WaitingTimesOf
  std::vector<int64_t> waitings;               // seconds; empty: no sweep
  std::vector<double> noises;                  // shares of the stream's conversions; empty: no sweep
  uint64_t noise_seed = 1;
};

// The methods that a sweep compares.
const std::vector<Method>& WaitingSweepMethods();
const std::vector<Method>& NoiseSweepMethods();

struct SweepPoint {
  double value = 0;       // seconds, or the share that was swapped
  double seen_share = 0;  // of the conversions, within the waiting time; mean over the logs
  std::vector<MethodSummary> methods;
};

struct DelayStudy {
  std::vector<LogFacts> facts;  // of each log
  std::vector<MethodSummary> table;
  std::vector<SweepPoint> waiting_sweep;
  std::vector<SweepPoint> noise_sweep;
  std::vector<MethodResult> first_log;  // with its days, for the chart
};

using LogSource = std::function<absl::StatusOr<ConversionLog>(int log)>;
using StudyProgress = std::function<void(int64_t done, int64_t total)>;  // runs of one method on one log

// Errors: those of the source and of RunMethod.
absl::StatusOr<DelayStudy> RunDelayStudy(const LogSource& source, int logs, const DelayStudyOptions& options,
                                         const StudyProgress& progress = {});

// Predicted over actual conversions by day of the first log's stream.
chart::Chart CalibrationChart(const DelayStudy& study);
// NLL over the waiting time, and over the share of swapped labels. REQUIRES: the sweep was asked for.
chart::Chart WaitingChart(const DelayStudy& study);
chart::Chart NoiseChart(const DelayStudy& study);

}  // namespace suggest::streams

#endif  // SERVICE_LAB_STREAMS_DELAY_STUDY_H_
