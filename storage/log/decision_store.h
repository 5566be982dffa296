// The decision log.
#ifndef STORAGE_LOG_DECISION_STORE_H_
#define STORAGE_LOG_DECISION_STORE_H_

#include <atomic>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "storage/postgres/database.h"
#include "storage/records.h"

namespace suggest::storage {

// What answers a request from now on.
struct AppendResult {
  // The decision that answers (customer_id, request_id): the one given, or the one that was there before.
  DecisionRecord decision;
  // True: it was there before, and nothing was stored.
  bool replayed = false;
};

// What became of one record of a batch.
struct Appended {
  // OK: the request id is answered, by the record itself or by `earlier`. Else why this one record was refused.
  absl::Status status;
  // The decision that answered this request before; then nothing was stored.
  std::optional<DecisionRecord> earlier;
};

// The database cannot work at the moment, or the outcome is in doubt: append the same records again.
bool IsTransient(const absl::Status& status);

class DecisionStore {
 public:
  explicit DecisionStore(Database* db) : db_(db) {}

  // Commits each record together with its request id, unless the request id of its customer has a decision already; the
  // records may be of any customers. Idempotent on (customer_id, request_id), on any replica and in any month; of two
  // at the same time one wins and both get it. One statement, one round trip, one commit. What became of each, in their
  // order. A request id that was taken, in the batch or before, a record that PostgreSQL refuses, and one whose request
  // id another session has locked for lock_timeout (ABORTED) concern that record alone: the batch is then cut in halves
  // until the record stands alone. A record that was stored by an earlier try of this call counts as stored. Errors:
  // those of IsTransient, and DEADLINE_EXCEEDED; nothing is known of any record then: append them all again. REQUIRES:
  // each decided_at equals DecisionTime(decision_id).
  absl::StatusOr<std::vector<Appended>> AppendBatch(absl::Span<const DecisionRecord* const> batch);

  // The decision that answered this request before, if any.
  absl::StatusOr<std::optional<DecisionRecord>> FindByRequest(const std::string& customer_id,
                                                              const std::string& request_id) const;

  // The customer's newest delivered decision with decided_at >= since that no expert made (policy EXPERT), if any.
  absl::StatusOr<std::optional<DecisionRecord>> FindOpen(const std::string& customer_id, absl::Time since) const;

  // Errors: NOT_FOUND (also for an id that is no decision id).
  absl::StatusOr<DecisionRecord> Find(const std::string& customer_id, const std::string& decision_id) const;

  // Lets another request id answer with a decision that is there, unless it answers with one already: then that one is
  // returned, as replayed. Idempotent. Errors: NOT_FOUND for an unknown decision.
  absl::StatusOr<AppendResult> LinkRequest(const std::string& customer_id, const std::string& request_id,
                                           const std::string& decision_id);

  // Marks that the answer did not reach the caller: no exposure follows from it until feedback shows that it did.
  // Idempotent. Errors: NOT_FOUND.
  absl::Status MarkUndelivered(const std::string& customer_id, const std::string& decision_id);
  // The reverse, for an answer that reached its caller at a later try. Idempotent. Errors: NOT_FOUND.
  absl::Status MarkDelivered(const std::string& customer_id, const std::string& decision_id);

 private:
  // Batches that look for taken request ids first, after one had any.
  static constexpr int kCarefulBatches = 100;

  Database* const db_;
  std::atomic<int> careful_{0};  // how many of them are left
};

}  // namespace suggest::storage

#endif  // STORAGE_LOG_DECISION_STORE_H_
