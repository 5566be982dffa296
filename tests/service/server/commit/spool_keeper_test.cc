#include "service/server/commit/spool_keeper.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <csignal>
#include <functional>

#include "absl/strings/str_cat.h"
#include "storage/log/feedback_store.h"
#include "storage/spool/sqlite_internal.h"
#include "tests/service/server/server_fixture.h"
#include "tests/storage/decision_fixture.h"
#include "tests/support/append_decision.h"
#include "tests/support/instants.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temporary_folder.h"

namespace suggest::server {
namespace {

using ::suggest::testing::StatusIs;
using ::suggest::testing::TemporaryFolder;
using ::suggest::testing::TestDatabase;
using ::testing::HasSubstr;
using ::testing::SizeIs;

// The decision log, or an error in its place.
class SwitchedSink : public DecisionSink {
 public:
  explicit SwitchedSink(storage::Database* database) : log_(database) {}
  absl::StatusOr<std::vector<storage::Appended>> Append(
      absl::Span<const storage::DecisionRecord* const> batch) override {
    ++calls;
    if (!error.ok()) return error;
    return log_.Append(batch);
  }

  absl::Status error;
  int calls = 0;

 private:
  DecisionLogSink log_;
};

class SpoolKeeperTest : public ::testing::Test {
 protected:
  SpoolKeeperTest() {
    auto spool = storage::Spool::Open({folder_.path() + "/spool.db", int64_t{1} << 20});
    SUGGEST_CHECK(spool.ok());
    spool_ = *std::move(spool);
    keeper_.emplace(spool_.get(), &sink_, &test_.database(), &clock_, &metrics_, &log_);
  }

  static storage::DecisionRecord Decision(int number, uint64_t content = 0) {
    return storage::MakeDecision("c1", absl::StrCat("q", number), kNoon, 1 + number + content);
  }

  absl::StatusOr<storage::Appended> Append(DecisionSink* sink, const storage::DecisionRecord& decision) {
    const storage::DecisionRecord* const batch[] = {&decision};
    ASSIGN_OR_RETURN(const std::vector<storage::Appended> appended, sink->Append(batch));
    return appended[0];
  }

  void Spool(const storage::DecisionRecord& decision) { EXPECT_OK(Append(keeper_->spool_sink(), decision)); }

  void DrainAll() {
    for (;;) {
      const absl::StatusOr<bool> more = keeper_->Drain();
      ASSERT_OK(more);
      if (!*more) return;
    }
  }

  std::string Count(const std::string& table) {
    return test_.QueryOne(absl::StrCat("SELECT count(*) FROM suggest.", table));
  }

  TestDatabase test_;
  TemporaryFolder folder_;
  ManualClock clock_{kNoon};
  LogBuffer log_buffer_;
  Log log_{&clock_, log_buffer_.stream()};
  Metrics metrics_;
  SwitchedSink sink_{&test_.database()};
  std::unique_ptr<storage::Spool> spool_;
  std::optional<SpoolKeeper> keeper_;
};

TEST_F(SpoolKeeperTest, ALostConnectionMakesItAwayUntilTheDatabaseAnswersAgain) {
  sink_.error = absl::UnavailableError("server closed the connection");
  EXPECT_THAT(Append(keeper_->log_sink(), Decision(0)), StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_TRUE(keeper_->away());
  EXPECT_THAT(keeper_->Describe(), HasSubstr("the database is away"));
  EXPECT_THAT(Append(keeper_->log_sink(), Decision(1)), StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_EQ(sink_.calls, 1) << "a request waited for a database that is known to be away";
  sink_.error = absl::OkStatus();
  DrainAll();
  EXPECT_FALSE(keeper_->away());
  EXPECT_EQ(keeper_->Describe(), "");
  EXPECT_OK(Append(keeper_->log_sink(), Decision(1)));
  EXPECT_EQ(Count("decisions"), "1");
}

TEST_F(SpoolKeeperTest, ADatabaseThatAnswersAndTakesNoWritesIsOneOutage) {
  sink_.error = absl::UnavailableError("cannot execute INSERT in a read-only transaction");
  for (int i = 0; i < 40; ++i) {
    const storage::DecisionRecord decision = Decision(i);
    EXPECT_FALSE(Append(keeper_->log_sink(), decision).ok());
    if (i == 0) Spool(decision);
    // The look is answered; the drain's own write is refused as well.
    test_.Execute("ALTER TABLE suggest.decisions RENAME TO decisions_away");
    keeper_->Drain().status().IgnoreError();
    test_.Execute("ALTER TABLE suggest.decisions_away RENAME TO decisions");
  }
  const auto lines = [&](const std::string& event) {
    int count = 0;
    const std::string log = log_buffer_.Text();
    for (size_t at = log.find(event); at != std::string::npos; at = log.find(event, at + 1)) ++count;
    return count;
  };
  EXPECT_EQ(lines("the database is away: spooling"), 1);
  EXPECT_EQ(lines("the database is back"), 0);
}

TEST_F(SpoolKeeperTest, ADamagedEntryStaysAndHoldsUpNoOther) {
  for (int i = 0; i < 3; ++i) Spool(Decision(i));
  keeper_.reset();
  spool_.reset();
  {
    auto file = storage::SqliteFile::Open(folder_.path() + "/spool.db");
    ASSERT_OK(file);
    ASSERT_OK((*file)->Execute("UPDATE entries SET bytes = x'0a' WHERE sequence = 2"));
  }
  auto spool = storage::Spool::Open({folder_.path() + "/spool.db", int64_t{1} << 20});
  ASSERT_OK(spool);
  spool_ = *std::move(spool);
  keeper_.emplace(spool_.get(), &sink_, &test_.database(), &clock_, &metrics_, &log_);
  DrainAll();
  EXPECT_EQ(Count("decisions"), "2");
  EXPECT_EQ(spool_->figures().decisions, 1);
  EXPECT_THAT(log_buffer_.Text(), HasSubstr("entry 2"));
  EXPECT_THAT(metrics_.Text(), HasSubstr("suggest_spool_drained_total{result=\"refused\"} 1"));
  const storage::DecisionRecord damaged = Decision(1, 77), fresh = Decision(8);
  const storage::DecisionRecord* const batch[] = {&damaged, &fresh};
  ASSERT_OK_AND_ASSIGN(const auto appended, keeper_->log_sink()->Append(batch));
  EXPECT_THAT(appended[0].status, StatusIs(absl::StatusCode::kDataLoss));
  EXPECT_OK(appended[1].status);
}

TEST_F(SpoolKeeperTest, AFailureThatIsNoLostConnectionDoesNotMakeItAway) {
  sink_.error = absl::AbortedError("deadlock");
  EXPECT_THAT(Append(keeper_->log_sink(), Decision(0)), StatusIs(absl::StatusCode::kAborted));
  EXPECT_FALSE(keeper_->away());
}

TEST_F(SpoolKeeperTest, DrainsEverythingOnceAndShowsIt) {
  for (int i = 0; i < 450; ++i) Spool(Decision(i));
  clock_.Set(kNoon + absl::Seconds(90));
  keeper_->ShowFigures();
  EXPECT_THAT(metrics_.Text(), HasSubstr("suggest_spool_decisions 450"));
  EXPECT_THAT(metrics_.Text(), HasSubstr("suggest_spool_oldest_age_seconds 90"));
  DrainAll();
  EXPECT_EQ(Count("decisions"), "450");
  EXPECT_EQ(Count("request_ids"), "450");
  EXPECT_TRUE(spool_->figures().empty());
  EXPECT_THAT(metrics_.Text(), HasSubstr("suggest_spool_decisions 0"));
  EXPECT_THAT(metrics_.Text(), HasSubstr("suggest_spool_drained_total{result=\"committed\"} 450"));
}

TEST_F(SpoolKeeperTest, ACrashBetweenCommitAndRemovalChangesNothing) {
  for (int i = 0; i < 3; ++i) Spool(Decision(i));
  // What a drain that was killed before the removal had done.
  for (int i = 0; i < 2; ++i)
    EXPECT_OK(suggest::testing::Append(storage::DecisionStore(&test_.database()), Decision(i)));
  DrainAll();
  EXPECT_EQ(Count("decisions"), "3");
  EXPECT_EQ(Count("superseded_decisions"), "0");
  EXPECT_TRUE(spool_->figures().empty());
}

TEST_F(SpoolKeeperTest, ARequestThatWasAnsweredElsewhereSupersedesTheSpooledDecisionOnce) {
  const storage::DecisionRecord elsewhere = Decision(0, 1000);
  EXPECT_OK(suggest::testing::Append(storage::DecisionStore(&test_.database()), elsewhere));
  const storage::DecisionRecord spooled = Decision(0);
  Spool(spooled);
  ASSERT_OK_AND_ASSIGN(const auto page, spool_->Oldest(1));
  DrainAll();
  Spool(spooled);  // as if the removal had not been done
  DrainAll();
  EXPECT_EQ(Count("decisions"), "1");
  EXPECT_EQ(Count("superseded_decisions"), "1");
  EXPECT_EQ(test_.QueryOne("SELECT superseded_by FROM suggest.superseded_decisions"), elsewhere.decision_id);
  EXPECT_THAT(log_buffer_.Text(), HasSubstr("spooled decision superseded"));
}

TEST_F(SpoolKeeperTest, ARequestInTheSpoolIsAnsweredFromItAlsoWhenTheDatabaseIsBack) {
  Spool(Decision(0));
  ASSERT_OK_AND_ASSIGN(const storage::Appended appended, Append(keeper_->log_sink(), Decision(0, 1000)));
  ASSERT_TRUE(appended.earlier.has_value());
  EXPECT_EQ(appended.earlier->decision_id, Decision(0).decision_id);
  EXPECT_EQ(Count("decisions"), "0");
}

TEST_F(SpoolKeeperTest, FeedbackFollowsItsDecisionAndWhatIsOfNoneHoldsUpNothing) {
  const storage::DecisionRecord decision = Decision(0);
  Spool(decision);
  const std::string known = storage::MakeSuggestionId(decision.decision_id, 1);
  const std::string unknown = storage::MakeSuggestionId(Decision(5).decision_id, 1);
  EXPECT_OK(keeper_->AppendFeedback({"c1", unknown, v1::RecordFeedbackRequest::KEPT, kNoon}));
  EXPECT_OK(keeper_->AppendFeedback({"c1", known, v1::RecordFeedbackRequest::KEPT, kNoon}));
  EXPECT_OK(keeper_->AppendFeedback({"c1", known, v1::RecordFeedbackRequest::KEPT, kNoon}));
  EXPECT_THAT(keeper_->AppendFeedback({"c1", storage::MakeSuggestionId(decision.decision_id, 3), 1, kNoon}),
              StatusIs(absl::StatusCode::kNotFound));
  DrainAll();
  EXPECT_EQ(test_.QueryOne("SELECT suggestion_id FROM suggest.feedback"), known);
  EXPECT_THAT(metrics_.Text(), HasSubstr("suggest_spool_drained_total{result=\"unknown_suggestion\"} 1"));
  EXPECT_THAT(metrics_.Text(), HasSubstr("suggest_feedback_events_total{kind=\"KEPT\"} 1"));
}

// What a database may have against one decision: a constraint that somebody added.
TEST_F(SpoolKeeperTest, WhatTheDatabaseRefusesStaysAndHoldsUpNoOther) {
  test_.Execute("ALTER TABLE suggest.decisions ADD CONSTRAINT odd CHECK (request_id <> 'q1000')");
  const storage::DecisionRecord refused = Decision(1000);
  const std::string of_refused = storage::MakeSuggestionId(refused.decision_id, 1);
  Spool(Decision(0));
  Spool(refused);
  EXPECT_OK(keeper_->AppendFeedback({"c1", of_refused, v1::RecordFeedbackRequest::KEPT, kNoon}));
  for (int i = 1; i < 450; ++i) Spool(Decision(i));
  DrainAll();
  EXPECT_EQ(Count("decisions"), "450");
  EXPECT_EQ(spool_->figures().decisions, 1);
  EXPECT_EQ(spool_->figures().feedback, 1);
  EXPECT_THAT(metrics_.Text(), HasSubstr("suggest_spool_drained_total{result=\"refused\"} 2"));
  EXPECT_THAT(metrics_.Text(), HasSubstr("suggest_spool_drained_total{result=\"committed\"} 450"));
  EXPECT_THAT(metrics_.Text(), HasSubstr("suggest_spool_drained_total{result=\"unknown_suggestion\"} 0"));
  EXPECT_THAT(log_buffer_.Text(), HasSubstr(absl::StrCat("decision ", refused.decision_id, ": ")));

  Spool(Decision(450));
  DrainAll();
  EXPECT_EQ(Count("decisions"), "451") << "later ones go on";
  EXPECT_THAT(metrics_.Text(), HasSubstr("{result=\"refused\"} 2")) << "not tried again at once";

  test_.Execute("ALTER TABLE suggest.decisions DROP CONSTRAINT odd");
  clock_.Set(kNoon + SpoolKeeper::kRetryLeft);
  DrainAll();
  EXPECT_TRUE(spool_->figures().empty());
  EXPECT_EQ(Count("decisions"), "452");
  EXPECT_EQ(test_.QueryOne("SELECT suggestion_id FROM suggest.feedback"), of_refused);
}

TEST_F(SpoolKeeperTest, FeedbackThatTheDatabaseRefusesStaysAndHoldsUpNoOther) {
  test_.Execute("ALTER TABLE suggest.feedback ADD CONSTRAINT odd CHECK (suggestion_id NOT LIKE '%.2')");
  Spool(Decision(0));
  for (const int rank : {2, 1}) {
    EXPECT_OK(keeper_->AppendFeedback(
        {"c1", storage::MakeSuggestionId(Decision(0).decision_id, rank), v1::RecordFeedbackRequest::KEPT, kNoon}));
  }
  for (int i = 1; i < 300; ++i) Spool(Decision(i));
  DrainAll();
  EXPECT_EQ(Count("decisions"), "300");
  EXPECT_EQ(Count("feedback"), "1");
  EXPECT_EQ(spool_->figures().feedback, 1);
  EXPECT_THAT(metrics_.Text(), HasSubstr("suggest_spool_drained_total{result=\"committed\"} 301"));
  test_.Execute("ALTER TABLE suggest.feedback DROP CONSTRAINT odd");
  clock_.Set(kNoon + SpoolKeeper::kRetryLeft);
  DrainAll();
  EXPECT_EQ(Count("feedback"), "2");
  EXPECT_TRUE(spool_->figures().empty());
}

// Several pages of refused entries, each tried later than the pause after the one before: the pass still ends.
TEST_F(SpoolKeeperTest, APassOverRefusedEntriesGoesToItsEndHoweverLongItTakes) {
  test_.Execute("ALTER TABLE suggest.decisions ADD CONSTRAINT odd CHECK (request_id = 'q500')");
  for (int i = 0; i <= 500; ++i) Spool(Decision(i));
  for (int page = 0; page < 3; ++page) {
    EXPECT_OK(keeper_->Drain());
    clock_.Set(clock_.Now() + 2 * SpoolKeeper::kRetryLeft);
  }
  EXPECT_EQ(test_.QueryOne("SELECT request_id FROM suggest.decisions"), "q500");
  EXPECT_EQ(spool_->figures().decisions, 500);
  ASSERT_OK_AND_ASSIGN(const bool more, keeper_->Drain());
  EXPECT_FALSE(more) << "the pause begins at the end of the pass";
}

// As on a full disk: while it lives, this process can make no file longer.
class NoRoom {
 public:
  NoRoom() {
    signal(SIGXFSZ, SIG_IGN);
    SUGGEST_CHECK(getrlimit(RLIMIT_FSIZE, &before_) == 0);
    rlimit none = before_;
    none.rlim_cur = 4096;
    SUGGEST_CHECK(setrlimit(RLIMIT_FSIZE, &none) == 0);
  }
  ~NoRoom() { SUGGEST_CHECK(setrlimit(RLIMIT_FSIZE, &before_) == 0); }

 private:
  rlimit before_;
};

TEST_F(SpoolKeeperTest, WhatIsDrainedAndCannotBeRemovedHoldsUpNoOtherAndIsCountedOnce) {
  EXPECT_OK(suggest::testing::Append(storage::DecisionStore(&test_.database()), Decision(0, 1000)));
  for (int i = 0; i < 450; ++i) Spool(Decision(i));
  const std::string known = storage::MakeSuggestionId(Decision(449).decision_id, 1);
  const std::string of_superseded = storage::MakeSuggestionId(Decision(0).decision_id, 1);
  EXPECT_OK(keeper_->AppendFeedback({"c1", known, v1::RecordFeedbackRequest::KEPT, kNoon}));
  EXPECT_OK(keeper_->AppendFeedback({"c1", of_superseded, v1::RecordFeedbackRequest::KEPT, kNoon}));
  {
    const NoRoom no_room;
    DrainAll();
    clock_.Set(kNoon + SpoolKeeper::kRetryLeft);
    DrainAll();
    EXPECT_EQ(spool_->figures().decisions, 450);
  }
  EXPECT_EQ(Count("decisions"), "450");
  EXPECT_EQ(test_.QueryOne("SELECT suggestion_id FROM suggest.feedback"), known);
  EXPECT_THAT(log_buffer_.Text(), HasSubstr("drained entries stay in the spool"));
  // What another replica marks meanwhile stays, and what is marked here follows.
  storage::DecisionStore log(&test_.database());
  EXPECT_OK(log.MarkUndelivered("c1", Decision(1).decision_id));
  ASSERT_OK_AND_ASSIGN(const bool marked, keeper_->MarkDelivered("c1", Decision(2).decision_id, false));
  EXPECT_TRUE(marked);
  clock_.Set(kNoon + 2 * SpoolKeeper::kRetryLeft);
  DrainAll();
  EXPECT_TRUE(spool_->figures().empty());
  EXPECT_EQ(test_.QueryOne("SELECT string_agg(request_id, ' ' ORDER BY request_id) FROM suggest.decisions "
                           "WHERE NOT delivered"),
            "q1 q2");
  EXPECT_EQ(Count("decisions"), "450");
  EXPECT_EQ(Count("superseded_decisions"), "1");
  EXPECT_THAT(metrics_.Text(), HasSubstr("suggest_spool_drained_total{result=\"committed\"} 450"));
  EXPECT_THAT(metrics_.Text(), HasSubstr("suggest_spool_drained_total{result=\"superseded\"} 1"));
  EXPECT_THAT(metrics_.Text(), HasSubstr("suggest_spool_drained_total{result=\"unknown_suggestion\"} 1"));
  EXPECT_THAT(metrics_.Text(), HasSubstr("suggest_spool_drained_total{result=\"refused\"} 0"));
  EXPECT_THAT(metrics_.Text(), HasSubstr("suggest_superseded_decisions_total 1"));
  EXPECT_THAT(metrics_.Text(), HasSubstr("suggest_feedback_events_total{kind=\"KEPT\"} 1"));
}

TEST_F(SpoolKeeperTest, AnUndeliveredDecisionIsDrainedAsOne) {
  const storage::DecisionRecord decision = Decision(0);
  Spool(decision);
  ASSERT_OK_AND_ASSIGN(const bool marked, keeper_->MarkDelivered("c1", decision.decision_id, false));
  EXPECT_TRUE(marked);
  DrainAll();
  EXPECT_EQ(test_.QueryOne("SELECT delivered FROM suggest.decisions"), "f");
}

TEST_F(SpoolKeeperTest, AFullSpoolIsUnavailableWithAHintAndLosesNothing) {
  storage::DecisionRecord large = Decision(0);
  large.fallback_reason = std::string(100'000, 'x');
  absl::Status full;
  int kept = 0;
  for (; full.ok() && kept < 100; ++kept) {
    large.request_id = absl::StrCat("q", kept);
    large.decision_id = storage::MakeDecisionId(kNoon, 1 + kept, 0);
    full = Append(keeper_->spool_sink(), large).status();
  }
  EXPECT_THAT(full, StatusIs(absl::StatusCode::kUnavailable, HasSubstr("the spool takes no more")));
  EXPECT_EQ(spool_->figures().decisions, kept - 1);
  DrainAll();
  EXPECT_EQ(Count("decisions"), absl::StrCat(kept - 1));
}

TEST_F(SpoolKeeperTest, ADrainWithoutADatabaseFailsAndLosesNothing) {
  const auto nowhere = test_.OpenAnother({.connection = "host=/nonexistent dbname=none"});
  SpoolKeeper keeper(spool_.get(), &sink_, nowhere.get(), &clock_, &metrics_, &log_);
  Spool(Decision(0));
  EXPECT_THAT(keeper.Drain(), StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_TRUE(keeper.away());
  EXPECT_THAT(keeper.Drain(), StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_EQ(spool_->figures().decisions, 1);
}

}  // namespace
}  // namespace suggest::server
