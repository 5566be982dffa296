// Click logs with delayed conversions, in the layout of the Criteo Conversion Logs data set (Chapelle, Modeling delayed
// feedback in display advertising, KDD 2014): one line per click, ascending by time, no header, 19 columns apart by
// tabs:
//
//   1      click time, whole seconds from the start of the log
//   2      conversion time, or empty
//   3-10   eight integers, or empty
//   11-19  nine categories as hexadecimal hashes, or empty
//
// Each feature becomes one index of a hashed space of 2^bits (feature hashing: Weinberger et al., ICML 2009), which a
// linear model gives a weight each: an integer by its bucket floor(4 log2(1 + n)), negative ones and missing ones
// having buckets of their own; a category by its text. Memory: 84 bytes a click.
#ifndef SERVICE_LAB_STREAMS_CONVERSION_LOG_H_
#define SERVICE_LAB_STREAMS_CONVERSION_LOG_H_

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace suggest::streams {

inline constexpr int kIntegerColumns = 8;
inline constexpr int kCategoryColumns = 9;
inline constexpr int kFeatures = kIntegerColumns + kCategoryColumns;
inline constexpr int64_t kNever = INT64_MAX;

struct Click {
  int64_t at = 0;                 // seconds
  int64_t converted_at = kNever;  // >= at
  std::array<uint32_t, kFeatures> features = {};
  int32_t waiting = 0;  // seconds before its label is read; 0: as long as every click (stream_waiting.h)

  bool converted() const { return converted_at != kNever; }
  bool ConvertedBy(int64_t time) const { return converted_at <= time; }
  int64_t delay() const { return converted_at - at; }
};

// Bytes read so far, and of the file.
using ReadProgress = std::function<void(int64_t done, int64_t total)>;

struct ConversionLog {
  int bits = 0;
  std::vector<Click> clicks;  // ascending by `at`
};

// REQUIRES: 1 <= bits <= 30.
// Errors: NOT_FOUND for a file that cannot be read; INVALID_ARGUMENT, with file, line and column, for a line that does
// not have 19 columns, a time that is no whole number, a click before the one above it, a conversion before its click,
// an integer that is none, or a category that is not hexadecimal; FAILED_PRECONDITION for a file without clicks.
absl::StatusOr<ConversionLog> ReadConversionLog(const std::string& file, int bits, const ReadProgress& progress = {});

// One line of it, without its end. Errors: INVALID_ARGUMENT with the column, as above.
absl::StatusOr<Click> ParseClick(absl::string_view line, int bits);

// A line in this layout; `features` as texts, empty where missing.
std::string FormatClick(int64_t at, int64_t converted_at, const std::array<std::string, kFeatures>& features);

}  // namespace suggest::streams

#endif  // SERVICE_LAB_STREAMS_CONVERSION_LOG_H_
