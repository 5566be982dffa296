#include "service/server/rpc/learning_handlers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "service/learning/warm_start.h"
#include "tests/service/server/server_fixture.h"
#include "tests/support/raw_sql.h"
#include "tests/support/status_matchers.h"

namespace suggest::server {
namespace {

using ::suggest::testing::IsOk;
using ::suggest::testing::SqlSession;
using ::suggest::testing::StatusIs;
using ::suggest::testing::TestDatabase;

using ::testing::HasSubstr;
using ::testing::SizeIs;

v1::GetModelRequest GetOf(int64_t version) {
  v1::GetModelRequest request;
  request.set_version(version);
  return request;
}

TEST(IngestRewardsTest, AWarmStartedCompanyIngestsAndCountsInMetrics) {
  TestDatabase database;
  FillSource(database);
  const ManualClock clock(decision::TestNow());
  Replica replica(&database.database(), decision::TestConfig(), &clock);
  learning::WarmStartOptions empty;
  empty.empty = true;
  ASSERT_THAT(learning::RunWarmStart(database.database(), decision::TestConfig(), empty, clock.Now(), {}), IsOk());
  replica.Poll();
  ASSERT_OK_AND_ASSIGN(const auto decision, replica.suggestions().Suggest(RequestOf("c1", "q1"), {}));
  v1::RecordFeedbackRequest kept;
  kept.set_customer_id("c1");
  kept.set_suggestion_id(decision.suggestions(0).suggestion_id());
  kept.set_kind(v1::RecordFeedbackRequest::KEPT);
  ASSERT_THAT(replica.suggestions().RecordFeedback(kept), IsOk());

  v1::IngestRewardsRequest dry;
  dry.set_dry_run(true);
  ASSERT_OK_AND_ASSIGN(const auto tried, replica.learning().IngestRewards(dry, {}));
  EXPECT_EQ(tried.counts().exposures_booked(), 1);
  EXPECT_THAT(replica.learning().IngestRewards({}, {.gone = [] { return true; }}),
              StatusIs(absl::StatusCode::kDeadlineExceeded));
  ASSERT_OK_AND_ASSIGN(const auto done, replica.learning().IngestRewards({}, {}));
  EXPECT_EQ(done.counts().exposures_booked(), 1);
  EXPECT_GT(done.model_version(), 1);
  EXPECT_THAT(replica.metrics().Text(), HasSubstr("suggest_ingest_events_total{event=\"exposure_booked\"} 1"));
  replica.Poll();
  EXPECT_EQ(replica.serving().model_version(), done.model_version());
}

TEST(IngestRewardsTest, WithoutAModelItIsAFailedPrecondition) {
  TestDatabase database;
  const ManualClock clock(decision::TestNow());
  Replica replica(&database.database(), decision::TestConfig(), &clock);
  EXPECT_THAT(replica.learning().IngestRewards({}, {}), StatusIs(absl::StatusCode::kFailedPrecondition));
  EXPECT_THAT(replica.metrics().Text(), HasSubstr("suggest_ingest_failures_total 1"));
  EXPECT_THAT(replica.LogText(), HasSubstr("ingest failed"));
}

TEST(IngestRewardsTest, IsAbortedWhileAnotherRunHoldsTheLock) {
  ServingCompany company;
  SqlSession other(company.database().connection());
  other.Run("BEGIN");
  other.Run("SELECT * FROM suggest.learner FOR UPDATE");
  EXPECT_THAT(company.learning().IngestRewards({}, {}), StatusIs(absl::StatusCode::kAborted));
}

TEST(ListModelsTest, NewestFirstWithTheCurrentOneMarked) {
  ServingCompany company;
  Publish(company.database().database(), RowOf(decision::TestModel(2)));
  ASSERT_OK_AND_ASSIGN(const auto response, company.learning().ListModels({}));
  ASSERT_THAT(response.models(), SizeIs(2));
  EXPECT_EQ(response.models(0).version(), 2);
  EXPECT_TRUE(response.models(0).current());
  EXPECT_FALSE(response.models(1).current());
  v1::ListModelsRequest one;
  one.set_limit(1);
  ASSERT_OK_AND_ASSIGN(const auto newest, company.learning().ListModels(one));
  EXPECT_THAT(newest.models(), SizeIs(1));
}

TEST(ListModelsTest, RefusesLimitsOutsideTheirRange) {
  ServingCompany company;
  for (const int limit : {-1, 1001}) {
    v1::ListModelsRequest request;
    request.set_limit(limit);
    EXPECT_THAT(company.learning().ListModels(request),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(absl::StrCat("limit is ", limit))));
  }
}

TEST(GetModelTest, ShowsTermsByTheirWeightAndTheBytesOnRequest) {
  ServingCompany company;
  v1::GetModelRequest request = GetOf(0);
  request.set_include_bytes(true);
  ASSERT_OK_AND_ASSIGN(const auto response, company.learning().GetModel(request));
  EXPECT_EQ(response.summary().version(), 1);
  EXPECT_EQ(response.model_bytes(), RowOf(decision::TestModel(1)).bytes);
  ASSERT_THAT(response.terms(), SizeIs(decision::TestPipeline().layout().dim()));
  double previous = std::numeric_limits<double>::infinity();
  for (const v1::ModelTerm& term : response.terms()) {
    EXPECT_GT(term.standard_deviation(), 0);
    EXPECT_LE(std::abs(term.mean()) / term.standard_deviation(), previous);
    previous = std::abs(term.mean()) / term.standard_deviation();
  }
  ASSERT_OK_AND_ASSIGN(const auto without, company.learning().GetModel(GetOf(1)));
  EXPECT_EQ(without.model_bytes(), "");
}

TEST(GetModelTest, WhatIsUnknownDamagedOrNewerIsSaidSo) {
  ServingCompany company;
  EXPECT_THAT(company.learning().GetModel(GetOf(7)), StatusIs(absl::StatusCode::kNotFound, HasSubstr("7")));
  EXPECT_THAT(company.learning().GetModel(GetOf(-1)),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("version is -1")));
  storage::ModelRow newer = RowOf(decision::TestModel(2));
  newer.format = 2;
  Publish(company.database().database(), newer);
  EXPECT_THAT(company.learning().GetModel(GetOf(2)), StatusIs(absl::StatusCode::kDataLoss, HasSubstr("format 2")));
  company.database().Execute("UPDATE suggest.model_versions SET bytes = bytes || '\\x00'");
  EXPECT_THAT(company.learning().GetModel(GetOf(1)), StatusIs(absl::StatusCode::kDataLoss, HasSubstr("SHA-256")));
}

}  // namespace
}  // namespace suggest::server
