#include "storage/postgres/change_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/support/status_matchers.h"
#include "tests/support/test_database.h"

namespace suggest::storage {
namespace {

using suggest::testing::IsOk;
using suggest::testing::StatusIs;
using suggest::testing::TestDatabase;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

class ChangeStoreTest : public ::testing::Test {
 protected:
  // The first answer of a session: anything may have changed.
  void Begin() {
    ASSERT_OK_AND_ASSIGN(const std::vector<Change> first, watcher_.Wait(absl::ZeroDuration()));
    ASSERT_EQ(first.size(), 3);
    for (const Change& change : first) EXPECT_TRUE(change.all);
  }
  // What was told until now: the round trip brings all that was committed before.
  std::vector<Change> Heard() {
    auto heard = watcher_.Wait(absl::ZeroDuration());
    EXPECT_THAT(heard, IsOk());
    return heard.ok() ? *std::move(heard) : std::vector<Change>();
  }

  TestDatabase test_;
  ChangeStore store_{&test_.database()};
  ChangeWatcher watcher_{&test_.database()};
};

TEST_F(ChangeStoreTest, EachStatementTellsItsCustomers) {
  Begin();
  test_.Execute("INSERT INTO builtin.customers (customer_id) VALUES ('c \"1\"'), ('c2'), ('c3')");
  std::vector<Change> heard = Heard();
  ASSERT_EQ(heard.size(), 1);
  EXPECT_EQ(heard[0].kind, Change::Kind::kCustomers);
  EXPECT_FALSE(heard[0].all);
  EXPECT_THAT(heard[0].ids, UnorderedElementsAre("c \"1\"", "c2", "c3"));

  test_.Execute("UPDATE builtin.customers SET customer_id = 'c4' WHERE customer_id = 'c3'");
  heard = Heard();
  ASSERT_EQ(heard.size(), 1);
  EXPECT_THAT(heard[0].ids, UnorderedElementsAre("c3", "c4"));

  test_.Execute("DELETE FROM builtin.customers WHERE customer_id = 'c2'");
  heard = Heard();
  ASSERT_EQ(heard.size(), 1);
  EXPECT_THAT(heard[0].ids, ElementsAre("c2"));

  test_.Execute("INSERT INTO builtin.purchases VALUES ('c7', 'p1', 'r1', '2026-01-01', 1)");
  heard = Heard();
  ASSERT_EQ(heard.size(), 1);
  EXPECT_THAT(heard[0].ids, ElementsAre("c7"));

  test_.Execute("UPDATE builtin.customers SET attributes = '{}' WHERE customer_id = 'nobody'");
  EXPECT_THAT(Heard(), IsEmpty());
}

TEST_F(ChangeStoreTest, ManyIdsComeInPiecesAndTooManyAsAnything) {
  Begin();
  test_.Execute(
      "INSERT INTO builtin.customers (customer_id) SELECT 'a customer with a long name ' || i "
      "FROM generate_series(1, 900) i");
  std::vector<std::string> ids;
  std::vector<Change> heard = Heard();
  EXPECT_GT(heard.size(), 2);
  for (const Change& change : heard) {
    EXPECT_FALSE(change.all);
    ids.insert(ids.end(), change.ids.begin(), change.ids.end());
  }
  EXPECT_EQ(ids.size(), 900);
  EXPECT_THAT(ids, Contains("a customer with a long name 900"));

  test_.Execute("INSERT INTO builtin.customers (customer_id) SELECT i FROM generate_series(1, 1001) i");
  heard = Heard();
  ASSERT_EQ(heard.size(), 1);
  EXPECT_TRUE(heard[0].all);

  test_.Execute("TRUNCATE builtin.customers");
  heard = Heard();
  ASSERT_EQ(heard.size(), 1);
  EXPECT_TRUE(heard[0].all);
}

TEST_F(ChangeStoreTest, AnIdTooLongForAPayloadDoesNotFailTheWriter) {
  Begin();
  test_.Execute("INSERT INTO builtin.customers (customer_id) VALUES (repeat('x', 5000) || 'y')");
  const std::vector<Change> heard = Heard();
  ASSERT_EQ(heard.size(), 1);
  EXPECT_TRUE(heard[0].all);
}

TEST_F(ChangeStoreTest, TheCatalogueIsToldAsAWhole) {
  Begin();
  test_.Execute("INSERT INTO builtin.recommendations (recommendation_id, title) VALUES ('r1', 'R')");
  const std::vector<Change> heard = Heard();
  ASSERT_EQ(heard.size(), 1);
  EXPECT_EQ(heard[0].kind, Change::Kind::kRecommendations);
}

TEST_F(ChangeStoreTest, DecisionsAreToldToEveryReplicaWithTheirOrigin) {
  Begin();
  std::vector<std::string> ids;
  for (int i = 0; i < 900; ++i) ids.push_back(absl::StrCat("customer \"", i, "\" \xc3\xa9"));
  ASSERT_THAT(store_.AnnounceDecisions("me", ids), IsOk());
  std::vector<std::string> heard_ids;
  for (const Change& change : Heard()) {
    EXPECT_EQ(change.kind, Change::Kind::kDecisions);
    EXPECT_EQ(change.origin, "me");
    heard_ids.insert(heard_ids.end(), change.ids.begin(), change.ids.end());
  }
  std::sort(ids.begin(), ids.end());
  std::sort(heard_ids.begin(), heard_ids.end());
  EXPECT_EQ(heard_ids, ids);
  ASSERT_THAT(store_.AnnounceDecisions("me", {}), IsOk());
  const std::vector<Change> any = Heard();
  ASSERT_EQ(any.size(), 1);
  EXPECT_TRUE(any[0].all);
}

TEST_F(ChangeStoreTest, WhatCannotBeReadMeansAnything) {
  Begin();
  test_.Execute("SELECT pg_notify('suggest_change', 'customers [\"cut')");
  const std::vector<Change> heard = Heard();
  ASSERT_EQ(heard.size(), 1);
  EXPECT_TRUE(heard[0].all);
}

TEST_F(ChangeStoreTest, AfterItsConnectionWasCutANewSessionSaysThatAnythingMayHaveChanged) {
  Begin();
  test_.Execute(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
      "WHERE datname = current_database() AND pid <> pg_backend_pid()");
  EXPECT_THAT(watcher_.Wait(absl::ZeroDuration()), StatusIs(absl::StatusCode::kUnavailable));
  Begin();
}

TEST_F(ChangeStoreTest, SeesThroughViewsWhichTablesLackATrigger) {
  ASSERT_OK_AND_ASSIGN(Coverage coverage, store_.Triggers());
  EXPECT_TRUE(coverage.customers && coverage.recommendations);
  EXPECT_THAT(coverage.unwatched, IsEmpty());

  test_.Execute(
      "CREATE SCHEMA crm; CREATE TABLE crm.people (id bigint, name text); CREATE TABLE crm.facts (person bigint, "
      "facts jsonb); CREATE VIEW crm.joined AS SELECT p.id, f.facts FROM crm.people p JOIN crm.facts f ON f.person = "
      "p.id; CREATE OR REPLACE VIEW source.customers AS SELECT id::text AS customer_id, NULL::timestamptz AS "
      "valid_from, facts AS attributes FROM crm.joined");
  ASSERT_OK_AND_ASSIGN(coverage, store_.Triggers());
  EXPECT_FALSE(coverage.customers);
  EXPECT_TRUE(coverage.recommendations);
  EXPECT_THAT(coverage.unwatched, ElementsAre("crm.facts", "crm.people"));

  test_.Execute("SELECT suggest.watch_customers('crm.people', 'id'), suggest.watch_customers('crm.facts', 'person')");
  ASSERT_OK_AND_ASSIGN(coverage, store_.Triggers());
  EXPECT_TRUE(coverage.customers);
  Begin();
  test_.Execute("INSERT INTO crm.facts VALUES (17, '{}')");
  const std::vector<Change> heard = Heard();
  ASSERT_EQ(heard.size(), 1);
  EXPECT_THAT(heard[0].ids, ElementsAre("17"));

  test_.Execute("ALTER TABLE crm.people DISABLE TRIGGER suggest_customers_update");
  ASSERT_OK_AND_ASSIGN(coverage, store_.Triggers());
  EXPECT_THAT(coverage.unwatched, ElementsAre("crm.people"));
}

TEST_F(ChangeStoreTest, AColumnThatIsRenamedLaterNeverFailsTheCompanysStatement) {
  test_.Execute(
      "CREATE SCHEMA shop; CREATE TABLE shop.orders (buyer text, total numeric); "
      "SELECT suggest.watch_customers('shop.orders', 'buyer')");
  test_.Execute("ALTER TABLE shop.orders RENAME COLUMN buyer TO client");
  Begin();
  test_.Execute("INSERT INTO shop.orders VALUES ('c1', 5); UPDATE shop.orders SET total = 6; DELETE FROM shop.orders");
  for (const Change& change : Heard()) {
    EXPECT_EQ(change.kind, Change::Kind::kCustomers);
    EXPECT_TRUE(change.all);
  }
  EXPECT_THAT(test_.Query("SELECT watched, kind, problem LIKE 'column buyer is gone%' FROM suggest.watched() "
                          "WHERE watched = 'shop.orders'"),
              ElementsAre(ElementsAre("shop.orders", "customers", "t")));
  EXPECT_EQ(test_.QueryOne("SELECT suggest.unwatch('shop.orders')"), "4");
  EXPECT_EQ(test_.QueryOne("SELECT count(*) FROM suggest.watched() WHERE watched = 'shop.orders'"), "0");
}

TEST_F(ChangeStoreTest, WhatCannotBeWatchedIsRefusedWhenWatchIsCalled) {
  test_.Execute(
      "CREATE SCHEMA shop; CREATE TABLE shop.orders (buyer text); CREATE VIEW shop.open AS SELECT * FROM shop.orders; "
      "CREATE MATERIALIZED VIEW shop.kept AS SELECT * FROM shop.orders; "
      "CREATE TABLE shop.months (buyer text, month date) PARTITION BY RANGE (month); "
      "CREATE TABLE shop.may PARTITION OF shop.months DEFAULT; "
      "CREATE FUNCTION public.words(call text) RETURNS text LANGUAGE plpgsql AS $$ DECLARE said text; hint text; BEGIN "
      "EXECUTE call; RETURN 'done'; EXCEPTION WHEN OTHERS THEN GET STACKED DIAGNOSTICS said = MESSAGE_TEXT, "
      "hint = PG_EXCEPTION_HINT; RETURN said || ' / ' || hint; END $$");
  const auto words = [&](const std::string& call) {
    return test_.QueryOne(absl::StrCat("SELECT words($_$SELECT suggest.", call, "$_$)"));
  };
  EXPECT_THAT(words("watch_customers('shop.orders', 'customer')"),
              AllOf(HasSubstr("shop.orders has no column customer"), HasSubstr("the columns are: buyer")));
  EXPECT_THAT(words("watch_customers('shop.nothing', 'buyer')"), HasSubstr("\"shop.nothing\" does not exist"));
  EXPECT_THAT(words("watch_customers('shop.open', 'buyer')"),
              AllOf(HasSubstr("is a view"), HasSubstr("Watch each table that it reads: shop.orders")));
  EXPECT_THAT(words("watch_recommendations('shop.kept')"), HasSubstr("is a materialized view"));
  EXPECT_THAT(words("watch_customers('shop.may', 'buyer')"),
              AllOf(HasSubstr("is a partition"), HasSubstr("shop.months")));
  EXPECT_EQ(words("watch_customers('shop.months', 'buyer')"), "done");
  EXPECT_EQ(test_.QueryOne("SELECT count(*) FROM suggest.watched() WHERE watched LIKE 'shop.%'"), "1");
}

TEST_F(ChangeStoreTest, ATableWithoutACustomersIdTellsThatAnybodyMayHaveChangedAndMayTellOfTheCatalogueToo) {
  test_.Execute(
      "CREATE SCHEMA shop; CREATE TABLE shop.offers (offer text); SELECT suggest.watch_customers('shop.offers', NULL), "
      "suggest.watch_recommendations('shop.offers')");
  Begin();
  test_.Execute("INSERT INTO shop.offers VALUES ('o1')");
  const std::vector<Change> heard = Heard();
  ASSERT_EQ(heard.size(), 2);
  EXPECT_TRUE(heard[0].all && heard[1].all);
  EXPECT_NE(heard[0].kind, heard[1].kind);
}

TEST(ChangeStoreOnAnOldDatabaseTest, SaysThatItIsNotMigrated) {
  TestDatabase database(TestDatabase::Content::kEmpty);
  EXPECT_THAT(ChangeStore(&database.database()).Triggers(), ::testing::Not(IsOk()));
}

}  // namespace
}  // namespace suggest::storage
