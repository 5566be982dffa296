// Books purchases and refunds of the source into the ledger: which exposure each belongs to, what it is worth there,
// and the rewards, buckets and histories that this changes. One chunk per call, inside one transaction that holds the
// lock.
//
// What may befall a purchase, and where it is counted (IngestCounts):
//   refund                           a purchase that counted is cancelled, or the source shows it no more
//   several for one exposure         purchases_repeated; the reward is clip(sum / cap), taken anew from all of them
//   more than the cap together       rewards_clipped
//   before its exposure              purchases_skewed within the tolerance (delay 0); else purchases_early, tried again
//   after the window, or unknown     purchases_late, purchases_orphaned
//   of another exposure than before  reattributed: two entries of the reward ledger
//   of a forgotten exposure          purchases_forgotten: booked, but no live day changes
//   shown more than once             purchases_duplicated; delivered again unchanged: nothing to book
#ifndef SERVICE_LEARNING_PURCHASE_BOOKING_H_
#define SERVICE_LEARNING_PURCHASE_BOOKING_H_

#include <string>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "bandit/model/context.h"
#include "service/learning/attribution.h"
#include "service/learning/settings.h"
#include "storage/ledger/learning_store.h"
#include "suggest/config/v1/config.pb.h"
#include "suggest/v1/learning_service.pb.h"

namespace suggest::learning {

class PurchaseBooking {
 public:
  // `counts` is added to, and must outlive this.
  PurchaseBooking(const config::v1::Config& config, const bandit::ContextLayout& layout, absl::Time tick,
                  suggest::v1::IngestCounts* counts, bool accept_vanished);

  // Each returns how many rows it took: less than chunk_rows means that nothing is left. `cursor`: where the last chunk
  // of this run ended; default at first. `window`: what the sources are compared over.
  absl::StatusOr<int> BookChanged(storage::LearningTransaction& tx, const storage::SourceWindow& window,
                                  storage::LedgerKey* cursor);
  // Purchases that the source has lost, shows under another customer, not yet or before the window, are cancelled at
  // the tick. None is when they are more than learning.max_vanished_share of the booked ones and `accept_vanished` was
  // not said: purchases_vanished then counts them.
  absl::StatusOr<int> BookVanished(storage::LearningTransaction& tx, const storage::SourceWindow& window,
                                   storage::LedgerKey* cursor);

 private:
  struct Known;
  absl::StatusOr<Known> FindExposures(storage::LearningTransaction& tx,
                                      const std::vector<storage::PurchaseChange>& changes) const;
  // `skewed`: whether it was attributed to a later exposure.
  storage::PurchaseState Judge(const storage::PurchaseChange& change, const Known& known, bool* skewed) const;
  // Whether so few have vanished that it can be believed, or it was accepted; else they are counted.
  absl::StatusOr<bool> VanishingIsCredible(storage::LearningTransaction& tx, const storage::SourceWindow& window);
  void Count(const storage::PurchaseState* before, const storage::PurchaseState& after);
  // `touched`: exposures, and how many purchases began to count for each.
  absl::Status UpdateRewards(storage::LearningTransaction& tx, const storage::LearnerState& state,
                             const absl::btree_map<storage::LedgerKey, int64_t>& touched,
                             std::vector<storage::HistoryKey>& histories);
  double NetReward(const storage::LedgerExposure& exposure, const std::vector<storage::PurchaseState>& purchases,
                   int64_t fresh);
  absl::Status BookChanges(storage::LearningTransaction& tx, const std::vector<storage::PurchaseChange>& changes);
  std::vector<std::string> Currencies() const;

  const MoneyRules money_;
  const AttributionRules rules_;
  const int chunk_rows_;
  const double max_vanished_share_;
  const bool accept_vanished_;
  const bandit::ContextLayout layout_;
  const absl::Time tick_;
  suggest::v1::IngestCounts* const counts_;
};

}  // namespace suggest::learning

#endif  // SERVICE_LEARNING_PURCHASE_BOOKING_H_
