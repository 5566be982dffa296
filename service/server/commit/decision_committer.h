// Group commit: decisions of concurrent requests are written together, and each request is answered after the commit
// that holds its decision.
//
// A bounded queue and `writers` threads. While a writer commits, decisions gather; the next batch is what has come, up
// to max_batch, after waiting `linger` for more. So batches grow with the load by themselves, and a lone decision waits
// for nothing but its own commit: while decisions come one by one, each gets the next free writer; once a batch held
// several, one commit is under way at a time, since two would halve the batches, and a second writer begins the next
// one while the first still answers. A full queue refuses at once.
//
// When the log cannot be written (storage::IsTransient), the batch goes to the fallback sink if there is one. Else it
// is tried again, unchanged and so idempotently, until it is in, or until a caller that waits has waited `hold_for`:
// then that caller is told UNAVAILABLE. Decisions that nobody waits for (ASYNC) are tried until the process ends.
//
// A record whose own failure may pass (another session holds its request id, for one) concerns its caller alone, who is
// told UNAVAILABLE; one that nobody waits for is queued again. When kTriesToReport tries in a row, of whatever batch,
// could not be written anywhere, the log says so once, and Health too; and once more when one is written.
//
// Threads: any. The `done` functions run on a writer's thread and must not block.
#ifndef SERVICE_SERVER_COMMIT_DECISION_COMMITTER_H_
#define SERVICE_SERVER_COMMIT_DECISION_COMMITTER_H_

#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "bandit/base/mutex.h"
#include "service/server/commit/decision_sink.h"
#include "service/server/log.h"
#include "service/server/metrics.h"
#include "suggest/config/v1/config.pb.h"

namespace suggest::server {

// Where a decision is when its caller is answered.
enum class Kept { kInLog, kInFallback, kInQueue };

struct Committed {
  Kept kept = Kept::kInLog;
  // The decision that had answered this request before: it is the answer, and nothing was stored.
  std::optional<storage::DecisionRecord> earlier;
};

class DecisionCommitter {
 public:
  using Done = std::function<void(absl::StatusOr<Committed>)>;

  // `config` is complete and valid. `log_sink` and, if given, `fallback` must outlive the committer, as metrics and
  // log.
  DecisionCommitter(const config::v1::Database& config, DecisionSink* log_sink, DecisionSink* fallback,
                    Metrics* metrics, Log* log);
  // Drains without limit of `hold_for`, at most 1 s.
  ~DecisionCommitter();
  DecisionCommitter(const DecisionCommitter&) = delete;
  DecisionCommitter& operator=(const DecisionCommitter&) = delete;

  // Blocks until the outcome is known.
  // Errors: RESOURCE_EXHAUSTED when the queue is full, at once; UNAVAILABLE when the log could not be written for
  // hold_for (the decision may be in the log after all: retry with the same request id), or while draining; what
  // AppendBatch says of this record.
  absl::StatusOr<Committed> Commit(const storage::DecisionRecord& record);

  // Takes the decision and calls `done` once its outcome is known, unless it refuses it, as Commit does: then it
  // returns why, and `done` is not called.
  absl::Status Submit(std::shared_ptr<const storage::DecisionRecord> record, Done done);

  // Takes a decision whose caller does not wait (ASYNC): tried until it is in. A request id that was answered before
  // keeps its earlier decision; this one is dropped and counted as superseded.
  absl::Status SubmitUnawaited(std::shared_ptr<const storage::DecisionRecord> record);

  // Takes no more, and writes what is queued. Returns once all is written, or after `timeout`, when what is left is
  // counted as lost, and each that waits is told. Idempotent.
  void Drain(absl::Duration timeout);

  int queued() const;

  static constexpr int kTriesToReport = 6;

  // OK, or UNAVAILABLE saying why decisions cannot be committed, as of the last kHealthFor. Without a try for so long
  // nothing is known against it.
  absl::Status Health() const;

 private:
  using Instant = std::chrono::steady_clock::time_point;
  static constexpr std::chrono::seconds kHealthFor{10};

  struct Item {
    std::shared_ptr<const storage::DecisionRecord> own;  // null: a blocked caller holds it
    const storage::DecisionRecord* record = nullptr;
    Done done;  // empty: nobody waits
    Instant queued_at;
  };
  using Items = std::vector<std::unique_ptr<Item>>;
  using Outcomes = std::vector<absl::StatusOr<Committed>>;

  absl::Status Enqueue(std::unique_ptr<Item> item);
  void RunWriter();
  // Empty when draining and nothing is queued.
  Items Take();
  // A further writer helps only while decisions come one by one.
  bool MayTake() const ABSL_SHARED_LOCKS_REQUIRED(mutex_);
  void Linger() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Write(Items batch);
  // The batch is in the sink, or known to be refused; else what stands against it.
  absl::StatusOr<Outcomes> TryAppend(DecisionSink* sink, Kept kept, const Items& batch);
  // Another writer may take the next batch.
  void EndWriting();
  void Finish(Item& item, absl::StatusOr<Committed> outcome);
  void NoteTry(const absl::Status& outcome);
  // Queues it again; false when the drain's time is over.
  bool Requeue(std::unique_ptr<Item>& item);
  void FailOverdue(Items& batch, const absl::Status& why);
  // Waits before the next try; false when the drain's time is over.
  bool Pause(absl::Duration pause);

  const int max_batch_;
  const int queue_length_;
  const std::chrono::nanoseconds linger_;
  const std::chrono::nanoseconds hold_for_;
  DecisionSink* const log_sink_;
  DecisionSink* const fallback_;
  Metrics* const metrics_;
  Log* const log_;

  mutable Mutex mutex_;
  std::condition_variable_any arrived_;
  std::condition_variable_any stopping_;
  std::deque<std::unique_ptr<Item>> queue_ ABSL_GUARDED_BY(mutex_);
  // Writers that wait for a first decision, that wait for more, and that write.
  int waiting_ ABSL_GUARDED_BY(mutex_) = 0;
  int lingering_ ABSL_GUARDED_BY(mutex_) = 0;
  int writing_ ABSL_GUARDED_BY(mutex_) = 0;
  int last_batch_ ABSL_GUARDED_BY(mutex_) = 0;
  bool draining_ ABSL_GUARDED_BY(mutex_) = false;
  int failed_tries_ ABSL_GUARDED_BY(mutex_) = 0;  // in a row
  absl::Status health_ ABSL_GUARDED_BY(mutex_);
  Instant failed_at_ ABSL_GUARDED_BY(mutex_);
  Instant give_up_at_ ABSL_GUARDED_BY(mutex_) = Instant::max();
  std::vector<std::thread> writers_;
};

}  // namespace suggest::server

#endif  // SERVICE_SERVER_COMMIT_DECISION_COMMITTER_H_
