#include "storage/spool/spool.h"

#include <filesystem>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "bandit/base/status_macros.h"
#include "storage/log/checksum.h"
#include "storage/log/logged_decision.h"
#include "storage/spool/spool_witness.h"
#include "storage/spool/sqlite_internal.h"
#include "suggest/model/v1/spool.pb.h"

namespace suggest::storage {
namespace {

constexpr int64_t kFeedback = 1;  // entries.kind; a decision is 0

// "SPL1": another program's file is refused instead of being written into.
constexpr int64_t kApplicationId = 0x53504c31;
constexpr int kPageBytes = 4096;

// An exclusive lock keeps the index of the log in our own memory: no third file, and a second process is refused.
constexpr char kSettings[] =
    "PRAGMA locking_mode = EXCLUSIVE; PRAGMA page_size = 4096; PRAGMA auto_vacuum = INCREMENTAL; "
    "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = OFF; PRAGMA secure_delete = OFF";

constexpr char kSchema[] = R"(
    CREATE TABLE IF NOT EXISTS entries (
      sequence INTEGER PRIMARY KEY,
      kind INTEGER NOT NULL,
      spooled_at INTEGER NOT NULL,
      customer_id TEXT NOT NULL,
      request_id TEXT,
      decision_id TEXT,
      delivered INTEGER NOT NULL,
      bytes BLOB NOT NULL);
    CREATE TABLE IF NOT EXISTS promised (number INTEGER NOT NULL);
    CREATE UNIQUE INDEX IF NOT EXISTS entries_request ON entries (customer_id, request_id) WHERE kind = 0;
    CREATE INDEX IF NOT EXISTS entries_decision ON entries (decision_id) WHERE kind = 0)";

// The checksum is null in entries of programs before it.
constexpr char kAddChecksum[] = "ALTER TABLE entries ADD COLUMN checksum INTEGER";
constexpr char kHasChecksum[] = "SELECT count(*) FROM pragma_table_info('entries') WHERE name = 'checksum'";
constexpr char kPromised[] = "SELECT coalesce(max(number), 0) FROM promised";

constexpr char kInsertDecision[] =
    "INSERT INTO entries (sequence, kind, spooled_at, customer_id, request_id, decision_id, delivered, bytes, "
    "checksum) "
    "VALUES (?, 0, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING";
constexpr char kInsertFeedback[] =
    "INSERT INTO entries (sequence, kind, spooled_at, customer_id, delivered, bytes, checksum) "
    "VALUES (?, 1, ?, ?, 1, ?, ?)";
constexpr char kByRequest[] =
    "SELECT delivered, bytes, checksum FROM entries WHERE kind = 0 AND customer_id = ? AND request_id = ?";
constexpr char kByDecision[] =
    "SELECT delivered, bytes, checksum FROM entries WHERE kind = 0 AND customer_id = ? AND decision_id = ?";
constexpr char kMark[] = "UPDATE entries SET delivered = ? WHERE kind = 0 AND customer_id = ? AND decision_id = ?";
constexpr char kOldest[] =
    "SELECT sequence, kind, spooled_at, delivered, bytes, checksum FROM entries WHERE sequence > ? ORDER BY sequence "
    "LIMIT ?";
constexpr char kRemove[] = "DELETE FROM entries WHERE sequence = ? AND delivered = ?";

// The bytes of an entry. Errors: DATA_LOSS when they do not have its checksum.
absl::StatusOr<std::string> CheckedBytes(const SqliteStatement& row, int bytes, int checksum) {
  std::string checked = row.Bytes(bytes);
  if (row.IsNull(checksum) || row.Integer(checksum) == ChecksumOf(checked)) return checked;
  return absl::DataLossError("an entry is not what was spooled: its checksum differs");
}

std::string PackFeedback(const FeedbackRecord& feedback, absl::Time now) {
  model::v1::LoggedFeedback logged;
  logged.set_customer_id(feedback.customer_id);
  logged.set_suggestion_id(feedback.suggestion_id);
  logged.set_kind(feedback.kind);
  logged.set_occurred_at_micros(absl::ToUnixMicros(feedback.occurred_at));
  logged.set_recorded_at_micros(absl::ToUnixMicros(now));
  return logged.SerializeAsString();
}

absl::StatusOr<SpooledFeedback> UnpackFeedback(const std::string& bytes) {
  model::v1::LoggedFeedback logged;
  if (!logged.ParseFromString(bytes)) return absl::DataLossError("a spooled feedback cannot be parsed");
  SpooledFeedback spooled;
  spooled.feedback.customer_id = logged.customer_id();
  spooled.feedback.suggestion_id = logged.suggestion_id();
  spooled.feedback.kind = logged.kind();
  spooled.feedback.occurred_at = absl::FromUnixMicros(logged.occurred_at_micros());
  spooled.recorded_at = absl::FromUnixMicros(logged.recorded_at_micros());
  return spooled;
}

absl::Status ReadContent(const SqliteStatement& row, SpooledEntry* entry) {
  ASSIGN_OR_RETURN(const std::string bytes, CheckedBytes(row, 4, 5));
  if (row.Integer(1) == kFeedback) {
    ASSIGN_OR_RETURN(entry->content, UnpackFeedback(bytes));
    return absl::OkStatus();
  }
  ASSIGN_OR_RETURN(DecisionRecord decision, UnpackDecision(bytes));
  decision.delivered = row.Integer(3) != 0;
  entry->content = std::move(decision);
  return absl::OkStatus();
}

SpooledEntry ToEntry(const SqliteStatement& row) {
  SpooledEntry entry;
  entry.sequence = row.Integer(0);
  entry.spooled_at = absl::FromUnixMicros(row.Integer(2));
  const absl::Status read = ReadContent(row, &entry);
  if (!read.ok()) entry.content = DamagedEntry{absl::StrCat("entry ", entry.sequence, ": ", read.message())};
  return entry;
}

bool Delivered(const SpooledEntry& entry) {
  const auto* decision = std::get_if<DecisionRecord>(&entry.content);
  return decision == nullptr || decision->delivered;
}

absl::Status Named(const absl::Status& status) {
  return status.ok() ? status : absl::Status(status.code(), absl::StrCat("spool ", status.message()));
}

}  // namespace

Spool::Spool(std::unique_ptr<SqliteFile> file, const SpoolOptions& options)
    : options_(options), file_(std::move(file)) {}
Spool::~Spool() = default;

absl::StatusOr<std::unique_ptr<Spool>> Spool::Open(const SpoolOptions& options) {
  auto file = SqliteFile::Open(options.path);
  if (!file.ok()) return Named(file.status());
  std::unique_ptr<Spool> spool(new Spool(*std::move(file), options));
  MutexLock lock(spool->mutex_);
  const absl::Status prepared = spool->Prepare();
  if (prepared.code() == absl::StatusCode::kFailedPrecondition) {
    return absl::FailedPreconditionError(
        absl::StrCat("spool ", prepared.message(), " (is another suggestd using it? each needs a file of its own)"));
  }
  RETURN_IF_ERROR(Named(prepared));
  return spool;
}

absl::Status Spool::Prepare() {
  RETURN_IF_ERROR(file_->Execute(kSettings));
  // The first write takes the lock, and keeps it.
  RETURN_IF_ERROR(file_->Execute("BEGIN EXCLUSIVE; COMMIT"));
  ASSIGN_OR_RETURN(const int64_t application, file_->QueryInteger("PRAGMA application_id"));
  ASSIGN_OR_RETURN(const int64_t tables, file_->QueryInteger("SELECT count(*) FROM sqlite_schema"));
  if (application != kApplicationId && tables > 0) {
    return absl::DataLossError(absl::StrCat(file_->path(), ": a SQLite file, but no spool"));
  }
  RETURN_IF_ERROR(file_->Execute(absl::StrCat("PRAGMA application_id = ", kApplicationId).c_str()));
  RETURN_IF_ERROR(Compare());
  ASSIGN_OR_RETURN(const std::string verdict, file_->QueryText("PRAGMA quick_check(1)"));
  if (verdict != "ok") return absl::DataLossError(absl::StrCat(file_->path(), ": ", verdict));
  const int64_t pages = options_.max_bytes / kPageBytes;
  RETURN_IF_ERROR(file_->Execute(absl::StrCat("PRAGMA max_page_count = ", pages).c_str()));
  return CountEntries();
}

absl::Status Spool::Compare() {
  RETURN_IF_ERROR(file_->Execute(kSchema));
  ASSIGN_OR_RETURN(const int64_t has_checksum, file_->QueryInteger(kHasChecksum));
  if (has_checksum == 0) RETURN_IF_ERROR(file_->Execute(kAddChecksum));
  ASSIGN_OR_RETURN(witness_, SpoolWitness::Open(absl::StrCat(options_.path, "-witness")));
  ASSIGN_OR_RETURN(const int64_t number, file_->QueryInteger(kPromised));
  if (number >= witness_->number()) return absl::OkStatus();
  return absl::DataLossError(absl::StrCat(
      file_->path(), ": has ", number, " of the ", witness_->number(), " appends that ", witness_->path(),
      " counts, so answered decisions are missing: the spool or its -wal was damaged. To go on without them, move the "
      "spool, its -wal and its -witness away"));
}

absl::StatusOr<int64_t> Spool::CountUp() {
  ASSIGN_OR_RETURN(const int64_t number, file_->QueryInteger(kPromised));
  RETURN_IF_ERROR(file_->Execute("DELETE FROM promised"));
  SqliteStatement insert(*file_, "INSERT INTO promised (number) VALUES (?)");
  RETURN_IF_ERROR(insert.Bind(number + 1).Run());
  return number + 1;
}

absl::Status Spool::CountEntries() {
  ASSIGN_OR_RETURN(figures_.decisions, file_->QueryInteger("SELECT count(*) FROM entries WHERE kind = 0"));
  ASSIGN_OR_RETURN(figures_.feedback, file_->QueryInteger("SELECT count(*) FROM entries WHERE kind = 1"));
  ASSIGN_OR_RETURN(last_sequence_, file_->QueryInteger("SELECT coalesce(max(sequence), 0) FROM entries"));
  return Measure();
}

absl::Status Spool::CheckDisk() const {
  std::error_code unknown;
  const std::filesystem::space_info disk = std::filesystem::space(options_.path, unknown);
  if (unknown || static_cast<int64_t>(disk.available) > options_.reserved_bytes) return absl::OkStatus();
  return absl::ResourceExhaustedError(absl::StrCat(options_.path, ": its disk has ", disk.available,
                                                   " bytes left, and draining may need ", options_.reserved_bytes));
}

absl::Status Spool::Measure() {
  ASSIGN_OR_RETURN(const int64_t pages, file_->QueryInteger("PRAGMA page_count"));
  figures_.bytes = pages * kPageBytes;
  figures_.oldest = absl::InfiniteFuture();
  if (figures_.empty()) return absl::OkStatus();
  ASSIGN_OR_RETURN(const int64_t oldest,
                   file_->QueryInteger("SELECT spooled_at FROM entries ORDER BY sequence LIMIT 1"));
  figures_.oldest = absl::FromUnixMicros(oldest);
  return absl::OkStatus();
}

absl::StatusOr<Appended> Spool::AppendOne(const DecisionRecord& decision, absl::Time now, int64_t* inserted) {
  SqliteStatement insert(*file_, kInsertDecision);
  insert.Bind(++last_sequence_).Bind(absl::ToUnixMicros(now));
  insert.BindText(decision.customer_id).BindText(decision.request_id);
  const std::string bytes = PackDecision(decision);
  insert.BindText(decision.decision_id).Bind(decision.delivered ? 1 : 0).BindBytes(bytes).Bind(ChecksumOf(bytes));
  RETURN_IF_ERROR(insert.Run());
  Appended appended;
  if (file_->Changes() == 1) {
    ++*inserted;
    return appended;
  }
  auto kept = Select(kByRequest, decision.customer_id, decision.request_id);
  if (kept.status().code() == absl::StatusCode::kDataLoss) {
    appended.status = kept.status();
    return appended;
  }
  RETURN_IF_ERROR(kept.status());
  if (kept->has_value() && (*kept)->decision_id != decision.decision_id) appended.earlier = *std::move(kept);
  return appended;
}

absl::Status Spool::AppendAll(absl::Span<const DecisionRecord* const> batch, absl::Time now,
                              std::vector<Appended>* appended) {
  RETURN_IF_ERROR(CheckDisk());
  int64_t inserted = 0;
  ASSIGN_OR_RETURN(const auto transaction, SqliteTransaction::Begin(*file_));
  for (const DecisionRecord* decision : batch) {
    ASSIGN_OR_RETURN(Appended one, AppendOne(*decision, now, &inserted));
    appended->push_back(std::move(one));
  }
  ASSIGN_OR_RETURN(const int64_t number, CountUp());
  RETURN_IF_ERROR(transaction->Commit());
  figures_.decisions += inserted;
  RETURN_IF_ERROR(witness_->Write(number));
  return Measure();
}

absl::StatusOr<std::vector<Appended>> Spool::Append(absl::Span<const DecisionRecord* const> batch, absl::Time now) {
  std::vector<Appended> appended;
  MutexLock lock(mutex_);
  RETURN_IF_ERROR(Named(AppendAll(batch, now, &appended)));
  return appended;
}

absl::Status Spool::AppendFeedback(const FeedbackRecord& feedback, absl::Time now) {
  MutexLock lock(mutex_);
  return Named(AppendOneFeedback(feedback, now));
}

absl::Status Spool::AppendOneFeedback(const FeedbackRecord& feedback, absl::Time now) {
  RETURN_IF_ERROR(CheckDisk());
  const std::string bytes = PackFeedback(feedback, now);
  ASSIGN_OR_RETURN(const auto transaction, SqliteTransaction::Begin(*file_));
  SqliteStatement insert(*file_, kInsertFeedback);
  insert.Bind(++last_sequence_).Bind(absl::ToUnixMicros(now));
  insert.BindText(feedback.customer_id).BindBytes(bytes).Bind(ChecksumOf(bytes));
  RETURN_IF_ERROR(insert.Run());
  ASSIGN_OR_RETURN(const int64_t number, CountUp());
  RETURN_IF_ERROR(transaction->Commit());
  ++figures_.feedback;
  RETURN_IF_ERROR(witness_->Write(number));
  return Measure();
}

absl::StatusOr<std::optional<DecisionRecord>> Spool::Select(const char* sql, const std::string& customer_id,
                                                            const std::string& id) const {
  SqliteStatement query(*file_, sql);
  query.BindText(customer_id).BindText(id);
  ASSIGN_OR_RETURN(const bool found, query.Step());
  if (!found) return std::optional<DecisionRecord>();
  const absl::StatusOr<std::string> bytes = CheckedBytes(query, 1, 2);
  if (!bytes.ok()) return absl::DataLossError(absl::StrCat(file_->path(), ": '", id, "': ", bytes.status().message()));
  ASSIGN_OR_RETURN(DecisionRecord decision, UnpackDecision(*bytes));
  decision.delivered = query.Integer(0) != 0;
  return std::optional<DecisionRecord>(std::move(decision));
}

absl::StatusOr<std::optional<DecisionRecord>> Spool::FindByRequest(const std::string& customer_id,
                                                                   const std::string& request_id) const {
  MutexLock lock(mutex_);
  if (figures_.decisions == 0) return std::optional<DecisionRecord>();
  auto found = Select(kByRequest, customer_id, request_id);
  RETURN_IF_ERROR(Named(found.status()));
  return found;
}

absl::StatusOr<std::optional<DecisionRecord>> Spool::Find(const std::string& customer_id,
                                                          const std::string& decision_id) const {
  MutexLock lock(mutex_);
  if (figures_.decisions == 0) return std::optional<DecisionRecord>();
  auto found = Select(kByDecision, customer_id, decision_id);
  RETURN_IF_ERROR(Named(found.status()));
  return found;
}

absl::StatusOr<bool> Spool::MarkDelivered(const std::string& customer_id, const std::string& decision_id,
                                          bool delivered) {
  MutexLock lock(mutex_);
  if (figures_.decisions == 0) return false;
  SqliteStatement mark(*file_, kMark);
  RETURN_IF_ERROR(Named(mark.Bind(delivered ? 1 : 0).BindText(customer_id).BindText(decision_id).Run()));
  return file_->Changes() > 0;
}

absl::StatusOr<std::vector<SpooledEntry>> Spool::Oldest(int limit, int64_t after) const {
  std::vector<SpooledEntry> entries;
  MutexLock lock(mutex_);
  SqliteStatement query(*file_, kOldest);
  query.Bind(after).Bind(limit);
  for (;;) {
    const absl::StatusOr<bool> found = query.Step();
    RETURN_IF_ERROR(Named(found.status()));
    if (!*found) return entries;
    entries.push_back(ToEntry(query));
  }
}

absl::Status Spool::RemoveAll(absl::Span<const SpooledEntry> entries) {
  SpoolFigures left = figures_;
  ASSIGN_OR_RETURN(const auto transaction, SqliteTransaction::Begin(*file_));
  for (const SpooledEntry& entry : entries) {
    SqliteStatement remove(*file_, kRemove);
    RETURN_IF_ERROR(remove.Bind(entry.sequence).Bind(Delivered(entry) ? 1 : 0).Run());
    const bool decision = std::holds_alternative<DecisionRecord>(entry.content);
    (decision ? left.decisions : left.feedback) -= file_->Changes();
  }
  RETURN_IF_ERROR(transaction->Commit());
  figures_ = left;
  return absl::OkStatus();
}

absl::Status Spool::Remove(absl::Span<const SpooledEntry> entries) {
  MutexLock lock(mutex_);
  RETURN_IF_ERROR(Named(RemoveAll(entries)));
  if (figures_.empty()) {
    // Gives the space back. What fails here costs space and nothing else, and the next time tries again.
    file_->Execute("PRAGMA incremental_vacuum; PRAGMA wal_checkpoint(TRUNCATE)").IgnoreError();
  }
  return Named(Measure());
}

SpoolFigures Spool::figures() const {
  ReaderLock lock(mutex_);
  return figures_;
}

}  // namespace suggest::storage
