#include "storage/postgres/migrator.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <thread>
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
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const absl::Time kNow = absl::FromUnixSeconds(1700000000);

std::vector<Migration> TwoTables() {
  return {{1, "0001_one", "CREATE TABLE suggest.one (x int)", "aa"},
          {2, "0002_two", "CREATE TABLE suggest.two (x int); CREATE INDEX two_x ON suggest.two (x)", "bb"}};
}

class MigratorTest : public ::testing::Test {
 protected:
  TestDatabase test_{TestDatabase::Content::kEmpty};
  Database& db_ = test_.database();
};

TEST_F(MigratorTest, TheEmbeddedMigrationsCarryTheirChecksum) {
  ASSERT_FALSE(EmbeddedMigrations().empty());
  const Migration& first = EmbeddedMigrations()[0];
  EXPECT_EQ(first.version, 1);
  EXPECT_EQ(first.name, "0001_base");
  EXPECT_EQ(test_.QueryOne(absl::StrCat("SELECT encode(sha256(convert_to($sql$", std::string(first.sql),
                                        "$sql$, 'UTF8')), 'hex')")),
            first.sha256);
}

TEST_F(MigratorTest, AppliesEachMigrationOnceAndRecordsIt) {
  ASSERT_OK_AND_ASSIGN(const auto applied, Migrate(db_, TwoTables(), kNow));
  EXPECT_THAT(applied, ElementsAre("0001_one", "0002_two"));
  EXPECT_THAT(Migrate(db_, TwoTables(), kNow)->size(), 0);
  EXPECT_THAT(
      test_.Query("SELECT version, name, sha256, extract(epoch FROM applied_at)::bigint "
                  "FROM suggest.schema_migrations ORDER BY 1"),
      ElementsAre(ElementsAre("1", "0001_one", "aa", "1700000000"), ElementsAre("2", "0002_two", "bb", "1700000000")));
  EXPECT_THAT(CheckVersion(db_, TwoTables()), IsOk());
}

TEST_F(MigratorTest, ADatabaseThatWasNeverMigratedIsAtVersionZero) {
  ASSERT_OK_AND_ASSIGN(const int version, CurrentVersion(db_));
  EXPECT_EQ(version, 0);
  EXPECT_THAT(CheckVersion(db_, TwoTables()),
              StatusIs(absl::StatusCode::kFailedPrecondition, AllOf(HasSubstr("version 0"), HasSubstr("needs 2"))));
}

TEST_F(MigratorTest, StopsAtTheVersionAskedFor) {
  ASSERT_OK_AND_ASSIGN(const auto applied, Migrate(db_, TwoTables(), kNow, 1));
  EXPECT_THAT(applied, ElementsAre("0001_one"));
  EXPECT_THAT(CheckVersion(db_, TwoTables()),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       AllOf(HasSubstr("version 1"), HasSubstr("needs 2"), HasSubstr("suggestctl migrate"))));
  EXPECT_THAT(Migrate(db_, TwoTables(), kNow, 3), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("version 3")));
}

TEST_F(MigratorTest, RefusesADatabaseThatIsNewerThanTheBuild) {
  ASSERT_OK(Migrate(db_, TwoTables(), kNow));
  const std::vector<Migration> older = {TwoTables()[0]};
  const auto refused =
      StatusIs(absl::StatusCode::kFailedPrecondition, AllOf(HasSubstr("version 2"), HasSubstr("knows only 1")));
  EXPECT_THAT(CheckVersion(db_, older), refused);
  EXPECT_THAT(Migrate(db_, older, kNow), refused);
}

TEST_F(MigratorTest, RefusesAMigrationThatWasEditedAfterItWasApplied) {
  ASSERT_OK(Migrate(db_, TwoTables(), kNow, 1));
  std::vector<Migration> edited = TwoTables();
  edited[0].sha256 = "cc";
  const auto refused = StatusIs(absl::StatusCode::kFailedPrecondition,
                                AllOf(HasSubstr("0001_one was edited"), HasSubstr("aa"), HasSubstr("cc")));
  EXPECT_THAT(CheckVersion(db_, edited), refused);
  EXPECT_THAT(Migrate(db_, edited, kNow), refused);
  EXPECT_EQ(test_.QueryOne("SELECT to_regclass('suggest.two')"), "NULL");
}

TEST_F(MigratorTest, RefusesALedgerWithAGap) {
  ASSERT_OK(Migrate(db_, TwoTables(), kNow));
  test_.Execute("DELETE FROM suggest.schema_migrations WHERE version = 1");
  EXPECT_THAT(CheckVersion(db_, TwoTables()),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("lacks version 1")));
}

TEST_F(MigratorTest, AFailingMigrationIsNamedAndLeavesNothingOfItself) {
  std::vector<Migration> failing = TwoTables();
  failing[1].sql = "CREATE TABLE suggest.two (x int); CREATE TABLE suggest.one (x int)";
  EXPECT_THAT(Migrate(db_, failing, kNow), StatusIs(absl::StatusCode::kInternal, HasSubstr("migration 0002_two: ")));
  EXPECT_EQ(*CurrentVersion(db_), 1);
  EXPECT_EQ(test_.QueryOne("SELECT to_regclass('suggest.two')"), "NULL");
}

TEST_F(MigratorTest, ParallelRunsApplyEachMigrationOnce) {
  std::vector<std::thread> threads;
  for (int i = 0; i < 6; ++i) {
    threads.emplace_back([&] { EXPECT_THAT(Migrate(db_, TwoTables(), kNow), IsOk()); });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(*CurrentVersion(db_), 2);
}

TEST_F(MigratorTest, NoStatementOfOursReadsTheServersClock) {
  for (const Migration& migration : EmbeddedMigrations()) {
    std::string code;
    for (size_t at = 0; at < migration.sql.size();) {
      const size_t end = std::min(migration.sql.find('\n', at), migration.sql.size());
      const absl::string_view line = migration.sql.substr(at, end - at);
      absl::StrAppend(&code, line.substr(0, line.find("--")), "\n");
      at = end + 1;
    }
    for (const char* clock : {"now()", "current_timestamp", "clock_timestamp"}) {
      EXPECT_EQ(code.find(clock), std::string::npos) << migration.name << " calls " << clock;
    }
  }
}

TEST_F(MigratorTest, EveryKeyOfAPerCustomerTableContainsTheCustomer) {
  ASSERT_OK(Migrate(db_, kNow));
  const auto offenders = test_.Query(R"(
      SELECT i.indexrelid::regclass FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid
        JOIN pg_namespace n ON n.oid = c.relnamespace
        JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'customer_id'
      WHERE n.nspname IN ('suggest', 'builtin') AND i.indisunique AND NOT a.attnum = ANY (i.indkey))");
  EXPECT_THAT(offenders, IsEmpty());
}

}  // namespace
}  // namespace suggest::storage
