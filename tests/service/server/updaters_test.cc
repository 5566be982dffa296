// ModelUpdater, CatalogueUpdater and PartitionKeeper: what a replica takes into service, and what it refuses.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "service/server/commit/partition_keeper.h"
#include "storage/source/catalogue_store.h"
#include "tests/service/server/server_fixture.h"
#include "tests/support/status_matchers.h"

namespace suggest::server {
namespace {

using ::suggest::testing::IsOk;
using ::suggest::testing::StatusIs;
using ::suggest::testing::TestDatabase;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(ModelUpdaterTest, TakesANewVersionWhileReadersKeepTheirs) {
  ServingCompany company;
  ASSERT_OK_AND_ASSIGN(const auto held, company.replica().serving().Get());
  Publish(company.database().database(), RowOf(decision::TestModel(2)));
  ASSERT_THAT(company.replica().models().Poll(), IsOk());
  ASSERT_OK_AND_ASSIGN(const auto now, company.replica().serving().Get());
  EXPECT_EQ(held->snapshot().version(), 1);
  EXPECT_EQ(now->snapshot().version(), 2);
  EXPECT_THAT(company.replica().metrics().Text(),
              AllOf(HasSubstr("suggest_model_version 2"), HasSubstr("suggest_model_swaps_total 2")));
}

TEST(ModelUpdaterTest, GoesBackWhenAnOlderVersionIsMadeCurrent) {
  ServingCompany company;
  Publish(company.database().database(), RowOf(decision::TestModel(2)));
  company.replica().Poll();
  company.database().Execute("UPDATE suggest.current_model SET version = 1");
  company.replica().Poll();
  EXPECT_EQ(company.replica().serving().model_version(), 1);
}

TEST(ModelUpdaterTest, ACorruptVersionLeavesTheLastGoodOneInServiceAndIsReportedOnce) {
  ServingCompany company;
  storage::ModelRow corrupt = RowOf(decision::TestModel(2));
  corrupt.bytes[100] ^= 1;
  Publish(company.database().database(), corrupt);
  EXPECT_THAT(company.replica().models().Poll(), StatusIs(absl::StatusCode::kDataLoss));
  EXPECT_FALSE(company.replica().models().Poll().ok());
  EXPECT_EQ(company.replica().serving().model_version(), 1);
  EXPECT_THAT(company.replica().readiness().Check(), IsOk());
  EXPECT_THAT(company.suggestions().Suggest(RequestOf("c1", "q1"), {}), IsOk());
  EXPECT_THAT(company.replica().LogText(), AllOf(HasSubstr("model version refused"), HasSubstr("SHA-256")));
  EXPECT_THAT(company.replica().metrics().Text(), HasSubstr("suggest_models_refused_total{reason=\"corrupt\"} 1"));
  Publish(company.database().database(), RowOf(decision::TestModel(3)));
  EXPECT_THAT(company.replica().models().Poll(), IsOk());
  EXPECT_EQ(company.replica().serving().model_version(), 3);
}

TEST(ModelUpdaterTest, ANewerFormatLeavesTheLastGoodOneInService) {
  ServingCompany company;
  storage::ModelRow newer = RowOf(decision::TestModel(2));
  newer.format = decision::kModelFormat + 1;
  Publish(company.database().database(), newer);
  EXPECT_THAT(company.replica().models().Poll(),
              StatusIs(absl::StatusCode::kFailedPrecondition, AllOf(HasSubstr("format 2"), HasSubstr("up to 1"))));
  EXPECT_EQ(company.replica().serving().model_version(), 1);
  EXPECT_THAT(company.replica().metrics().Text(), HasSubstr("suggest_models_refused_total{reason=\"newer_format\"} 1"));
}

TEST(ModelUpdaterTest, ACurrentModelThatCannotBeReadShowsInLogMetricAndReadinessOnce) {
  ServingCompany company;
  Publish(company.database().database(), RowOf(decision::TestModel(2)));
  company.database().Execute("ALTER TABLE suggest.model_versions RENAME COLUMN bytes TO kept");
  EXPECT_FALSE(company.replica().models().Poll().ok());
  EXPECT_FALSE(company.replica().models().Poll().ok());
  EXPECT_THAT(company.replica().readiness().Check(), IsOk());
  EXPECT_THAT(company.replica().readiness().Note(), HasSubstr("version 1 stays in service"));
  EXPECT_THAT(company.replica().metrics().Text(), HasSubstr("suggest_models_refused_total{reason=\"unusable\"} 1"));
  const std::string log = company.replica().LogText();
  EXPECT_THAT(log, HasSubstr("the current model cannot be read"));
  EXPECT_EQ(log.find("the current model cannot be read"), log.rfind("the current model cannot be read"));
  company.database().Execute("ALTER TABLE suggest.model_versions RENAME COLUMN kept TO bytes");
  EXPECT_THAT(company.replica().models().Poll(), IsOk());
  EXPECT_EQ(company.replica().serving().model_version(), 2);
  EXPECT_EQ(company.replica().readiness().Note(), "");
}

TEST(ModelUpdaterTest, AnUnusablePosteriorIsRefused) {
  ServingCompany company;
  model::v1::ModelVersion model = decision::TestModel(2);
  model.mutable_posterior()->set_precision(0, -1);
  Publish(company.database().database(), RowOf(model));
  EXPECT_FALSE(company.replica().models().Poll().ok());
  EXPECT_EQ(company.replica().serving().model_version(), 1);
  EXPECT_THAT(company.replica().metrics().Text(), HasSubstr("suggest_models_refused_total{reason=\"unusable\"} 1"));
}

// The test model with the catalogue's cost read as a date.
model::v1::ModelVersion ModelOfDates(int64_t version) {
  config::v1::FeatureSchema schema = decision::TestConfig().features();
  for (config::v1::Feature& feature : *schema.mutable_features()) {
    if (feature.name() == "cost") feature.mutable_age()->set_column("cost");
  }
  features::CounterSettings settings;
  settings.maturity = absl::Hours(24 * 71);
  const auto pipeline = features::Pipeline::FromSchema(schema, settings);
  SUGGEST_CHECK(pipeline.ok());
  model::v1::ModelVersion model = decision::TestModel(version);
  *model.mutable_pipeline() = pipeline->ToProto();
  return model;
}

TEST(ModelUpdaterTest, AModelAndTheCatalogueThatItReadsComeIntoServiceWhicheverComesFirst) {
  for (const bool model_first : {true, false}) {
    ServingCompany company;
    Publish(company.database().database(), RowOf(ModelOfDates(2)));
    company.database().Execute(R"(UPDATE builtin.recommendations SET attributes = '{"cost": "2026-01-01"}')");
    for (const bool model : {model_first, !model_first}) {
      EXPECT_THAT(model ? company.replica().models().Poll() : company.replica().catalogues().Poll(), IsOk());
    }
    EXPECT_THAT(company.replica().catalogues().Poll(), IsOk());
    EXPECT_EQ(company.replica().serving().model_version(), 2);
    EXPECT_THAT(company.replica().metrics().Text(), HasSubstr("suggest_catalogue_unreadable_values 0"));
    EXPECT_THAT(company.replica().metrics().Text(), HasSubstr("suggest_model_version 2"));
    EXPECT_THAT(company.suggestions().Suggest(RequestOf("c1", "q1"), {}), IsOk());
  }
}

TEST(ModelUpdaterTest, AnUnmigratedDatabaseMakesItNotReadyAndSaysWhatToDo) {
  TestDatabase database(TestDatabase::Content::kEmpty);
  const ManualClock clock(decision::TestNow());
  Replica replica(&database.database(), decision::TestConfig(), &clock);
  EXPECT_THAT(replica.models().Poll(), StatusIs(absl::StatusCode::kUnavailable, HasSubstr("suggestctl migrate")));
  EXPECT_THAT(replica.readiness().Check(), StatusIs(absl::StatusCode::kUnavailable, HasSubstr("suggestctl migrate")));
}

TEST(ModelUpdaterTest, AnAbsentDatabaseMakesItNotReadyAndIsLoggedOnce) {
  ASSERT_OK_AND_ASSIGN(const auto database, storage::Database::Open({.connection = "host=/nonexistent dbname=x"}));
  const ManualClock clock(decision::TestNow());
  Replica replica(database.get(), decision::TestConfig(), &clock);
  for (int i = 0; i < 3; ++i) EXPECT_THAT(replica.models().Poll(), StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_THAT(replica.readiness().Check(), StatusIs(absl::StatusCode::kUnavailable, HasSubstr("/nonexistent")));
  EXPECT_THAT(replica.metrics().Text(), HasSubstr("suggest_database_up 0"));
  const std::string log = replica.LogText();
  EXPECT_EQ(log.find("database cannot be used"), log.rfind("database cannot be used"));
}

TEST(ReadinessTest, DrainingIsNotReady) {
  ServingCompany company;
  EXPECT_THAT(company.replica().readiness().Check(), IsOk());
  company.replica().readiness().Drain();
  EXPECT_THAT(company.replica().readiness().Check(), StatusIs(absl::StatusCode::kUnavailable, HasSubstr("draining")));
}

TEST(CatalogueUpdaterTest, ANewRecommendationIsSuggestableAtTheNextLookAndADeactivatedOneIsNot) {
  ServingCompany company;
  company.database().Execute(
      "INSERT INTO builtin.recommendations (recommendation_id, title, attributes) VALUES ('r7', 'Seven', '{\"cost\": "
      "1}');"
      "UPDATE builtin.recommendations SET active_until = '2020-01-01' WHERE recommendation_id = 'r1'");
  ASSERT_THAT(company.replica().catalogues().Poll(), IsOk());
  ASSERT_OK_AND_ASSIGN(const auto response, company.suggestions().Suggest(RequestOf("c1", "q1", 10), {}));
  std::vector<std::string> ids;
  for (const v1::Suggestion& suggestion : response.suggestions()) ids.push_back(suggestion.recommendation_id());
  EXPECT_THAT(ids, ::testing::UnorderedElementsAre("r2", "r3", "r4", "r5", "r6", "r7"));
  EXPECT_THAT(company.replica().metrics().Text(), HasSubstr("suggest_catalogue_recommendations 7"));
}

TEST(CatalogueUpdaterTest, TheVersionIsStoredBeforeADecisionCanReferToIt) {
  ServingCompany company;
  ASSERT_OK_AND_ASSIGN(const auto serving, company.replica().serving().Get());
  ASSERT_OK_AND_ASSIGN(
      const std::string bytes,
      storage::CatalogueStore(&company.database().database()).LoadVersion(serving->catalogue().version()));
  EXPECT_EQ(bytes, serving->catalogue().bytes());
}

std::vector<std::string> SuggestedTo(ServingCompany& company, const char* request_id) {
  std::vector<std::string> ids;
  const auto response = company.suggestions().Suggest(RequestOf("c1", request_id, 20), {});
  if (!response.ok()) return {std::string(response.status().message())};
  for (const v1::Suggestion& suggestion : response->suggestions()) ids.push_back(suggestion.recommendation_id());
  return ids;
}

TEST(CatalogueUpdaterTest, OnePriceThatCannotBeReadConcernsNoOtherRowAndIsLoggedOnceWithoutItsValue) {
  ServingCompany company;
  company.database().Execute(R"(
      UPDATE builtin.recommendations SET attributes = '{"cost": "NaN"}' WHERE recommendation_id = 'r3';
      UPDATE builtin.recommendations SET active_until = '2020-01-01' WHERE recommendation_id = 'r2';
      INSERT INTO builtin.recommendations (recommendation_id, title, attributes) VALUES ('r9', 'New', '{"cost": 30}'))");
  ASSERT_THAT(company.replica().catalogues().Poll(), IsOk());
  ASSERT_THAT(company.replica().catalogues().Poll(), IsOk());
  EXPECT_THAT(SuggestedTo(company, "q1"), ::testing::UnorderedElementsAre("r1", "r3", "r4", "r5", "r6", "r9"));
  EXPECT_THAT(company.replica().metrics().Text(), HasSubstr("suggest_catalogue_unreadable_values 1"));
  EXPECT_THAT(company.replica().readiness().Note(), HasSubstr("1 values count as missing"));
  const std::string log = company.replica().LogText();
  EXPECT_THAT(log, HasSubstr("recommendation 'r3': feature"));
  EXPECT_THAT(log, Not(HasSubstr("NaN")));
  EXPECT_EQ(log.find("cannot be read"), log.rfind("cannot be read"));
  company.database().Execute(R"(UPDATE builtin.recommendations SET attributes = '{"cost": 33}'
                                WHERE recommendation_id = 'r3')");
  EXPECT_THAT(company.replica().catalogues().Poll(), IsOk());
  EXPECT_EQ(company.replica().readiness().Note(), "");
  EXPECT_THAT(company.replica().metrics().Text(), HasSubstr("suggest_catalogue_unreadable_values 0"));
}

TEST(CatalogueUpdaterTest, ARecommendationTwiceInTheViewIsServedOnceAndARestartComesUp) {
  ServingCompany company;
  company.database().Execute(R"(
      CREATE OR REPLACE VIEW source.recommendations AS
        SELECT recommendation_id, title, active_from, active_until, repeatable, attributes FROM builtin.recommendations
        UNION ALL SELECT 'r1', 'again', NULL, NULL, NULL, '{}' UNION ALL SELECT NULL, 'nameless', NULL, NULL, NULL, NULL)");
  ASSERT_THAT(company.replica().catalogues().Poll(), IsOk());
  Replica restarted(&company.database().database(), company.config(), &company.clock(), 7);
  restarted.Poll();
  restarted.Poll();
  for (Replica* replica : {&company.replica(), &restarted}) {
    ASSERT_OK_AND_ASSIGN(const auto serving, replica->serving().Get());
    EXPECT_EQ(serving->catalogue().size(), 6);
    EXPECT_EQ(serving->catalogue().item(0).title, "Title of r1");
    EXPECT_THAT(replica->readiness().Check(), IsOk());
    EXPECT_THAT(replica->readiness().Note(), HasSubstr("2 rows are withheld"));
    EXPECT_THAT(replica->LogText(), AllOf(HasSubstr("'r1' occurs again"), HasSubstr("nameless")));
    EXPECT_THAT(replica->metrics().Text(), HasSubstr("suggest_catalogue_withheld_recommendations 2"));
  }
}

TEST(ReadinessTest, AnEmptyCatalogueIsNotReady) {
  ServingCompany company;
  company.database().Execute("DELETE FROM builtin.recommendations");
  ASSERT_THAT(company.replica().catalogues().Poll(), IsOk());
  EXPECT_THAT(company.replica().readiness().Check(),
              StatusIs(absl::StatusCode::kUnavailable, HasSubstr("the catalogue is empty")));
}

TEST(CatalogueUpdaterTest, AViewThatCannotBeReadLeavesTheLastGoodOneAndIsReportedOnce) {
  ServingCompany company;
  company.database().Execute("DROP VIEW source.recommendations");
  EXPECT_FALSE(company.replica().catalogues().Poll().ok());
  EXPECT_FALSE(company.replica().catalogues().Poll().ok());
  EXPECT_THAT(company.suggestions().Suggest(RequestOf("c1", "q1"), {}), IsOk());
  EXPECT_THAT(company.replica().LogText(), HasSubstr("catalogue refused"));
  EXPECT_THAT(company.replica().metrics().Text(), HasSubstr("suggest_catalogues_refused_total 1"));
}

TEST(PartitionKeeperTest, MakesMonthsAheadAndShowsThem) {
  ServingCompany company;
  PartitionKeeper keeper(company.replica().surroundings());
  ASSERT_THAT(keeper.Poll(), IsOk());
  EXPECT_THAT(company.replica().metrics().Text(), HasSubstr("suggest_partitions_ahead_months 3"));
  company.clock().Set(company.clock().Now() + absl::Hours(24 * 31));
  ASSERT_THAT(keeper.Poll(), IsOk());
  EXPECT_THAT(company.replica().metrics().Text(), HasSubstr("suggest_partitions_ahead_months 3"));
  EXPECT_THAT(company.replica().LogText(), HasSubstr("partitions made"));
}

TEST(PartitionKeeperTest, FailureIsReturned) {
  ASSERT_OK_AND_ASSIGN(const auto database, storage::Database::Open({.connection = "host=/nonexistent dbname=x"}));
  const ManualClock clock(decision::TestNow());
  Replica replica(database.get(), decision::TestConfig(), &clock);
  EXPECT_THAT(PartitionKeeper(replica.surroundings()).Poll(), StatusIs(absl::StatusCode::kUnavailable));
}

}  // namespace
}  // namespace suggest::server
