// A local, durable queue of decisions and feedback for the time while PostgreSQL is away.
//
// One SQLite file in write-ahead mode with synchronous=FULL: an append is one transaction and one fsync, and a commit
// that is cut off leaves no trace, since each frame of the log carries a checksum over all before it. SQLite rather
// than LMDB because its checksums tell a torn log from a whole one, its file has no size fixed in advance, and look-ups
// by request id are an index, not a second store. The lock is exclusive: a second process (or a second Spool of this
// one) is refused at Open.
//
// What was promised is found missing: a second file, the spool's path with "-witness", counts the transactions that
// appended (spool_witness.h), and each entry carries a checksum. A spool that is behind its witness is not opened; a
// damaged entry is given as one, and holds up no other.
//
// Entries keep the order in which they were appended. A decision whose request id is in the spool already is not
// appended again. What is drained is removed only after its commit in PostgreSQL, so a crash between the two leaves
// entries that PostgreSQL knows: draining is idempotent (superseded_store.h, DecisionStore::AppendBatch).
//
// The file grows to max_bytes at most, beside a log of a few MiB; freed space is used again, and given back when the
// spool runs empty. Removing writes to the log first, so it needs space as well: appending stops while the disk has
// no more than reserved_bytes left.
//
// Errors of every function: RESOURCE_EXHAUSTED when the spool or the disk is full (nothing that was appended is lost,
// and reading goes on; removing does while others leave the reserve alone); DATA_LOSS when the file is damaged;
// INTERNAL.
//
// Threads: any; they take turns.
#ifndef STORAGE_SPOOL_SPOOL_H_
#define STORAGE_SPOOL_SPOOL_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "bandit/base/mutex.h"
#include "storage/log/decision_store.h"
#include "storage/records.h"

namespace suggest::storage {

class SpoolWitness;
class SqliteFile;

struct SpoolOptions {
  std::string path;
  int64_t max_bytes = int64_t{1} << 30;
  // For the log, and for what it adds to the file, up to the point from where it is written anew: 4 MiB each.
  int64_t reserved_bytes = int64_t{16} << 20;
};

struct SpooledFeedback {
  FeedbackRecord feedback;
  absl::Time recorded_at;
};

// What cannot be read any more.
struct DamagedEntry {
  std::string why;
};

struct SpooledEntry {
  int64_t sequence = 0;  // ascending in the order of appending; none is given twice while the spool is open
  absl::Time spooled_at;
  std::variant<DecisionRecord, SpooledFeedback, DamagedEntry> content;
};

struct SpoolFigures {
  int64_t decisions = 0;
  int64_t feedback = 0;
  int64_t bytes = 0;  // of the file, without its log
  absl::Time oldest = absl::InfiniteFuture();

  bool empty() const { return decisions + feedback == 0; }
};

class Spool {
 public:
  // Opens the file, or makes it, and checks it.
  // Errors: FAILED_PRECONDITION when another process has it, its folder is not there or may not be written; DATA_LOSS
  // when it is damaged, is no spool, or has lost what it promised.
  static absl::StatusOr<std::unique_ptr<Spool>> Open(const SpoolOptions& options);
  ~Spool();

  // Durable when it returns. The contract of DecisionStore::AppendBatch, within the spool. A request id whose entry is
  // damaged is DATA_LOSS for that record alone.
  absl::StatusOr<std::vector<Appended>> Append(absl::Span<const DecisionRecord* const> batch, absl::Time now);
  // Durable when it returns. The same feedback may be there twice: draining takes it once.
  absl::Status AppendFeedback(const FeedbackRecord& feedback, absl::Time now);

  absl::StatusOr<std::optional<DecisionRecord>> FindByRequest(const std::string& customer_id,
                                                              const std::string& request_id) const;
  absl::StatusOr<std::optional<DecisionRecord>> Find(const std::string& customer_id,
                                                     const std::string& decision_id) const;
  // Whether the answer reached its caller. False: the spool does not have the decision (any more).
  absl::StatusOr<bool> MarkDelivered(const std::string& customer_id, const std::string& decision_id, bool delivered);

  // The oldest entries after the one numbered `after`, at most `limit`, in order.
  absl::StatusOr<std::vector<SpooledEntry>> Oldest(int limit, int64_t after = 0) const;
  // Removes what Oldest gave. A decision that was marked since then stays, to be drained again.
  absl::Status Remove(absl::Span<const SpooledEntry> entries);

  // Counted, not read: cheap.
  SpoolFigures figures() const;

 private:
  Spool(std::unique_ptr<SqliteFile> file, const SpoolOptions& options);

  absl::Status Prepare() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status CountEntries() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Opens the witness, and compares.
  absl::Status Compare() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Within a transaction that appends, and after its commit.
  absl::StatusOr<int64_t> CountUp() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status AppendOneFeedback(const FeedbackRecord& feedback, absl::Time now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Errors: RESOURCE_EXHAUSTED when the disk has no more than the reserve.
  absl::Status CheckDisk() const;
  // Size and oldest entry.
  absl::Status Measure() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status AppendAll(absl::Span<const DecisionRecord* const> batch, absl::Time now, std::vector<Appended>* appended)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::StatusOr<Appended> AppendOne(const DecisionRecord& decision, absl::Time now, int64_t* inserted)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status RemoveAll(absl::Span<const SpooledEntry> entries) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::StatusOr<std::optional<DecisionRecord>> Select(const char* sql, const std::string& customer_id,
                                                       const std::string& id) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const SpoolOptions options_;
  mutable Mutex mutex_;
  const std::unique_ptr<SqliteFile> file_;
  std::unique_ptr<SpoolWitness> witness_ ABSL_GUARDED_BY(mutex_);
  SpoolFigures figures_ ABSL_GUARDED_BY(mutex_);
  int64_t last_sequence_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace suggest::storage

#endif  // STORAGE_SPOOL_SPOOL_H_
