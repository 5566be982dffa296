#include "service/ctl/client.h"

#include "absl/strings/str_cat.h"
#include "bandit/base/status_macros.h"
#include "grpcpp/grpcpp.h"
#include "service/common/config.h"
#include "suggest/v1/learning_service.grpc.pb.h"
#include "suggest/v1/suggestion_service.grpc.pb.h"

namespace suggest::ctl {

struct Client::Channel {
  std::string address;
  absl::Duration timeout;
  std::unique_ptr<v1::SuggestionService::Stub> suggestion;
  std::unique_ptr<v1::LearningService::Stub> learning;

  absl::Status ToStatus(const grpc::Status& status) const {
    if (status.ok()) return absl::OkStatus();
    const auto code = static_cast<absl::StatusCode>(status.error_code());  // gRPC's numbers are Abseil's
    if (code != absl::StatusCode::kUnavailable && code != absl::StatusCode::kDeadlineExceeded) {
      return absl::Status(code, status.error_message());
    }
    return absl::Status(code, absl::StrCat("server ", address, ": ", status.error_message()));
  }

  void SetDeadline(grpc::ClientContext& context) const {
    context.set_deadline(gpr_time_from_millis(absl::ToInt64Milliseconds(timeout), GPR_TIMESPAN));
  }

  template <typename Response, typename Stub, typename Method, typename Request>
  absl::StatusOr<Response> Call(Stub& stub, Method method, const Request& request) const {
    grpc::ClientContext context;
    SetDeadline(context);
    Response response;
    RETURN_IF_ERROR(ToStatus((stub.*method)(&context, request, &response)));
    return response;
  }
};

Client::Client(absl::string_view address, absl::Duration timeout) : channel_(std::make_unique<Channel>()) {
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(-1);  // a model may be larger than gRPC's 4 MiB
  const std::shared_ptr<grpc::Channel> channel =
      grpc::CreateCustomChannel(std::string(address), grpc::InsecureChannelCredentials(), arguments);
  channel_->address = std::string(address);
  channel_->timeout = timeout;
  channel_->suggestion = v1::SuggestionService::NewStub(channel);
  channel_->learning = v1::LearningService::NewStub(channel);
}

Client::~Client() = default;
Client::Client(Client&&) noexcept = default;

absl::StatusOr<v1::SuggestResponse> Client::Suggest(const v1::SuggestRequest& request) {
  return channel_->Call<v1::SuggestResponse>(*channel_->suggestion, &v1::SuggestionService::Stub::Suggest, request);
}

absl::Status Client::SuggestBatch(const v1::SuggestBatchRequest& request,
                                  const std::function<void(const v1::SuggestBatchItem&)>& take) {
  grpc::ClientContext context;
  channel_->SetDeadline(context);
  const auto reader = channel_->suggestion->SuggestBatch(&context, request);
  for (v1::SuggestBatchItem item; reader->Read(&item);) take(item);
  return channel_->ToStatus(reader->Finish());
}

absl::StatusOr<v1::RecordFeedbackResponse> Client::RecordFeedback(const v1::RecordFeedbackRequest& request) {
  return channel_->Call<v1::RecordFeedbackResponse>(*channel_->suggestion, &v1::SuggestionService::Stub::RecordFeedback,
                                                    request);
}

absl::StatusOr<v1::ExplainResponse> Client::Explain(const v1::ExplainRequest& request) {
  return channel_->Call<v1::ExplainResponse>(*channel_->suggestion, &v1::SuggestionService::Stub::Explain, request);
}

absl::StatusOr<v1::IngestRewardsResponse> Client::IngestRewards(const v1::IngestRewardsRequest& request) {
  return channel_->Call<v1::IngestRewardsResponse>(*channel_->learning, &v1::LearningService::Stub::IngestRewards,
                                                   request);
}

FlagSpec ServerFlag() {
  return {.name = "server",
          .kind = FlagKind::kAddress,
          .value_name = "HOST:PORT",
          .help = "The suggestd to call; without it server.grpc_address of --config, else 127.0.0.1:7070."};
}

FlagSpec CandidateFlag() {
  return {.name = "candidate",
          .kind = FlagKind::kList,
          .value_name = "ID",
          .help = "Only these recommendations are candidates."};
}

FlagSpec ExcludeFlag() {
  return {.name = "exclude",
          .kind = FlagKind::kList,
          .value_name = "ID",
          .help = "Recommendations that must not be returned."};
}

absl::StatusOr<std::string> ServerAddress(const Invocation& invocation) {
  if (invocation.flags.Has("server")) return invocation.flags.Text("server");
  if (!invocation.flags.Has("config")) return std::string("127.0.0.1:7070");
  ASSIGN_OR_RETURN(const config::v1::Config config, LoadConfig(invocation.flags.Text("config")));
  return config.server().grpc_address();
}

}  // namespace suggest::ctl
