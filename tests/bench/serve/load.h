// Calls Suggest on a server from this process, and measures.
//
//   closed loop   `clients` calls are outstanding; each answer is followed at once by the next call. Finds the
//   capacity.
//                 A call's latency counts from its sending.
//   open loop     calls are due on a schedule (schedule.h) and are sent then by a thread of their own; at most
//                 `most_outstanding` are in flight, and what must wait for that is late from when it was due.
//
// Each connection is a channel of its own (no shared subchannel); calls go over them in turn. Requests are serialised
// here and answers are handed on as bytes: the generator itself parses nothing, so that it costs little of the
// machine's processors. Calls wait for a server that is away, within their deadline.
//
// Threads: one for completions, and in an open loop one that sends. Callbacks come from the former.
#ifndef TESTS_BENCH_SERVE_LOAD_H_
#define TESTS_BENCH_SERVE_LOAD_H_

#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "suggest/v1/suggestion_service.pb.h"
#include "tests/bench/serve/histogram.h"

namespace suggest::bench {

// The n-th request of a load; n counts on over all runs of one Load, so that request ids stay unique.
using RequestMaker = std::function<v1::SuggestRequest(int64_t n)>;

struct Answer {
  const grpc::Status& status;
  const grpc::ByteBuffer& response;
};

struct LoadOptions {
  absl::Duration length = absl::Seconds(3);
  int clients = 16;
  // > 0: an open loop of so many calls a second.
  double rate = 0;
  int most_outstanding = 512;
  absl::Duration call_timeout = absl::Seconds(20);
  // Stops after so many calls; 0 = only by length.
  int64_t most_calls = 0;
  std::function<void(const Answer&)> on_answer = nullptr;
};

struct LoadResult {
  // Answered with OK and within `length`; all that were sent, those answered later included.
  int64_t answered = 0;
  int64_t sent = 0;
  double seconds = 0;
  Histogram latency;                             // of all OK answers
  std::map<grpc::StatusCode, int64_t> failures;  // by code

  double Rate() const { return seconds > 0 ? answered / seconds : 0; }
  int64_t Failed() const;
};

class Load {
 public:
  // Connects. Aborts when the server cannot be reached within 20 s.
  Load(const std::string& address, int connections, RequestMaker make_request);
  ~Load();

  // Returns when the last answer is there.
  LoadResult Run(const LoadOptions& options);

 private:
  class Running;

  RequestMaker make_request_;
  int64_t next_request_ = 0;
  std::vector<std::unique_ptr<grpc::GenericStub>> stubs_;
};

// The answer's message. Aborts when it cannot be parsed.
v1::SuggestResponse Parse(const grpc::ByteBuffer& response);

}  // namespace suggest::bench

#endif  // TESTS_BENCH_SERVE_LOAD_H_
