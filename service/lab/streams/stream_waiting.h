// Waiting times that depend on the click, p(e | x): by the level of one of its columns.
//
// A level's times are those by which given shares of its conversions had come, among the mature clicks of the history;
// a click draws one of them evenly. So labels of slow levels are read later than those of fast ones. A level with fewer
// than kMinConversions conversions has the times of all levels together. Integers are levels of their own value.
#ifndef SERVICE_LAB_STREAMS_STREAM_WAITING_H_
#define SERVICE_LAB_STREAMS_STREAM_WAITING_H_

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "service/lab/event_weights.h"
#include "service/lab/streams/conversion_log.h"
#include "service/lab/streams/stream_methods.h"

namespace suggest::streams {

inline constexpr int kMinConversions = 30;

// "int1" to "int8" and "cat1" to "cat9", as an index of Click::features. Errors: INVALID_ARGUMENT.
absl::StatusOr<int> FeatureColumn(absl::string_view name);

// The times of each level. `shares` in [0, 1], ascending; without any, the one share of all conversions that
// options.waiting shows, so that the levels differ in time and not in what is seen.
// Errors: FAILED_PRECONDITION when no conversion of a mature click of the history is visible when the stream begins.
absl::StatusOr<lab::WaitingTimes> WaitingTimesOf(const ConversionLog& log, const StreamOptions& options, int column,
                                                 const std::vector<double>& shares);

// Draws each click's waiting time. The same seed gives the same times.
void DrawWaiting(int column, const lab::WaitingTimes& times, uint64_t seed, ConversionLog* log);

}  // namespace suggest::streams

#endif  // SERVICE_LAB_STREAMS_STREAM_WAITING_H_
