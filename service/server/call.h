// What every method has in common, whichever way it was called: bounded concurrency, the caller's deadline, metrics and
// the log line of a failure. Handlers themselves know none of it but CallContext.
#ifndef SERVICE_SERVER_CALL_H_
#define SERVICE_SERVER_CALL_H_

#include <atomic>
#include <functional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "service/server/log.h"
#include "service/server/metrics.h"

namespace suggest::server {

// What a handler may know of its caller.
struct CallContext {
  // True once nobody waits for the answer: the deadline passed or the call was cancelled. Absent: never.
  std::function<bool()> gone;

  bool Gone() const { return gone && gone(); }
};

// Errors: DEADLINE_EXCEEDED naming the phase that was not begun, when nobody waits any more.
absl::Status CheckWaiting(const CallContext& context, absl::string_view phase);

// An error of storage as a client may see it: an in-doubt commit or a lost lock is UNAVAILABLE (retry with the same
// request id); a database that lacks our tables is UNAVAILABLE too (it may be migrated yet); what a client can do
// nothing about is INTERNAL. Other codes pass.
absl::Status FromStorage(const absl::Status& status);

class CallGate {
 public:
  // `metrics` and `log` must outlive the gate. REQUIRES: max_concurrent >= 1.
  CallGate(int max_concurrent, Metrics* metrics, Log* log)
      : max_concurrent_(max_concurrent), metrics_(metrics), log_(log) {}

  // Runs `handler`, unless the gate is full (RESOURCE_EXHAUSTED, at once) or the caller has gone (DEADLINE_EXCEEDED).
  template <typename Response>
  absl::StatusOr<Response> Run(Method method, const std::string& request_id, const CallContext& context,
                               const std::function<absl::StatusOr<Response>()>& handler) {
    const Stopwatch watch;
    absl::StatusOr<Response> response = absl::UnknownError("");
    if (absl::Status entered = Enter(); entered.ok()) {
      const absl::Status waiting = CheckWaiting(context, "the request");
      response = waiting.ok() ? handler() : absl::StatusOr<Response>(waiting);
      Leave();
    } else {
      response = std::move(entered);
    }
    Report(method, request_id, response.status(), watch.Elapsed());
    return response;
  }

  int in_flight() const { return in_flight_.load(); }

 private:
  absl::Status Enter();
  void Leave();
  void Report(Method method, const std::string& request_id, const absl::Status& status, absl::Duration duration);

  const int max_concurrent_;
  Metrics* const metrics_;
  Log* const log_;
  std::atomic<int> in_flight_{0};
};

}  // namespace suggest::server

#endif  // SERVICE_SERVER_CALL_H_
