// What every method has in common, whichever way it was called: bounded concurrency, the caller's deadline, metrics and
// the log line of a failure. Handlers themselves know none of it but CallContext.
#ifndef SERVICE_SERVER_RPC_CALL_H_
#define SERVICE_SERVER_RPC_CALL_H_

#include <array>
#include <atomic>
#include <functional>
#include <optional>
#include <string>
#include <utility>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "service/server/log.h"
#include "service/server/metrics.h"
#include "suggest/config/v1/config.pb.h"

namespace suggest::server {

// What a caller is advised to wait before it tries again.
inline constexpr absl::Duration kRetryPause = absl::Milliseconds(250);

// Who calls. Callers do not identify themselves yet, so there is one.
struct Caller {
  std::string name = "anyone";
};
inline const Caller kAnyone;

// What a handler may know of its call.
struct CallContext {
  // True once nobody waits for the answer: the deadline passed or the call was cancelled. Absent: never.
  std::function<bool()> gone = {};
  const Caller* caller = &kAnyone;  // outlives the call

  bool Gone() const { return gone && gone(); }
};

// Errors: DEADLINE_EXCEEDED naming the phase that was not begun, when nobody waits any more.
absl::Status CheckWaiting(const CallContext& context, absl::string_view phase);

// The same error with the advice to come back after `pause`. The rim shows it as grpc-retry-pushback-ms in the trailing
// metadata (which gRPC's own retries obey) and as Retry-After over HTTP.
absl::Status WithRetryHint(absl::Status status, absl::Duration pause = kRetryPause);
std::optional<absl::Duration> RetryHintOf(const absl::Status& status);

// An error of storage as a client may see it: an in-doubt commit or a lost lock is UNAVAILABLE (retry with the same
// request id); a database that lacks our tables is UNAVAILABLE too (it may be migrated yet); what a client can do
// nothing about is INTERNAL. Other codes pass.
//
// The words of the database stay here: the client is given a fixed text and an id, and the log's line of the failed
// request has that id beside the whole message (StorageErrorOf). Messages of ours pass.
absl::Status FromStorage(const absl::Status& status);

// What FromStorage kept from the client; empty when that was nothing.
std::string StorageErrorOf(const absl::Status& status);

// At most so many bytes of a message reach a client, whole characters of UTF-8.
inline constexpr size_t kMaxMessageBytes = 1024;
std::string ClientMessage(const absl::Status& status);

// The error as its caller may see it: without what the connection to the database says of itself (hosts, sockets,
// roles), which the log has.
absl::Status ForCaller(absl::Status status);

// How a handler that need not have its answer at once says that it has, or why there is none.
using Answer = std::function<void(absl::Status)>;

class CallGate {
 public:
  // The most calls at once: of all methods, and of single ones. `metrics` and `log` must outlive the gate. `config` is
  // complete and valid.
  CallGate(const config::v1::Server& config, Metrics* metrics, Log* log);

  // Runs `handler`, unless the gate is full (RESOURCE_EXHAUSTED, at once) or the caller has gone (DEADLINE_EXCEEDED).
  template <typename Response>
  absl::StatusOr<Response> Run(Method method, const std::string& request_id, const CallContext& context,
                               const std::function<absl::StatusOr<Response>()>& handler) {
    const Stopwatch watch;
    absl::Status entered = Enter(method, context);
    absl::StatusOr<Response> response = entered.ok() ? handler() : absl::StatusOr<Response>(entered);
    if (entered.ok()) Leave(method);
    Report(method, request_id, response.status(), watch.Elapsed());
    if (!response.ok()) return ForCaller(response.status());
    return response;
  }

  // The same for a handler that is given a function to answer with, once, from any thread. `request_id` must live until
  // then.
  void Start(Method method, const std::string& request_id, const CallContext& context, Answer answer,
             absl::FunctionRef<void(Answer)> handler) {
    const Stopwatch watch;
    absl::Status entered = Enter(method, context);
    if (!entered.ok()) {
      Report(method, request_id, entered, watch.Elapsed());
      return answer(std::move(entered));
    }
    handler([this, method, &request_id, watch, answer = std::move(answer)](absl::Status status) {
      Leave(method);
      Report(method, request_id, status, watch.Elapsed());
      answer(ForCaller(std::move(status)));
    });
  }

  int in_flight() const { return in_flight_.load(); }

 private:
  absl::Status Enter(Method method, const CallContext& context);
  void Leave(Method method);
  void Report(Method method, const std::string& request_id, const absl::Status& status, absl::Duration duration);

  const int max_concurrent_;
  Metrics* const metrics_;
  Log* const log_;
  std::atomic<int> in_flight_{0};
  std::array<int, kMethods> method_limits_;
  std::array<std::atomic<int>, kMethods> in_method_{};
};

}  // namespace suggest::server

#endif  // SERVICE_SERVER_RPC_CALL_H_
