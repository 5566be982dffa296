#include "storage/log/decision_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "storage/postgres/partition_store.h"
#include "suggest/v1/suggestion_service.pb.h"
#include "tests/storage/decision_fixture.h"
#include "tests/support/append_decision.h"
#include "tests/support/instants.h"
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

const absl::Time kMonthEnd = absl::FromUnixSeconds(1706745600);  // 2024-02-01 00:00 UTC

class DecisionStoreTest : public ::testing::Test {
 protected:
  DecisionStoreTest() { EXPECT_THAT(PartitionStore(&test_.database()).EnsureAhead(kNoon, 2), IsOk()); }

  TestDatabase test_;
  DecisionStore store_{&test_.database()};
};

void ExpectEqual(const DecisionRecord& a, const DecisionRecord& b) {
  EXPECT_EQ(a.decision_id, b.decision_id);
  EXPECT_EQ(a.customer_id, b.customer_id);
  EXPECT_EQ(a.request_id, b.request_id);
  EXPECT_EQ(a.decided_at, b.decided_at);
  EXPECT_EQ(a.policy, b.policy);
  EXPECT_EQ(a.model_version, b.model_version);
  EXPECT_EQ(a.catalogue_version, b.catalogue_version);
  EXPECT_EQ(a.seed, b.seed);
  EXPECT_EQ(a.explore, b.explore);
  EXPECT_EQ(a.fallback_reason, b.fallback_reason);
  EXPECT_EQ(a.propensity_status, b.propensity_status);
  EXPECT_EQ(a.recommendation_ids, b.recommendation_ids);
  EXPECT_EQ(a.inputs.SerializeAsString(), b.inputs.SerializeAsString());
  EXPECT_EQ(a.delivered, b.delivered);
}

TEST_F(DecisionStoreTest, GivesBackEveryFieldAsItWas) {
  const DecisionRecord decision = MakeDecision("c'1", "q1", kNoon, 1);
  ASSERT_OK_AND_ASSIGN(const AppendResult result, suggest::testing::Append(store_, decision));
  EXPECT_FALSE(result.replayed);
  ExpectEqual(result.decision, decision);
  ASSERT_OK_AND_ASSIGN(const DecisionRecord found, store_.Find("c'1", decision.decision_id));
  ExpectEqual(found, decision);
}

TEST_F(DecisionStoreTest, TheSameRequestGetsTheEarlierDecision) {
  const DecisionRecord first = MakeDecision("c1", "q1", kNoon, 1);
  ASSERT_OK(suggest::testing::Append(store_, first));
  ASSERT_OK_AND_ASSIGN(const AppendResult again, suggest::testing::Append(store_, MakeDecision("c1", "q1", kNoon, 2)));
  EXPECT_TRUE(again.replayed);
  ExpectEqual(again.decision, first);
  EXPECT_EQ(test_.QueryOne("SELECT count(*) FROM suggest.decisions"), "1");
}

TEST_F(DecisionStoreTest, TheSameRequestGetsTheEarlierDecisionOnAnotherReplicaAfterTheMonthsEnd) {
  const DecisionRecord first = MakeDecision("c1", "q1", kMonthEnd - absl::Milliseconds(1), 1);
  ASSERT_OK(suggest::testing::Append(store_, first));
  const auto replica = test_.OpenAnother();
  ASSERT_OK_AND_ASSIGN(const AppendResult again,
                       suggest::testing::Append(DecisionStore(replica.get()), MakeDecision("c1", "q1", kMonthEnd, 2)));
  EXPECT_TRUE(again.replayed);
  ExpectEqual(again.decision, first);
  EXPECT_EQ(test_.QueryOne("SELECT count(*) FROM suggest.decisions_y2024m01"), "1");
  EXPECT_EQ(test_.QueryOne("SELECT count(*) FROM suggest.decisions_y2024m02"), "0");
}

TEST_F(DecisionStoreTest, RequestIdsOfTwoCustomersAreDifferent) {
  ASSERT_OK(suggest::testing::Append(store_, MakeDecision("c1", "q1", kNoon, 1)));
  ASSERT_OK_AND_ASSIGN(const AppendResult other, suggest::testing::Append(store_, MakeDecision("c2", "q1", kNoon, 2)));
  EXPECT_FALSE(other.replayed);
}

TEST_F(DecisionStoreTest, ParallelAppendsOfOneRequestFromTwoPoolsStoreOneDecision) {
  const auto replica = test_.OpenAnother();
  DecisionStore other(replica.get());
  constexpr int kRounds = 25;
  std::vector<std::set<std::string>> answers(kRounds);
  std::vector<std::string> given[4];
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      DecisionStore& store = t % 2 == 0 ? store_ : other;
      for (int i = 0; i < kRounds; ++i) {
        const auto result =
            suggest::testing::Append(store, MakeDecision("c1", absl::StrCat("q", i), kNoon, 100 * i + t));
        ASSERT_OK(result);
        given[t].push_back(result->decision.decision_id);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (int i = 0; i < kRounds; ++i) {
    for (const auto& ids : given) answers[i].insert(ids[i]);
    EXPECT_EQ(answers[i].size(), 1);
  }
  EXPECT_EQ(test_.QueryOne("SELECT count(*) FROM suggest.decisions"), absl::StrCat(kRounds));
}

TEST_F(DecisionStoreTest, WaitsForAnotherAppendThatIsUnderWayAndStoresWhenThatFails) {
  SqlSession other(test_.connection());
  other.Run(
      absl::StrCat("BEGIN; INSERT INTO suggest.request_ids VALUES ('c1', 'q1', '", MakeDecisionId(kNoon, 9, 9), "')"));
  std::thread rollback([&] {
    WaitUntilSomeoneIsBlocked(test_.connection());
    other.Run("ROLLBACK");
  });
  const auto result = suggest::testing::Append(store_, MakeDecision("c1", "q1", kNoon, 1));
  rollback.join();
  ASSERT_OK(result);
  EXPECT_FALSE(result->replayed);
}

TEST_F(DecisionStoreTest, ADecisionOutsideAllMonthsIsKept) {
  const DecisionRecord decision = MakeDecision("c1", "q1", kNoon + absl::Hours(24 * 400), 1);
  ASSERT_OK(suggest::testing::Append(store_, decision));
  EXPECT_THAT(store_.Find("c1", decision.decision_id), IsOk());
}

TEST_F(DecisionStoreTest, RefusesADecisionIdThatIsNone) {
  DecisionRecord decision = MakeDecision("c1", "q1", kNoon, 1);
  decision.decision_id = "seventeen";
  EXPECT_THAT(suggest::testing::Append(store_, decision),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("seventeen")));
}

TEST_F(DecisionStoreTest, FindsByRequest) {
  const DecisionRecord decision = MakeDecision("c1", "q1", kNoon, 1);
  ASSERT_OK(suggest::testing::Append(store_, decision));
  ASSERT_OK_AND_ASSIGN(const auto found, store_.FindByRequest("c1", "q1"));
  ASSERT_TRUE(found.has_value());
  ExpectEqual(*found, decision);
  EXPECT_FALSE(store_.FindByRequest("c1", "q2")->has_value());
  EXPECT_FALSE(store_.FindByRequest("c2", "q1")->has_value());
}

TEST_F(DecisionStoreTest, ARequestWhoseDecisionIsGoneIsDataLoss) {
  ASSERT_OK(suggest::testing::Append(store_, MakeDecision("c1", "q1", kNoon, 1)));
  test_.Execute("DELETE FROM suggest.decisions");
  EXPECT_THAT(store_.FindByRequest("c1", "q1"), StatusIs(absl::StatusCode::kDataLoss, HasSubstr("'q1'")));
}

TEST_F(DecisionStoreTest, InputsThatCannotBeParsedAreDataLoss) {
  const DecisionRecord decision = MakeDecision("c1", "q1", kNoon, 1);
  ASSERT_OK(suggest::testing::Append(store_, decision));
  test_.Execute("UPDATE suggest.decisions SET inputs = '\\xff'");
  EXPECT_THAT(store_.Find("c1", decision.decision_id),
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr(decision.decision_id)));
}

TEST_F(DecisionStoreTest, ARowThatIsNotWhatWasLoggedIsDataLossForItselfAlone) {
  const DecisionRecord other = MakeDecision("c1", "q0", kNoon, 99);
  ASSERT_OK(suggest::testing::Append(store_, other));
  uint64_t number = 0;
  for (const char* damage : {"inputs = set_byte(inputs, length(inputs) / 2, get_byte(inputs, length(inputs) / 2) # 1)",
                             "inputs = substr(inputs, 1, length(inputs) - 9)", "inputs = ''", "seed = seed + 1",
                             "policy = 5", "model_version = 7", "catalogue_version = '\\x00'", "explore = NOT explore",
                             "fallback_reason = ''", "propensity_status = 2", "recommendation_ids = '{r1}'",
                             "recommendation_ids = '{}'", "checksum = checksum + 1", "request_id = 'another'"}) {
    ++number;
    const DecisionRecord decision = MakeDecision("c1", absl::StrCat("q", number), kNoon, number);
    const DecisionRecord* const batch[] = {&decision};
    ASSERT_OK(store_.AppendBatch(batch));
    test_.Execute(
        absl::StrCat("UPDATE suggest.decisions SET ", damage, " WHERE decision_id = '", decision.decision_id, "'"));
    EXPECT_THAT(store_.Find("c1", decision.decision_id),
                StatusIs(absl::StatusCode::kDataLoss, HasSubstr(decision.decision_id)))
        << damage;
    EXPECT_THAT(store_.FindByRequest("c1", decision.request_id), StatusIs(absl::StatusCode::kDataLoss)) << damage;
    EXPECT_OK(store_.Find("c1", other.decision_id));
  }
}

TEST_F(DecisionStoreTest, ARowOfAProgramWithoutChecksumsIsRead) {
  const DecisionRecord decision = MakeDecision("c1", "q1", kNoon, 1);
  ASSERT_OK(suggest::testing::Append(store_, decision));
  test_.Execute("UPDATE suggest.decisions SET checksum = NULL");
  ASSERT_OK_AND_ASSIGN(const DecisionRecord found, store_.Find("c1", decision.decision_id));
  ExpectEqual(found, decision);
}

TEST_F(DecisionStoreTest, UnknownDecisionsAreNotFound) {
  const DecisionRecord decision = MakeDecision("c1", "q1", kNoon, 1);
  ASSERT_OK(suggest::testing::Append(store_, decision));
  const auto not_found = StatusIs(absl::StatusCode::kNotFound, HasSubstr("customer 'c2' has no decision"));
  EXPECT_THAT(store_.Find("c2", decision.decision_id), not_found);
  EXPECT_THAT(store_.Find("c2", "no id at all"), not_found);
  EXPECT_THAT(store_.MarkUndelivered("c2", decision.decision_id), not_found);
  EXPECT_THAT(store_.MarkUndelivered("c2", "no id at all"), not_found);
}

TEST_F(DecisionStoreTest, FindsTheNewestOpenDecisionAcrossMonths) {
  const DecisionRecord january = MakeDecision("c1", "q1", kMonthEnd - absl::Minutes(2), 1);
  const DecisionRecord february = MakeDecision("c1", "q2", kMonthEnd + absl::Minutes(1), 2);
  ASSERT_OK(suggest::testing::Append(store_, february));
  ASSERT_OK(suggest::testing::Append(store_, january));
  ASSERT_OK(suggest::testing::Append(store_, MakeDecision("c2", "q3", kMonthEnd + absl::Minutes(5), 3)));
  ASSERT_OK_AND_ASSIGN(const auto newest, store_.FindOpen("c1", kMonthEnd - absl::Hours(1)));
  ASSERT_TRUE(newest.has_value());
  ExpectEqual(*newest, february);
  EXPECT_FALSE(store_.FindOpen("c1", february.decided_at + absl::Milliseconds(1))->has_value());
  EXPECT_TRUE(store_.FindOpen("c1", absl::InfinitePast())->has_value());
}

TEST_F(DecisionStoreTest, NeitherUndeliveredNorExpertDecisionsAreOpen) {
  const DecisionRecord undelivered = MakeDecision("c1", "q1", kNoon, 1);
  DecisionRecord expert = MakeDecision("c1", "q2", kNoon, 2);
  expert.policy = suggest::v1::EXPERT;
  ASSERT_OK(suggest::testing::Append(store_, undelivered));
  ASSERT_OK(suggest::testing::Append(store_, expert));
  ASSERT_OK(store_.MarkUndelivered("c1", undelivered.decision_id));
  ASSERT_OK(store_.MarkUndelivered("c1", undelivered.decision_id));
  EXPECT_FALSE(store_.Find("c1", undelivered.decision_id)->delivered);
  EXPECT_FALSE(store_.FindOpen("c1", kNoon - absl::Hours(1))->has_value());
}

TEST_F(DecisionStoreTest, AnUndeliveredDecisionIsOpenAgainOnceItWasDelivered) {
  const DecisionRecord decision = MakeDecision("c1", "q1", kNoon, 1);
  ASSERT_OK(suggest::testing::Append(store_, decision));
  ASSERT_OK(store_.MarkUndelivered("c1", decision.decision_id));
  ASSERT_OK(store_.MarkDelivered("c1", decision.decision_id));
  EXPECT_TRUE(store_.FindOpen("c1", kNoon - absl::Hours(1))->has_value());
  EXPECT_THAT(store_.MarkDelivered("c2", decision.decision_id), StatusIs(absl::StatusCode::kNotFound));
}

TEST_F(DecisionStoreTest, ALinkedRequestIdAnswersWithTheDecisionUnlessItHasOneAlready) {
  const DecisionRecord first = MakeDecision("c1", "q1", kNoon, 1);
  const DecisionRecord second = MakeDecision("c1", "q2", kNoon, 2);
  ASSERT_OK(suggest::testing::Append(store_, first));
  ASSERT_OK(suggest::testing::Append(store_, second));
  ASSERT_OK_AND_ASSIGN(const AppendResult linked, store_.LinkRequest("c1", "q3", first.decision_id));
  EXPECT_FALSE(linked.replayed);
  ExpectEqual(linked.decision, first);
  ExpectEqual(**store_.FindByRequest("c1", "q3"), first);
  ASSERT_OK_AND_ASSIGN(const AppendResult taken, store_.LinkRequest("c1", "q2", first.decision_id));
  EXPECT_TRUE(taken.replayed);
  ExpectEqual(taken.decision, second);
}

TEST_F(DecisionStoreTest, LinkingToAnUnknownDecisionIsNotFoundAndLeavesTheRequestIdFree) {
  const DecisionRecord decision = MakeDecision("c1", "q1", kNoon, 1);
  EXPECT_THAT(store_.LinkRequest("c1", "q1", decision.decision_id), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(store_.LinkRequest("c1", "q1", "no id at all"), StatusIs(absl::StatusCode::kNotFound));
  ASSERT_OK_AND_ASSIGN(const AppendResult stored, suggest::testing::Append(store_, decision));
  EXPECT_FALSE(stored.replayed);
}

TEST_F(DecisionStoreTest, LooksAtOneMonthOnlyForADecision) {
  const DecisionRecord decision = MakeDecision("c1", "q1", kNoon, 1);
  ASSERT_OK(suggest::testing::Append(store_, decision));
  std::string plan;
  for (const auto& row :
       test_.Query(absl::StrCat("EXPLAIN SELECT FROM suggest.decisions WHERE customer_id = 'c1' AND decision_id = '",
                                decision.decision_id, "' AND decided_at = '2024-01-01 12:00+00'"))) {
    absl::StrAppend(&plan, row[0], "\n");
  }
  EXPECT_THAT(plan, HasSubstr("decisions_y2024m01"));
  EXPECT_THAT(plan, ::testing::Not(HasSubstr("decisions_y2024m02")));
  EXPECT_THAT(plan, ::testing::Not(HasSubstr("decisions_default")));
}

}  // namespace
}  // namespace suggest::storage
