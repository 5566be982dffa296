// Books rows of the sources into the ledger, one chunk per call, each call inside one transaction that holds the lock.
//
// Every function reads what it needs in its own transaction, so it does not matter who booked the chunks before. What
// it books, it books whole: ledger rows with the bucket rows and the histories that they change.
#ifndef SERVICE_LEARNING_BOOKING_H_
#define SERVICE_LEARNING_BOOKING_H_

#include <string>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/container/btree_set.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "bandit/context.h"
#include "bandit/sufficient_statistics.h"
#include "service/learning/attribution.h"
#include "service/learning/settings.h"
#include "storage/learning_store.h"
#include "suggest/config/v1/config.pb.h"
#include "suggest/v1/learning_service.pb.h"

namespace suggest::learning {

bandit::FactoredContext ToFactored(const storage::StoredContext& stored);
storage::StoredContext ToStored(const bandit::FactoredContext& context);

// The sums of a stored bucket, and back. Errors: DATA_LOSS when they do not fit together.
absl::StatusOr<bandit::SufficientStatistics> ToSums(const storage::BucketRow& row);
storage::BucketRow ToRow(int64_t day, const bandit::SufficientStatistics& sums);

// The day buckets that one transaction touches: read once, written once.
class TouchedBuckets {
 public:
  TouchedBuckets(storage::LearningTransaction* tx, int64_t basis_id, const bandit::ContextLayout& layout)
      : tx_(tx), basis_id_(basis_id), layout_(layout) {}

  absl::Status AddMature(const storage::LedgerExposure& exposure);
  absl::Status AdjustMature(const storage::LedgerExposure& exposure, double new_reward);
  absl::Status Save();

 private:
  absl::StatusOr<bandit::SufficientStatistics*> At(int64_t day);

  storage::LearningTransaction* const tx_;
  const int64_t basis_id_;
  const bandit::ContextLayout layout_;
  absl::btree_map<int64_t, bandit::SufficientStatistics> buckets_;
};

class Booking {
 public:
  // How far back sources are compared with the ledger.
  enum class Reach { kLearningWindow, kAllHistory };

  // `layout`: of the learner's basis. `counts` is added to, and must outlive the booking.
  Booking(const config::v1::Config& config, const bandit::ContextLayout& layout, absl::Time tick,
          suggest::v1::IngestCounts* counts, Reach reach = Reach::kLearningWindow);

  // Each returns how many rows it took: less than chunk_rows means that nothing is left.
  absl::StatusOr<int> BookExposures(storage::LearningTransaction& tx);
  // `cursor`: where the last chunk of this run ended; default at first.
  absl::StatusOr<int> BookPurchases(storage::LearningTransaction& tx, storage::LedgerKey* cursor);
  // Purchases that the source has lost, or shows under another customer, are cancelled at the tick.
  absl::StatusOr<int> BookVanished(storage::LearningTransaction& tx, storage::LedgerKey* cursor);
  absl::StatusOr<int> MatureDue(storage::LearningTransaction& tx);

  int chunk_rows() const { return chunk_rows_; }

 private:
  struct Known;
  absl::StatusOr<Known> FindExposures(storage::LearningTransaction& tx,
                                      const std::vector<storage::PurchaseChange>& changes) const;
  storage::PurchaseState Judge(const storage::PurchaseRecord& purchase, const Known& known) const;
  void Count(const storage::PurchaseState* before, const storage::PurchaseState& after);
  absl::Status UpdateRewards(storage::LearningTransaction& tx, const storage::LearnerState& state,
                             const absl::btree_set<storage::LedgerKey>& touched,
                             std::vector<storage::HistoryKey>& histories);
  absl::Status BookChanges(storage::LearningTransaction& tx, const std::vector<storage::PurchaseChange>& changes);
  absl::Status HeedDiscards(storage::LearningTransaction& tx, storage::LearnerState& state);
  storage::SourceWindow WindowFor(absl::Duration earlier) const;
  std::vector<std::string> Currencies() const;

  const LearnerSettings settings_;
  const MoneyRules money_;
  const AttributionRules rules_;
  const storage::ExposureRule exposure_rule_;
  const absl::Duration visibility_lag_;
  const int chunk_rows_;
  const bandit::ContextLayout layout_;
  const absl::Time tick_;
  suggest::v1::IngestCounts* const counts_;
  const Reach reach_;
};

}  // namespace suggest::learning

#endif  // SERVICE_LEARNING_BOOKING_H_
