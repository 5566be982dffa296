// The learner's ledger in PostgreSQL: exposures, purchases as booked, day buckets, histories, model versions.
//
// Every change happens inside WithLock: one READ COMMITTED transaction that holds the lock of the one row of
// suggest.learner, so two runs never interleave within a chunk, and a killed run leaves no lock. What a transaction
// reads is what the transactions before it committed.
//
// New rows are found by comparing the sources with the ledger over the learning window: rows become visible in commit
// order, so a watermark on ids or times would lose those of a long transaction. Cost: one pass over the window's rows.
//
// Pages: functions with `after` and `limit` return rows in key order after that key; the caller passes the last row's
// key on. An empty page ends.
#ifndef STORAGE_LEDGER_LEARNING_STORE_H_
#define STORAGE_LEDGER_LEARNING_STORE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "storage/ledger/learning_records.h"
#include "storage/postgres/database.h"

namespace suggest::storage {

// What makes a suggestion an exposure: the earliest of these feedback kinds, or the decision itself.
struct ExposureRule {
  std::vector<int> feedback_kinds;  // RecordFeedbackRequest.Kind
  bool by_decision = false;         // decisions that were delivered, or that any feedback shows to have been
};

struct SourceWindow {
  absl::Time since;               // rows before it are too old to teach
  absl::Time tick;                // rows dated after it are not seen
  absl::Time until;               // of exposures: those after it wait for another page; at most the tick
  absl::Duration visibility_lag;  // from purchased_at, where there is no visible_at
  bool first_seen = false;        // instead of the lag: visible since the tick at which it was first booked
};

// Inside WithLock only. Functions throw nothing; a failed one leaves the transaction fit only for rolling back.
class LearningTransaction {
 public:
  class Connection;  // what it runs on; known to storage/*.cc only
  explicit LearningTransaction(Connection* connection) : connection_(connection) {}

  absl::StatusOr<LearnerState> State();
  absl::Status SaveState(const LearnerState& state);

  // In order of (exposed_at, customer_id, suggestion_id). Anti-joined with the ledger: booked ones do not come again.
  absl::StatusOr<std::vector<NewExposure>> NewExposures(const ExposureRule& rule, const SourceWindow& window,
                                                        int limit);
  // The instant of the n-th event from `since` on that may be an exposure; infinite when there are fewer.
  absl::StatusOr<absl::Time> EventBound(const ExposureRule& rule, absl::Time since, int n);
  // Pending exposures that were discarded within the window and neither sent, viewed nor clicked teach nothing from now
  // on (basis 0, discarded, in no history); those that were sent after all teach again. Returns what changed, as it is
  // now. A discarded exposure that was kept anew leaves the ledger and is found anew. Repeats of a discarded exposure
  // leave the ledger: they are found anew, those that were not discarded too, as exposures of their own time.
  absl::StatusOr<std::vector<LedgerExposure>> HeedDiscards(int64_t basis_id, const SourceWindow& window);
  absl::Status InsertExposures(const std::vector<LedgerExposure>& exposures);
  // Booked exposures (no repeats, none discarded) of these (customer_id, recommendation_id) pairs, without contexts.
  absl::StatusOr<std::vector<LedgerExposure>> ExposuresOfPairs(const std::vector<LedgerKey>& pairs);
  // Booked exposures of these (customer_id, suggestion_id), repeats included, without contexts.
  absl::StatusOr<std::vector<LedgerExposure>> ExposuresByName(const std::vector<LedgerKey>& names);
  // The same with contexts.
  absl::StatusOr<std::vector<LedgerExposure>> ExposuresWithContext(const std::vector<LedgerKey>& names);
  // `reward` and `bought_at`.
  absl::Status SetRewards(const std::vector<LedgerExposure>& exposures);

  // Purchases that are new, changed, due again or marked for another look, by (customer_id, purchase_id). A refused
  // one is due again once its currency is one of `currencies`. An amount that float8 cannot hold comes as NaN.
  absl::StatusOr<std::vector<PurchaseChange>> ChangedPurchases(const SourceWindow& window,
                                                               const std::vector<std::string>& currencies,
                                                               const LedgerKey& after, int limit);
  // Booked purchases that are not cancelled and that the source does not show any more, or not yet at the tick, or
  // shows before the window, by (customer_id, purchase_id).
  absl::StatusOr<std::vector<PurchaseState>> VanishedPurchases(const SourceWindow& window, const LedgerKey& after,
                                                               int limit);
  absl::StatusOr<VanishedCount> CountVanishedPurchases(const SourceWindow& window);
  absl::Status SavePurchases(const std::vector<PurchaseState>& states, absl::Time tick);
  // All purchases booked for these (customer_id, suggestion_id) exposures, by (customer_id, purchase_id).
  absl::StatusOr<std::vector<PurchaseState>> PurchasesOf(const std::vector<LedgerKey>& exposures);
  // New exposures may change where a purchase belongs: purchases of these (customer_id, recommendation_id) pairs, and
  // those that name these (customer_id, suggestion_id), are looked at again.
  absl::Status MarkForAnotherLook(const std::vector<LedgerKey>& pairs, const std::vector<LedgerKey>& names);
  absl::Status AppendRewards(const std::vector<RewardEntry>& entries, absl::Time tick);

  // Exposures of the basis that are not mature, from this day on, with contexts; `exposed_until`: only those exposed at
  // or before it.
  absl::StatusOr<std::vector<LedgerExposure>> Pending(int64_t basis_id, int64_t first_day, absl::Time exposed_until,
                                                      const LedgerKey& after, int limit);
  // These teach nothing from now on: basis 0, set_aside. Their buckets are not touched.
  absl::Status SetAside(const std::vector<LedgerKey>& exposures);
  // Takes all sums of the basis back, so that MatureDue can make them anew: no exposure is mature, no bucket is left.
  // What was booked by a clock ahead of `tick` became visible at the tick; outages after it are forgotten.
  absl::Status TakeBackSums(int64_t basis_id, absl::Time tick);
  // Exposures of the decision log that the ledger holds, repeats not counted.
  absl::StatusOr<int64_t> CountLiveExposures();
  absl::Status MarkMature(const std::vector<LedgerKey>& exposures);
  // All exposures of the basis from this day on, with contexts, for verify.
  absl::StatusOr<std::vector<LedgerExposure>> Exposures(int64_t basis_id, int64_t first_day, const LedgerKey& after,
                                                        int limit);

  // The newest mature exposures of the basis from this day on, at most `limit`, by (exposed_at, customer_id,
  // suggestion_id), with contexts.
  absl::StatusOr<std::vector<LedgerExposure>> NewestMature(int64_t basis_id, int64_t first_day, int limit);

  // Sums of mature exposures. Days that are not stored do not come.
  absl::StatusOr<std::vector<BucketRow>> Buckets(int64_t basis_id, absl::Span<const int64_t> days);
  absl::StatusOr<std::vector<int64_t>> BucketDays(int64_t basis_id);
  absl::Status SaveBucket(int64_t basis_id, const BucketRow& bucket);
  // Of both kinds.
  absl::Status DropBuckets(int64_t basis_id, int64_t before_day);

  // Counts these days again from exposures and purchases, and with them the days of their recommendations.
  absl::Status RefreshHistory(const std::vector<HistoryKey>& keys);
  // By (recommendation_id, day).
  absl::StatusOr<std::vector<HistoryDay>> RecommendationDays();
  // History days that differ from what exposures and purchases say: how many.
  absl::StatusOr<int64_t> CountWrongHistoryDays();

  // For the delay laws: exposures of the basis from this day on, grouped, with their ages at `tick` in even parts of
  // `window`; and what purchases and refunds did to up to `limit` exposures after `after`, in order of (customer_id,
  // suggestion_id, visible_at, purchase_id).
  absl::StatusOr<std::vector<ExposureGroup>> ExposureGroups(int64_t basis_id, int64_t first_day, absl::Time tick,
                                                            absl::Duration window, int bins);
  absl::StatusOr<std::vector<VisibleValue>> VisibleValues(int64_t basis_id, int64_t first_day, const LedgerKey& after,
                                                          int limit);
  // Value of the purchases from this day on that came after their window, as a share of that of all attributed or late.
  absl::StatusOr<double> LateValueShare(int64_t first_day);

  // Times without a run, in order.
  absl::Status RecordOutage(const OutageRow& outage);
  absl::StatusOr<std::vector<OutageRow>> Outages();

  // Sum of the ledger per purchase differs from the value that counts: how many purchases.
  absl::StatusOr<int64_t> CountUnbalancedPurchases();

  // The current version with its bytes, or nullopt.
  absl::StatusOr<std::optional<ModelRow>> CurrentModel();
  // The highest version and basis there are, 0 without any.
  absl::StatusOr<std::pair<int64_t, int64_t>> HighestVersionAndBasis();
  // Stores it, makes it current and notifies, all at the commit.
  absl::Status Publish(const ModelRow& row);
  // Empties the ledger before another warm start. Model versions stay.
  absl::Status ClearLedger();

  // A line in the list of runs.
  absl::Status RecordRun(absl::Time tick, int64_t model_version, absl::string_view counts_json, double seconds);

 private:
  Connection* const connection_;
};

class LearningStore {
 public:
  // `db` must outlive the store.
  explicit LearningStore(Database* db) : db_(db) {}

  // Takes the lock without waiting, runs `body`, and commits when it returns OK and `commit` is true; else rolls back.
  // Errors: ABORTED when another run holds the lock.
  absl::Status WithLock(bool commit, absl::FunctionRef<absl::Status(LearningTransaction&)> body);

  // One REPEATABLE READ, READ ONLY transaction without the lock: one state of the ledger, whoever writes meanwhile.
  absl::Status ReadOnly(absl::FunctionRef<absl::Status(LearningTransaction&)> body);

 private:
  Database* const db_;
};

}  // namespace suggest::storage

#endif  // STORAGE_LEDGER_LEARNING_STORE_H_
