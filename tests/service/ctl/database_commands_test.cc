// Commands that work on the database, against a real one. The data are the simulator's company, made small.
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "gmock/gmock.h"
#include "service/ctl/commands.h"
#include "service/lab/simulation/csv_writer.h"
#include "service/lab/simulation/simulator_config.h"
#include "storage/postgres/migrator.h"
#include "tests/service/ctl/test_run.h"
#include "tests/support/raw_sql.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/test_database.h"

namespace suggest::ctl {
namespace {

using ::suggest::testing::SqlSession;
using ::suggest::testing::TemporaryFolder;
using ::suggest::testing::TestDatabase;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::Not;

const std::map<std::string, std::string>& HistoryFiles() {
  static const auto* const files = [] {
    simulation::CompanyOptions options;
    options.customers_before = 60;
    options.customers_at_start = 80;
    options.customers_at_end = 100;
    const simulation::Company company(options);
    const simulation::Truth truth(company);
    const simulation::History history = simulation::PlayHistory(company, truth);
    return new std::map<std::string, std::string>(simulation::HistoryFiles(company, history));
  }();
  return *files;
}

std::string ReadFile(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

// Every key of a JSON document stands in docs/cli.md.
void ExpectKeysDocumented(const google::protobuf::Value& value, const std::string& document) {
  for (const auto& [key, member] : value.struct_value().fields()) {
    EXPECT_TRUE(absl::StrContains(document, absl::StrCat("`", key, "`")) ||
                absl::StrContains(document, absl::StrCat("`", key, "[]`")) ||
                absl::StrContains(document, absl::StrCat(".", key, "`")) ||
                absl::StrContains(document, absl::StrCat(".", key, "[]`")))
        << "docs/cli.md does not mention the key " << key;
    ExpectKeysDocumented(member, document);
  }
  for (const auto& element : value.list_value().values()) ExpectKeysDocumented(element, document);
}

class DatabaseCommandsTest : public ::testing::Test {
 protected:
  explicit DatabaseCommandsTest(TestDatabase::Content content = TestDatabase::Content::kMigrated) : database_(content) {
    const std::string text = simulation::kSimulatorConfigText;
    const size_t begin = text.find("connection: \"");
    EXPECT_NE(begin, std::string::npos);
    const size_t end = text.find('\n', begin);
    config_text_ = absl::StrCat(text.substr(0, begin), "connection: \"", absl::CEscape(database_.connection()), "\"",
                                text.substr(end));
    config_ = folder_.Write("suggest.textproto", config_text_);
    for (const auto& [name, content_of] : HistoryFiles()) folder_.Write(name, content_of);
  }

  RunResult RunLine(std::vector<std::string> line) {
    line.insert(line.end(), {"--config", config_});
    return RunCtl(AllCommands(), line, clock_);
  }
  RunResult RunJson(std::vector<std::string> line) {
    line.push_back("--format=json");
    const RunResult result = RunLine(std::move(line));
    google::protobuf::Value document;
    *document.mutable_struct_value() = result.Document();
    if (document.struct_value().fields().count("error") == 0) {
      ExpectKeysDocumented(document, ReadFile(SUGGEST_CLI_DOCUMENT));
    }
    return result;
  }
  void ImportAll() { ASSERT_EQ(RunLine({"import", "--data", folder_.path()}).exit, 0); }
  void WarmStart() {
    ImportAll();
    const RunResult result = RunLine({"warm-start"});
    ASSERT_EQ(result.exit, 0) << result.err;
  }
  // A purchase of an exposure that nobody has bought yet, seen at the clock's time.
  void AddPurchase(const std::string& id, const std::string& amount = "40") {
    database_.Execute(
        absl::StrCat("insert into builtin.purchases (purchase_id, customer_id, recommendation_id, purchased_at, "
                     "amount, suggestion_id) "
                     "select '",
                     id, "', customer_id, recommendation_id, exposed_at + interval '1 hour', ", amount,
                     ", suggestion_id from suggest.exposures where continues is null and reward = 0 "
                     "order by exposed_at desc, customer_id, suggestion_id limit 1"));
  }

  TestDatabase database_;
  TemporaryFolder folder_;
  std::string config_text_;
  std::string config_;
  // The simulated year begins on the 1st of January 2026; the history ends there.
  ManualClock clock_{absl::FromCivil(absl::CivilSecond(2026, 1, 1, 12, 0, 0), absl::UTCTimeZone())};
};

class EmptyDatabaseTest : public DatabaseCommandsTest {
 protected:
  EmptyDatabaseTest() : DatabaseCommandsTest(TestDatabase::Content::kEmpty) {}
};

// --- migrate

TEST_F(EmptyDatabaseTest, MigrateShowsAppliesAndThenHasNothingToDo) {
  const int latest = storage::EmbeddedMigrations().back().version;
  const RunResult dry = RunJson({"migrate", "--dry-run"});
  EXPECT_EQ(dry.exit, 0) << dry.err;
  EXPECT_EQ(dry.At({"applied"}).list_value().values_size(), latest);
  EXPECT_EQ(database_.QueryOne("select count(*) from pg_namespace where nspname = 'suggest'"), "0");

  const RunResult applied = RunJson({"migrate"});
  EXPECT_EQ(applied.exit, 0) << applied.err;
  EXPECT_EQ(applied.At({"version_before"}).number_value(), 0);
  EXPECT_EQ(applied.At({"version"}).number_value(), latest);
  EXPECT_EQ(applied.At({"partitions_made"}).number_value(), 4);

  const RunResult again = RunJson({"migrate"});
  EXPECT_EQ(again.exit, 3) << again.err;
  EXPECT_TRUE(again.At({"nothing_to_do"}).bool_value());
}

TEST_F(EmptyDatabaseTest, MigrateStopsWhereItIsTold) {
  EXPECT_EQ(RunLine({"migrate", "--to", "1"}).exit, 0);
  EXPECT_EQ(database_.QueryOne("select max(version) from suggest.schema_migrations"), "1");
  const RunResult doctor = RunLine({"doctor"});
  EXPECT_EQ(doctor.exit, 1);
  EXPECT_THAT(doctor.out, HasSubstr("failed   schema"));
}

TEST_F(EmptyDatabaseTest, EveryOtherCommandRefusesADatabaseThatIsNotMigrated) {
  for (const std::vector<std::string>& line : std::vector<std::vector<std::string>>{
           {"import", "--data", folder_.path()}, {"warm-start"}, {"ingest-rewards"}, {"models", "list"}, {"verify"}}) {
    const RunResult result = RunLine(line);
    EXPECT_EQ(result.exit, 1) << line[0];
    EXPECT_THAT(result.err, HasSubstr("version 0")) << line[0];
  }
}

TEST_F(DatabaseCommandsTest, RefusesANewerDatabase) {
  database_.Execute(
      "insert into suggest.schema_migrations select 900, 'later', sha256, applied_at from suggest.schema_migrations "
      "where version = 1");
  for (const char* command : {"migrate", "verify"}) {
    const RunResult result = RunLine({command});
    EXPECT_EQ(result.exit, 1) << command;
    EXPECT_THAT(result.err, HasSubstr("900")) << command;
  }
}

TEST_F(DatabaseCommandsTest, NamesADatabaseThatIsNotThere) {
  config_ = folder_.Write("away.textproto",
                          absl::StrReplaceAll(config_text_, {{absl::CEscape(database_.connection()),
                                                              "host=/nonexistent dbname=suggest connect_timeout=2"}}));
  const RunResult result = RunJson({"models", "list"});
  EXPECT_EQ(result.exit, 1);
  EXPECT_EQ(result.At({"error", "code"}).string_value(), "UNAVAILABLE");
  EXPECT_EQ(RunLine({"doctor"}).exit, 1);
}

// --- import

TEST_F(DatabaseCommandsTest, ImportLoadsAFolderAndAgainChangesNothing) {
  const RunResult dry = RunJson({"import", "--data", folder_.path(), "--dry-run"});
  EXPECT_EQ(dry.exit, 0) << dry.err;
  EXPECT_EQ(database_.QueryOne("select count(*) from builtin.customers"), "0");

  const RunResult first = RunJson({"import", "--data", folder_.path()});
  EXPECT_EQ(first.exit, 0) << first.err;
  ASSERT_EQ(first.At({"files"}).list_value().values_size(), 4);
  const auto recommendations = first.At({"files"}).list_value().values(1).struct_value().fields();
  EXPECT_EQ(recommendations.at("table").string_value(), "recommendations");
  EXPECT_EQ(recommendations.at("inserted").number_value(), 40);
  EXPECT_EQ(database_.QueryOne("select count(*) from builtin.recommendations"), "40");

  const RunResult again = RunJson({"import", "--recommendations", folder_.path() + "/recommendations.csv"});
  EXPECT_EQ(again.exit, 0) << again.err;
  const auto unchanged = again.At({"files"}).list_value().values(0).struct_value().fields();
  EXPECT_EQ(unchanged.at("inserted").number_value(), 0);
  EXPECT_EQ(unchanged.at("changed").number_value(), 0);
}

TEST_F(DatabaseCommandsTest, ImportNamesFileLineColumnAndValueOfAMistake) {
  const std::string path = folder_.Write("bad.csv",
                                         "purchase_id,customer_id,recommendation_id,purchased_at,amount\n"
                                         "p1,c1,r1,2025-01-01,12\n"
                                         "p2,c1,r1,soon,12\n");
  const RunResult result = RunLine({"import", "--purchases", path});
  EXPECT_EQ(result.exit, 1);
  EXPECT_THAT(result.err, HasSubstr("bad.csv:3"));
  EXPECT_THAT(result.err, HasSubstr("purchased_at"));
  EXPECT_THAT(result.err, HasSubstr("soon"));
  EXPECT_EQ(database_.QueryOne("select count(*) from builtin.purchases"), "0");
}

TEST_F(DatabaseCommandsTest, ImportNamesAMissingFileAndAnEmptyFolder) {
  const RunResult file = RunLine({"import", "--customers", "/nonexistent/customers.csv"});
  EXPECT_EQ(file.exit, 1);
  EXPECT_THAT(file.err, HasSubstr("--customers: there is no file /nonexistent/customers.csv"));
  const TemporaryFolder empty;
  const RunResult none = RunLine({"import", "--data", empty.path()});
  EXPECT_EQ(none.exit, 1);
  EXPECT_THAT(none.err, HasSubstr(empty.path()));
}

// --- warm-start, ingest-rewards, verify

TEST_F(DatabaseCommandsTest, WarmStartReportsAndPublishesVersionOne) {
  ImportAll();
  const RunResult dry = RunJson({"warm-start", "--dry-run"});
  EXPECT_EQ(dry.exit, 0) << dry.err;
  EXPECT_EQ(dry.At({"model_version"}).number_value(), 0);
  EXPECT_EQ(database_.QueryOne("select count(*) from suggest.model_versions"), "0");

  const RunResult result = RunJson({"warm-start", "--cut-share", "0.5"});
  EXPECT_EQ(result.exit, 0) << result.err;
  EXPECT_EQ(result.At({"model_version"}).number_value(), 1);
  EXPECT_GT(result.At({"exposures"}).number_value(), 100);
  EXPECT_GT(result.At({"purchases"}).number_value(), 0);
  EXPECT_GT(result.At({"held_out", "auc"}).number_value(), 0);
  EXPECT_GT(result.At({"held_out", "auc_se"}).number_value(), 0);
  EXPECT_GT(result.At({"held_out", "log_loss"}).number_value(), 0);
  EXPECT_GT(result.At({"held_out", "base_rate_log_loss"}).number_value(), 0);
  EXPECT_EQ(result.At({"held_out", "calibration"}).list_value().values_size(), 10);

  const RunResult again = RunLine({"warm-start"});
  EXPECT_EQ(again.exit, 1);
  EXPECT_EQ(RunLine({"warm-start", "--replace"}).exit, 0);
}

TEST_F(DatabaseCommandsTest, WarmStartPrintsTheReportAsText) {
  ImportAll();
  const RunResult result = RunLine({"warm-start"});
  EXPECT_EQ(result.exit, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("held out (all): "));
  EXPECT_THAT(result.out, HasSubstr("AUC "));
  EXPECT_THAT(result.out, HasSubstr("repeats of an open one"));
  EXPECT_THAT(result.out, HasSubstr("too late"));
  EXPECT_THAT(result.out, HasSubstr("chance of a purchase"));
  EXPECT_THAT(result.out, HasSubstr("expected value, EUR"));
  EXPECT_THAT(result.out, HasSubstr("  ridge "));
  EXPECT_THAT(result.out, HasSubstr("model version 1: learned from everything up to "));
}

TEST_F(DatabaseCommandsTest, WhatCannotBeMeasuredIsADashInTextAndNullInJson) {
  ImportAll();
  database_.Execute("delete from builtin.purchases");
  const RunResult text = RunLine({"warm-start", "--dry-run"});
  EXPECT_EQ(text.exit, 0) << text.err;
  EXPECT_THAT(text.out, HasSubstr("– ± –"));
  EXPECT_THAT(text.out, Not(HasSubstr("nan")));
  const RunResult json = RunJson({"warm-start"});
  EXPECT_TRUE(json.At({"held_out", "auc"}).has_null_value());
  EXPECT_TRUE(json.At({"held_out", "auc_se"}).has_null_value());
  EXPECT_TRUE(json.At({"held_out", "popularity_auc"}).has_null_value());
  EXPECT_TRUE(json.At({"held_out", "value", "predicted_over_observed"}).has_null_value());
}

TEST_F(DatabaseCommandsTest, WarmStartNeedsAHistoryUnlessEmpty) {
  EXPECT_EQ(RunLine({"warm-start"}).exit, 1);
  const RunResult empty = RunJson({"warm-start", "--empty"});
  EXPECT_EQ(empty.exit, 0) << empty.err;
  EXPECT_EQ(empty.At({"model_version"}).number_value(), 1);
  EXPECT_TRUE(empty.At({"held_out"}).has_null_value());
}

TEST_F(DatabaseCommandsTest, IngestNeedsAWarmStart) {
  const RunResult result = RunJson({"ingest-rewards"});
  EXPECT_EQ(result.exit, 1);
  EXPECT_EQ(result.At({"error", "code"}).string_value(), "FAILED_PRECONDITION");
}

TEST_F(DatabaseCommandsTest, IngestBooksAPurchaseOnceAndVerifyAgrees) {
  WarmStart();
  AddPurchase("late");
  const RunResult dry = RunJson({"ingest-rewards", "--dry-run"});
  EXPECT_EQ(dry.exit, 0) << dry.err;
  EXPECT_EQ(dry.At({"counts", "purchases_attributed"}).number_value(), 1);

  const RunResult run = RunJson({"ingest-rewards"});
  EXPECT_EQ(run.exit, 0) << run.err;
  EXPECT_EQ(run.At({"counts", "purchases_attributed"}).number_value(), 1);
  EXPECT_EQ(run.At({"model_version"}).number_value(), 2);

  const RunResult again = RunJson({"ingest-rewards"});
  EXPECT_EQ(again.exit, 3) << again.err;
  EXPECT_TRUE(again.At({"nothing_to_do"}).bool_value());

  const RunResult verify = RunJson({"verify"});
  EXPECT_EQ(verify.exit, 0) << verify.out;
  EXPECT_TRUE(verify.At({"ok"}).bool_value());
  EXPECT_EQ(verify.At({"model_version"}).number_value(), 2);
  EXPECT_LE(verify.At({"worst_bucket"}).number_value(), verify.At({"tolerance"}).number_value());
}

TEST_F(DatabaseCommandsTest, IngestAndWarmStartSayThatAnotherRunHoldsTheLock) {
  WarmStart();
  SqlSession other(database_.connection());
  other.Run("begin");
  other.Run("select * from suggest.learner for update");
  // The other ingest does what this one was to do; nobody does what this warm start was to do.
  for (const auto& [line, exit] : std::vector<std::pair<std::vector<std::string>, int>>{
           {{"ingest-rewards"}, 3}, {{"warm-start", "--replace"}, 1}}) {
    const RunResult result = RunJson(line);
    EXPECT_EQ(result.exit, exit) << line[0] << result.err;
    EXPECT_EQ(result.At({"error", "code"}).string_value(), "ABORTED");
  }
  other.Run("rollback");
}

TEST_F(DatabaseCommandsTest, VerifyFailsWhenABucketWasTouched) {
  WarmStart();
  database_.Execute("update suggest.buckets set reward_sum = reward_sum + 1");
  database_.Execute("update suggest.exposures set reward = 0.5 where reward = 0 and continues is null");
  const RunResult text = RunLine({"verify"});
  EXPECT_EQ(text.exit, 1);
  EXPECT_THAT(text.out, HasSubstr("problem: "));
  EXPECT_THAT(text.out, HasSubstr("the ledger DISAGREES"));
  const RunResult json = RunJson({"verify"});
  EXPECT_EQ(json.exit, 1);
  EXPECT_GT(json.At({"problems"}).list_value().values_size(), 0);
}

TEST_F(DatabaseCommandsTest, LongWorkSaysHowFarItIsWithRateAndTimeLeft) {
  ImportAll();
  // Each look at this clock takes ten seconds, so that the work seems long.
  const ManualClock slow(clock_.Now(), absl::Seconds(10));
  const RunResult result = RunCtl(AllCommands(), {"warm-start", "--config", config_}, slow);
  EXPECT_EQ(result.exit, 0) << result.err;
  EXPECT_THAT(result.err, ContainsRegex("of [0-9,]+ \\([0-9]+ %\\), [0-9.,]+/s, [0-9:]+ left\n"));
  EXPECT_THAT(result.err, Not(HasSubstr("\r")));
}

// --- models

TEST_F(DatabaseCommandsTest, ModelsListShowAndDiffDescribeVersions) {
  const RunResult none = RunLine({"models", "list"});
  EXPECT_EQ(none.exit, 0);
  EXPECT_EQ(none.out, "no models: run suggestctl warm-start\n");
  WarmStart();
  AddPurchase("late");
  ASSERT_EQ(RunLine({"ingest-rewards"}).exit, 0);

  const RunResult list = RunJson({"models", "list"});
  ASSERT_EQ(list.At({"models"}).list_value().values_size(), 2);
  const auto newest = list.At({"models"}).list_value().values(0).struct_value().fields();
  EXPECT_EQ(newest.at("version").number_value(), 2);
  EXPECT_EQ(newest.at("parent_version").number_value(), 1);
  EXPECT_TRUE(newest.at("current").bool_value());
  EXPECT_EQ(RunJson({"models", "list", "--limit=1"}).At({"models"}).list_value().values_size(), 1);

  const RunResult show = RunJson({"models", "show", "current", "--limit", "3"});
  EXPECT_EQ(show.exit, 0) << show.err;
  EXPECT_EQ(show.At({"summary", "version"}).number_value(), 2);
  EXPECT_EQ(show.At({"terms"}).list_value().values_size(), 3);
  EXPECT_THAT(RunLine({"models", "show", "1"}).out, HasSubstr("strongest terms"));

  const RunResult diff = RunJson({"models", "diff", "1", "current"});
  EXPECT_EQ(diff.exit, 0) << diff.err;
  EXPECT_TRUE(diff.At({"same_basis"}).bool_value());
  const auto terms = diff.At({"terms"}).list_value();
  EXPECT_EQ(terms.values_size(), 20);
  EXPECT_GT(terms.values(0).struct_value().fields().at("change_in_sd").number_value(), 0);
  EXPECT_THAT(RunLine({"models", "diff", "1", "1"}).out, HasSubstr("largest changes"));
}

TEST_F(DatabaseCommandsTest, ModelsNameAVersionThatIsNotThereOrNoNumber) {
  const RunResult unknown = RunJson({"models", "show", "17"});
  EXPECT_EQ(unknown.exit, 1);
  EXPECT_EQ(unknown.At({"error", "code"}).string_value(), "NOT_FOUND");
  EXPECT_THAT(unknown.At({"error", "message"}).string_value(), HasSubstr("17"));
  const RunResult word = RunLine({"models", "show", "newest"});
  EXPECT_EQ(word.exit, 2);
  EXPECT_THAT(word.err, HasSubstr("VERSION: \"newest\""));
  EXPECT_EQ(RunLine({"models", "show", "current"}).exit, 1);
}

TEST_F(DatabaseCommandsTest, AModelIsCarriedToAnotherDatabase) {
  WarmStart();
  const std::string path = folder_.path() + "/one.model";
  const RunResult exported = RunJson({"models", "export", "1", "--out", path});
  EXPECT_EQ(exported.exit, 0) << exported.err;
  EXPECT_EQ(RunJson({"models", "import", path}).exit, 3);

  const TestDatabase other;
  config_ = folder_.Write(
      "other.textproto",
      absl::StrReplaceAll(config_text_, {{absl::CEscape(database_.connection()), absl::CEscape(other.connection())}}));
  const RunResult dry = RunJson({"models", "import", path, "--current", "--dry-run"});
  EXPECT_EQ(dry.exit, 0) << dry.err;
  EXPECT_EQ(other.QueryOne("select count(*) from suggest.model_versions"), "0");

  const RunResult imported = RunJson({"models", "import", path, "--current"});
  EXPECT_EQ(imported.exit, 0) << imported.err;
  EXPECT_TRUE(imported.At({"made_current"}).bool_value());
  EXPECT_EQ(imported.At({"checksum"}).string_value(), exported.At({"checksum"}).string_value());
  const RunResult show = RunJson({"models", "show", "current"});
  EXPECT_EQ(show.At({"summary", "version"}).number_value(), 1);
  EXPECT_EQ(show.At({"summary", "origin"}).string_value(), "import");
}

TEST_F(DatabaseCommandsTest, ADamagedModelFileIsRefusedByNameAndChangesNothing) {
  WarmStart();
  const std::string path = folder_.path() + "/one.model";
  ASSERT_EQ(RunLine({"models", "export", "current", "--out", path}).exit, 0);
  std::string content = ReadFile(path);
  content[content.size() / 2] ^= 1;
  const std::string damaged = folder_.Write("damaged.model", content);
  const RunResult result = RunJson({"models", "import", damaged});
  EXPECT_EQ(result.exit, 1);
  EXPECT_EQ(result.At({"error", "code"}).string_value(), "DATA_LOSS");
  EXPECT_THAT(result.At({"error", "message"}).string_value(), HasSubstr(damaged));
  EXPECT_EQ(database_.QueryOne("select count(*) from suggest.model_versions"), "1");
}

TEST_F(DatabaseCommandsTest, ADamagedStoredModelIsNamedByItsVersion) {
  WarmStart();
  database_.Execute("update suggest.model_versions set bytes = set_byte(bytes, 100, get_byte(bytes, 100) # 1)");
  for (const std::vector<std::string>& line : std::vector<std::vector<std::string>>{
           {"models", "show", "1"}, {"models", "export", "1", "--out", folder_.path() + "/x.model"}}) {
    const RunResult result = RunJson(line);
    EXPECT_EQ(result.exit, 1);
    EXPECT_EQ(result.At({"error", "code"}).string_value(), "DATA_LOSS");
    EXPECT_THAT(result.At({"error", "message"}).string_value(), HasSubstr("model version 1"));
  }
  EXPECT_THAT(RunLine({"doctor"}).out, HasSubstr("model version 1"));
}

// --- explain

TEST_F(DatabaseCommandsTest, ExplainNamesADecisionThatIsNotThere) {
  const std::string id = "019b7000-0000-7000-8000-000000000000";
  const RunResult result = RunJson({"explain", id, "--customer", "c1"});
  EXPECT_EQ(result.exit, 1);
  EXPECT_EQ(result.At({"error", "code"}).string_value(), "NOT_FOUND");
  EXPECT_THAT(result.At({"error", "message"}).string_value(), HasSubstr(id));
}

// --- doctor

std::string StatusOfCheck(const RunResult& result, const std::string& check) {
  const google::protobuf::Value checks = result.At({"checks"});
  for (const auto& finding : checks.list_value().values()) {
    const auto& fields = finding.struct_value().fields();
    if (fields.at("check").string_value() == check) return fields.at("status").string_value();
  }
  return "absent";
}

TEST_F(DatabaseCommandsTest, DoctorIsContentWithAWorkingService) {
  WarmStart();
  RunLine({"migrate"});
  const RunResult result = RunJson({"doctor"});
  for (const char* check : {"configuration", "database", "schema", "partitions", "model age", "views", "customers",
                            "recommendations", "purchases"}) {
    EXPECT_EQ(StatusOfCheck(result, check), "ok") << check << "\n" << result.out;
  }
  // The test's clock is not the database's: that is what doctor has to say.
  EXPECT_EQ(StatusOfCheck(result, "clock"), "failed");
  EXPECT_EQ(result.exit, 1);
}

TEST_F(DatabaseCommandsTest, DoctorListsEveryProblemOfTheConfiguration) {
  config_ = folder_.Write("broken.textproto",
                          absl::StrReplaceAll(config_text_, {{"reward_cap: 100", "reward_cap: 0"},
                                                             {"exploration_scale: 0.25", "exploration_scale: -1"}}));
  const RunResult result = RunLine({"doctor"});
  EXPECT_EQ(result.exit, 1);
  EXPECT_THAT(result.out, HasSubstr("reward_cap"));
  EXPECT_THAT(result.out, HasSubstr("exploration_scale"));
}

TEST_F(DatabaseCommandsTest, DoctorNamesAMissingColumnAMissingViewAnAgedModelAndUnreadableRows) {
  WarmStart();
  database_.Execute(
      "update builtin.customers set attributes = attributes - 'pages';"
      "update builtin.recommendations set attributes = attributes || '{\"price\": \"dear\"}' "
      "where recommendation_id = (select min(recommendation_id) from builtin.recommendations)");
  clock_.Advance(absl::Hours(24 * 30));
  const RunResult rows = RunLine({"doctor"});
  EXPECT_EQ(rows.exit, 1);
  EXPECT_THAT(rows.out, HasSubstr("no row of source.customers has the attribute pages that the schema reads"));
  EXPECT_THAT(rows.out, HasSubstr("1 of 40 rows cannot be read, first "));
  EXPECT_THAT(rows.out, HasSubstr("dear"));
  EXPECT_THAT(rows.out, HasSubstr("more than choice.model_max_age 7.0 days"));

  database_.Execute("drop view source.purchases");
  const RunResult views = RunLine({"doctor"});
  EXPECT_THAT(views.out, HasSubstr("failed   views"));
  EXPECT_THAT(views.out, HasSubstr("purchases"));
}

TEST_F(DatabaseCommandsTest, DoctorSaysThatPurchasesInAnotherCurrencyWillBeRefused) {
  ImportAll();
  database_.Execute("update builtin.purchases set currency = 'XXX'");
  const RunResult result = RunLine({"doctor"});
  EXPECT_THAT(result.out, HasSubstr("will be refused, first "));
  EXPECT_THAT(result.out, HasSubstr("\"XXX\""));
  EXPECT_THAT(result.out, HasSubstr("there is none: run suggestctl warm-start"));
}

TEST_F(DatabaseCommandsTest, DoctorSeesAModelOfAnotherSchema) {
  WarmStart();
  config_ = folder_.Write("other.textproto",
                          absl::StrReplaceAll(config_text_, {{"interactions: FULL", "interactions: NONE"}}));
  EXPECT_THAT(RunLine({"doctor"}).out, HasSubstr("was fitted with another feature schema"));
}

}  // namespace
}  // namespace suggest::ctl
