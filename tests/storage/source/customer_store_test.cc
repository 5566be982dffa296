#include "storage/source/customer_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/instants.h"
#include "tests/support/status_matchers.h"
#include "tests/support/test_database.h"

namespace suggest::storage {
namespace {

using suggest::testing::StatusIs;
using suggest::testing::TestDatabase;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class CustomerStoreTest : public ::testing::Test {
 protected:
  CustomerState Load(const std::string& customer_id, absl::Time at) {
    absl::StatusOr<CustomerState> state = store_.Load(customer_id, at);
    EXPECT_OK(state);
    return state.ok() ? *std::move(state) : CustomerState();
  }

  TestDatabase test_;
  CustomerStore store_{&test_.database()};
};

TEST_F(CustomerStoreTest, TakesTheNewestAttributesThatAreValidAtTheTime) {
  test_.Execute(R"(INSERT INTO builtin.customers VALUES
      ('c1', '-infinity', '{"plan": "free"}'), ('c1', '2024-01-01 12:00+00', '{"plan": "pro", "pages": 3}'),
      ('c1', '2024-01-02 12:00+00', '{"plan": "future"}'), ('c2', '-infinity', '{"plan": "other"}'))");
  EXPECT_EQ(Load("c1", kNoon).attributes->fields().at("plan").string_value(), "pro");
  EXPECT_EQ(Load("c1", kNoon).attributes->fields().at("pages").number_value(), 3);
  EXPECT_EQ(Load("c1", kNoon - absl::Microseconds(1)).attributes->fields().at("plan").string_value(), "free");
}

TEST_F(CustomerStoreTest, SaysUntilWhenItIsTheSame) {
  EXPECT_EQ(Load("c1", kNoon).valid_until, absl::InfiniteFuture());
  const auto earliest = [&](const std::string& sql, absl::Duration after) {
    test_.Execute(sql);
    EXPECT_EQ(Load("c1", kNoon).valid_until, kNoon + after) << sql;
  };
  test_.Execute(
      R"(INSERT INTO builtin.customers VALUES ('c1', '-infinity', '{}'), ('c2', '2024-01-01 12:00:01+00', '{}'))");
  EXPECT_EQ(Load("c1", kNoon).valid_until, absl::InfiniteFuture());
  earliest("INSERT INTO builtin.customers VALUES ('c1', '2024-01-01 17:00+00', '{}')", absl::Hours(5));
  earliest("INSERT INTO builtin.purchases VALUES ('c1', 'p1', 'r', '2024-01-01 16:00+00', 1)", absl::Hours(4));
  earliest("INSERT INTO builtin.purchases VALUES ('c1', 'p2', 'r', '2023-01-01', 1, NULL, NULL, '2024-01-01 15:00+00')",
           absl::Hours(3));
  earliest(
      "INSERT INTO builtin.purchases VALUES ('c1', 'p3', 'r', '2023-01-01', 1, NULL, NULL, NULL, "
      "'2024-01-01 14:00+00')",
      absl::Hours(2));
  const CustomerState after = Load("c1", kNoon + absl::Hours(5));
  EXPECT_EQ(after.valid_until, absl::InfiniteFuture());
}

TEST_F(CustomerStoreTest, AnUnknownCustomerIsNoError) {
  EXPECT_FALSE(Load("nobody", kNoon).attributes.has_value());
}

TEST_F(CustomerStoreTest, ACustomerIsUnknownBeforeTheFirstRow) {
  test_.Execute("INSERT INTO builtin.customers VALUES ('c1', '2024-01-02 12:00+00', '{}')");
  EXPECT_FALSE(Load("c1", kNoon).attributes.has_value());
  EXPECT_TRUE(Load("c1", kNoon + absl::Hours(24)).attributes.has_value());
}

TEST_F(CustomerStoreTest, NullAttributesAndTimesOfACompanysViewAreEmptyAndThePast) {
  test_.Execute(
      "CREATE OR REPLACE VIEW source.customers AS "
      "SELECT 'c1'::text AS customer_id, NULL::timestamptz AS valid_from, NULL::jsonb AS attributes");
  const CustomerState state = Load("c1", kNoon);
  ASSERT_TRUE(state.attributes.has_value());
  EXPECT_THAT(state.attributes->fields(), IsEmpty());
}

TEST_F(CustomerStoreTest, AttributesThatAreNoObjectAreMissing) {
  test_.Execute(
      "CREATE OR REPLACE VIEW source.customers AS "
      "SELECT 'c1'::text AS customer_id, NULL::timestamptz AS valid_from, '[1, 2]'::jsonb AS attributes");
  const CustomerState state = Load("c1", kNoon);
  ASSERT_TRUE(state.attributes.has_value());
  EXPECT_THAT(state.attributes->fields(), IsEmpty());
  EXPECT_THAT(state.problem, HasSubstr("no JSON object"));
}

TEST_F(CustomerStoreTest, OfTwoRowsWithOneInstantTheSameOneAlwaysCounts) {
  for (const char* order : {"", " DESC"}) {
    test_.Execute(
        absl::StrCat("CREATE OR REPLACE VIEW source.customers AS SELECT 'c1'::text AS customer_id, "
                     "NULL::timestamptz AS valid_from, ('{\"pages\": ' || n || '}')::jsonb AS attributes "
                     "FROM (SELECT * FROM generate_series(4, 5) n ORDER BY n",
                     order, ") rows"));
    const CustomerState state = Load("c1", kNoon);
    ASSERT_TRUE(state.attributes.has_value());
    EXPECT_EQ(state.attributes->fields().at("pages").number_value(), 4);
    EXPECT_THAT(state.problem, HasSubstr("2 rows"));
  }
}

TEST_F(CustomerStoreTest, APurchaseOfNothingIsNotBought) {
  test_.Execute(
      "CREATE OR REPLACE VIEW source.purchases AS SELECT 'p1'::text AS purchase_id, 'c1'::text AS customer_id, "
      "NULL::text AS recommendation_id, '2024-01-01 11:00+00'::timestamptz AS purchased_at, 5::numeric AS amount, "
      "NULL::text AS currency, NULL::text AS suggestion_id, NULL::timestamptz AS visible_at, "
      "NULL::timestamptz AS cancelled_at");
  EXPECT_THAT(Load("c1", kNoon).bought, IsEmpty());
}

TEST_F(CustomerStoreTest, BoughtIsWhatWasVisibleAndNotCancelledAtTheTime) {
  test_.Execute(R"(INSERT INTO builtin.purchases
      (customer_id, purchase_id, recommendation_id, purchased_at, amount, visible_at, cancelled_at) VALUES
      ('c1', 'p1', 'r2', '2024-01-01 11:00+00', 5, NULL, NULL),
      ('c1', 'p2', 'r2', '2024-01-01 11:30+00', 5, NULL, NULL),
      ('c1', 'p3', 'r1', '2024-01-01 11:00+00', 5, '2024-01-01 12:00+00', '2024-01-01 13:00+00'),
      ('c1', 'p4', 'not visible yet', '2024-01-01 11:00+00', 5, '2024-01-01 12:00:01+00', NULL),
      ('c1', 'p5', 'cancelled', '2024-01-01 11:00+00', 5, NULL, '2024-01-01 12:00+00'),
      ('c1', 'p6', 'future', '2024-01-01 12:01+00', 5, NULL, NULL),
      ('c2', 'p7', 'of another', '2024-01-01 11:00+00', 5, NULL, NULL))");
  EXPECT_THAT(Load("c1", kNoon).bought, ElementsAre("r1", "r2"));
}

TEST_F(CustomerStoreTest, HistoryComesByRecommendationAndDay) {
  test_.Execute(R"(INSERT INTO suggest.history_days
      (customer_id, recommendation_id, day, exposures, conversions, purchases, last_exposed_at, last_purchased_at)
      VALUES ('c1', 'b', 19701, 1, 0, 0, '2023-12-10 10:00+00', NULL),
             ('c1', 'b', 19700, 2, 1, 3, NULL, '2023-12-09 10:00+00'),
             ('c1', 'B', 19702, 1, 0, 0, NULL, NULL), ('c2', 'b', 19700, 9, 9, 9, NULL, NULL))");
  const std::vector<HistoryDay> history = Load("c1", kNoon).history;
  ASSERT_EQ(history.size(), 3);
  EXPECT_EQ(history[0].recommendation_id, "B");
  EXPECT_EQ(history[1].day, 19700);
  EXPECT_EQ(history[1].exposures, 2);
  EXPECT_EQ(history[1].conversions, 1);
  EXPECT_EQ(history[1].purchases, 3);
  EXPECT_EQ(history[1].last_exposed_at, absl::InfinitePast());
  EXPECT_EQ(history[1].last_purchased_at, absl::FromUnixSeconds(1702116000));
  EXPECT_EQ(history[2].day, 19701);
  EXPECT_EQ(history[2].last_exposed_at, absl::FromUnixSeconds(1702202400));
}

}  // namespace
}  // namespace suggest::storage
