#include "storage/postgres/partition_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "storage/log/decision_store.h"
#include "tests/storage/decision_fixture.h"
#include "tests/support/append_decision.h"
#include "tests/support/raw_sql.h"
#include "tests/support/status_matchers.h"
#include "tests/support/test_database.h"

namespace suggest::storage {
namespace {

using suggest::testing::IsOk;
using suggest::testing::SqlSession;
using suggest::testing::TestDatabase;
using ::testing::ElementsAre;

const absl::Time kNovember = absl::FromUnixSeconds(1764547199);  // 2025-11-30 23:59:59 UTC

class PartitionStoreTest : public ::testing::Test {
 protected:
  TestDatabase test_;
  PartitionStore store_{&test_.database()};
};

TEST_F(PartitionStoreTest, MakesTheMonthsAheadOnce) {
  EXPECT_EQ(store_.Status(kNovember)->months_ahead, -1);
  ASSERT_OK_AND_ASSIGN(const int made, store_.EnsureAhead(kNovember, 2));
  EXPECT_EQ(made, 3);
  EXPECT_EQ(*store_.EnsureAhead(kNovember, 2), 0);
  EXPECT_THAT(
      test_.Query("SELECT c.relname, pg_get_expr(c.relpartbound, c.oid) FROM pg_inherits i JOIN pg_class c ON "
                  "c.oid = i.inhrelid WHERE i.inhparent = 'suggest.decisions'::regclass ORDER BY 1 OFFSET 1"),
      ElementsAre(
          ElementsAre("decisions_y2025m11", "FOR VALUES FROM ('2025-11-01 00:00:00+00') TO ('2025-12-01 00:00:00+00')"),
          ElementsAre("decisions_y2025m12", "FOR VALUES FROM ('2025-12-01 00:00:00+00') TO ('2026-01-01 00:00:00+00')"),
          ElementsAre("decisions_y2026m01",
                      "FOR VALUES FROM ('2026-01-01 00:00:00+00') TO ('2026-02-01 00:00:00+00')")));
}

TEST_F(PartitionStoreTest, TellsHowFarAheadTheyGo) {
  ASSERT_OK(store_.EnsureAhead(kNovember, 2));
  ASSERT_OK_AND_ASSIGN(const PartitionStatus now, store_.Status(kNovember));
  EXPECT_EQ(now.months_ahead, 2);
  EXPECT_EQ(now.partitions, 3);
  EXPECT_FALSE(now.default_has_rows);
  EXPECT_EQ(store_.Status(kNovember + absl::Seconds(1))->months_ahead, 1);
  EXPECT_EQ(store_.Status(kNovember + absl::Hours(24 * 100))->months_ahead, -1);
}

TEST_F(PartitionStoreTest, AGapEndsTheMonthsAhead) {
  ASSERT_OK(store_.EnsureAhead(kNovember, 0));
  ASSERT_OK(store_.EnsureAhead(kNovember + absl::Hours(24 * 40), 0));
  EXPECT_EQ(store_.Status(kNovember)->months_ahead, 0);
  EXPECT_EQ(*store_.EnsureAhead(kNovember, 2), 1);
  EXPECT_EQ(store_.Status(kNovember)->months_ahead, 2);
}

TEST_F(PartitionStoreTest, RowsThatWaitedInTheDefaultMoveIntoTheirMonth) {
  DecisionStore decisions(&test_.database());
  const DecisionRecord decision = MakeDecision("c1", "q1", kNovember, 1);
  ASSERT_OK(suggest::testing::Append(decisions, decision));
  EXPECT_TRUE(store_.Status(kNovember)->default_has_rows);
  ASSERT_OK(store_.EnsureAhead(kNovember, 0));
  EXPECT_FALSE(store_.Status(kNovember)->default_has_rows);
  EXPECT_EQ(test_.QueryOne("SELECT count(*) FROM suggest.decisions_y2025m11"), "1");
  EXPECT_THAT(decisions.Find("c1", decision.decision_id), IsOk());
}

TEST_F(PartitionStoreTest, ParallelRunsMakeEachMonthOnce) {
  const auto replica = test_.OpenAnother();
  std::atomic<int> made = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 6; ++t) {
    threads.emplace_back([&, t] {
      const auto result = PartitionStore(t % 2 == 0 ? &test_.database() : replica.get()).EnsureAhead(kNovember, 3);
      ASSERT_OK(result);
      made += *result;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(made, 4);
}

TEST_F(PartitionStoreTest, ADecisionIsAppendedWhileAMonthIsAttached) {
  ASSERT_OK(store_.EnsureAhead(kNovember, 0));
  SqlSession other(test_.connection());
  other.Run(
      "BEGIN; CREATE TABLE suggest.x (LIKE suggest.decisions INCLUDING ALL); "
      "ALTER TABLE suggest.decisions ATTACH PARTITION suggest.x FOR VALUES FROM ('2026-01-01') TO ('2026-02-01')");
  DatabaseOptions options = test_.options();
  options.statement_timeout = absl::Seconds(5);
  const auto bounded = test_.OpenAnother(options);
  EXPECT_THAT(suggest::testing::Append(DecisionStore(bounded.get()), MakeDecision("c1", "q1", kNovember, 1)), IsOk());
}

}  // namespace
}  // namespace suggest::storage
