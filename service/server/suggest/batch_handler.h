// SuggestionService.SuggestBatch without transport: one Suggest per customer, through the same handler as a single one.
//
// Threads: any.
#ifndef SERVICE_SERVER_SUGGEST_BATCH_HANDLER_H_
#define SERVICE_SERVER_SUGGEST_BATCH_HANDLER_H_

#include <functional>
#include <string>

#include "absl/status/status.h"
#include "service/server/rpc/call.h"
#include "service/server/suggest/suggestion_handlers.h"
#include "suggest/v1/suggestion_service.pb.h"

namespace suggest::server {

// The request id of every decision of a run: request ids are per customer.
std::string BatchRequestId(const std::string& run_id);

class BatchHandler {
 public:
  // False: the reader is gone.
  using Write = std::function<bool(const v1::SuggestBatchItem&)>;

  // `suggestions` must outlive it.
  BatchHandler(const Surroundings& surroundings, SuggestionHandlers* suggestions)
      : s_(surroundings), suggestions_(suggestions) {}

  // Calls `write` from the caller's thread until it says no. The proto documents errors and order.
  absl::Status SuggestBatch(const v1::SuggestBatchRequest& request, const CallContext& context, const Write& write);

 private:
  // A decision that nobody will read: no exposure follows from it.
  void MarkLost(const v1::SuggestBatchItem& item, const std::string& run_request_id);

  const Surroundings s_;
  SuggestionHandlers* const suggestions_;
};

}  // namespace suggest::server

#endif  // SERVICE_SERVER_SUGGEST_BATCH_HANDLER_H_
