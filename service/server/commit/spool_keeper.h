// What stands in for the database while it is away: decisions and feedback go to the local spool, and from there to the
// database when it is back, in order and exactly once.
//
// While the database is away nothing but the drain's own look tries it, so that requests do not wait for it. A database
// that answers the look counts as back, and the log says so, once something was written there; when the write fails,
// the outage goes on and the next look waits longer. The drain
// commits a page of entries, and only then removes them from the spool. When the process ends in between, the page is
// drained again: a decision that is in the log already counts as committed, feedback that is there stays, a request
// that another decision answers makes the spooled one superseded, once.
//
// A request id in the spool is answered from the spool, also when the database is back and the drain not yet there: the
// spool is asked first, and an entry leaves it only after its commit.
//
// Threads: any; Drain by one thread at a time.
#ifndef SERVICE_SERVER_COMMIT_SPOOL_KEEPER_H_
#define SERVICE_SERVER_COMMIT_SPOOL_KEEPER_H_

#include <atomic>
#include <optional>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "service/common/clock.h"
#include "service/server/commit/decision_sink.h"
#include "service/server/log.h"
#include "service/server/metrics.h"
#include "storage/log/superseded_store.h"
#include "storage/postgres/database.h"
#include "storage/spool/spool.h"

namespace suggest::server {

class SpoolKeeper {
 public:
  // Nothing is owned; all must outlive the keeper. `log_sink` is the decision log; `drain_database` is for the drain
  // alone.
  SpoolKeeper(storage::Spool* spool, DecisionSink* log_sink, storage::Database* drain_database, const Clock* clock,
              Metrics* metrics, Log* log);

  // The decision log for everybody else: answers from the spool what the spool knows, and refuses with UNAVAILABLE at
  // once while the database is away.
  DecisionSink* log_sink() { return &guarded_log_; }
  // The spool as what the committer falls back to. Errors: UNAVAILABLE when the spool or its disk is full.
  DecisionSink* spool_sink() { return &spool_sink_; }

  bool away() const { return away_.load(); }
  // Nothing more can be spooled until the drain has made room.
  bool full() const { return full_.load(); }
  // What a use of the database came to: a lost connection says that it is away.
  void Report(const absl::Status& status);

  // Whether the error is of a database that is away.
  static bool SaysAway(const absl::Status& status);

  absl::StatusOr<std::optional<storage::DecisionRecord>> FindByRequest(const std::string& customer_id,
                                                                       const std::string& request_id) const;
  absl::StatusOr<std::optional<storage::DecisionRecord>> Find(const std::string& customer_id,
                                                              const std::string& decision_id) const;
  // Errors: UNAVAILABLE when the spool or its disk is full; NOT_FOUND when the spool has the decision and it has no
  // such rank.
  absl::Status AppendFeedback(const storage::FeedbackRecord& feedback);
  // False: the spool does not have the decision.
  absl::StatusOr<bool> MarkDelivered(const std::string& customer_id, const std::string& decision_id, bool delivered);

  // How long an entry that had to stay in the spool waits before it is tried again.
  static constexpr absl::Duration kRetryLeft = absl::Minutes(1);

  // One step: looks whether a database that was away is back, then commits and removes one page of entries. An entry
  // that is damaged, one that the database refuses for what it holds, and feedback to a decision that still waits,
  // stays in the spool and holds up no other. So does a page that is committed and cannot be removed (a full disk, for
  // one): it is not committed again, but for a mark of delivery that came since. True: there is more to do at once.
  // Errors: those of the database or the spool; nothing is lost, call again.
  absl::StatusOr<bool> Drain();

  // Brings the gauges up to date.
  void ShowFigures();
  // For /readyz: empty when the database is there and the spool is empty.
  std::string Describe() const;

 private:
  class GuardedLog final : public DecisionSink {
   public:
    explicit GuardedLog(SpoolKeeper* keeper) : keeper_(keeper) {}
    absl::StatusOr<std::vector<storage::Appended>> Append(
        absl::Span<const storage::DecisionRecord* const> batch) override {
      return keeper_->AppendToLog(batch);
    }

   private:
    SpoolKeeper* const keeper_;
  };
  class SpoolSink final : public DecisionSink {
   public:
    explicit SpoolSink(SpoolKeeper* keeper) : keeper_(keeper) {}
    absl::StatusOr<std::vector<storage::Appended>> Append(
        absl::Span<const storage::DecisionRecord* const> batch) override {
      return keeper_->AppendToSpool(batch);
    }

   private:
    SpoolKeeper* const keeper_;
  };

  absl::StatusOr<std::vector<storage::Appended>> AppendToLog(absl::Span<const storage::DecisionRecord* const> batch);
  absl::StatusOr<std::vector<storage::Appended>> AppendToSpool(absl::Span<const storage::DecisionRecord* const> batch);
  // What of a page has to stay, and why.
  struct Outcome {
    absl::flat_hash_set<int64_t> refused;  // sequences
    std::string first_refusal;

    void Refuse(const storage::SpooledEntry& entry, absl::string_view why);
  };
  absl::Status CommitDecisions(const std::vector<storage::SpooledEntry>& page, Outcome* outcome);
  absl::Status CommitFeedback(const std::vector<storage::SpooledEntry>& page, Outcome* outcome);
  // Whether it is feedback to a decision that is not committed yet.
  absl::StatusOr<bool> IsOfOneThatWaits(const storage::FeedbackRecord& feedback) const;
  absl::Status CommitMark(const storage::DecisionRecord& decision);
  absl::Status CommitOneFeedback(const storage::SpooledEntry& entry, Outcome* outcome);
  void NoteSuperseded(const storage::SupersededDecision& one);
  void NoteRefused(const Outcome& outcome);
  void NoteUnremoved(const absl::Status& failure);
  absl::Status ForgetRemoved(const std::vector<storage::SpooledEntry>& page);
  bool MayRetryLeft();
  // A look at a database that was away. Errors: it still is.
  absl::Status Look();
  // Something was written.
  void NoteWritten();

  storage::Spool* const spool_;
  DecisionSink* const log_sink_;
  storage::Database* const drain_database_;
  const Clock* const clock_;
  Metrics* const metrics_;
  Log* const log_;
  GuardedLog guarded_log_{this};
  SpoolSink spool_sink_{this};
  std::atomic<bool> away_{false};
  std::atomic<bool> full_{false};
  std::atomic<bool> on_trial_{false};   // it answered a look, and nothing has been written since
  std::atomic<int> looks_left_out_{0};  // before the next one
  std::atomic<int> failed_trials_{0};   // in this outage
  // Of what is committed and still in the spool, since it was marked meanwhile or cannot be removed: the decisions'
  // ids, each with the mark of delivery that was committed, and the sequences of feedback. Not committed again.
  absl::flat_hash_map<std::string, bool> committed_;
  absl::flat_hash_set<int64_t> recorded_;
  // What is left of the entries up to here is passed over until the whole spool has been gone through and kRetryLeft
  // has passed since.
  int64_t passed_over_ = 0;
  std::optional<absl::Time> waiting_since_;
  bool unremoved_ = false;  // in this pass
};

}  // namespace suggest::server

#endif  // SERVICE_SERVER_COMMIT_SPOOL_KEEPER_H_
