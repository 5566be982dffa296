#include "storage/ledger/learning_store.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "storage/postgres/packed_numbers.h"
#include "tests/support/raw_sql.h"
#include "tests/support/status_matchers.h"
#include "tests/support/test_database.h"

namespace suggest::storage {
namespace {

using ::suggest::testing::IsOk;
using ::suggest::testing::StatusIs;
using ::suggest::testing::TestDatabase;

absl::Time At(int64_t seconds) {
  return absl::FromUnixSeconds(1700000000 + seconds);
}

LedgerExposure Exposure(const std::string& customer, const std::string& suggestion) {
  LedgerExposure row;
  row.customer_id = customer;
  row.suggestion_id = suggestion;
  row.recommendation_id = "hat";
  row.exposed_at = At(1);
  row.day = 19675;
  row.basis_id = 1;
  row.context = {{1, 1.0f / 3}, {1, -1e-30f}, {0.1f}};
  return row;
}

class LearningStoreTest : public ::testing::Test {
 protected:
  TestDatabase db_;
  LearningStore store_{&db_.database()};
};

TEST_F(LearningStoreTest, OneHolderOfTheLockAtATime) {
  const auto other = db_.OpenAnother();
  EXPECT_THAT(
      store_.WithLock(
          true,
          [&](LearningTransaction&) {
            EXPECT_THAT(
                LearningStore(other.get()).WithLock(true, [](LearningTransaction&) { return absl::OkStatus(); }),
                StatusIs(absl::StatusCode::kAborted));
            return absl::OkStatus();
          }),
      IsOk());
  EXPECT_THAT(LearningStore(other.get()).WithLock(true, [](LearningTransaction&) { return absl::OkStatus(); }), IsOk());
}

TEST_F(LearningStoreTest, KeepsNothingOfAFailedOrUncommittedTransaction) {
  const auto insert = [](LearningTransaction& tx) { return tx.InsertExposures({Exposure("ann", "s1")}); };
  EXPECT_THAT(store_.WithLock(false, insert), IsOk());
  EXPECT_EQ(db_.QueryOne("SELECT count(*) FROM suggest.exposures"), "0");
  EXPECT_THAT(store_.WithLock(true,
                              [&](LearningTransaction& tx) {
                                EXPECT_THAT(insert(tx), IsOk());
                                return absl::UnknownError("killed");
                              }),
              StatusIs(absl::StatusCode::kUnknown));
  EXPECT_EQ(db_.QueryOne("SELECT count(*) FROM suggest.exposures"), "0");
}

TEST_F(LearningStoreTest, GivesContextsBackBitForBit) {
  EXPECT_THAT(store_.WithLock(true,
                              [](LearningTransaction& tx) -> absl::Status {
                                const absl::Status inserted = tx.InsertExposures(
                                    {Exposure("a\"n,n\\", "s1"), Exposure("{bob}", "s2"), Exposure("NULL", "s3")});
                                if (!inserted.ok()) return inserted;
                                const auto page = tx.Pending(1, 0, absl::InfiniteFuture(), {}, 10);
                                EXPECT_THAT(page, IsOk());
                                EXPECT_EQ(page->size(), 3u);
                                for (const LedgerExposure& row : *page) {
                                  EXPECT_EQ(row.context.customer, (std::vector<float>{1, 1.0f / 3}));
                                  EXPECT_EQ(row.context.recommendation, (std::vector<float>{1, -1e-30f}));
                                  EXPECT_EQ(row.context.pair, std::vector<float>{0.1f});
                                  EXPECT_EQ(row.exposed_at, At(1));
                                }
                                return absl::OkStatus();
                              }),
              IsOk());
}

TEST_F(LearningStoreTest, PagesFollowTheCursorWithoutGapsOrRepeats) {
  EXPECT_THAT(store_.WithLock(true,
                              [](LearningTransaction& tx) -> absl::Status {
                                std::vector<LedgerExposure> rows;
                                for (int i = 0; i < 7; ++i) {
                                  rows.push_back(Exposure(i % 2 == 0 ? "ann" : "Bob", "s" + std::to_string(i)));
                                }
                                EXPECT_THAT(tx.InsertExposures(rows), IsOk());
                                LedgerKey cursor;
                                size_t seen = 0;
                                while (true) {
                                  const auto page = tx.Pending(1, 0, absl::InfiniteFuture(), cursor, 3);
                                  EXPECT_THAT(page, IsOk());
                                  seen += page->size();
                                  if (page->empty()) break;
                                  cursor = {page->back().customer_id, page->back().suggestion_id};
                                }
                                EXPECT_EQ(seen, 7u);
                                return absl::OkStatus();
                              }),
              IsOk());
}

TEST_F(LearningStoreTest, GivesBucketsBackBitForBitAndRefusesDamagedOnes) {
  BucketRow bucket{.day = 5, .lower = {1, 0.1, 2}, .moment = {0.3, -4}, .weight = 2, .count = 2, .reward_sum = 0.7};
  EXPECT_THAT(store_.WithLock(true,
                              [&](LearningTransaction& tx) -> absl::Status {
                                EXPECT_THAT(tx.SaveBucket(1, bucket), IsOk());
                                const auto rows = tx.Buckets(1, {5, 6});
                                EXPECT_THAT(rows, IsOk());
                                EXPECT_EQ(rows->size(), 1u);
                                EXPECT_EQ(rows->front().lower, bucket.lower);
                                EXPECT_EQ(rows->front().moment, bucket.moment);
                                EXPECT_EQ(rows->front().reward_sum, 0.7);
                                return absl::OkStatus();
                              }),
              IsOk());
  db_.Execute("UPDATE suggest.buckets SET sums = substr(sums, 9)");
  EXPECT_THAT(store_.ReadOnly([](LearningTransaction& tx) { return tx.Buckets(1, {5}).status(); }),
              StatusIs(absl::StatusCode::kDataLoss));
}

TEST_F(LearningStoreTest, ReadOnlyWritesNothing) {
  EXPECT_FALSE(
      store_.ReadOnly([](LearningTransaction& tx) { return tx.InsertExposures({Exposure("ann", "s1")}); }).ok());
}

TEST_F(LearningStoreTest, AClearedLedgerCanBeReadUntilTheCommit) {
  db_.Execute("INSERT INTO suggest.history_days VALUES ('ann', 'hat', 1, 1, 0, 0, NULL, NULL)");
  EXPECT_THAT(store_.WithLock(true,
                              [&](LearningTransaction& tx) {
                                EXPECT_THAT(tx.ClearLedger(), IsOk());
                                suggest::testing::SqlSession reader(db_.connection());
                                reader.Run("SET lock_timeout = '5s'");  // Run aborts when it waits longer
                                EXPECT_EQ(reader.Run("SELECT count(*) FROM suggest.history_days")[0][0], "1");
                                return absl::OkStatus();
                              }),
              IsOk());
  EXPECT_EQ(db_.QueryOne("SELECT count(*) FROM suggest.history_days"), "0");
}

TEST_F(LearningStoreTest, APurchaseShownTwiceIsTheSameOneAtEveryRun) {
  db_.Execute(
      "CREATE OR REPLACE VIEW source.purchases AS SELECT purchase_id, customer_id, recommendation_id, purchased_at, "
      "amount, currency, suggestion_id, visible_at, cancelled_at FROM builtin.purchases UNION ALL SELECT purchase_id, "
      "customer_id, recommendation_id, purchased_at, amount, 'AAA', 's0', visible_at, cancelled_at "
      "FROM builtin.purchases;"
      "INSERT INTO builtin.purchases (customer_id, purchase_id, recommendation_id, purchased_at, amount, currency, "
      "suggestion_id) VALUES ('ann', 'p1', 'hat', '2023-11-14', 1, 'ZZZ', 's1')");
  const auto read = [](LearningTransaction& tx) {
    const auto changes = tx.ChangedPurchases(
        {.since = absl::InfinitePast(), .tick = At(0), .until = At(0), .visibility_lag = absl::ZeroDuration()}, {""},
        {}, 10);
    EXPECT_THAT(changes, IsOk());
    EXPECT_EQ(changes->size(), 1u);
    EXPECT_EQ(changes->front().purchase.suggestion_id, "s0");
    return absl::OkStatus();
  };
  EXPECT_THAT(store_.WithLock(false, read), IsOk());
}

TEST(PackedNumbersTest, RefusesLengthsThatDoNotFit) {
  EXPECT_THAT(UnpackNumbers("1234567"), StatusIs(absl::StatusCode::kDataLoss));
  EXPECT_THAT(UnpackContext("123"), StatusIs(absl::StatusCode::kDataLoss));
  EXPECT_THAT(UnpackContext(PackContext({{1}, {1, 2}, {}}) + "x"), StatusIs(absl::StatusCode::kDataLoss));
}

}  // namespace
}  // namespace suggest::storage
