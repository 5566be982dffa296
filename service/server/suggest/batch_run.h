// Works through many customers, several at a time, and hands the items on in the customers' order: what SuggestBatch
// does, apart from what a decision is and how it is sent.
//
// `in_flight` workers take customers from pages that are fetched one at a time. A worker may begin a customer only
// while fewer than `in_flight` items are under way or wait to be written, so a slow reader stops the run, and memory is
// bounded by that many items and one page.
//
// Threads: RunBatch blocks its caller, who does all the writing; the other steps are called from the workers, `decide`
// and `lost` from several at once.
#ifndef SERVICE_SERVER_SUGGEST_BATCH_RUN_H_
#define SERVICE_SERVER_SUGGEST_BATCH_RUN_H_

#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "service/server/rpc/call.h"
#include "suggest/v1/suggestion_service.pb.h"

namespace suggest::server {

struct BatchSteps {
  // The next customers, in order; empty = there are no more. Never called by two at once.
  std::function<absl::StatusOr<std::vector<std::string>>()> next_page;
  std::function<absl::StatusOr<v1::SuggestResponse>(const std::string& customer_id, const CallContext&)> decide;
  // False: the reader is gone.
  std::function<bool(const v1::SuggestBatchItem&)> write;
  // An item that was decided and will not be written.
  std::function<void(const v1::SuggestBatchItem&)> lost;
};

// Whether an error is the service's and not the one customer's: then going on would only repeat it.
bool EndsBatch(const absl::Status& status);

// Returns when every item is written, or when the run cannot go on: with an error of `next_page`, or of a `decide` that
// EndsBatch, once all items before it are written; or CANCELLED when the reader is gone. RESOURCE_EXHAUSTED is tried
// again a few times, less and less often, before it counts. All workers have ended then. REQUIRES: in_flight >= 1.
absl::Status RunBatch(const BatchSteps& steps, int in_flight, const CallContext& context);

}  // namespace suggest::server

#endif  // SERVICE_SERVER_SUGGEST_BATCH_RUN_H_
