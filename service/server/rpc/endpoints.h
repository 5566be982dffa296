// The methods as both transports see them: each call passes the gate (concurrency, deadline, metrics, log) and then
// reaches its handler.
//
// Threads: any.
#ifndef SERVICE_SERVER_RPC_ENDPOINTS_H_
#define SERVICE_SERVER_RPC_ENDPOINTS_H_

#include <utility>

#include "absl/status/statusor.h"
#include "bandit/base/status_macros.h"
#include "service/server/rpc/call.h"
#include "service/server/rpc/learning_handlers.h"
#include "service/server/suggest/batch_handler.h"
#include "service/server/suggest/suggestion_handlers.h"

namespace suggest::server {

class Endpoints {
 public:
  Endpoints(const Surroundings& surroundings, const config::v1::Server& config)
      : gate_(config, surroundings.metrics, surroundings.log),
        suggestions_(surroundings),
        batches_(surroundings, &suggestions_),
        learning_(surroundings) {}

  absl::StatusOr<v1::SuggestResponse> Suggest(const v1::SuggestRequest& request, const CallContext& context) {
    return gate_.Run<v1::SuggestResponse>(Method::kSuggest, request.request_id(), context,
                                          [&] { return suggestions_.Suggest(request, context); });
  }
  // Fills `response` and says so by `answer`, once, from any thread; this one is not blocked. `request`, `response` and
  // what `context` looks at must live until then.
  void Suggest(const v1::SuggestRequest& request, const CallContext& context, v1::SuggestResponse* response,
               Answer answer) {
    gate_.Start(Method::kSuggest, request.request_id(), context, std::move(answer),
                [&](Answer inner) { suggestions_.Suggest(request, context, response, std::move(inner)); });
  }
  // The stream as a whole passes the gate, its decisions do not one by one.
  absl::Status SuggestBatch(const v1::SuggestBatchRequest& request, const CallContext& context,
                            const BatchHandler::Write& write) {
    struct Written {};
    return gate_
        .Run<Written>(Method::kSuggestBatch, request.run_id(), context,
                      [&]() -> absl::StatusOr<Written> {
                        RETURN_IF_ERROR(batches_.SuggestBatch(request, context, write));
                        return Written();
                      })
        .status();
  }
  absl::StatusOr<v1::RecordFeedbackResponse> RecordFeedback(const v1::RecordFeedbackRequest& request,
                                                            const CallContext& context) {
    return gate_.Run<v1::RecordFeedbackResponse>(Method::kRecordFeedback, request.suggestion_id(), context,
                                                 [&] { return suggestions_.RecordFeedback(request, context); });
  }
  absl::StatusOr<v1::RecordDecisionResponse> RecordDecision(const v1::RecordDecisionRequest& request,
                                                            const CallContext& context) {
    return gate_.Run<v1::RecordDecisionResponse>(Method::kRecordDecision, request.request_id(), context,
                                                 [&] { return suggestions_.RecordDecision(request, context); });
  }
  absl::StatusOr<v1::ExplainResponse> Explain(const v1::ExplainRequest& request, const CallContext& context) {
    return gate_.Run<v1::ExplainResponse>(Method::kExplain, request.decision_id(), context,
                                          [&] { return suggestions_.Explain(request, context); });
  }
  absl::StatusOr<v1::IngestRewardsResponse> IngestRewards(const v1::IngestRewardsRequest& request,
                                                          const CallContext& context) {
    return gate_.Run<v1::IngestRewardsResponse>(Method::kIngestRewards, "", context,
                                                [&] { return learning_.IngestRewards(request, context); });
  }
  absl::StatusOr<v1::ListModelsResponse> ListModels(const v1::ListModelsRequest& request, const CallContext& context) {
    return gate_.Run<v1::ListModelsResponse>(Method::kListModels, "", context,
                                             [&] { return learning_.ListModels(request); });
  }
  int in_flight() const { return gate_.in_flight(); }
  absl::StatusOr<v1::GetModelResponse> GetModel(const v1::GetModelRequest& request, const CallContext& context) {
    return gate_.Run<v1::GetModelResponse>(Method::kGetModel, "", context, [&] { return learning_.GetModel(request); });
  }

 private:
  CallGate gate_;
  SuggestionHandlers suggestions_;
  BatchHandler batches_;
  LearningHandlers learning_;
};

}  // namespace suggest::server

#endif  // SERVICE_SERVER_RPC_ENDPOINTS_H_
