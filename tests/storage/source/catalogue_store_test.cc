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

TEST_F(CatalogueStoreTest, RefusesAnIdThatIsNullOrOccursTwice) {
  const std::string rest =
      " AS recommendation_id, NULL::text AS title, NULL::timestamptz AS active_from, "
      "NULL::timestamptz AS active_until, NULL::boolean AS repeatable, NULL::jsonb AS attributes";
  ReplaceView("SELECT NULL::text" + rest);
  EXPECT_THAT(store_.All(), StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("recommendation_id is null")));
  ReplaceView("SELECT 'r1'::text" + rest + " FROM generate_series(1, 2)");
  EXPECT_THAT(store_.All(), StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("'r1' occurs twice")));
}

TEST_F(CatalogueStoreTest, AttributesThatAreNoObjectAreDataLoss) {
  ReplaceView(
      "SELECT 'r1'::text AS recommendation_id, NULL::text AS title, NULL::timestamptz AS active_from, "
      "NULL::timestamptz AS active_until, NULL::boolean AS repeatable, '7'::jsonb AS attributes");
  EXPECT_THAT(store_.All(), StatusIs(absl::StatusCode::kDataLoss, HasSubstr("recommendation 'r1'")));
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
