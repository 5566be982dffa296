#include "storage/log/superseded_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "storage/log/decision_store.h"
#include "tests/storage/decision_fixture.h"
#include "tests/support/append_decision.h"
#include "tests/support/instants.h"
#include "tests/support/status_matchers.h"
#include "tests/support/test_database.h"

namespace suggest::storage {
namespace {

using ::suggest::testing::StatusIs;
using ::suggest::testing::TestDatabase;
using ::testing::HasSubstr;

TEST(SupersededStoreTest, KeepsTheFirstRecordOfADecisionWhole) {
  TestDatabase test;
  SupersededStore store(&test.database());
  const DecisionRecord decision = MakeDecision("c'1", "q1", kNoon, 1);
  const std::string answer = MakeDecisionId(kNoon, 9, 9);
  ASSERT_OK(store.Record({{decision, answer}}, kNoon));
  ASSERT_OK(store.Record({{decision, MakeDecisionId(kNoon, 8, 8)}}, kNoon));
  EXPECT_EQ(test.QueryOne("SELECT count(*) FROM suggest.superseded_decisions"), "1");
  ASSERT_OK_AND_ASSIGN(const SupersededDecision found, store.Find("c'1", decision.decision_id));
  EXPECT_EQ(found.superseded_by, answer);
  EXPECT_EQ(found.decision.request_id, "q1");
  EXPECT_EQ(found.decision.decided_at, kNoon);
  EXPECT_EQ(found.decision.seed, decision.seed);
  EXPECT_EQ(found.decision.catalogue_version, decision.catalogue_version);
  EXPECT_EQ(found.decision.recommendation_ids, decision.recommendation_ids);
  EXPECT_EQ(found.decision.inputs.SerializeAsString(), decision.inputs.SerializeAsString());
}

TEST(SupersededStoreTest, AnAnsweredDecisionIsFoundInTheLogElseAmongTheSuperseded) {
  TestDatabase test;
  const DecisionRecord logged = MakeDecision("c1", "q1", kNoon, 1);
  const DecisionRecord superseded = MakeDecision("c1", "q1", kNoon, 2);
  ASSERT_OK(suggest::testing::Append(DecisionStore(&test.database()), logged));
  ASSERT_OK(SupersededStore(&test.database()).Record({{superseded, logged.decision_id}}, kNoon));
  ASSERT_OK_AND_ASSIGN(const AnsweredDecision one, FindAnsweredDecision(&test.database(), "c1", logged.decision_id));
  EXPECT_EQ(one.superseded_by, "");
  ASSERT_OK_AND_ASSIGN(const AnsweredDecision other,
                       FindAnsweredDecision(&test.database(), "c1", superseded.decision_id));
  EXPECT_EQ(other.superseded_by, logged.decision_id);
  EXPECT_EQ(other.decision.decision_id, superseded.decision_id);
  EXPECT_THAT(FindAnsweredDecision(&test.database(), "c1", MakeDecisionId(kNoon, 3, 3)),
              StatusIs(absl::StatusCode::kNotFound));
}

TEST(SupersededStoreTest, UnknownOnesAreNotFoundAndDamagedOnesDataLoss) {
  TestDatabase test;
  SupersededStore store(&test.database());
  const DecisionRecord decision = MakeDecision("c1", "q1", kNoon, 1);
  ASSERT_OK(store.Record({{decision, decision.decision_id}}, kNoon));
  EXPECT_THAT(store.Find("c2", decision.decision_id), StatusIs(absl::StatusCode::kNotFound, HasSubstr("'c2'")));
  EXPECT_THAT(store.Find("c1", "seventeen"), StatusIs(absl::StatusCode::kNotFound, HasSubstr("seventeen")));
  test.Execute("UPDATE suggest.superseded_decisions SET record = '\\xff'");
  EXPECT_THAT(store.Find("c1", decision.decision_id), StatusIs(absl::StatusCode::kDataLoss));
}

}  // namespace
}  // namespace suggest::storage
