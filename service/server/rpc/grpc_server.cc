#include "service/server/rpc/grpc_server.h"

#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/health_check_service_interface.h>
#include <grpcpp/resource_quota.h>
#include <grpcpp/support/server_interceptor.h>

#include <chrono>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "absl/synchronization/mutex.h"
#include "service/common/config.h"
#include "service/server/rpc/message_pool.h"
#include "service/server/rpc/methods.h"
#include "service/server/rpc/suggest_service.h"
#include "suggest/v1/learning_service.grpc.pb.h"

namespace suggest::server {
namespace {

// Above the gate's bound, so that refusals too find a thread to say so.
constexpr int kSpareThreads = 16;
// Threads that wait for the next call instead of ending.
constexpr int kMostIdleThreads = 32;

grpc::Status ToGrpc(const absl::Status& status, grpc::ServerContextBase* context) {
  if (status.ok()) return grpc::Status::OK;
  // gRPC's retries wait as long as the server says (gRFC A6).
  if (const auto pause = RetryHintOf(status)) {
    context->AddTrailingMetadata("grpc-retry-pushback-ms", absl::StrCat(absl::ToInt64Milliseconds(*pause)));
  }
  return grpc::Status(static_cast<grpc::StatusCode>(status.code()), ClientMessage(status));
}

int Milliseconds(const google::protobuf::Duration& duration) {
  return static_cast<int>(absl::ToInt64Milliseconds(ToAbslDuration(duration)));
}

template <typename Context>
CallContext ContextOf(const Context* context) {
  return {.gone = [context, deadline = context->deadline()] {
    return context->IsCancelled() || std::chrono::system_clock::now() >= deadline;
  }};
}

// gRPC gives bytes that it cannot read as the method's message to no handler: it answers UNIMPLEMENTED or INTERNAL
// without a message, which no handler does.
class UnreadableRequest final : public grpc::experimental::Interceptor {
 public:
  void Intercept(grpc::experimental::InterceptorBatchMethods* methods) override {
    if (methods->QueryInterceptionHookPoint(grpc::experimental::InterceptionHookPoints::PRE_SEND_STATUS)) {
      const grpc::Status status = methods->GetSendStatus();
      const bool refused =
          status.error_code() == grpc::StatusCode::UNIMPLEMENTED || status.error_code() == grpc::StatusCode::INTERNAL;
      if (refused && status.error_message().empty()) {
        methods->ModifySendStatus(
            {grpc::StatusCode::INVALID_ARGUMENT,
             "the request is no protobuf message of this method, or a string of it is not UTF-8"});
      }
    }
    methods->Proceed();
  }
};

class UnreadableRequestFactory final : public grpc::experimental::ServerInterceptorFactoryInterface {
 public:
  grpc::experimental::Interceptor* CreateServerInterceptor(grpc::experimental::ServerRpcInfo* info) override {
    // gRPC owns it. An unknown method stays UNIMPLEMENTED.
    return IsKnown(info->method()) ? new UnreadableRequest : nullptr;
  }

 private:
  static bool IsKnown(absl::string_view path) {
    if (!absl::ConsumePrefix(&path, "/suggest.v1.")) return false;
    for (const MethodRow& row : kMethodTable) {
      absl::string_view rest = path;
      if (absl::ConsumePrefix(&rest, row.service) && absl::ConsumePrefix(&rest, "/") && rest == row.name) return true;
    }
    return false;
  }
};

template <typename Response>
grpc::Status Reply(absl::StatusOr<Response> result, grpc::ServerContextBase* context, Response* response) {
  if (!result.ok()) return ToGrpc(result.status(), context);
  *response = *std::move(result);
  return grpc::Status::OK;
}

class SuggestionRpcs final : public SuggestService {
 public:
  explicit SuggestionRpcs(Endpoints* endpoints) : endpoints_(endpoints) { SetMessageAllocatorFor_Suggest(&messages_); }

  grpc::ServerUnaryReactor* Suggest(grpc::CallbackServerContext* context, const v1::SuggestRequest* request,
                                    v1::SuggestResponse* response) override {
    // gRPC gives the end of any other reactor to a thread of its own.
    grpc::ServerUnaryReactor* const reactor = context->DefaultReactor();
    endpoints_->Suggest(*request, ContextOf(context), response,
                        [context, reactor](const absl::Status& status) { reactor->Finish(ToGrpc(status, context)); });
    return reactor;
  }
  grpc::Status SuggestBatch(grpc::ServerContext* context, const v1::SuggestBatchRequest* request,
                            grpc::ServerWriter<v1::SuggestBatchItem>* writer) override {
    const absl::Status status = endpoints_->SuggestBatch(
        *request, ContextOf(context), [writer](const v1::SuggestBatchItem& item) { return writer->Write(item); });
    return ToGrpc(status, context);
  }
  grpc::Status RecordFeedback(grpc::ServerContext* context, const v1::RecordFeedbackRequest* request,
                              v1::RecordFeedbackResponse* response) override {
    return Reply(endpoints_->RecordFeedback(*request, ContextOf(context)), context, response);
  }
  grpc::Status RecordDecision(grpc::ServerContext* context, const v1::RecordDecisionRequest* request,
                              v1::RecordDecisionResponse* response) override {
    return Reply(endpoints_->RecordDecision(*request, ContextOf(context)), context, response);
  }
  grpc::Status Explain(grpc::ServerContext* context, const v1::ExplainRequest* request,
                       v1::ExplainResponse* response) override {
    return Reply(endpoints_->Explain(*request, ContextOf(context)), context, response);
  }

 private:
  Endpoints* const endpoints_;
  MessagePool<v1::SuggestRequest, v1::SuggestResponse> messages_;
};

class LearningRpcs final : public v1::LearningService::Service {
 public:
  explicit LearningRpcs(Endpoints* endpoints) : endpoints_(endpoints) {}

  grpc::Status IngestRewards(grpc::ServerContext* context, const v1::IngestRewardsRequest* request,
                             v1::IngestRewardsResponse* response) override {
    return Reply(endpoints_->IngestRewards(*request, ContextOf(context)), context, response);
  }
  grpc::Status ListModels(grpc::ServerContext* context, const v1::ListModelsRequest* request,
                          v1::ListModelsResponse* response) override {
    return Reply(endpoints_->ListModels(*request, ContextOf(context)), context, response);
  }
  grpc::Status GetModel(grpc::ServerContext* context, const v1::GetModelRequest* request,
                        v1::GetModelResponse* response) override {
    return Reply(endpoints_->GetModel(*request, ContextOf(context)), context, response);
  }

 private:
  Endpoints* const endpoints_;
};

class RunningGrpcServer final : public GrpcServer {
 public:
  explicit RunningGrpcServer(Endpoints* endpoints) : suggestions_(endpoints), learning_(endpoints) {}
  ~RunningGrpcServer() override {
    if (server_ != nullptr) Shutdown(absl::ZeroDuration());
  }

  absl::Status Listen(const config::v1::Server& config) {
    grpc::EnableDefaultHealthCheckService(true);
    grpc::reflection::InitProtoReflectionServerBuilderPlugin();
    grpc::ServerBuilder builder;
    ConfigureServer(config, &builder);
    builder.AddListeningPort(config.grpc_address(), grpc::InsecureServerCredentials(), &port_);
    builder.RegisterService(&suggestions_);
    builder.RegisterService(&learning_);
    std::vector<std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface>> interceptors;
    interceptors.push_back(std::make_unique<UnreadableRequestFactory>());
    builder.experimental().SetInterceptorCreators(std::move(interceptors));
    server_ = builder.BuildAndStart();
    if (server_ == nullptr || port_ == 0) {
      return absl::FailedPreconditionError(absl::StrCat("server.grpc_address ", config.grpc_address(),
                                                        " cannot be listened on (is another server there?)"));
    }
    SetServing(false);
    return absl::OkStatus();
  }

  int port() const override { return port_; }

  void SetServing(bool serving) override {
    server_->GetHealthCheckService()->SetServingStatus(serving);
    server_->GetHealthCheckService()->SetServingStatus(v1::SuggestionService::service_full_name(), serving);
    server_->GetHealthCheckService()->SetServingStatus(v1::LearningService::service_full_name(), serving);
  }

  void Shutdown(absl::Duration timeout) override {
    if (shut_down_) return;
    shut_down_ = true;
    server_->Shutdown(std::chrono::system_clock::now() + absl::ToChronoMicroseconds(timeout));
    server_->Wait();
  }

 private:
  SuggestionRpcs suggestions_;
  LearningRpcs learning_;
  int port_ = 0;
  bool shut_down_ = false;
  std::unique_ptr<grpc::Server> server_;
};

}  // namespace

void ConfigureServer(const config::v1::Server& config, grpc::ServerBuilder* builder) {
  // Debian's Abseil looks for lock cycles at each lock that gRPC takes, a tenth of a call's time.
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
  grpc::ResourceQuota quota("suggestd");
  quota.Resize(static_cast<size_t>(config.max_transport_bytes()));
  quota.SetMaxThreads(config.max_concurrent_requests() + kSpareThreads);
  // Of the methods that are not answered by callback: handlers block, and with gRPC's two pollers nearly every call
  // would make a thread and end it.
  builder->SetSyncServerOption(grpc::ServerBuilder::NUM_CQS, 1);
  builder->SetSyncServerOption(grpc::ServerBuilder::MIN_POLLERS, 1);
  builder->SetSyncServerOption(grpc::ServerBuilder::MAX_POLLERS, kMostIdleThreads);
  builder->AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  builder->SetResourceQuota(quota);
  builder->SetMaxReceiveMessageSize(config.max_request_bytes());
  builder->SetMaxSendMessageSize(config.max_response_bytes());
  builder->AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, Milliseconds(config.keepalive_time()));
  builder->AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, Milliseconds(config.keepalive_timeout()));
  // A client may ask for signs of life as often as this server does.
  builder->AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS,
                              Milliseconds(config.keepalive_time()) / 2);
}

absl::StatusOr<std::unique_ptr<GrpcServer>> GrpcServer::Start(const config::v1::Server& config, Endpoints* endpoints) {
  auto server = std::make_unique<RunningGrpcServer>(endpoints);
  if (absl::Status status = server->Listen(config); !status.ok()) return status;
  return server;
}

}  // namespace suggest::server
