// suggestctl propensities, on a database with a model, a catalogue and decisions.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "service/ctl/commands.h"
#include "service/decision/model_codec.h"
#include "storage/log/decision_store.h"
#include "storage/models/model_store.h"
#include "storage/source/catalogue_store.h"
#include "tests/service/ctl/test_run.h"
#include "tests/service/decision/decision_fixture.h"
#include "tests/support/append_decision.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/test_database.h"

namespace suggest::ctl {
namespace {

using ::testing::HasSubstr;

class PropensitiesTest : public ::testing::Test {
 protected:
  PropensitiesTest() {
    config_ = folder_.Write(
        "suggest.textproto",
        decision::TestConfigText(absl::StrCat("database { connection: \"", absl::CEscape(test_.connection()), "\" }")));
    for (const int64_t version : {1, 2}) Publish(version);
    const auto serving = decision::TestServing();
    const decision::Catalogue& catalogue = serving->catalogue();
    EXPECT_OK(storage::CatalogueStore(&test_.database())
                  .SaveVersion(catalogue.version(), catalogue.bytes(), decision::TestNow()));
  }

  void Publish(int64_t version) {
    const model::v1::ModelVersion model = decision::TestModel(version);
    const decision::EncodedModel encoded = decision::EncodeModel(model);
    storage::ModelRow row;
    row.version = version;
    row.basis_id = 1;
    row.format = encoded.format;
    row.created_at = row.data_cut = decision::TestCut();
    row.origin = "test";
    row.dimension = model.posterior().dimension();
    row.sha256 = encoded.sha256;
    row.bytes = encoded.bytes;
    EXPECT_OK(storage::ModelStore(&test_.database()).Import(row, true));
  }

  // A stored decision, and what it would have been with propensities at once.
  storage::DecisionRecord StoreDeferred(int64_t model_version, uint64_t seed, absl::Duration later) {
    const auto serving = decision::TestServing(decision::TestRecommendations(), decision::TestModel(model_version));
    v1::SuggestRequest request = decision::TestRequest();
    request.set_customer_id(absl::StrCat("c", seed % 3));
    request.set_request_id(absl::StrCat("q", seed));
    const auto decide = [&](const std::string& choice) {
      auto decision =
          decision::Decide(*serving, decision::TestCustomer(), request, decision::TestConfig(choice).choice(),
                           decision::TestDraw(seed, decision::TestNow() + later));
      SUGGEST_CHECK(decision.ok());
      return decision->record;
    };
    EXPECT_OK(suggest::testing::Append(storage::DecisionStore(&test_.database()),
                                       decide("choice { propensity_time { seconds: 0 } }")));
    return decide("");
  }

  RunResult RunLine(std::vector<std::string> line) {
    line.insert(line.begin(), "propensities");
    line.insert(line.end(), {"--config", config_, "--format=json"});
    return RunCtl(AllCommands(), line, wall_);
  }

  std::string CountDeferred() {
    return test_.QueryOne("SELECT count(*) FROM suggest.decisions WHERE propensity_status = 3");
  }

  testing::TestDatabase test_;
  testing::TemporaryFolder folder_;
  std::string config_;
  ManualClock wall_{decision::TestNow()};
};

TEST_F(PropensitiesTest, FillsInTheBitsThatTheDecisionsWouldHaveHadAtOnce) {
  std::vector<storage::DecisionRecord> wanted;
  for (uint64_t seed = 1; seed <= 8; ++seed) wanted.push_back(StoreDeferred(1 + seed % 2, seed, absl::ZeroDuration()));
  EXPECT_EQ(CountDeferred(), "8");
  const RunResult dry = RunLine({"--dry-run"});
  EXPECT_EQ(dry.exit, 0) << dry.err;
  EXPECT_EQ(dry.At({"deferred"}).number_value(), 8);
  EXPECT_EQ(CountDeferred(), "8");

  const RunResult done = RunLine({});
  EXPECT_EQ(done.exit, 0) << done.err;
  EXPECT_EQ(done.At({"filled"}).number_value(), 8);
  for (const storage::DecisionRecord& at_once : wanted) {
    ASSERT_OK_AND_ASSIGN(const storage::DecisionRecord filled,
                         storage::DecisionStore(&test_.database()).Find(at_once.customer_id, at_once.decision_id));
    EXPECT_EQ(filled.propensity_status, at_once.propensity_status);
    EXPECT_EQ(filled.inputs.SerializeAsString(), at_once.inputs.SerializeAsString());
  }
  EXPECT_EQ(RunLine({}).exit, 3);
}

TEST_F(PropensitiesTest, SinceLeavesOlderDecisionsDeferred) {
  StoreDeferred(1, 1, absl::ZeroDuration());
  StoreDeferred(1, 2, absl::Hours(2));
  const RunResult done = RunLine(
      {"--since", absl::FormatTime(absl::RFC3339_full, decision::TestNow() + absl::Hours(1), absl::UTCTimeZone())});
  EXPECT_EQ(done.At({"filled"}).number_value(), 1);
  EXPECT_EQ(CountDeferred(), "1");
}

TEST_F(PropensitiesTest, ADecisionThatCannotBeRecomputedIsNamedAndLeftAndStopsNoOther) {
  StoreDeferred(1, 1, absl::ZeroDuration());
  const storage::DecisionRecord lost = StoreDeferred(2, 2, absl::ZeroDuration());
  test_.Execute("UPDATE suggest.current_model SET version = 1; DELETE FROM suggest.model_versions WHERE version = 2");
  const RunResult result = RunLine({});
  EXPECT_EQ(result.exit, 1);
  EXPECT_EQ(result.At({"filled"}).number_value(), 1);
  EXPECT_EQ(result.At({"failures"}).number_value(), 1);
  EXPECT_THAT(result.At({"first_failure"}).string_value(), HasSubstr(lost.decision_id));
  EXPECT_EQ(CountDeferred(), "1");
}

}  // namespace
}  // namespace suggest::ctl
