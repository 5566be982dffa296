// LearningService's methods without any transport (see suggestion_handlers.h).
//
// Threads: every method may be called from any thread; ingest runs exclude each other by the learner's lock.
#ifndef SERVICE_SERVER_RPC_LEARNING_HANDLERS_H_
#define SERVICE_SERVER_RPC_LEARNING_HANDLERS_H_

#include "absl/status/statusor.h"
#include "service/server/suggest/suggestion_handlers.h"
#include "suggest/v1/learning_service.pb.h"

namespace suggest::server {

class LearningHandlers {
 public:
  explicit LearningHandlers(const Surroundings& surroundings) : s_(surroundings) {}

  // Ends between two transactions once the caller has gone (a drain cancels its calls); what was booked stays booked.
  absl::StatusOr<v1::IngestRewardsResponse> IngestRewards(const v1::IngestRewardsRequest& request,
                                                          const CallContext& context);
  absl::StatusOr<v1::ListModelsResponse> ListModels(const v1::ListModelsRequest& request);
  absl::StatusOr<v1::GetModelResponse> GetModel(const v1::GetModelRequest& request);

  // GetModel returns at most so many terms.
  static constexpr int kMostTerms = 50;

 private:
  const Surroundings s_;
};

}  // namespace suggest::server

#endif  // SERVICE_SERVER_RPC_LEARNING_HANDLERS_H_
