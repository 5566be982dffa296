// What became of suggestions before money.
#ifndef STORAGE_LOG_FEEDBACK_STORE_H_
#define STORAGE_LOG_FEEDBACK_STORE_H_

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "storage/postgres/database.h"
#include "storage/records.h"

namespace suggest::storage {

class FeedbackStore {
 public:
  explicit FeedbackStore(Database* db) : db_(db) {}

  // Stores it, and returns true; false when the same (customer_id, suggestion_id, kind) was there, which then keeps
  // its first occurred_at.
  // Errors: NOT_FOUND when this customer has no such suggestion (decision or rank).
  absl::StatusOr<bool> Record(const FeedbackRecord& feedback, absl::Time now);

 private:
  Database* const db_;
};

}  // namespace suggest::storage

#endif  // STORAGE_LOG_FEEDBACK_STORE_H_
