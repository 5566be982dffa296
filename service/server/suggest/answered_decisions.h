// Where a decision that answered a request is found: in the spool, which is asked first, in the log, or among the
// superseded. And whether the spool stands in for the database at the moment.
//
// Threads: any.
#ifndef SERVICE_SERVER_SUGGEST_ANSWERED_DECISIONS_H_
#define SERVICE_SERVER_SUGGEST_ANSWERED_DECISIONS_H_

#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "service/server/commit/spool_keeper.h"
#include "storage/log/superseded_store.h"
#include "storage/postgres/database.h"
#include "storage/records.h"

namespace suggest::server {

class AnsweredDecisions {
 public:
  // `spool` null: none is configured. Both must outlive this.
  AnsweredDecisions(storage::Database* database, SpoolKeeper* spool) : database_(database), spool_(spool) {}

  // What answered this request before. With a spool, none when the database is away.
  // Errors: the spool's, or those of the database as a client may see them.
  absl::StatusOr<std::optional<storage::DecisionRecord>> FindByRequest(const std::string& customer_id,
                                                                       const std::string& request_id) const;
  // Errors: NOT_FOUND; those of the spool or the database.
  absl::StatusOr<storage::AnsweredDecision> Find(const std::string& customer_id, const std::string& decision_id) const;
  bool IsSpooled(const storage::DecisionRecord& record) const;
  absl::Status MarkDelivered(const std::string& customer_id, const std::string& decision_id, bool delivered) const;

  // True when the database is known to be away, or `status` says so: then the spool stands in for it, if there is one.
  bool SpoolStandsIn(const absl::Status& status = absl::OkStatus()) const;

 private:
  storage::Database* const database_;
  SpoolKeeper* const spool_;
};

}  // namespace suggest::server

#endif  // SERVICE_SERVER_SUGGEST_ANSWERED_DECISIONS_H_
