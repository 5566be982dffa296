// suggestlab simulate: what it writes can be imported, and the policies that it compares are those asked for.
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "service/ctl/commands.h"
#include "service/lab/simulation/simulator_config.h"
#include "tests/service/lab/program/test_run.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/test_database.h"

namespace suggest::lab {
namespace {

using ::suggest::testing::TemporaryFolder;
using ::suggest::testing::TestDatabase;

TEST(SimulateTest, WritesAHistoryThatImportReads) {
  TestDatabase database(TestDatabase::Content::kMigrated);
  TemporaryFolder folder;
  const TemporaryFolder history;
  const std::string text = simulation::kSimulatorConfigText;
  const size_t begin = text.find("connection: \"");
  ASSERT_NE(begin, std::string::npos);
  const std::string config = folder.Write(
      "suggest.textproto", absl::StrCat(text.substr(0, begin), "connection: \"", absl::CEscape(database.connection()),
                                        "\"", text.substr(text.find('\n', begin))));
  const RunResult written = RunLab({"simulate", "--write-csv", history.path(), "--seed", "3", "--format=json"});
  ASSERT_EQ(written.exit, 0) << written.err;
  const RunResult imported = cli::RunProgram(
      ctl::Suggestctl(), {"import", "--data", history.path(), "--config", config}, ManualClock(absl::UnixEpoch()));
  ASSERT_EQ(imported.exit, 0) << imported.err;
  EXPECT_EQ(absl::StrCat(static_cast<int64_t>(written.At({"suggestions"}).number_value())),
            database.QueryOne("select count(*) from source.suggestions"));
  EXPECT_EQ(absl::StrCat(static_cast<int64_t>(written.At({"customers"}).number_value())),
            database.QueryOne("select count(distinct customer_id) from source.customers"));
}

TEST(SimulateTest, ComparesTheNamedPoliciesWithTheOracle) {
  const RunResult result =
      RunLab({"simulate", "--seeds=2", "--days=7", "--policy=uniform", "--policy=popular", "--format=json"});
  ASSERT_EQ(result.exit, 0) << result.err;
  EXPECT_EQ(result.At({"seeds"}).number_value(), 2);
  EXPECT_EQ(result.At({"reference"}).string_value(), "uniform");
  const google::protobuf::Value policies = result.At({"policies"});
  ASSERT_EQ(policies.list_value().values_size(), 3);
  const auto oracle = policies.list_value().values(2).struct_value().fields();
  EXPECT_EQ(oracle.at("name").string_value(), "oracle");
  EXPECT_GT(oracle.at("year_reward").struct_value().fields().at("mean").number_value(), 0);
}

}  // namespace
}  // namespace suggest::lab
