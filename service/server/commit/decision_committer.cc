#include "service/server/commit/decision_committer.h"

#include <algorithm>
#include <future>
#include <iterator>
#include <utility>

#include "absl/strings/str_cat.h"
#include "bandit/base/check.h"
#include "service/common/config.h"
#include "service/server/rpc/call.h"

namespace suggest::server {
namespace {

constexpr absl::Duration kFirstPause = absl::Milliseconds(5);
constexpr absl::Duration kLongestPause = absl::Milliseconds(200);
constexpr absl::Duration kLastDrain = absl::Seconds(1);

std::chrono::nanoseconds ToChrono(const google::protobuf::Duration& duration) {
  return absl::ToChronoNanoseconds(ToAbslDuration(duration));
}

absl::Status Away(const absl::Status& why) {
  return WithRetryHint(absl::UnavailableError(absl::StrCat("the decision could not be committed: ", why.message())));
}

// AppendBatch says so when nothing is known of any record.
bool TryAgain(const absl::Status& status) {
  return storage::IsTransient(status) || status.code() == absl::StatusCode::kDeadlineExceeded;
}

}  // namespace

DecisionCommitter::DecisionCommitter(const config::v1::Database& config, DecisionSink* log_sink, DecisionSink* fallback,
                                     Metrics* metrics, Log* log)
    : max_batch_(config.commit().max_batch()),
      queue_length_(config.commit().queue_length()),
      linger_(ToChrono(config.commit().linger())),
      hold_for_(ToChrono(config.hold_for())),
      log_sink_(log_sink),
      fallback_(fallback),
      metrics_(metrics),
      log_(log) {
  for (int i = 0; i < config.commit().writers(); ++i) writers_.emplace_back([this] { RunWriter(); });
}

DecisionCommitter::~DecisionCommitter() {
  Drain(kLastDrain);
}

absl::StatusOr<Committed> DecisionCommitter::Commit(const storage::DecisionRecord& record) {
  std::promise<absl::StatusOr<Committed>> outcome;
  auto item = std::make_unique<Item>();
  item->record = &record;
  item->done = [&outcome](absl::StatusOr<Committed> committed) { outcome.set_value(std::move(committed)); };
  if (absl::Status taken = Enqueue(std::move(item)); !taken.ok()) return taken;
  return outcome.get_future().get();
}

absl::Status DecisionCommitter::Submit(std::shared_ptr<const storage::DecisionRecord> record, Done done) {
  SUGGEST_CHECK(done != nullptr);
  auto item = std::make_unique<Item>();
  item->own = std::move(record);
  item->record = item->own.get();
  item->done = std::move(done);
  return Enqueue(std::move(item));
}

absl::Status DecisionCommitter::SubmitUnawaited(std::shared_ptr<const storage::DecisionRecord> record) {
  auto item = std::make_unique<Item>();
  item->own = std::move(record);
  item->record = item->own.get();
  return Enqueue(std::move(item));
}

absl::Status DecisionCommitter::Enqueue(std::unique_ptr<Item> item) {
  item->queued_at = std::chrono::steady_clock::now();
  bool wake = false;
  {
    MutexLock lock(mutex_);
    if (draining_) return WithRetryHint(absl::UnavailableError("draining"));
    if (static_cast<int>(queue_.size()) >= queue_length_) {
      metrics_->RecordShed();
      return WithRetryHint(absl::ResourceExhaustedError(
          absl::StrCat(queue_length_, " decisions wait to be committed (database.commit.queue_length)")));
    }
    queue_.push_back(std::move(item));
    metrics_->SetCommitQueue(static_cast<int>(queue_.size()));
    // One that lingers takes this one too, and is left alone until its batch is full.
    wake = lingering_ > 0 ? static_cast<int>(queue_.size()) == max_batch_ : waiting_ > 0 && MayTake();
  }
  if (wake) arrived_.notify_one();
  return absl::OkStatus();
}

void DecisionCommitter::RunWriter() {
  for (Items batch = Take(); !batch.empty(); batch = Take()) Write(std::move(batch));
}

DecisionCommitter::Items DecisionCommitter::Take() {
  Items batch;
  bool more = false;
  {
    MutexLock lock(mutex_);
    do {
      ++waiting_;
      while (!MayTake() && !draining_) arrived_.wait(mutex_);
      --waiting_;
      Linger();
    } while (!MayTake() && !draining_);
    while (!queue_.empty() && static_cast<int>(batch.size()) < max_batch_) {
      batch.push_back(std::move(queue_.front()));
      queue_.pop_front();
    }
    metrics_->SetCommitQueue(static_cast<int>(queue_.size()));
    last_batch_ = static_cast<int>(batch.size());
    if (!batch.empty()) ++writing_;
    more = waiting_ > 0 && MayTake();
  }
  if (more) arrived_.notify_one();
  return batch;
}

bool DecisionCommitter::MayTake() const {
  return !queue_.empty() && (writing_ == 0 || last_batch_ <= 1);
}

// Until the oldest has waited long enough or the batch is full. Another writer may take them all meanwhile.
void DecisionCommitter::Linger() {
  if (linger_.count() == 0 || queue_.empty()) return;
  const Instant until = queue_.front()->queued_at + linger_;
  ++lingering_;
  while (!draining_ && !queue_.empty() && static_cast<int>(queue_.size()) < max_batch_ &&
         arrived_.wait_until(mutex_, until) != std::cv_status::timeout) {
  }
  --lingering_;
}

void DecisionCommitter::Write(Items batch) {
  absl::Duration pause = kFirstPause;
  absl::StatusOr<Outcomes> outcomes = Outcomes();
  bool ends = false;
  while (!batch.empty()) {
    outcomes = TryAppend(log_sink_, Kept::kInLog, batch);
    if (!outcomes.ok() && fallback_ != nullptr) outcomes = TryAppend(fallback_, Kept::kInFallback, batch);
    NoteTry(outcomes.status());
    if (outcomes.ok()) break;
    metrics_->RecordCommitRetry();
    FailOverdue(batch, outcomes.status());
    if (!batch.empty() && !Pause(pause)) {
      outcomes = Outcomes(batch.size(), Away(absl::UnavailableError("the server ends")));
      ends = true;
      break;
    }
    pause = std::min(2 * pause, kLongestPause);
  }
  EndWriting();
  for (size_t i = 0; i < batch.size(); ++i) {
    absl::StatusOr<Committed>& outcome = (*outcomes)[i];
    if (!ends && !outcome.ok() && TryAgain(outcome.status())) {
      if (batch[i]->done == nullptr && Requeue(batch[i])) continue;
      outcome = Away(outcome.status());
    }
    Finish(*batch[i], std::move(outcome));
  }
}

void DecisionCommitter::NoteTry(const absl::Status& outcome) {
  bool changed = false;
  {
    MutexLock lock(mutex_);
    failed_tries_ = outcome.ok() ? 0 : failed_tries_ + 1;
    if (!outcome.ok()) failed_at_ = std::chrono::steady_clock::now();
    changed = outcome.ok() ? !health_.ok() : health_.ok() && failed_tries_ >= kTriesToReport;
    if (changed) health_ = outcome.ok() ? absl::OkStatus() : Away(outcome);
  }
  if (!changed) return;
  metrics_->SetDatabaseUp(outcome.ok());
  if (outcome.ok()) {
    log_->Write(LogLevel::kInfo, "decisions are committed again");
  } else {
    log_->Write(LogLevel::kError, "decisions cannot be committed", {{"message", outcome.message()}});
  }
}

absl::Status DecisionCommitter::Health() const {
  ReaderLock lock(mutex_);
  return std::chrono::steady_clock::now() - failed_at_ > kHealthFor ? absl::OkStatus() : health_;
}

bool DecisionCommitter::Requeue(std::unique_ptr<Item>& item) {
  if (!Pause(kFirstPause)) return false;
  {
    MutexLock lock(mutex_);
    queue_.push_back(std::move(item));
    metrics_->SetCommitQueue(static_cast<int>(queue_.size()));
  }
  arrived_.notify_one();
  return true;
}

void DecisionCommitter::EndWriting() {
  bool more = false;
  {
    MutexLock lock(mutex_);
    --writing_;
    more = waiting_ > 0 && MayTake();
  }
  if (more) arrived_.notify_one();
}

absl::StatusOr<DecisionCommitter::Outcomes> DecisionCommitter::TryAppend(DecisionSink* sink, Kept kept,
                                                                         const Items& batch) {
  std::vector<const storage::DecisionRecord*> records;
  records.reserve(batch.size());
  for (const std::unique_ptr<Item>& item : batch) records.push_back(item->record);
  Stopwatch watch;
  absl::StatusOr<std::vector<storage::Appended>> appended = sink->Append(records);
  if (!appended.ok() && TryAgain(appended.status())) return appended.status();
  metrics_->RecordCommit(static_cast<int>(batch.size()), watch.Elapsed());
  if (!appended.ok()) return Outcomes(batch.size(), appended.status());
  Outcomes outcomes;
  outcomes.reserve(batch.size());
  for (storage::Appended& one : *appended) {
    if (one.status.ok()) {
      outcomes.emplace_back(Committed{kept, std::move(one.earlier)});
    } else {
      outcomes.emplace_back(one.status);
    }
  }
  return outcomes;
}

void DecisionCommitter::Finish(Item& item, absl::StatusOr<Committed> outcome) {
  if (item.done) return item.done(std::move(outcome));
  if (!outcome.ok()) {
    metrics_->RecordLost();
    log_->Write(LogLevel::kError, "decision lost",
                {{"request_id", item.record->request_id},
                 {"decision_id", item.record->decision_id},
                 {"message", outcome.status().message()}});
  } else if (outcome->earlier.has_value()) {
    metrics_->RecordSuperseded();
  }
}

// Tells those that have waited long enough, in hand and in the queue.
void DecisionCommitter::FailOverdue(Items& batch, const absl::Status& why) {
  const Instant now = std::chrono::steady_clock::now();
  const auto overdue = [&](const std::unique_ptr<Item>& item) {
    return item->done != nullptr && now - item->queued_at >= hold_for_;
  };
  Items failed;
  const auto take_from = [&](auto& items) {
    const auto first = std::stable_partition(items.begin(), items.end(),
                                             [&](const std::unique_ptr<Item>& item) { return !overdue(item); });
    std::move(first, items.end(), std::back_inserter(failed));
    items.erase(first, items.end());
  };
  take_from(batch);
  {
    MutexLock lock(mutex_);
    take_from(queue_);
    metrics_->SetCommitQueue(static_cast<int>(queue_.size()));
  }
  for (const std::unique_ptr<Item>& item : failed) Finish(*item, Away(why));
}

bool DecisionCommitter::Pause(absl::Duration pause) {
  const Instant until = std::chrono::steady_clock::now() + absl::ToChronoNanoseconds(pause);
  MutexLock lock(mutex_);
  while (true) {
    const Instant now = std::chrono::steady_clock::now();
    if (now >= give_up_at_) return false;
    if (now >= until) return true;
    stopping_.wait_until(mutex_, std::min(until, give_up_at_));
  }
}

void DecisionCommitter::Drain(absl::Duration timeout) {
  {
    MutexLock lock(mutex_);
    draining_ = true;
    give_up_at_ = std::chrono::steady_clock::now() + absl::ToChronoNanoseconds(std::min(timeout, absl::Hours(24)));
  }
  arrived_.notify_all();
  stopping_.notify_all();
  for (std::thread& writer : writers_) writer.join();
  writers_.clear();
}

int DecisionCommitter::queued() const {
  ReaderLock lock(mutex_);
  return static_cast<int>(queue_.size());
}

}  // namespace suggest::server
