// The company's history, streamed from the source views in order and in bounded memory.
#ifndef STORAGE_SOURCE_HISTORY_SOURCE_H_
#define STORAGE_SOURCE_HISTORY_SOURCE_H_

#include <cstdint>
#include <functional>
#include <memory>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "storage/postgres/database.h"
#include "storage/records.h"

namespace suggest::storage {

// Rows of the snapshot, for progress.
struct HistoryCounts {
  int64_t customers = 0;  // rows, several per customer
  int64_t recommendations = 0;
  int64_t suggestions = 0;
  int64_t purchases = 0;
};

// Everything read through one object belongs to one snapshot of the database: purchases that are inserted meanwhile
// are not seen. It holds a connection of its own until its end. Not thread-safe.
//
// A callback that returns an error ends the stream with it. A row that breaks the views' contract has the status
// FAILED_PRECONDITION for a null id, time or amount, DATA_LOSS for attributes that are no object or a time that cannot
// be read; row and column are named. It ends the stream, unless `refuse` is given: that is then called with the status,
// and the stream goes on.
class HistorySource {
 public:
  using Refuse = std::function<void(const absl::Status&)>;

  // Errors: FAILED_PRECONDITION when a source view lacks a column (diagnostics.h).
  static absl::StatusOr<std::unique_ptr<HistorySource>> Open(Database& db);
  ~HistorySource();
  HistorySource(const HistorySource&) = delete;
  HistorySource& operator=(const HistorySource&) = delete;

  absl::StatusOr<HistoryCounts> Counts();
  // By (customer_id, valid_from), ids by their bytes. A null valid_from is the infinite past.
  absl::Status ForEachCustomer(absl::FunctionRef<absl::Status(CustomerRecord)> visit, const Refuse& refuse = nullptr);
  // By recommendation_id.
  absl::Status ForEachRecommendation(absl::FunctionRef<absl::Status(RecommendationRecord)> visit,
                                     const Refuse& refuse = nullptr);
  // By (decided_at, customer_id, suggestion_id). status comes in upper case.
  absl::Status ForEachSuggestion(absl::FunctionRef<absl::Status(HistoricalSuggestion)> visit,
                                 const Refuse& refuse = nullptr);
  // By (purchased_at, customer_id, purchase_id). An amount that float8 cannot hold comes as NaN.
  absl::Status ForEachPurchase(absl::FunctionRef<absl::Status(PurchaseRecord)> visit, const Refuse& refuse = nullptr);

 private:
  struct Session;
  explicit HistorySource(std::unique_ptr<Session> session);

  const std::unique_ptr<Session> session_;
};

}  // namespace suggest::storage

#endif  // STORAGE_SOURCE_HISTORY_SOURCE_H_
