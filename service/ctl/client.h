// A suggestd, called over gRPC. Every call has a deadline; none is retried.
//
// Errors: the server's code and message; UNAVAILABLE and DEADLINE_EXCEEDED also name the address.
#ifndef SERVICE_CTL_CLIENT_H_
#define SERVICE_CTL_CLIENT_H_

#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "service/ctl/command.h"
#include "suggest/v1/learning_service.pb.h"
#include "suggest/v1/suggestion_service.pb.h"

namespace suggest::ctl {

class Client {
 public:
  // Connects at the first call. `timeout` bounds each call.
  Client(absl::string_view address, absl::Duration timeout);
  ~Client();
  Client(Client&&) noexcept;

  absl::StatusOr<v1::SuggestResponse> Suggest(const v1::SuggestRequest& request);
  // Calls `take` for each item of the stream, in order.
  absl::Status SuggestBatch(const v1::SuggestBatchRequest& request,
                            const std::function<void(const v1::SuggestBatchItem&)>& take);
  absl::StatusOr<v1::RecordFeedbackResponse> RecordFeedback(const v1::RecordFeedbackRequest& request);
  absl::StatusOr<v1::ExplainResponse> Explain(const v1::ExplainRequest& request);
  absl::StatusOr<v1::IngestRewardsResponse> IngestRewards(const v1::IngestRewardsRequest& request);

 private:
  struct Channel;
  std::unique_ptr<Channel> channel_;
};

// Flags of commands that call a server.
FlagSpec ServerFlag();
FlagSpec CandidateFlag();
FlagSpec ExcludeFlag();

// The address of --server, else server.grpc_address of --config, else suggestd's default.
absl::StatusOr<std::string> ServerAddress(const Invocation& invocation);

}  // namespace suggest::ctl

#endif  // SERVICE_CTL_CLIENT_H_
