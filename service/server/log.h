// Structured log: one JSON object per line, for each event that is worth an operator's time.
//
//   {"time":"2026-03-01T09:30:00.125Z","level":"info","event":"model swapped","model_version":12}
//
// Keys are ours and stable; `request_id` and `decision_id` where they exist. Attribute values of customers and
// recommendations are never logged.
//
// Threads: Log may be used by any number of threads; lines never mix.
#ifndef SERVICE_SERVER_LOG_H_
#define SERVICE_SERVER_LOG_H_

#include <cstdint>
#include <cstdio>
#include <initializer_list>
#include <string>

#include "absl/strings/string_view.h"
#include "bandit/base/mutex.h"
#include "service/common/clock.h"

namespace suggest::server {

enum class LogLevel { kInfo, kWarning, kError };

// One key and its value, already in JSON form.
struct LogField {
  LogField(absl::string_view key, absl::string_view value);
  LogField(absl::string_view key, const std::string& value) : LogField(key, absl::string_view(value)) {}
  LogField(absl::string_view key, const char* value) : LogField(key, absl::string_view(value)) {}
  LogField(absl::string_view key, int64_t value);
  LogField(absl::string_view key, int value) : LogField(key, static_cast<int64_t>(value)) {}
  LogField(absl::string_view key, double value);
  LogField(absl::string_view key, bool value);

  std::string key;
  std::string json;
};

class Log {
 public:
  // `stream` is not owned and must outlive the log. `clock` stamps the lines.
  Log(const Clock* clock, std::FILE* stream) : clock_(clock), stream_(stream) {}

  void Write(LogLevel level, absl::string_view event, std::initializer_list<LogField> fields = {});

 private:
  const Clock* clock_;
  Mutex mutex_;
  std::FILE* stream_ ABSL_PT_GUARDED_BY(mutex_);
};

// The text as a JSON string, with quotes. Bytes that are no UTF-8 become U+FFFD.
std::string JsonQuoted(absl::string_view text);

}  // namespace suggest::server

#endif  // SERVICE_SERVER_LOG_H_
