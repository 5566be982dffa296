// The reward ingester: books new exposures, purchases and refunds exactly once, and publishes the next model version.
//
// Chunks of chunk_rows rows: each is one transaction that takes the learner's lock and commits ledger rows together
// with the bucket rows and histories that they change. The last transaction makes mature what is due, sums, solves,
// stores the version and notifies. Killed anywhere, the next run finds by comparison what is not booked yet; run twice
// or in parallel, nothing is booked twice.
//
// A version is published when anything was booked or made mature since the last one, when the UTC day of the tick has
// changed (windows, ages), or when pending exposures that count by age have aged by a quarter of the ingest period.
//
// Memory: one chunk of rows, the buckets that it touches, and the sums; not the backlog.
#ifndef SERVICE_LEARNING_INGESTER_H_
#define SERVICE_LEARNING_INGESTER_H_

#include <functional>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "service/learning/progress.h"
#include "storage/postgres/database.h"
#include "suggest/config/v1/config.pb.h"
#include "suggest/v1/learning_service.pb.h"

namespace suggest::learning {

class Ingester {
 public:
  // `db` must outlive it. REQUIRES: a configuration with defaults that is valid.
  Ingester(storage::Database* db, const config::v1::Config& config);

  // Everything visible at `now`. With dry_run all of it happens in one transaction that is rolled back, and no version
  // is named.
  // Errors: ABORTED when another run holds the lock; FAILED_PRECONDITION without a model version, or when the
  // currency or reward cap is not the one that the ledger was started with, or when `now` is before the current
  // version's data cut; INTERNAL when the posterior fails its checks though its heaviest exposures were set aside
  // (heavy_exposures.h; what was booked stays booked; the last good version stays current).
  absl::StatusOr<suggest::v1::IngestRewardsResponse> Run(absl::Time now, bool dry_run, const Progress& progress);

  // Takes back purchases that the source shows no more, however many (learning.max_vanished_share).
  void set_accept_vanished(bool accept) { accept_vanished_ = accept; }
  // Makes all sums of the ledger anew at `now`, also when that is before the current version's data cut: the way back
  // after a run whose clock was ahead.
  void set_rebuild(bool rebuild) { rebuild_ = rebuild; }

  // Called before each commit with the phase's name ("exposures", "purchases", "mature", "publish"); an error rolls
  // that transaction back and ends the run, as a kill there would: how a caller that has gone ends a run.
  using CommitHook = std::function<absl::Status(absl::string_view phase)>;
  void set_commit_hook(CommitHook hook) { hook_ = std::move(hook); }

 private:
  storage::Database* const db_;
  const config::v1::Config config_;
  CommitHook hook_;
  bool accept_vanished_ = false;
  bool rebuild_ = false;
};

}  // namespace suggest::learning

#endif  // SERVICE_LEARNING_INGESTER_H_
