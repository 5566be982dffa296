#include "service/server/commit/decision_committer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <future>
#include <mutex>
#include <set>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "service/server/rpc/call.h"
#include "tests/service/server/server_fixture.h"
#include "tests/storage/decision_fixture.h"
#include "tests/support/instants.h"
#include "tests/support/private_postgres.h"
#include "tests/support/raw_sql.h"
#include "tests/support/status_matchers.h"

namespace suggest::server {
namespace {

using ::suggest::testing::IsOk;
using ::suggest::testing::StatusIs;
using ::suggest::testing::TestDatabase;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

storage::DecisionRecord Record(int number) {
  return storage::MakeDecision(absl::StrCat("c", number), "q", kNoon, number);
}
std::shared_ptr<const storage::DecisionRecord> Shared(int number) {
  return std::make_shared<const storage::DecisionRecord>(Record(number));
}

// Takes batches only while the gate is open, and remembers their sizes; fails as long as `failure` says so.
class GatedSink : public DecisionSink {
 public:
  absl::StatusOr<std::vector<storage::Appended>> Append(
      absl::Span<const storage::DecisionRecord* const> batch) override {
    std::unique_lock<std::mutex> lock(mutex_);
    ++waiting_;
    changed_.notify_all();
    changed_.wait(lock, [&] { return open_ || permits_ > 0; });
    if (!open_) --permits_;
    --waiting_;
    if (!failure_.ok()) {
      ++failures_;
      changed_.notify_all();
      return failure_;
    }
    sizes_.push_back(static_cast<int>(batch.size()));
    changed_.notify_all();
    for (const storage::DecisionRecord* record : batch) ids_.insert(record->decision_id);
    return std::vector<storage::Appended>(batch.size());
  }

  void Open() {
    std::lock_guard<std::mutex> lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }
  // One batch more, though the gate is closed.
  void LetOne() {
    std::lock_guard<std::mutex> lock(mutex_);
    ++permits_;
    changed_.notify_all();
  }
  void Fail(absl::Status failure) {
    std::lock_guard<std::mutex> lock(mutex_);
    failure_ = std::move(failure);
  }
  void WaitForBatch() {
    std::unique_lock<std::mutex> lock(mutex_);
    changed_.wait(lock, [&] { return waiting_ > 0; });
  }
  // Whether so many batches are at the gate, after so many were taken, within `timeout`.
  bool Holds(int batches, size_t taken, absl::Duration timeout) {
    std::unique_lock<std::mutex> lock(mutex_);
    return changed_.wait_for(lock, absl::ToChronoNanoseconds(timeout),
                             [&] { return waiting_ == batches && sizes_.size() == taken; });
  }
  void WaitForFailures(int count) {
    std::unique_lock<std::mutex> lock(mutex_);
    changed_.wait(lock, [&] { return failures_ >= count; });
  }
  std::vector<int> sizes() {
    std::lock_guard<std::mutex> lock(mutex_);
    return sizes_;
  }
  size_t decisions() {
    std::lock_guard<std::mutex> lock(mutex_);
    return ids_.size();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool open_ = false;
  int permits_ = 0;
  int waiting_ = 0;
  int failures_ = 0;
  absl::Status failure_;
  std::vector<int> sizes_;
  std::set<std::string> ids_;
};

class CommitterTest : public ::testing::Test {
 protected:
  std::unique_ptr<DecisionCommitter> Make(const std::string& database, DecisionSink* sink,
                                          DecisionSink* fallback = nullptr) {
    const config::v1::Config config = decision::TestConfig(absl::StrCat("database { ", database, " }"));
    return std::make_unique<DecisionCommitter>(config.database(), sink, fallback, &metrics_, &log_);
  }

  ManualClock clock_{kNoon};
  LogBuffer log_buffer_;
  Log log_{&clock_, log_buffer_.stream()};
  Metrics metrics_;
  GatedSink sink_;
};

TEST_F(CommitterTest, WhatComesDuringACommitIsTheNextBatchAndAFullQueueShedsAtOnce) {
  const auto committer = Make("commit { writers: 1 queue_length: 4 max_batch: 3 }", &sink_);
  std::vector<std::promise<absl::Status>> outcomes(6);
  const auto submit = [&](int i) {
    return committer->Submit(
        Shared(i), [&outcomes, i](absl::StatusOr<Committed> committed) { outcomes[i].set_value(committed.status()); });
  };
  ASSERT_THAT(submit(0), IsOk());
  sink_.WaitForBatch();
  for (int i = 1; i < 5; ++i) ASSERT_THAT(submit(i), IsOk());
  const absl::Status shed = submit(5);
  EXPECT_THAT(shed, StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("queue_length")));
  EXPECT_TRUE(RetryHintOf(shed).has_value());
  EXPECT_THAT(committer->Commit(Record(5)), StatusIs(absl::StatusCode::kResourceExhausted));
  EXPECT_EQ(committer->queued(), 4);
  sink_.Open();
  for (int i = 0; i < 5; ++i) EXPECT_THAT(outcomes[i].get_future().get(), IsOk());
  committer->Drain(absl::Seconds(10));
  EXPECT_THAT(sink_.sizes(), ElementsAre(1, 3, 1));
  EXPECT_THAT(metrics_.Text(), HasSubstr("suggest_shed_decisions_total 2"));
  EXPECT_THAT(metrics_.Text(), HasSubstr("suggest_commit_decisions_count 3"));
}

TEST_F(CommitterTest, AFurtherWriterHelpsOnlyWhileDecisionsComeOneByOne) {
  const auto committer = Make("commit { writers: 2 }", &sink_);
  const absl::Duration patience = absl::Seconds(30);
  ASSERT_THAT(committer->SubmitUnawaited(Shared(0)), IsOk());
  ASSERT_TRUE(sink_.Holds(1, 0, patience));
  ASSERT_THAT(committer->SubmitUnawaited(Shared(1)), IsOk());
  ASSERT_TRUE(sink_.Holds(2, 0, patience)) << "the second writer left a lone decision alone";
  for (int i = 2; i < 5; ++i) ASSERT_THAT(committer->SubmitUnawaited(Shared(i)), IsOk());
  sink_.LetOne();
  ASSERT_TRUE(sink_.Holds(2, 1, patience)) << "who was free did not take the three";
  sink_.LetOne();
  ASSERT_TRUE(sink_.Holds(1, 2, patience));
  ASSERT_THAT(committer->SubmitUnawaited(Shared(5)), IsOk());
  EXPECT_FALSE(sink_.Holds(2, 2, absl::Milliseconds(100))) << "two writers write although decisions gather";
  sink_.Open();
  committer->Drain(patience);
  EXPECT_EQ(sink_.decisions(), 6);
  EXPECT_THAT(sink_.sizes(), ::testing::UnorderedElementsAre(1, 1, 3, 1));
}

TEST_F(CommitterTest, TheNextBatchIsWrittenWhileTheFirstIsAnswered) {
  const auto committer = Make("commit { writers: 2 linger { nanos: 100000000 } max_batch: 3 }", &sink_);
  std::promise<void> told, go_on;
  for (int i = 0; i < 3; ++i) {
    ASSERT_THAT(committer->Submit(Shared(i),
                                  [&, i](const absl::StatusOr<Committed>& committed) {
                                    EXPECT_THAT(committed, IsOk());
                                    if (i != 0) return;
                                    told.set_value();
                                    go_on.get_future().wait();
                                  }),
                IsOk());
  }
  sink_.Open();
  told.get_future().wait();
  std::promise<absl::Status> next;
  ASSERT_THAT(committer->Submit(Shared(3), [&](const auto& committed) { next.set_value(committed.status()); }), IsOk());
  std::future<absl::Status> outcome = next.get_future();
  EXPECT_EQ(outcome.wait_for(std::chrono::seconds(30)), std::future_status::ready) << "nobody wrote meanwhile";
  go_on.set_value();
  EXPECT_THAT(outcome.get(), IsOk());
  committer->Drain(absl::Seconds(10));
  EXPECT_EQ(sink_.decisions(), 4);
}

TEST_F(CommitterTest, LingerGathersDecisionsThatComeOneAfterTheOther) {
  sink_.Open();
  const auto committer = Make("commit { linger { seconds: 1 } max_batch: 8 }", &sink_);
  for (int i = 0; i < 8; ++i) ASSERT_THAT(committer->SubmitUnawaited(Shared(i)), IsOk());
  committer->Drain(absl::Seconds(10));
  EXPECT_THAT(sink_.sizes(), ElementsAre(8));
}

TEST_F(CommitterTest, AWaitingCallerIsToldAfterHoldForThatTheLogCouldNotBeWritten) {
  sink_.Open();
  sink_.Fail(absl::UnavailableError("no route"));
  const auto committer = Make("hold_for { nanos: 1000000 }", &sink_);
  const absl::Status status = committer->Commit(Record(1)).status();
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kUnavailable, HasSubstr("no route")));
  EXPECT_TRUE(RetryHintOf(status).has_value());
  sink_.Fail(absl::OkStatus());
  EXPECT_THAT(committer->Commit(Record(1)), IsOk());
}

TEST_F(CommitterTest, AQueuedDecisionIsTriedAgainUntilItIsIn) {
  sink_.Open();
  for (const absl::Status& failure : {absl::UnavailableError("away"), absl::UnknownError("in doubt"),
                                      absl::AbortedError("deadlock"), absl::DeadlineExceededError("locked")}) {
    GatedSink sink;
    sink.Open();
    sink.Fail(failure);
    const auto committer = Make("hold_for { seconds: 60 }", &sink);
    ASSERT_THAT(committer->SubmitUnawaited(Shared(1)), IsOk());
    auto waiting = std::async(std::launch::async, [&] { return committer->Commit(Record(2)).status(); });
    sink.WaitForFailures(3);
    sink.Fail(absl::OkStatus());
    EXPECT_THAT(waiting.get(), IsOk());
    committer->Drain(absl::Seconds(10));
    EXPECT_EQ(sink.decisions(), 2);
  }
}

TEST_F(CommitterTest, CommitsThatAreRefusedAgainAndAgainShowInLogMetricAndHealthOnceAndSoDoesTheirEnd) {
  sink_.Open();
  sink_.Fail(absl::ResourceExhaustedError("could not extend file: no space left"));
  metrics_.SetDatabaseUp(true);
  const auto committer = Make("hold_for { seconds: 60 }", &sink_);
  auto waiting = std::async(std::launch::async, [&] { return committer->Commit(Record(1)).status(); });
  sink_.WaitForFailures(DecisionCommitter::kTriesToReport + 3);
  EXPECT_THAT(committer->Health(), StatusIs(absl::StatusCode::kUnavailable, HasSubstr("no space left")));
  EXPECT_THAT(metrics_.Text(), HasSubstr("suggest_database_up 0"));
  sink_.Fail(absl::OkStatus());
  EXPECT_THAT(waiting.get(), IsOk());
  EXPECT_THAT(committer->Health(), IsOk());
  EXPECT_THAT(metrics_.Text(), HasSubstr("suggest_database_up 1"));
  committer->Drain(absl::Seconds(10));
  const std::string log = log_buffer_.Text();
  const size_t began = log.find("decisions cannot be committed");
  ASSERT_NE(began, std::string::npos);
  EXPECT_EQ(began, log.rfind("decisions cannot be committed"));
  EXPECT_GT(log.find("decisions are committed again"), began);
}

// Refuses one customer's decision with a state that may pass.
class PickySink : public DecisionSink {
 public:
  absl::StatusOr<std::vector<storage::Appended>> Append(
      absl::Span<const storage::DecisionRecord* const> batch) override {
    std::vector<storage::Appended> appended(batch.size());
    for (size_t i = 0; i < batch.size(); ++i) {
      if (batch[i]->customer_id == "c1" && refusals-- > 0) appended[i].status = absl::AbortedError("locked");
    }
    return appended;
  }

  std::atomic<int> refusals{0};
};

TEST_F(CommitterTest, ARecordsOwnPassingFailureIsItsCallersAndIsTriedAgainWhereNobodyWaits) {
  PickySink picky;
  picky.refusals = 1;
  const auto committer = Make("", &picky);
  const absl::Status refused = committer->Commit(Record(1)).status();
  EXPECT_THAT(refused, StatusIs(absl::StatusCode::kUnavailable, HasSubstr("locked")));
  EXPECT_TRUE(RetryHintOf(refused).has_value());
  EXPECT_THAT(committer->Commit(Record(2)), IsOk());
  picky.refusals = 2;
  ASSERT_THAT(committer->SubmitUnawaited(Shared(1)), IsOk());
  committer->Drain(absl::Seconds(30));
  EXPECT_LT(picky.refusals.load(), 0);
  EXPECT_THAT(metrics_.Text(), HasSubstr("suggest_lost_decisions_total 0"));
}

TEST_F(CommitterTest, TheFallbackTakesWhatTheLogCannot) {
  sink_.Open();
  sink_.Fail(absl::UnavailableError("away"));
  GatedSink fallback;
  fallback.Open();
  const auto committer = Make("", &sink_, &fallback);
  ASSERT_OK_AND_ASSIGN(const Committed committed, committer->Commit(Record(1)));
  EXPECT_EQ(committed.kept, Kept::kInFallback);
  EXPECT_EQ(fallback.decisions(), 1);
}

TEST_F(CommitterTest, ADrainWritesWhatIsQueuedAndTakesNoMore) {
  const auto committer = Make("", &sink_);
  for (int i = 0; i < 300; ++i) ASSERT_THAT(committer->SubmitUnawaited(Shared(i)), IsOk());
  sink_.Open();
  committer->Drain(absl::Seconds(30));
  EXPECT_EQ(sink_.decisions(), 300);
  EXPECT_THAT(committer->Commit(Record(1)), StatusIs(absl::StatusCode::kUnavailable, HasSubstr("draining")));
}

TEST_F(CommitterTest, WhatADrainCannotWriteIsCountedAndLogged) {
  sink_.Open();
  sink_.Fail(absl::UnavailableError("away"));
  const auto committer = Make("", &sink_);
  ASSERT_THAT(committer->SubmitUnawaited(Shared(1)), IsOk());
  committer->Drain(absl::ZeroDuration());
  EXPECT_THAT(metrics_.Text(), HasSubstr("suggest_lost_decisions_total 1"));
  EXPECT_THAT(log_buffer_.Text(), HasSubstr("decision lost"));
}

TEST_F(CommitterTest, ConcurrentCommitsShareTransactionsAndEachIsInTheLog) {
  TestDatabase database;
  DecisionLogSink sink(&database.database());
  const auto committer = Make("", &sink);
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 25; ++i) EXPECT_THAT(committer->Commit(Record(100 * t + i)), IsOk());
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(database.QueryOne("SELECT count(*) FROM suggest.decisions"), "200");
}

TEST_F(CommitterTest, DuplicatesAndPoisonConcernOnlyThemselves) {
  TestDatabase database;
  DecisionLogSink sink(&database.database());
  const auto committer = Make("commit { linger { nanos: 100000000 } }", &sink);
  storage::DecisionRecord duplicate = Record(1);
  duplicate.decision_id = storage::MakeDecisionId(kNoon, 99, 99);
  storage::DecisionRecord poison = Record(3);
  poison.fallback_reason = "\xff";
  std::vector<std::future<absl::StatusOr<Committed>>> outcomes;
  ASSERT_THAT(committer->Commit(Record(1)), IsOk());
  for (const auto& record : {duplicate, Record(2), poison}) {
    outcomes.push_back(std::async(std::launch::async, [&committer, record] { return committer->Commit(record); }));
  }
  const auto replayed = outcomes[0].get();
  ASSERT_OK(replayed);
  EXPECT_EQ(replayed->earlier->decision_id, Record(1).decision_id);
  EXPECT_THAT(outcomes[1].get(), IsOk());
  EXPECT_THAT(outcomes[2].get(), StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST_F(CommitterTest, AnUnawaitedDuplicateIsCountedAsSuperseded) {
  TestDatabase database;
  DecisionLogSink sink(&database.database());
  const auto committer = Make("", &sink);
  ASSERT_THAT(committer->Commit(Record(1)), IsOk());
  auto duplicate = std::make_shared<storage::DecisionRecord>(Record(1));
  duplicate->decision_id = storage::MakeDecisionId(kNoon, 99, 99);
  ASSERT_THAT(committer->SubmitUnawaited(duplicate), IsOk());
  committer->Drain(absl::Seconds(10));
  EXPECT_THAT(metrics_.Text(), HasSubstr("suggest_superseded_decisions_total 1"));
}

}  // namespace
}  // namespace suggest::server
