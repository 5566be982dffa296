#include "storage/source/history_source.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "tests/support/instants.h"
#include "tests/support/status_matchers.h"
#include "tests/support/test_database.h"

namespace suggest::storage {
namespace {

using suggest::testing::IsOk;
using suggest::testing::StatusIs;
using suggest::testing::TestDatabase;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class HistorySourceTest : public ::testing::Test {
 protected:
  std::unique_ptr<HistorySource> Open() {
    auto source = HistorySource::Open(test_.database());
    EXPECT_OK(source);
    return *std::move(source);
  }

  TestDatabase test_;
};

TEST_F(HistorySourceTest, CustomersComeByIdAndTime) {
  test_.Execute(R"(INSERT INTO builtin.customers VALUES
      ('b', '2024-01-01 12:00+00', '{"x": 2}'), ('b', '-infinity', '{"x": 1}'), ('B', '-infinity', '{}'))");
  std::vector<CustomerRecord> rows;
  EXPECT_OK(Open()->ForEachCustomer([&](CustomerRecord row) {
    rows.push_back(std::move(row));
    return absl::OkStatus();
  }));
  ASSERT_EQ(rows.size(), 3);
  EXPECT_EQ(rows[0].customer_id, "B");
  EXPECT_EQ(rows[1].valid_from, absl::InfinitePast());
  EXPECT_EQ(rows[2].valid_from, kNoon);
  EXPECT_EQ(rows[2].attributes.fields().at("x").number_value(), 2);
}

TEST_F(HistorySourceTest, SuggestionsComeInTheOrderOfTime) {
  test_.Execute(R"(INSERT INTO builtin.suggestions
      (suggestion_id, customer_id, recommendation_id, decided_at, status, propensity) VALUES
      ('s2', 'c1', 'r1', '2024-01-01 12:00+00', 'sent', NULL), ('s1', 'c1', 'r1', '2024-01-01 12:00+00', NULL, 0.25),
      ('s3', 'c0', 'r2', '2024-01-01 11:00+00', 'KEPT', NULL))");
  std::vector<HistoricalSuggestion> rows;
  EXPECT_OK(Open()->ForEachSuggestion([&](HistoricalSuggestion row) {
    rows.push_back(std::move(row));
    return absl::OkStatus();
  }));
  ASSERT_EQ(rows.size(), 3);
  EXPECT_EQ(rows[0].suggestion_id, "s3");
  EXPECT_EQ(rows[1].suggestion_id, "s1");
  EXPECT_EQ(rows[1].status, "");
  EXPECT_EQ(rows[1].propensity, 0.25);
  EXPECT_EQ(rows[2].status, "SENT");
  EXPECT_EQ(rows[2].propensity, std::nullopt);
  EXPECT_EQ(rows[2].decided_at, kNoon);
}

TEST_F(HistorySourceTest, PurchasesComeInTheOrderOfTimeWithAllFields) {
  test_.Execute(R"(INSERT INTO builtin.purchases (purchase_id, customer_id, recommendation_id, purchased_at, amount,
      currency, suggestion_id, visible_at, cancelled_at) VALUES
      ('p2', 'c1', 'r1', '2024-01-01 12:00+00', 12.34, 'EUR', 's1', '2024-01-01 13:00+00', '2024-01-01 14:00+00'),
      ('p1', 'c2', 'r2', '2024-01-01 11:00+00', -1, NULL, NULL, NULL, NULL))");
  std::vector<PurchaseRecord> rows;
  EXPECT_OK(Open()->ForEachPurchase([&](PurchaseRecord row) {
    rows.push_back(std::move(row));
    return absl::OkStatus();
  }));
  ASSERT_EQ(rows.size(), 2);
  EXPECT_EQ(rows[0].purchase_id, "p1");
  EXPECT_EQ(rows[0].amount, -1);
  EXPECT_EQ(rows[0].currency, "");
  EXPECT_EQ(rows[0].visible_at, std::nullopt);
  EXPECT_EQ(rows[1].amount, 12.34);
  EXPECT_EQ(rows[1].currency, "EUR");
  EXPECT_EQ(rows[1].suggestion_id, "s1");
  EXPECT_EQ(rows[1].visible_at, kNoon + absl::Hours(1));
  EXPECT_EQ(rows[1].cancelled_at, kNoon + absl::Hours(2));
}

TEST_F(HistorySourceTest, StreamsMoreRowsThanOneFetchHolds) {
  test_.Execute(
      "INSERT INTO builtin.recommendations SELECT to_char(i, 'FM00000'), 'title' FROM generate_series(1, 2500) i");
  const auto source = Open();
  int rows = 0;
  EXPECT_OK(source->ForEachRecommendation([&](RecommendationRecord row) {
    EXPECT_EQ(std::stoi(row.recommendation_id), ++rows);
    return absl::OkStatus();
  }));
  EXPECT_EQ(rows, 2500);
  ASSERT_OK_AND_ASSIGN(const HistoryCounts counts, source->Counts());
  EXPECT_EQ(counts.recommendations, 2500);
  EXPECT_EQ(counts.customers, 0);
}

TEST_F(HistorySourceTest, EverythingBelongsToOneSnapshot) {
  const auto source = Open();
  EXPECT_EQ(source->Counts()->purchases, 0);
  test_.Execute("INSERT INTO builtin.purchases VALUES ('c1', 'p1', 'r1', '2024-01-01', 1)");
  EXPECT_OK(source->ForEachPurchase([](PurchaseRecord) { return absl::InternalError("seen"); }));
  EXPECT_EQ(source->Counts()->purchases, 0);
  EXPECT_EQ(Open()->Counts()->purchases, 1);
}

TEST_F(HistorySourceTest, ACallbacksErrorEndsTheStreamAndTheSourceCanBeReadAgain) {
  test_.Execute("INSERT INTO builtin.customers SELECT 'c' || i FROM generate_series(1, 3) i");
  const auto source = Open();
  int rows = 0;
  EXPECT_THAT(source->ForEachCustomer(
                  [&](CustomerRecord) { return ++rows == 2 ? absl::CancelledError("enough") : absl::OkStatus(); }),
              StatusIs(absl::StatusCode::kCancelled, "enough"));
  EXPECT_EQ(rows, 2);
  EXPECT_OK(source->ForEachCustomer([&](CustomerRecord) {
    ++rows;
    return absl::OkStatus();
  }));
  EXPECT_EQ(rows, 5);
}

TEST_F(HistorySourceTest, ANullWhereTheContractHasNoneIsNamed) {
  test_.Execute(
      "ALTER TABLE builtin.purchases ALTER COLUMN amount DROP NOT NULL; "
      "INSERT INTO builtin.purchases VALUES ('c1', 'p1', 'r1', '2024-01-01', NULL)");
  EXPECT_THAT(Open()->ForEachPurchase([](PurchaseRecord) { return absl::OkStatus(); }),
              StatusIs(absl::StatusCode::kFailedPrecondition, "source.purchases: amount of purchase_id 'p1' is null"));
}

TEST_F(HistorySourceTest, ARefusedRowIsNamedAndTheStreamGoesOn) {
  test_.Execute(
      "ALTER TABLE builtin.purchases ALTER COLUMN amount DROP NOT NULL; "
      "INSERT INTO builtin.purchases VALUES ('c1', 'p1', 'r1', '2024-01-01', NULL), ('c1', 'p2', 'r1', '2024-01-02', "
      "5), "
      "('c1', 'p3', 'r1', '2024-01-03', 'NaN')");
  std::vector<std::string> read, refused;
  EXPECT_THAT(Open()->ForEachPurchase(
                  [&](PurchaseRecord record) {
                    read.push_back(record.purchase_id);
                    return absl::OkStatus();
                  },
                  [&](const absl::Status& status) { refused.emplace_back(status.message()); }),
              IsOk());
  EXPECT_THAT(read, ElementsAre("p2", "p3"));
  EXPECT_THAT(refused, ElementsAre("source.purchases: amount of purchase_id 'p1' is null"));
}

TEST_F(HistorySourceTest, AnAmountBeyondFloatingPointStopsNobodyElse) {
  test_.Execute(
      "DROP VIEW source.purchases; CREATE VIEW source.purchases AS SELECT purchase_id, customer_id, recommendation_id, "
      "purchased_at, CASE purchase_id WHEN 'p1' THEN 1e400::numeric ELSE 5 END AS amount, currency, suggestion_id, "
      "visible_at, cancelled_at FROM builtin.purchases; "
      "INSERT INTO builtin.purchases VALUES ('c1', 'p1', 'r1', '2024-01-01', 5), ('c1', 'p2', 'r1', '2024-01-02', 5)");
  std::vector<double> amounts;
  EXPECT_THAT(Open()->ForEachPurchase([&](PurchaseRecord record) {
    amounts.push_back(record.amount);
    return absl::OkStatus();
  }),
              IsOk());
  ASSERT_EQ(amounts.size(), 2);
  EXPECT_TRUE(std::isnan(amounts[0]));
  EXPECT_EQ(amounts[1], 5);
}

TEST_F(HistorySourceTest, AViewThatLacksAColumnIsNamed) {
  test_.Execute(
      "DROP VIEW source.purchases; CREATE VIEW source.purchases AS SELECT purchase_id, customer_id, "
      "recommendation_id, purchased_at, currency, suggestion_id, visible_at, cancelled_at FROM builtin.purchases");
  EXPECT_THAT(HistorySource::Open(test_.database()),
              StatusIs(absl::StatusCode::kFailedPrecondition, "source.purchases lacks column amount"));
}

}  // namespace
}  // namespace suggest::storage
