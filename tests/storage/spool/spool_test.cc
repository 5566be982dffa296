#include "storage/spool/spool.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <set>

#include "absl/strings/str_cat.h"
#include "storage/spool/sqlite_internal.h"
#include "tests/storage/decision_fixture.h"
#include "tests/support/instants.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temporary_folder.h"

namespace suggest::storage {
namespace {

using ::suggest::testing::StatusIs;
using ::suggest::testing::TemporaryFolder;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

DecisionRecord Numbered(int number) {
  return MakeDecision(absl::StrCat("c", number % 3), absl::StrCat("q", number), kNoon, 1 + number);
}

class SpoolTest : public ::testing::Test {
 protected:
  SpoolTest() { Reopen(); }

  void Reopen(int64_t max_bytes = int64_t{1} << 30) {
    spool_.reset();
    auto spool = Spool::Open({path_, max_bytes});
    ASSERT_OK(spool);
    spool_ = *std::move(spool);
  }

  // Request ids of the decisions in the spool, in order.
  std::vector<std::string> Requests(int limit = 1000) {
    std::vector<std::string> requests;
    const auto entries = spool_->Oldest(limit);
    EXPECT_OK(entries);
    for (const SpooledEntry& entry : *entries) {
      if (const auto* decision = std::get_if<DecisionRecord>(&entry.content)) requests.push_back(decision->request_id);
    }
    return requests;
  }

  Appended Append(const DecisionRecord& decision, absl::Time now = kNoon) {
    const DecisionRecord* const batch[] = {&decision};
    auto appended = spool_->Append(batch, now);
    EXPECT_OK(appended);
    return appended.ok() ? appended->at(0) : Appended();
  }

  TemporaryFolder folder_;
  const std::string path_ = folder_.path() + "/spool.db";
  std::unique_ptr<Spool> spool_;
};

TEST_F(SpoolTest, GivesBackWhatWasAppendedInOrderAlsoAfterAnotherOpening) {
  DecisionRecord undelivered = Numbered(1);
  undelivered.delivered = false;
  Append(Numbered(0));
  Append(undelivered);
  ASSERT_OK(spool_->AppendFeedback({"c0", "d.1", 3, kNoon - absl::Microseconds(1)}, kNoon + absl::Seconds(2)));
  Append(Numbered(2));
  Reopen();
  ASSERT_OK_AND_ASSIGN(const auto entries, spool_->Oldest(10));
  ASSERT_THAT(entries, SizeIs(4));
  EXPECT_THAT(Requests(), ElementsAre("q0", "q1", "q2"));
  const auto& first = std::get<DecisionRecord>(entries[0].content);
  const DecisionRecord wanted = Numbered(0);
  EXPECT_EQ(first.decision_id, wanted.decision_id);
  EXPECT_EQ(first.decided_at, kNoon);
  EXPECT_EQ(first.seed, wanted.seed);
  EXPECT_EQ(first.recommendation_ids, wanted.recommendation_ids);
  EXPECT_EQ(first.inputs.SerializeAsString(), wanted.inputs.SerializeAsString());
  EXPECT_TRUE(first.delivered);
  EXPECT_FALSE(std::get<DecisionRecord>(entries[1].content).delivered);
  const auto& feedback = std::get<SpooledFeedback>(entries[2].content);
  EXPECT_EQ(feedback.feedback.suggestion_id, "d.1");
  EXPECT_EQ(feedback.feedback.kind, 3);
  EXPECT_EQ(feedback.feedback.occurred_at, kNoon - absl::Microseconds(1));
  EXPECT_EQ(feedback.recorded_at, kNoon + absl::Seconds(2));
  const SpoolFigures figures = spool_->figures();
  EXPECT_EQ(figures.decisions, 3);
  EXPECT_EQ(figures.feedback, 1);
  EXPECT_EQ(figures.oldest, kNoon);
  EXPECT_GT(figures.bytes, 0);
}

TEST_F(SpoolTest, ARequestThatIsThereKeepsItsDecision) {
  const DecisionRecord first = Numbered(0);
  EXPECT_FALSE(Append(first).earlier.has_value());
  EXPECT_FALSE(Append(first).earlier.has_value()) << "the same decision again is no other";
  DecisionRecord second = first;
  second.decision_id = MakeDecisionId(kNoon, 77, 77);
  const Appended again = Append(second);
  ASSERT_TRUE(again.earlier.has_value());
  EXPECT_EQ(again.earlier->decision_id, first.decision_id);
  EXPECT_EQ(spool_->figures().decisions, 1);
  ASSERT_OK_AND_ASSIGN(const auto found, spool_->FindByRequest("c0", "q0"));
  EXPECT_EQ(found->decision_id, first.decision_id);
  EXPECT_FALSE((*spool_->FindByRequest("c1", "q0")).has_value());
  EXPECT_TRUE((*spool_->Find("c0", first.decision_id)).has_value());
  EXPECT_FALSE((*spool_->Find("c1", first.decision_id)).has_value());
}

TEST_F(SpoolTest, RemovesWhatWasDrainedAndKeepsWhatCameMeanwhile) {
  for (int i = 0; i < 5; ++i) Append(Numbered(i), kNoon + absl::Seconds(i));
  ASSERT_OK_AND_ASSIGN(const auto drained, spool_->Oldest(3));
  Append(Numbered(5));
  ASSERT_OK(spool_->Remove(drained));
  EXPECT_THAT(Requests(), ElementsAre("q3", "q4", "q5"));
  EXPECT_EQ(spool_->figures().oldest, kNoon + absl::Seconds(3));
  ASSERT_OK(spool_->Remove(drained)) << "removing twice changes nothing";
  ASSERT_OK_AND_ASSIGN(const auto rest, spool_->Oldest(10));
  ASSERT_OK(spool_->Remove(rest));
  EXPECT_TRUE(spool_->figures().empty());
  EXPECT_EQ(spool_->figures().oldest, absl::InfiniteFuture());
}

TEST_F(SpoolTest, NumbersGrowAlsoWhenTheLastEntriesAreGone) {
  Append(Numbered(0));
  Append(Numbered(1));
  ASSERT_OK_AND_ASSIGN(const auto both, spool_->Oldest(2));
  ASSERT_OK(spool_->Remove(absl::MakeConstSpan(both).subspan(1)));
  Append(Numbered(2));
  ASSERT_OK_AND_ASSIGN(const auto later, spool_->Oldest(10, both[1].sequence));
  ASSERT_THAT(later, SizeIs(1));
  EXPECT_EQ(std::get<DecisionRecord>(later[0].content).request_id, "q2");
  EXPECT_THAT(Requests(), ElementsAre("q0", "q2"));
}

TEST_F(SpoolTest, AMarkThatComesWhileTheDecisionIsDrainedIsNotLost) {
  const DecisionRecord decision = Numbered(0);
  Append(decision);
  ASSERT_OK_AND_ASSIGN(const auto drained, spool_->Oldest(1));
  ASSERT_OK_AND_ASSIGN(const bool marked, spool_->MarkDelivered("c0", decision.decision_id, false));
  EXPECT_TRUE(marked);
  ASSERT_OK(spool_->Remove(drained));
  ASSERT_OK_AND_ASSIGN(const auto again, spool_->Oldest(1));
  ASSERT_THAT(again, SizeIs(1));
  EXPECT_FALSE(std::get<DecisionRecord>(again[0].content).delivered);
  ASSERT_OK(spool_->Remove(again));
  ASSERT_OK_AND_ASSIGN(const bool late, spool_->MarkDelivered("c0", decision.decision_id, true));
  EXPECT_FALSE(late);
}

TEST_F(SpoolTest, ASecondOneOnTheSameFileIsRefused) {
  const auto second = Spool::Open({path_});
  EXPECT_THAT(second, StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr(path_)));
  EXPECT_THAT(second.status().message(), HasSubstr("another suggestd"));
}

TEST_F(SpoolTest, ASecondProcessOnTheSameFileIsRefusedUntilTheFirstIsDead) {
  const std::string path = folder_.path() + "/other.db";
  int pipe_ends[2];
  ASSERT_EQ(pipe(pipe_ends), 0);
  const pid_t child = fork();
  if (child == 0) {
    const auto first = Spool::Open({path});
    const char opened = first.ok() ? 'y' : 'n';
    if (write(pipe_ends[1], &opened, 1) == 1) pause();
    _exit(1);
  }
  char opened = 'n';
  ASSERT_EQ(read(pipe_ends[0], &opened, 1), 1);
  EXPECT_EQ(opened, 'y');
  EXPECT_THAT(Spool::Open({path}), StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("another suggestd")));
  kill(child, SIGKILL);
  int status = 0;
  waitpid(child, &status, 0);
  close(pipe_ends[0]);
  close(pipe_ends[1]);
  EXPECT_OK(Spool::Open({path}));
}

TEST_F(SpoolTest, WhatIsNoSpoolIsRefusedAndLeftAsItIs) {
  const std::string text = folder_.Write("notes.txt", std::string(10'000, 'x'));
  EXPECT_THAT(Spool::Open({text}), StatusIs(absl::StatusCode::kDataLoss, HasSubstr(text)));
  EXPECT_EQ(std::filesystem::file_size(text), 10'000u);
  EXPECT_THAT(Spool::Open({folder_.path() + "/nowhere/spool.db"}),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("nowhere")));
}

TEST_F(SpoolTest, AFullSpoolRefusesAndLosesNothing) {
  Reopen(int64_t{1} << 20);
  DecisionRecord large = Numbered(0);
  large.fallback_reason = std::string(50'000, 'x');
  std::set<std::string> appended;
  absl::Status full;
  for (int i = 0; full.ok() && i < 1000; ++i) {
    large.request_id = absl::StrCat("q", i);
    large.decision_id = MakeDecisionId(kNoon, 1 + i, 0);
    const DecisionRecord* const batch[] = {&large};
    full = spool_->Append(batch, kNoon).status();
    if (full.ok()) appended.insert(large.request_id);
  }
  EXPECT_THAT(full, StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr(path_)));
  EXPECT_GT(appended.size(), 10u);
  EXPECT_THAT(Requests(), SizeIs(appended.size()));
  EXPECT_EQ(spool_->figures().decisions, static_cast<int64_t>(appended.size()));
  // Draining makes room.
  ASSERT_OK_AND_ASSIGN(const auto entries, spool_->Oldest(5));
  ASSERT_OK(spool_->Remove(entries));
  EXPECT_FALSE(Append(Numbered(2000)).earlier.has_value());
  Reopen(int64_t{1} << 20);
  EXPECT_THAT(Requests(), SizeIs(appended.size() - 4));
}

TEST_F(SpoolTest, LeavesTheDiskRoomToDrainWith) {
  Append(Numbered(0));
  spool_.reset();
  auto reserved = Spool::Open({.path = path_, .reserved_bytes = int64_t{1} << 60});
  ASSERT_OK(reserved);
  spool_ = *std::move(reserved);
  const DecisionRecord refused = Numbered(1);
  const DecisionRecord* const batch[] = {&refused};
  EXPECT_THAT(spool_->Append(batch, kNoon),
              StatusIs(absl::StatusCode::kResourceExhausted,
                       AllOf(HasSubstr(path_), HasSubstr("draining may need 1152921504606846976"))));
  EXPECT_THAT(spool_->AppendFeedback({"c0", "d.1", 3, kNoon}, kNoon), StatusIs(absl::StatusCode::kResourceExhausted));
  const auto entries = spool_->Oldest(10);
  ASSERT_OK(entries);
  ASSERT_THAT(*entries, SizeIs(1));
  EXPECT_OK(spool_->Remove(*entries));
  EXPECT_TRUE(spool_->figures().empty());
}

TEST_F(SpoolTest, AnEmptySpoolGivesItsSpaceBack) {
  for (int i = 0; i < 300; ++i) {
    DecisionRecord decision = Numbered(i);
    decision.fallback_reason = std::string(10'000, 'x');
    Append(decision);
  }
  const int64_t grown = spool_->figures().bytes;
  ASSERT_OK_AND_ASSIGN(const auto entries, spool_->Oldest(1000));
  ASSERT_OK(spool_->Remove(entries));
  EXPECT_LT(spool_->figures().bytes, grown / 10);
}

std::string ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// A power cut leaves the end of the log torn: what was committed before stays, the rest never was.
TEST_F(SpoolTest, ATornEndOfTheLogLosesNothingThatWasCommitted) {
  for (int i = 0; i < 4; ++i) Append(Numbered(i));
  const std::string file = ReadFile(path_);
  const size_t committed = ReadFile(path_ + "-wal").size();
  Append(Numbered(4));
  const std::string log = ReadFile(path_ + "-wal");
  ASSERT_GT(log.size(), committed);
  for (const size_t extra : {size_t{0}, size_t{1}, size_t{24}, size_t{1000}, log.size() - committed - 1}) {
    const std::string torn = folder_.Write(absl::StrCat("torn", extra, ".db"), file);
    folder_.Write(absl::StrCat("torn", extra, ".db-wal"), log.substr(0, committed + extra));
    const auto spool = Spool::Open({torn});
    ASSERT_OK(spool);
    EXPECT_EQ((*spool)->figures().decisions, 4) << extra;
    EXPECT_TRUE((*(*spool)->FindByRequest("c0", "q3")).has_value()) << extra;
  }
}

// What a kill leaves is copied while the spool is open, and then damaged.
TEST_F(SpoolTest, ALogOrFileThatLostWhatWasPromisedIsReportedAtTheOpeningAndNamed) {
  for (int i = 0; i < 4; ++i) Append(Numbered(i));
  ASSERT_OK(spool_->AppendFeedback({"c0", "d.1", 3, kNoon}, kNoon));
  const std::string file = ReadFile(path_);
  const std::string log = ReadFile(path_ + "-wal");
  const std::string witness = ReadFile(path_ + "-witness");
  const auto open = [&](const std::string& name, const std::string& main, const std::optional<std::string>& wal) {
    const std::string copy = folder_.Write(name + ".db", main);
    if (wal.has_value()) folder_.Write(name + ".db-wal", *wal);
    folder_.Write(name + ".db-witness", witness);
    return Spool::Open({copy}).status();
  };
  EXPECT_OK(open("whole", file, log));
  std::string flipped = log, zeros = log;
  flipped[log.size() - 2000] ^= 1;
  zeros.replace(log.size() / 2, 5000, std::string(5000, '\0'));
  const auto lost = [](const char* name) {
    return StatusIs(absl::StatusCode::kDataLoss, AllOf(HasSubstr(name), HasSubstr("answered decisions are missing")));
  };
  EXPECT_THAT(open("flipped", file, flipped), lost("flipped.db"));
  EXPECT_THAT(open("zeros", file, zeros), lost("zeros.db"));
  EXPECT_THAT(open("cut", file, log.substr(0, log.size() - 1)), lost("cut.db"));
  EXPECT_THAT(open("half", file, log.substr(0, log.size() / 2)), lost("half.db"));
  EXPECT_THAT(open("empty", file, ""), lost("empty.db"));
  EXPECT_THAT(open("gone", file, std::nullopt), lost("gone.db"));
  EXPECT_THAT(open("emptied", "", std::nullopt), lost("emptied.db"));
}

TEST_F(SpoolTest, ADrainedSpoolHasLostNothing) {
  for (int i = 0; i < 4; ++i) Append(Numbered(i));
  ASSERT_OK_AND_ASSIGN(const auto entries, spool_->Oldest(10));
  ASSERT_OK(spool_->Remove(entries));
  Reopen();
  EXPECT_TRUE(spool_->figures().empty());
  Append(Numbered(5));
  Reopen();
  EXPECT_THAT(Requests(), ElementsAre("q5"));
}

TEST_F(SpoolTest, ADamagedWitnessIsNamed) {
  Append(Numbered(0));
  spool_.reset();
  folder_.Write("spool.db-witness", std::string(528, '\x5a'));
  EXPECT_THAT(Spool::Open({path_}), StatusIs(absl::StatusCode::kDataLoss, HasSubstr("spool.db-witness")));
}

TEST_F(SpoolTest, ADamagedEntryIsGivenAsOneAndConcernsItsRequestAlone) {
  for (int i = 0; i < 3; ++i) Append(Numbered(i));
  spool_.reset();
  {
    ASSERT_OK_AND_ASSIGN(const auto file, SqliteFile::Open(path_));
    ASSERT_OK(file->Execute(
        "UPDATE entries SET bytes = CAST(substr(bytes, 1, length(bytes) - 1) || x'00' AS BLOB) WHERE sequence = 2"));
  }
  Reopen();
  EXPECT_THAT(Requests(), ElementsAre("q0", "q2"));
  ASSERT_OK_AND_ASSIGN(const auto entries, spool_->Oldest(10));
  ASSERT_THAT(entries, SizeIs(3));
  EXPECT_THAT(std::get<DamagedEntry>(entries[1].content).why, HasSubstr("entry 2"));
  EXPECT_THAT(spool_->FindByRequest("c1", "q1"), StatusIs(absl::StatusCode::kDataLoss, HasSubstr("'q1'")));
  EXPECT_OK(spool_->FindByRequest("c0", "q0"));
  DecisionRecord again = Numbered(1);
  again.decision_id = MakeDecisionId(kNoon, 50, 50);
  const DecisionRecord fresh = Numbered(7);
  const DecisionRecord* const batch[] = {&again, &fresh};
  ASSERT_OK_AND_ASSIGN(const auto appended, spool_->Append(batch, kNoon));
  EXPECT_THAT(appended[0].status, StatusIs(absl::StatusCode::kDataLoss));
  EXPECT_OK(appended[1].status);
}

TEST_F(SpoolTest, ADamagedFileIsReportedAtTheOpening) {
  for (int i = 0; i < 200; ++i) Append(Numbered(i));
  spool_.reset();
  std::fstream file(path_, std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(4096);
  file << std::string(8192, '\x5a');
  file.close();
  EXPECT_THAT(Spool::Open({path_}), StatusIs(absl::StatusCode::kDataLoss, HasSubstr(path_)));
}

// A child appends and says each request id once it is durable; it is killed at different points.
TEST_F(SpoolTest, EverythingThatWasSaidToBeDurableIsThereAfterSigkill) {
  spool_.reset();
  for (int round = 0; round < 5; ++round) {
    const std::string path = absl::StrCat(folder_.path(), "/killed", round, ".db");
    int pipe_ends[2];
    ASSERT_EQ(pipe(pipe_ends), 0);
    const pid_t child = fork();
    if (child == 0) {
      close(pipe_ends[0]);
      auto spool = Spool::Open({path});
      for (int i = 0; spool.ok(); ++i) {
        const DecisionRecord decision = Numbered(i);
        const DecisionRecord* const batch[] = {&decision};
        if (!(*spool)->Append(batch, kNoon).ok()) break;
        if (write(pipe_ends[1], &i, sizeof(i)) != sizeof(i)) break;
      }
      _exit(1);
    }
    close(pipe_ends[1]);
    int durable = -1;
    for (int number; durable < 20 * (round + 1) && read(pipe_ends[0], &number, sizeof(number)) == sizeof(number);) {
      durable = number;
    }
    kill(child, SIGKILL);
    int status = 0;
    waitpid(child, &status, 0);
    close(pipe_ends[0]);
    ASSERT_GE(durable, 20);
    auto spool = Spool::Open({path});
    ASSERT_OK(spool);
    spool_ = *std::move(spool);
    const std::vector<std::string> requests = Requests(100'000);
    ASSERT_GT(requests.size(), static_cast<size_t>(durable));
    for (size_t i = 0; i < requests.size(); ++i) EXPECT_EQ(requests[i], absl::StrCat("q", i));
  }
}

}  // namespace
}  // namespace suggest::storage
