// Decisions whose propensities were deferred, and filling them in.
//
// Decisions are read in the order of the log's primary key, so the whole walk is one pass over that index and the rows
// behind it, page by page, without a long transaction.
#ifndef STORAGE_LOG_DEFERRED_STORE_H_
#define STORAGE_LOG_DEFERRED_STORE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "storage/postgres/database.h"
#include "storage/records.h"

namespace suggest::storage {

// Which decision, and what is needed to recompute it.
struct DeferredDecision {
  std::string customer_id;
  std::string decision_id;
  int64_t model_version = 0;
  std::string catalogue_version;  // 32 raw bytes
};

class DeferredStore {
 public:
  // `db` must outlive the store.
  explicit DeferredStore(Database* db) : db_(db) {}

  // How many there are with decided_at >= since. One pass over the log from there on.
  absl::StatusOr<int64_t> Count(absl::Time since) const;

  // At most `limit` of them that come after `after` (empty ids = from the first); fewer: there are no more.
  absl::StatusOr<std::vector<DeferredDecision>> PageAfter(const DeferredDecision& after, absl::Time since,
                                                          int limit) const;

  // Stores inputs and propensity_status of each, in one transaction, where the propensities are still deferred; returns
  // how many were. Idempotent.
  absl::StatusOr<int> Fill(absl::Span<const DecisionRecord> decisions);

 private:
  Database* const db_;
};

}  // namespace suggest::storage

#endif  // STORAGE_LOG_DEFERRED_STORE_H_
