#include "service/server/suggest/batch_handler.h"

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "bandit/base/status_macros.h"
#include "service/server/rpc/validation.h"
#include "service/server/suggest/batch_run.h"
#include "storage/source/customer_list.h"

namespace suggest::server {
namespace {

constexpr int kPage = 1000;

v1::SuggestRequest RequestFor(const std::string& customer_id, const v1::SuggestBatchRequest& batch) {
  v1::SuggestRequest request;
  request.set_customer_id(customer_id);
  request.set_request_id(BatchRequestId(batch.run_id()));
  request.set_count(batch.count());
  *request.mutable_candidate_ids() = batch.candidate_ids();
  *request.mutable_excluded_ids() = batch.excluded_ids();
  request.set_fresh(batch.fresh());
  return request;
}

// The customers of the request, page by page; `cursor` is the last one so far.
absl::StatusOr<std::vector<std::string>> NextPage(const Surroundings& s, const v1::SuggestBatchRequest& request,
                                                  bool first, std::string* cursor) {
  if (!request.all_customers()) {
    if (!first) return std::vector<std::string>();
    return std::vector<std::string>(request.customer_ids().begin(), request.customer_ids().end());
  }
  auto page = storage::CustomerList(s.database).PageAfter(*cursor, s.clock->Now(), kPage);
  RETURN_IF_ERROR(FromStorage(page.status()));
  if (!page->empty()) *cursor = page->back();
  return page;
}

}  // namespace

std::string BatchRequestId(const std::string& run_id) {
  return absl::StrCat("batch/", run_id);
}

absl::Status BatchHandler::SuggestBatch(const v1::SuggestBatchRequest& request, const CallContext& context,
                                        const Write& write) {
  RETURN_IF_ERROR(Validate(request));
  std::string cursor = request.after_customer_id();
  bool first = true;
  BatchSteps steps;
  steps.next_page = [&] { return NextPage(s_, request, std::exchange(first, false), &cursor); };
  steps.decide = [&](const std::string& customer_id, const CallContext& waiting) {
    absl::StatusOr<v1::SuggestResponse> response = suggestions_->Suggest(RequestFor(customer_id, request), waiting);
    if (const std::string storage_error = StorageErrorOf(response.status()); !storage_error.empty()) {
      s_.log->Write(LogLevel::kWarning, "batch item failed",
                    {{"request_id", BatchRequestId(request.run_id())},
                     {"message", response.status().message()},
                     {"storage_error", storage_error}});
    }
    return response;
  };
  steps.write = [&](const v1::SuggestBatchItem& item) {
    if (!write(item)) return false;
    s_.metrics->RecordBatchItem(item.code() == 0);
    return true;
  };
  steps.lost = [&](const v1::SuggestBatchItem& item) { MarkLost(item, BatchRequestId(request.run_id())); };
  return RunBatch(steps, s_.config->Get()->server().batch_in_flight(), context);
}

void BatchHandler::MarkLost(const v1::SuggestBatchItem& item, const std::string& run_request_id) {
  const v1::SuggestResponse& response = item.response();
  if (response.replayed() || response.sticky()) return;  // delivered before
  suggestions_->NoteUndelivered(item.customer_id(), run_request_id, response.decision_id());
}

}  // namespace suggest::server
