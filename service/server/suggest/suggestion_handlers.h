// SuggestionService's methods without any transport: validate, call, reply. gRPC and HTTP both end here, and tests call
// them directly. protos/suggest/v1/suggestion_service.proto documents each method and its error codes.
//
// Threads: every method may be called from any thread.
#ifndef SERVICE_SERVER_SUGGEST_SUGGESTION_HANDLERS_H_
#define SERVICE_SERVER_SUGGEST_SUGGESTION_HANDLERS_H_

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/status/statusor.h"
#include "bandit/base/mutex.h"
#include "service/common/clock.h"
#include "service/decision/decider.h"
#include "service/server/cache/customer_cache.h"
#include "service/server/commit/decision_announcer.h"
#include "service/server/commit/decision_committer.h"
#include "service/server/commit/spool_keeper.h"
#include "service/server/follow/serving_state.h"
#include "service/server/live_config.h"
#include "service/server/log.h"
#include "service/server/metrics.h"
#include "service/server/random_source.h"
#include "service/server/rpc/call.h"
#include "service/server/suggest/answered_decisions.h"
#include "service/server/suggest/patience.h"
#include "service/server/suggest/worker_pool.h"
#include "storage/postgres/database.h"
#include "suggest/v1/suggestion_service.pb.h"

namespace suggest::server {

// What handlers share. Nothing is owned; all must outlive the handlers.
struct Surroundings {
  storage::Database* database = nullptr;
  ServingState* serving = nullptr;
  const LiveConfig* config = nullptr;
  const Clock* clock = nullptr;
  RandomSource* random = nullptr;
  Metrics* metrics = nullptr;
  Log* log = nullptr;
  CustomerCache* customers = nullptr;
  DecisionCommitter* committer = nullptr;
  DecisionAnnouncer* announcer = nullptr;
  Patience* patience = nullptr;
  SpoolKeeper* spool = nullptr;  // null: none is configured
  WorkerPool* workers = nullptr;
};

class SuggestionHandlers {
 public:
  explicit SuggestionHandlers(const Surroundings& surroundings)
      : s_(surroundings), answered_(surroundings.database, surroundings.spool) {}

  // Blocks.
  absl::StatusOr<v1::SuggestResponse> Suggest(const v1::SuggestRequest& request, const CallContext& context);
  // Does not block: what is known is worked on at once, what must be read or written first goes to a worker, and the
  // answer is given after the commit on the committer's thread, in place of whatever `response` held. `request`,
  // `response` and what `context` looks at must live until then.
  void Suggest(const v1::SuggestRequest& request, const CallContext& context, v1::SuggestResponse* response,
               Answer answer);
  absl::StatusOr<v1::RecordFeedbackResponse> RecordFeedback(const v1::RecordFeedbackRequest& request,
                                                            const CallContext& context = {});
  absl::StatusOr<v1::RecordDecisionResponse> RecordDecision(const v1::RecordDecisionRequest& request,
                                                            const CallContext& context);
  absl::StatusOr<v1::ExplainResponse> Explain(const v1::ExplainRequest& request, const CallContext& context = {});

  // Counts, logs and marks a decision whose answer reached nobody.
  void NoteUndelivered(const std::string& customer_id, const std::string& request_id, const std::string& decision_id);

 private:
  // Where a function takes a response, it fills it whenever it says OK, and may have begun to when it does not.
  absl::Status SuggestAnew(const v1::SuggestRequest& request, const CallContext& context,
                           v1::SuggestResponse* response);
  // The customer's open decision as the answer; false: there is none that still fits.
  absl::StatusOr<bool> SuggestOpen(const decision::Serving& serving, const decision::Customer& customer,
                                   const v1::SuggestRequest& request, absl::Time now, v1::SuggestResponse* response);
  // A decision, not yet kept, and its answer.
  using Made = std::shared_ptr<const storage::DecisionRecord>;
  absl::StatusOr<Made> Make(const decision::Serving& serving, const decision::Customer& customer,
                            const v1::SuggestRequest& request, const decision::Draw& draw, const CallContext& context,
                            v1::SuggestResponse* response);
  // Null: something has to be read first, takes long, or stands against it.
  Made MakeAtOnce(const v1::SuggestRequest& request, const CallContext& context, v1::SuggestResponse* response);
  bool AnswersBeforeCommit() const;
  absl::Status KeepUnawaited(const Made& made, v1::SuggestResponse* response);
  // Leaves the answer, or replaces it by the one that had answered this request before. `gone`: nobody waits any more;
  // then the decision is marked undelivered.
  absl::Status AfterCommit(const v1::SuggestRequest& request, const Made& made,
                           const absl::StatusOr<Committed>& committed, bool gone, v1::SuggestResponse* response);
  void NoteAnswered(const Made& made);
  // Counts a decision that something unreadable was missing in, and logs what, once for each customer.
  void NoteUnreadable(const std::string& customer_id, const std::vector<std::string>& unreadable);
  absl::Status Counted(absl::Status status, const v1::SuggestResponse& response);
  // How long an open decision answers this request again; zero: not.
  absl::Duration StickyFor(const v1::SuggestRequest& request) const;
  // The earlier answer to this request id. A decision that was marked undelivered is now delivered.
  absl::Status Replay(const v1::SuggestRequest& request, const storage::DecisionRecord& earlier,
                      v1::SuggestResponse* response);
  absl::StatusOr<v1::RecordDecisionResponse> Replay(const v1::RecordDecisionRequest& request,
                                                    const storage::DecisionRecord& earlier);
  // A request that cannot be answered anew may have been answered before: then that answer, else `why`.
  absl::Status ReplayOr(const v1::SuggestRequest& request, const absl::Status& why, v1::SuggestResponse* response);

  absl::StatusOr<CustomerCache::State> CustomerAt(const std::string& customer_id, absl::Time at,
                                                  const CallContext& context);
  absl::StatusOr<v1::RecordFeedbackResponse> KeepFeedback(const storage::FeedbackRecord& feedback, absl::Time now);
  absl::StatusOr<v1::ExplainResponse> ExplainOnce(const v1::ExplainRequest& request);
  absl::StatusOr<v1::ExplainResponse> ExplainRecord(const v1::ExplainRequest& request,
                                                    const storage::DecisionRecord& record);
  // Here and, once they are told, for the other replicas.
  void ForgetOpen(const std::string& customer_id);
  decision::Draw NewDraw(absl::Time now);
  absl::StatusOr<std::shared_ptr<const decision::Catalogue>> CatalogueOf(const std::string& version);
  absl::StatusOr<std::shared_ptr<const decision::Serving>> ServingOf(const storage::DecisionRecord& record);

  const Surroundings s_;
  const AnsweredDecisions answered_;
  Mutex unreadable_mutex_;
  absl::flat_hash_set<std::string> unreadable_logged_ ABSL_GUARDED_BY(unreadable_mutex_);  // the last ones
};

}  // namespace suggest::server

#endif  // SERVICE_SERVER_SUGGEST_SUGGESTION_HANDLERS_H_
