// DecisionStore::AppendBatch for many at once: what becomes of one record concerns only itself.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "storage/log/decision_store.h"
#include "storage/postgres/partition_store.h"
#include "tests/storage/decision_fixture.h"
#include "tests/support/append_decision.h"
#include "tests/support/instants.h"
#include "tests/support/private_postgres.h"
#include "tests/support/raw_sql.h"
#include "tests/support/status_matchers.h"
#include "tests/support/test_database.h"

namespace suggest::storage {
namespace {

using suggest::testing::IsOk;
using suggest::testing::SqlSession;
using suggest::testing::StatusIs;
using suggest::testing::TestDatabase;
using suggest::testing::WaitUntilSomeoneIsBlocked;
using ::testing::HasSubstr;

std::vector<const DecisionRecord*> PointersTo(const std::vector<DecisionRecord>& records) {
  std::vector<const DecisionRecord*> pointers;
  for (const DecisionRecord& record : records) pointers.push_back(&record);
  return pointers;
}

class DecisionBatchTest : public ::testing::Test {
 protected:
  DecisionBatchTest() { EXPECT_THAT(PartitionStore(&test_.database()).EnsureAhead(kNoon, 2), IsOk()); }

  std::vector<Appended> Append(const std::vector<DecisionRecord>& records) {
    auto appended = store_.AppendBatch(PointersTo(records));
    EXPECT_THAT(appended, IsOk());
    return appended.ok() ? *std::move(appended) : std::vector<Appended>(records.size());
  }
  std::string Count() { return test_.QueryOne("SELECT count(*) FROM suggest.decisions"); }

  TestDatabase test_;
  DecisionStore store_{&test_.database()};
};

TEST_F(DecisionBatchTest, EveryFieldComesBackAsASingleAppendWouldStoreIt) {
  DecisionRecord batched = MakeDecision("c'1", "q1", kNoon + absl::Milliseconds(7), 1);
  DecisionRecord single = batched;
  single.request_id = "q2";
  single.decision_id = MakeDecisionId(single.decided_at, 2, 2);
  batched.delivered = single.delivered = false;
  EXPECT_THAT(Append({batched})[0].status, IsOk());
  ASSERT_OK(suggest::testing::Append(store_, single));
  const auto row = [&](const std::string& request) {
    return test_.Query(absl::StrCat(
        "SELECT decided_at, model_version, seed, policy, propensity_status, explore, delivered, customer_id, "
        "fallback_reason, catalogue_version, recommendation_ids, inputs FROM suggest.decisions WHERE request_id = '",
        request, "'"));
  };
  EXPECT_EQ(row("q1"), row("q2"));
  ASSERT_OK_AND_ASSIGN(const DecisionRecord found, store_.Find("c'1", batched.decision_id));
  EXPECT_EQ(found.decided_at, batched.decided_at);
  EXPECT_EQ(found.seed, batched.seed);
  EXPECT_EQ(found.recommendation_ids, batched.recommendation_ids);
  EXPECT_EQ(found.inputs.SerializeAsString(), batched.inputs.SerializeAsString());
}

TEST_F(DecisionBatchTest, ADuplicateInTheBatchGetsTheFirstAndFailsNobody) {
  const std::vector<DecisionRecord> batch = {MakeDecision("c1", "q1", kNoon, 1), MakeDecision("c2", "q1", kNoon, 2),
                                             MakeDecision("c1", "q1", kNoon, 3), MakeDecision("c1", "q2", kNoon, 4)};
  const std::vector<Appended> appended = Append(batch);
  for (const Appended& one : appended) EXPECT_THAT(one.status, IsOk());
  EXPECT_FALSE(appended[0].earlier || appended[1].earlier || appended[3].earlier);
  ASSERT_TRUE(appended[2].earlier.has_value());
  EXPECT_EQ(appended[2].earlier->decision_id, batch[0].decision_id);
  EXPECT_EQ(Count(), "3");
}

TEST_F(DecisionBatchTest, ARequestAnsweredBeforeOnAnyConnectionGetsItsEarlierDecision) {
  const auto replica = test_.OpenAnother();
  const DecisionRecord first = MakeDecision("c1", "q1", kNoon, 1);
  ASSERT_OK(suggest::testing::Append(DecisionStore(replica.get()), first));
  const std::vector<Appended> appended =
      Append({MakeDecision("c0", "q1", kNoon, 2), MakeDecision("c1", "q1", kNoon, 3)});
  EXPECT_FALSE(appended[0].earlier.has_value());
  ASSERT_TRUE(appended[1].earlier.has_value());
  EXPECT_EQ(appended[1].earlier->inputs.SerializeAsString(), first.inputs.SerializeAsString());
  EXPECT_EQ(Count(), "2");
}

// A batch of new ids is written plainly; after a taken one, a hundred batches look first, and then it is plain again.
TEST_F(DecisionBatchTest, NewIdsAreStoredAndTakenOnesFoundHoweverLongAgoOneWasTaken) {
  for (int batch = 0; batch < 204; ++batch) {
    const bool retried = batch == 1 || batch == 50 || batch == 203;
    const DecisionRecord fresh = MakeDecision("c1", absl::StrCat("q", batch), kNoon, batch + 1);
    const DecisionRecord again = MakeDecision("c1", retried ? "q0" : absl::StrCat("r", batch), kNoon, 1000 + batch);
    const std::vector<Appended> appended = Append({again, fresh});
    EXPECT_EQ(appended[0].earlier.has_value(), retried) << batch;
    EXPECT_FALSE(appended[1].earlier.has_value()) << batch;
  }
  EXPECT_EQ(Count(), "405");
}

TEST_F(DecisionBatchTest, TheSameBatchAgainIsStoredOnceAndNoReplay) {
  const std::vector<DecisionRecord> batch = {MakeDecision("c1", "q1", kNoon, 1), MakeDecision("c2", "q1", kNoon, 2)};
  Append(batch);
  for (const Appended& one : Append(batch)) {
    EXPECT_THAT(one.status, IsOk());
    EXPECT_FALSE(one.earlier.has_value());
  }
  EXPECT_EQ(Count(), "2");
}

TEST_F(DecisionBatchTest, ARecordThatPostgresqlRefusesFailsAlone) {
  std::vector<DecisionRecord> batch;
  for (int i = 0; i < 9; ++i) batch.push_back(MakeDecision(absl::StrCat("c", i), "q", kNoon, i));
  batch[2].fallback_reason = "no UTF-8: \xff";
  batch[5].request_id = std::string("cut\0off", 7);
  batch[6].policy = 1;
  batch[8].decision_id = "seventeen";
  const std::vector<Appended> appended = Append(batch);
  for (const int i : {0, 1, 3, 4, 6, 7}) EXPECT_THAT(appended[i].status, IsOk()) << i;
  for (const int i : {2, 5, 8}) EXPECT_THAT(appended[i].status, StatusIs(absl::StatusCode::kInvalidArgument)) << i;
  EXPECT_THAT(appended[8].status.message(), HasSubstr("seventeen"));
  EXPECT_EQ(Count(), "6");
  EXPECT_EQ(test_.QueryOne("SELECT count(*) FROM suggest.request_ids"), "6");
}

TEST_F(DecisionBatchTest, AnEmptyBatchIsNothing) {
  EXPECT_TRUE(Append({}).empty());
}

TEST_F(DecisionBatchTest, ParallelBatchesOfTheSameRequestsInOppositeOrderNeverBlockEachOther) {
  const auto replica = test_.OpenAnother();
  DecisionStore other(replica.get());
  constexpr int kRounds = 20;
  constexpr int kRows = 30;
  std::vector<std::string> answers[2];
  std::vector<std::thread> threads;
  for (int t = 0; t < 2; ++t) {
    threads.emplace_back([&, t] {
      DecisionStore& store = t == 0 ? store_ : other;
      for (int round = 0; round < kRounds; ++round) {
        std::vector<DecisionRecord> batch;
        for (int i = 0; i < kRows; ++i) {
          const int row = t == 0 ? i : kRows - 1 - i;
          batch.push_back(
              MakeDecision(absl::StrCat("c", row), absl::StrCat("q", round), kNoon, 1000 * round + 2 * row + t));
        }
        const auto appended = store.AppendBatch(PointersTo(batch));
        ASSERT_OK(appended);
        for (int i = 0; i < kRows; ++i) {
          const Appended& one = (*appended)[t == 0 ? i : kRows - 1 - i];
          const DecisionRecord& own = batch[t == 0 ? i : kRows - 1 - i];
          ASSERT_OK(one.status);
          answers[t].push_back(one.earlier ? one.earlier->decision_id : own.decision_id);
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(answers[0], answers[1]);
  EXPECT_EQ(Count(), absl::StrCat(kRounds * kRows));
}

TEST_F(DecisionBatchTest, WaitsForAnotherClaimThatIsUnderWayAndStoresWhenThatFails) {
  SqlSession other(test_.connection());
  other.Run(
      absl::StrCat("BEGIN; INSERT INTO suggest.request_ids VALUES ('c1', 'q1', '", MakeDecisionId(kNoon, 9, 9), "')"));
  std::thread rollback([&] {
    WaitUntilSomeoneIsBlocked(test_.connection());
    other.Run("ROLLBACK");
  });
  const std::vector<Appended> appended = Append({MakeDecision("c1", "q1", kNoon, 1)});
  rollback.join();
  EXPECT_FALSE(appended[0].earlier.has_value());
}

TEST_F(DecisionBatchTest, ARequestIdThatAnotherSessionHoldsConcernsThatRequestOnly) {
  SqlSession other(test_.connection());
  other.Run(
      absl::StrCat("BEGIN; INSERT INTO suggest.request_ids VALUES ('c1', 'q', '", MakeDecisionId(kNoon, 9, 9), "')"));
  ASSERT_OK_AND_ASSIGN(const auto database,
                       Database::Open({.connection = test_.connection(), .lock_timeout = absl::Milliseconds(20)}));
  DecisionStore store(database.get());
  std::vector<DecisionRecord> batch;
  for (int i = 0; i < 5; ++i) batch.push_back(MakeDecision(absl::StrCat("c", i), "q", kNoon, i));
  ASSERT_OK_AND_ASSIGN(const std::vector<Appended> appended, store.AppendBatch(PointersTo(batch)));
  for (const int i : {0, 2, 3, 4}) EXPECT_THAT(appended[i].status, IsOk()) << i;
  EXPECT_THAT(appended[1].status, StatusIs(absl::StatusCode::kAborted));
  EXPECT_EQ(Count(), "4");
  other.Run("ROLLBACK");
  ASSERT_OK_AND_ASSIGN(const std::vector<Appended> again, store.AppendBatch(PointersTo(batch)));
  for (const Appended& one : again) EXPECT_THAT(one.status, IsOk());
  EXPECT_EQ(Count(), "5");
}

TEST_F(DecisionBatchTest, ARecordThatMeetsATransientStateAgainAndAgainFailsAloneAndAFullDiskFailsAll) {
  test_.Execute(R"(
      CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        IF NEW.customer_id LIKE 'full%' THEN RAISE EXCEPTION 'no space' USING ERRCODE = '53100'; END IF;
        IF NEW.customer_id = 'aborted' THEN RAISE EXCEPTION 'again' USING ERRCODE = '40001'; END IF;
        RETURN NEW; END $$;
      CREATE TRIGGER refuse BEFORE INSERT ON suggest.request_ids FOR EACH ROW EXECUTE FUNCTION refuse())");
  const std::vector<Appended> appended =
      Append({MakeDecision("aborted", "q", kNoon, 1), MakeDecision("full1", "q", kNoon, 2),
              MakeDecision("c1", "q", kNoon, 3)});
  EXPECT_THAT(appended[0].status, StatusIs(absl::StatusCode::kAborted));
  EXPECT_THAT(appended[1].status, StatusIs(absl::StatusCode::kResourceExhausted));
  EXPECT_THAT(appended[2].status, IsOk());
  const std::vector<DecisionRecord> all = {MakeDecision("full1", "q", kNoon, 4), MakeDecision("full2", "q", kNoon, 5)};
  EXPECT_THAT(store_.AppendBatch(PointersTo(all)), StatusIs(absl::StatusCode::kResourceExhausted));
}

TEST_F(DecisionBatchTest, RowsOfTheUsualSizeAreNeitherCompressedNorMovedAway) {
  DecisionRecord wide = MakeDecision("c1", "q1", kNoon, 1);
  wide.recommendation_ids.assign(100, std::string(40, 'r'));  // one byte repeated: a compressor would bite
  EXPECT_THAT(Append({wide})[0].status, IsOk());
  EXPECT_EQ(test_.QueryOne("SELECT pg_column_size(recommendation_ids) > 4000 FROM suggest.decisions"), "t");
  EXPECT_EQ(test_.QueryOne("SELECT pg_relation_size(reltoastrelid) FROM pg_class "
                           "WHERE oid = 'suggest.decisions_y2024m01'::regclass"),
            "0");
}

TEST(DecisionBatchWithoutDatabaseTest, IsUnavailableAsAWholeAndTheSameBatchGoesInOnceItIsBack) {
  suggest::testing::PrivatePostgres postgres;
  ASSERT_OK_AND_ASSIGN(const auto database, Database::Open({.connection = postgres.connection()}));
  suggest::testing::RunSql(
      postgres.connection(),
      "CREATE SCHEMA suggest; CREATE TABLE suggest.request_ids (customer_id text, request_id text, "
      "decision_id uuid, PRIMARY KEY (customer_id, request_id))");
  suggest::testing::RunSql(
      postgres.connection(),
      "CREATE TABLE suggest.decisions (decision_id uuid, customer_id text, request_id text, decided_at timestamptz, "
      "policy smallint, model_version bigint, catalogue_version bytea, seed bigint, explore boolean, fallback_reason "
      "text, propensity_status smallint, recommendation_ids text[], inputs bytea, delivered boolean, checksum "
      "bigint)");
  DecisionStore store(database.get());
  const std::vector<DecisionRecord> batch = {MakeDecision("c1", "q1", kNoon, 1), MakeDecision("c2", "q2", kNoon, 2)};
  postgres.StopImmediately();
  EXPECT_TRUE(IsTransient(store.AppendBatch(PointersTo(batch)).status()));
  postgres.Start();
  ASSERT_OK_AND_ASSIGN(const std::vector<Appended> appended, store.AppendBatch(PointersTo(batch)));
  EXPECT_FALSE(appended[0].earlier || appended[1].earlier);
  EXPECT_EQ(suggest::testing::RunSql(postgres.connection(), "SELECT count(*) FROM suggest.decisions")[0][0], "2");
}

}  // namespace
}  // namespace suggest::storage
