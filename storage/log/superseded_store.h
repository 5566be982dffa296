// Decisions that were served from a local spool although another decision had answered the same request.
#ifndef STORAGE_LOG_SUPERSEDED_STORE_H_
#define STORAGE_LOG_SUPERSEDED_STORE_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "storage/postgres/database.h"
#include "storage/records.h"

namespace suggest::storage {

struct SupersededDecision {
  DecisionRecord decision;
  std::string superseded_by;  // the decision that answers the request
};

// A decision that was served: of the log, or a superseded one.
struct AnsweredDecision {
  DecisionRecord decision;
  std::string superseded_by;  // empty: it is in the log
};

// From wherever it is in the database. Errors: those of DecisionStore::Find; NOT_FOUND when it is in neither.
absl::StatusOr<AnsweredDecision> FindAnsweredDecision(Database* db, const std::string& customer_id,
                                                      const std::string& decision_id);

class SupersededStore {
 public:
  // `db` must outlive the store.
  explicit SupersededStore(Database* db) : db_(db) {}

  // Commits all of them together. Idempotent: what is there stays as it is.
  absl::Status Record(absl::Span<const SupersededDecision> decisions, absl::Time now);

  // Errors: NOT_FOUND, also for an id that is no decision id; DATA_LOSS when the record cannot be read.
  absl::StatusOr<SupersededDecision> Find(const std::string& customer_id, const std::string& decision_id) const;

 private:
  Database* const db_;
};

}  // namespace suggest::storage

#endif  // STORAGE_LOG_SUPERSEDED_STORE_H_
