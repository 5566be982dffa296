#include "storage/postgres/migrator.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "suggest/model/v1/model.pb.h"
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

// The file that drops the sums of ES_DFM_IW.
int VersionWithoutEventSums() {
  for (const Migration& migration : EmbeddedMigrations()) {
    if (absl::StrContains(migration.name, "without_event_sums")) return migration.version;
  }
  return 0;
}

std::string ModelBytes(int mode) {
  model::v1::ModelVersion model;
  model.set_format(1);
  model.mutable_pipeline()->set_fitted_rows(300);
  model.mutable_posterior()->set_ridge(0.5);
  model.mutable_posterior()->add_moment(1.5);
  model.mutable_delay()->set_mean_purchase_reward(0.25);
  model.mutable_delay()->set_mode(static_cast<config::v1::Learning::DelayMode>(mode));
  model.mutable_delay()->set_tail_share(0.1);
  return absl::BytesToHexString(model.SerializeAsString());
}

TEST_F(MigratorTest, TheEventSumsStayWhileTheCurrentModelCountsByThem) {
  const int dropping = VersionWithoutEventSums();
  ASSERT_GT(dropping, 1);
  ASSERT_OK(Migrate(db_, kNow, dropping - 1));
  for (const auto& [version, mode] : {std::pair(1, 3), std::pair(2, 6)}) {
    test_.Execute(absl::StrCat("INSERT INTO suggest.model_versions VALUES (", version,
                               ", 0, 1, 1, '2026-01-01', '2026-01-01', '', 2, 0, 0, 0, 1, 1, '', '\\x",
                               ModelBytes(mode), "')"));
  }
  test_.Execute("INSERT INTO suggest.current_model (version) VALUES (2)");
  EXPECT_THAT(Migrate(db_, kNow, dropping),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       AllOf(HasSubstr("model version 2, the current one"), HasSubstr("ES_DFM_IW"),
                             HasSubstr("set learning.delay_mode to another mode"))));
  EXPECT_EQ(test_.QueryOne("SELECT to_regclass('suggest.event_buckets') IS NOT NULL"), "t");
  test_.Execute("UPDATE suggest.current_model SET version = 1");
  EXPECT_OK(Migrate(db_, kNow, dropping));
  EXPECT_EQ(test_.QueryOne("SELECT to_regclass('suggest.event_buckets')"), "NULL");
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
