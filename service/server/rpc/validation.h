// Checks of requests that need nothing but the request: lengths, ranges, duplicates.
// Errors of every function: INVALID_ARGUMENT naming the first bad field and its value.
#ifndef SERVICE_SERVER_RPC_VALIDATION_H_
#define SERVICE_SERVER_RPC_VALIDATION_H_

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "storage/records.h"
#include "suggest/v1/learning_service.pb.h"
#include "suggest/v1/suggestion_service.pb.h"

namespace suggest::server {

inline constexpr int kMaxIdBytes = storage::kLongestIdBytes;
inline constexpr int kMaxRunIdBytes = 200;
inline constexpr int kMaxSlate = 100;
inline constexpr int kMaxListedIds = 10'000;
// How far ahead of the server's clock feedback may lie.
inline constexpr absl::Duration kFeedbackLead = absl::Minutes(1);

absl::Status Validate(const v1::SuggestRequest& request);
absl::Status Validate(const v1::SuggestBatchRequest& request);
absl::Status Validate(const v1::RecordDecisionRequest& request);
absl::Status Validate(const v1::RecordFeedbackRequest& request, absl::Time now);
absl::Status Validate(const v1::ExplainRequest& request);
absl::Status Validate(const v1::ListModelsRequest& request);
absl::Status Validate(const v1::GetModelRequest& request);

}  // namespace suggest::server

#endif  // SERVICE_SERVER_RPC_VALIDATION_H_
