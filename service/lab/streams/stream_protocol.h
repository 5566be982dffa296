// The streaming protocol of delayed conversions (Yang et al., AAAI 2021, section 5): learn the history, then for each
// hour t of the stream learn the rows whose time lies in t and predict the clicks of hour t + 1, whose final labels
// judge.
//
//   AUC, PR-AUC, NLL       per test hour, averaged with the number of clicks as weights; an hour with one class only
//                          counts for NLL alone
//   predicted / actual     sum of the predictions over the number of conversions, of the whole stream
//   relative improvement   (method - vanilla) / (oracle - vanilla): 0 = vanilla, 1 = oracle; also against
//                          vanilla_duplicates, which the published tables call vanilla
//
// No label is visible before its conversion, except to the oracle. That is checked by moving every conversion after an
// instant to "never": what was predicted until then must not change by a bit (tests/service/evaluation).
#ifndef SERVICE_LAB_STREAMS_STREAM_PROTOCOL_H_
#define SERVICE_LAB_STREAMS_STREAM_PROTOCOL_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "service/lab/streams/conversion_log.h"
#include "service/lab/streams/stream_methods.h"

namespace suggest::streams {

struct StreamMetrics {
  double auc = 0;
  double pr_auc = 0;
  double nll = 0;
  double predicted_over_actual = 0;
};

struct StreamDay {
  int64_t day = 0;
  int64_t clicks = 0;
  double predicted = 0;  // sums
  double actual = 0;
};

struct MethodResult {
  Method method = Method::kOracle;
  StreamMetrics metrics;
  std::vector<StreamDay> days;
  std::vector<double> hourly_predicted;  // sum of the predictions of each test hour
};

// Mean over runs and its standard error (0 for one run) of each metric and of the improvements on them.
struct Estimate {
  double mean = 0;
  double standard_error = 0;
};

struct MethodSummary {
  Method method = Method::kOracle;
  Estimate auc, pr_auc, nll, predicted_over_actual;
  Estimate ri_auc, ri_pr_auc, ri_nll;                                // against vanilla
  Estimate published_ri_auc, published_ri_pr_auc, published_ri_nll;  // against vanilla_duplicates
};

// `judge`: the same clicks with the labels that the tests use; `log` itself, unless labels were swapped.
// Errors: FAILED_PRECONDITION when the log does not reach a full hour past the first of the stream, when no click is
// mature at its beginning, or when no test hour has both classes.
absl::StatusOr<MethodResult> RunMethod(Method method, const ConversionLog& log, const ConversionLog& judge,
                                       const StreamOptions& options);

// The table of one or several runs of the same methods. Improvements are not a number when vanilla, vanilla_duplicates
// or the oracle is not among them.
std::vector<MethodSummary> Summarise(absl::Span<const std::vector<MethodResult>> runs);

// What the file holds of clicks and conversions.
struct LogFacts {
  int64_t clicks = 0;
  int64_t conversions = 0;
  int64_t seconds = 0;         // from the first to the last click
  double seen_in_waiting = 0;  // share of the conversions
  double seen_in_hour = 0;
  double seen_in_day = 0;
};
LogFacts FactsOf(const ConversionLog& log, int64_t waiting);

// The robustness check: `share` of the stream's converted clicks swap label and delay with random ones that do not
// convert. The history stays as it is. Deterministic by seed.
ConversionLog WithSwappedLabels(const ConversionLog& log, int64_t from, double share, uint64_t seed);

}  // namespace suggest::streams

#endif  // SERVICE_LAB_STREAMS_STREAM_PROTOCOL_H_
