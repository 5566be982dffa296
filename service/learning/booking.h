// Books rows of the sources into the ledger, one chunk per call, each call inside one transaction that holds the lock.
//
// Every function reads what it needs in its own transaction, so it does not matter who booked the chunks before. What
// it books, it books whole: ledger rows with the bucket rows and the histories that they change. What is kept between
// calls only says where this run has looked already; another run looks everywhere again.
#ifndef SERVICE_LEARNING_BOOKING_H_
#define SERVICE_LEARNING_BOOKING_H_

#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "bandit/model/context.h"
#include "service/decision/stored_servings.h"
#include "service/learning/delay_rule.h"
#include "service/learning/purchase_booking.h"
#include "service/learning/settings.h"
#include "service/learning/strata.h"
#include "storage/ledger/learning_store.h"
#include "suggest/config/v1/config.pb.h"
#include "suggest/v1/learning_service.pb.h"

namespace suggest::learning {

class Booking {
 public:
  // How far back sources are compared with the ledger.
  enum class Reach { kLearningWindow, kAllHistory };

  struct Basis {
    bandit::ContextLayout layout;    // of the learner's basis
    StratumOfRecommendation strata;  // of the delay laws
  };

  // `counts` is added to. It and `servings`, which only exposures need, must outlive the booking.
  Booking(const config::v1::Config& config, Basis basis, absl::Time tick, suggest::v1::IngestCounts* counts,
          decision::StoredServings* servings, Reach reach = Reach::kLearningWindow, bool accept_vanished = false);

  struct Chunk {
    int rows = 0;
    bool more = false;  // another call may find further rows
  };
  // Errors: DATA_LOSS naming the suggestion where the versions that decided are lost.
  absl::StatusOr<Chunk> BookExposures(storage::LearningTransaction& tx);
  absl::StatusOr<Chunk> BookPurchases(storage::LearningTransaction& tx);
  // As PurchaseBooking::BookVanished.
  absl::StatusOr<Chunk> BookVanished(storage::LearningTransaction& tx);
  absl::StatusOr<Chunk> MatureDue(storage::LearningTransaction& tx);

 private:
  absl::Status HeedDiscards(storage::LearningTransaction& tx, storage::LearnerState& state);
  absl::StatusOr<std::vector<storage::NewExposure>> NextExposures(storage::LearningTransaction& tx, bool* more);
  absl::Status Book(storage::LearningTransaction& tx, const std::vector<storage::NewExposure>& found,
                    storage::LearnerState& state);
  absl::StatusOr<std::vector<std::vector<float>>> Encodings(const std::vector<storage::NewExposure>& found,
                                                            int64_t basis_id);
  storage::LedgerExposure ToLedger(const storage::NewExposure& fresh, std::vector<float> recommendation,
                                   int64_t basis_id, std::vector<KnownExposure>& same_pair);
  storage::SourceWindow WindowFor(absl::Duration earlier) const;

  const LearnerSettings settings_;
  const AttributionRules rules_;
  const storage::ExposureRule exposure_rule_;
  const absl::Duration visibility_lag_;
  const int chunk_rows_;
  const Basis basis_;
  const absl::Time tick_;
  suggest::v1::IngestCounts* const counts_;
  decision::StoredServings* const servings_;
  const Reach reach_;
  PurchaseBooking purchases_;
  bool discards_heeded_ = false;
  bool backlog_ = false;                                    // a chunk of exposures came back full
  absl::Time exposures_seen_until_ = absl::InfinitePast();  // by this run
  storage::LedgerKey purchases_seen_until_;
  storage::LedgerKey vanished_seen_until_;
};

}  // namespace suggest::learning

#endif  // SERVICE_LEARNING_BOOKING_H_
