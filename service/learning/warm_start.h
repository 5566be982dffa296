// From a company's history to model version 1.
//
// 1. Held-out report: cut = the first instant with at least cut_share of the exposures before it. Delay law, scaling
// and
//    PCA are fitted on the exposures before it, the posterior learns from purchases visible before it, and predicts the
//    exposures from it on, each with the features of its own time.
// 2. The version: the same on everything, at the tick after the last event. The ledger, the day buckets, the histories
//    and the version are written by the ingester's own functions in one transaction, all or nothing.
#ifndef SERVICE_LEARNING_WARM_START_H_
#define SERVICE_LEARNING_WARM_START_H_

#include <optional>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "service/learning/held_out.h"
#include "service/learning/progress.h"
#include "service/learning/replay.h"
#include "storage/postgres/database.h"
#include "suggest/config/v1/config.pb.h"
#include "suggest/model/v1/report.pb.h"

namespace suggest::learning {

struct WarmStartOptions {
  double cut_share = 0.6;
  bool empty = false;    // version from the schema alone; history is not looked at
  bool dry_run = false;  // everything but the commit
  bool replace = false;  // a model is there: start a new basis, from the history alone
  bool forget = false;   // with `replace`: also where live exposures are forgotten
  // The version's data cut: only what was exposed before it is booked. Absent: the first tick after the last event,
  // but not after now, or no ingest could follow before that tick (with `empty`: now).
  std::optional<absl::Time> data_cut;
  uint64_t bootstrap_seed = 1;
  int bootstrap_resamples = 200;
  TruthOf truth;  // of a simulated company: the held-out part then says what can be attained
};

// Reads the history from the source views and publishes. `now` is created_at.
// Rows of the history that cannot be used are set aside (history_review.h) and reported.
// Errors: FAILED_PRECONDITION when there is a model already (unless `replace`), when live exposures would be forgotten
// (unless `forget`), no history (unless `empty`), or more of
// it is set aside than learning.max_set_aside_share;
// ABORTED when an ingest runs; INVALID_ARGUMENT for options or data that cannot be used.
absl::StatusOr<model::v1::WarmStartReport> RunWarmStart(storage::Database& db, const config::v1::Config& config,
                                                        const WarmStartOptions& options, absl::Time now,
                                                        const Progress& progress);

// The same with a history in hand. The purchases that are booked are the source's all the same.
absl::StatusOr<model::v1::WarmStartReport> RunWarmStart(storage::Database& db, History history,
                                                        const config::v1::Config& config,
                                                        const WarmStartOptions& options, absl::Time now,
                                                        const Progress& progress);

// Only the report's held-out part: no database.
absl::StatusOr<model::v1::WarmStartReport> EvaluateHistory(const History& history, const config::v1::Config& config,
                                                           const WarmStartOptions& options, const Progress& progress);

// The first instant with at least `share` of the exposures strictly before it; InfiniteFuture when there is none.
absl::Time CutInstant(const Timeline& timeline, double share);

}  // namespace suggest::learning

#endif  // SERVICE_LEARNING_WARM_START_H_
