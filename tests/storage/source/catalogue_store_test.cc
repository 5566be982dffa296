#include "storage/source/catalogue_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/instants.h"
#include "tests/support/status_matchers.h"
#include "tests/support/test_database.h"

namespace suggest::storage {
namespace {

using suggest::testing::IsOk;
using suggest::testing::StatusIs;
using suggest::testing::TestDatabase;
using ::testing::HasSubstr;

class CatalogueStoreTest : public ::testing::Test {
 protected:
  void ReplaceView(const std::string& select) {
    test_.Execute("CREATE OR REPLACE VIEW source.recommendations AS " + select);
  }

  TestDatabase test_;
  CatalogueStore store_{&test_.database()};
};

TEST_F(CatalogueStoreTest, GivesAllFieldsInTheOrderOfTheIdsBytes) {
  test_.Execute(R"(INSERT INTO builtin.recommendations VALUES
      ('a', 'Plain', NULL, NULL, false, '{}'),
      ('Z', 'Ünïcode', '2024-01-01 12:00:00.123456+00', 'infinity', true,
       '{"cost": 1.5, "tags": ["x", null], "new": true}'))");
  ASSERT_OK_AND_ASSIGN(const auto all, store_.All());
  ASSERT_EQ(all.size(), 2);
  EXPECT_EQ(all[0].recommendation_id, "Z");
  EXPECT_EQ(all[0].title, "Ünïcode");
  EXPECT_EQ(all[0].active_from, kNoon + absl::Microseconds(123456));
  EXPECT_EQ(all[0].active_until, absl::InfiniteFuture());
  EXPECT_TRUE(all[0].repeatable);
  EXPECT_EQ(all[0].attributes.fields().at("cost").number_value(), 1.5);
  EXPECT_TRUE(all[0].attributes.fields().at("new").bool_value());
  EXPECT_EQ(all[0].attributes.fields().at("tags").list_value().values(0).string_value(), "x");
  EXPECT_EQ(all[0].attributes_json, R"({"new": true, "cost": 1.5, "tags": ["x", null]})");
  EXPECT_EQ(all[1].recommendation_id, "a");
  EXPECT_EQ(all[1].active_from, std::nullopt);
  EXPECT_EQ(all[1].active_until, std::nullopt);
}

TEST_F(CatalogueStoreTest, NullsOfACompanysViewHaveTheirMeaning) {
  ReplaceView(
      "SELECT 'r1'::text AS recommendation_id, NULL::text AS title, NULL::timestamptz AS active_from, "
      "NULL::timestamptz AS active_until, NULL::boolean AS repeatable, NULL::jsonb AS attributes");
  ASSERT_OK_AND_ASSIGN(const auto all, store_.All());
  ASSERT_EQ(all.size(), 1);
  EXPECT_EQ(all[0].title, "r1");
  EXPECT_FALSE(all[0].repeatable);
  EXPECT_EQ(all[0].attributes_json, "{}");
}

TEST_F(CatalogueStoreTest, GivesRowsWhoseIdIsNullOrOccursTwiceAsTheyAre) {
  const std::string rest =
      " AS recommendation_id, NULL::text AS title, NULL::timestamptz AS active_from, "
      "NULL::timestamptz AS active_until, NULL::boolean AS repeatable, NULL::jsonb AS attributes";
  ReplaceView("SELECT NULL::text" + rest);
  ASSERT_OK_AND_ASSIGN(const auto nameless, store_.All());
  ASSERT_EQ(nameless.size(), 1);
  EXPECT_EQ(nameless[0].recommendation_id, "");
  ReplaceView("SELECT 'r1'::text" + rest + " FROM generate_series(1, 2)");
  ASSERT_OK_AND_ASSIGN(const auto twice, store_.All());
  ASSERT_EQ(twice.size(), 2);
  EXPECT_EQ(twice[1].recommendation_id, "r1");
}

TEST_F(CatalogueStoreTest, AttributesThatAreNoObjectConcernTheirRowOnly) {
  ReplaceView(
      "SELECT id AS recommendation_id, NULL::text AS title, NULL::timestamptz AS active_from, "
      "NULL::timestamptz AS active_until, NULL::boolean AS repeatable, json::jsonb AS attributes "
      "FROM (VALUES ('r1', '7'), ('r2', '{\"cost\": 3}'), ('r3', '{\"cost\": 1e999}')) rows(id, json)");
  ASSERT_OK_AND_ASSIGN(const auto all, store_.All());
  ASSERT_EQ(all.size(), 3);
  EXPECT_EQ(all[0].attributes.fields_size(), 0);
  EXPECT_EQ(all[0].attributes_json, "7");
  EXPECT_EQ(all[1].attributes.fields().at("cost").number_value(), 3);
  EXPECT_EQ(all[2].recommendation_id, "r3");
}

TEST_F(CatalogueStoreTest, ARowWithATimeThatCannotBeReadIsLeftOutAndNamed) {
  test_.Execute(
      "DROP VIEW source.recommendations; CREATE VIEW source.recommendations AS "
      "SELECT id AS recommendation_id, NULL::text AS title, NULL::timestamptz AS active_from, "
      "until AS active_until, NULL::boolean AS repeatable, NULL::jsonb AS attributes "
      "FROM (VALUES ('r1', '31.12.2030'), ('r2', '2030-01-01 00:00:00+00')) rows(id, until)");
  std::vector<std::string> unreadable;
  ASSERT_OK_AND_ASSIGN(const auto all, store_.All(&unreadable));
  ASSERT_EQ(all.size(), 1);
  EXPECT_EQ(all[0].recommendation_id, "r2");
  EXPECT_THAT(unreadable, ::testing::ElementsAre(::testing::AllOf(HasSubstr("'r1'"), HasSubstr("active_until"))));
}

TEST_F(CatalogueStoreTest, KeepsAVersionsBytesUnderItsName) {
  const std::string version(32, '\xfe');
  const std::string bytes("\0\x01\xff\\x", 5);
  EXPECT_THAT(store_.SaveVersion(version, bytes, kNoon), IsOk());
  EXPECT_THAT(store_.SaveVersion(version, bytes, kNoon + absl::Hours(1)), IsOk());
  ASSERT_OK_AND_ASSIGN(const std::string loaded, store_.LoadVersion(version));
  EXPECT_EQ(loaded, bytes);
  EXPECT_EQ(test_.QueryOne("SELECT count(*) FROM suggest.catalogue_versions"), "1");
}

TEST_F(CatalogueStoreTest, AnUnknownVersionIsNotFound) {
  EXPECT_THAT(store_.LoadVersion("\x01\x02"), StatusIs(absl::StatusCode::kNotFound, HasSubstr("0102")));
}

}  // namespace
}  // namespace suggest::storage
