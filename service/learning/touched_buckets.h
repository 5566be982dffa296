// The day buckets that one transaction touches, and how stored rows become sums and contexts.
#ifndef SERVICE_LEARNING_TOUCHED_BUCKETS_H_
#define SERVICE_LEARNING_TOUCHED_BUCKETS_H_

#include <vector>

#include "absl/container/btree_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "bandit/model/context.h"
#include "bandit/model/factored_sums.h"
#include "bandit/model/sufficient_statistics.h"
#include "storage/ledger/learning_store.h"

namespace suggest::learning {

bandit::FactoredContext ToFactored(const storage::StoredContext& stored);
storage::StoredContext ToStored(const bandit::FactoredContext& context);

// The sums of a stored bucket, and back. Errors: DATA_LOSS when they do not fit together.
absl::StatusOr<bandit::SufficientStatistics> ToSums(const storage::BucketRow& row);
storage::BucketRow ToRow(int64_t day, const bandit::SufficientStatistics& sums);

// Each bucket is read once and written once, unless a transaction touches more days than are held at a time.
class TouchedBuckets {
 public:
  TouchedBuckets(storage::LearningTransaction* tx, int64_t basis_id, const bandit::ContextLayout& layout)
      : tx_(tx), basis_id_(basis_id), layout_(layout) {}

  // Errors of all: INVALID_ARGUMENT for a context that does not fit the layout.
  absl::Status AddMature(const std::vector<storage::LedgerExposure>& exposures);
  absl::Status AdjustMature(const storage::LedgerExposure& exposure, double new_reward);
  absl::Status Save();

 private:
  absl::StatusOr<bandit::SufficientStatistics*> At(int64_t day);

  storage::LearningTransaction* const tx_;
  const int64_t basis_id_;
  const bandit::ContextLayout layout_;
  absl::btree_map<int64_t, bandit::SufficientStatistics> buckets_;
};

}  // namespace suggest::learning

#endif  // SERVICE_LEARNING_TOUCHED_BUCKETS_H_
