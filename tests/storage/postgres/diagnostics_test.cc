#include "storage/postgres/diagnostics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/time/time.h"
#include "tests/support/status_matchers.h"
#include "tests/support/test_database.h"

namespace suggest::storage {
namespace {

using suggest::testing::IsOk;
using suggest::testing::StatusIs;
using suggest::testing::TestDatabase;
using ::testing::AllOf;
using ::testing::HasSubstr;

class DiagnosticsTest : public ::testing::Test {
 protected:
  TestDatabase test_;
};

TEST_F(DiagnosticsTest, TellsAboutTheServer) {
  ASSERT_OK_AND_ASSIGN(const ServerInfo info, QueryServer(test_.database()));
  EXPECT_EQ(std::to_string(info.version_number), test_.QueryOne("SHOW server_version_num"));
  EXPECT_EQ(info.version, test_.QueryOne("SHOW server_version"));
  EXPECT_EQ(info.database, test_.QueryOne("SELECT current_database()"));
  EXPECT_FALSE(info.in_recovery);
  const double later = std::stod(test_.QueryOne("SELECT extract(epoch FROM clock_timestamp())"));
  EXPECT_GT(absl::ToUnixMicros(info.server_time), 0);
  EXPECT_LE(absl::ToDoubleSeconds(info.server_time - absl::UnixEpoch()), later);
}

TEST_F(DiagnosticsTest, TheBuiltinViewsFulfilTheContract) {
  EXPECT_THAT(CheckSourceViews(test_.database()), IsOk());
}

TEST_F(DiagnosticsTest, TellsAllThatIsWrongWithTheViewsAtOnce) {
  test_.Execute(
      "DROP VIEW source.purchases; DROP VIEW source.customers; DROP VIEW source.recommendations; "
      "CREATE VIEW source.customers AS SELECT 1::bigint AS customer_id, NULL::timestamptz AS valid_from; "
      "CREATE VIEW source.recommendations AS SELECT recommendation_id, title, active_from::timestamp AS active_from, "
      "active_until, repeatable, attributes FROM builtin.recommendations");
  EXPECT_THAT(CheckSourceViews(test_.database()),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       "source.customers.customer_id has type bigint, not text or character varying; "
                       "source.customers lacks column attributes; source.recommendations.active_from has type "
                       "timestamp without time zone, not timestamp with time zone; source.purchases does not exist"));
}

TEST_F(DiagnosticsTest, AViewMayHaveFurtherColumnsAndOtherNumbers) {
  test_.Execute(
      "DROP VIEW source.purchases; CREATE VIEW source.purchases AS SELECT *, amount::int AS cents FROM "
      "builtin.purchases; "
      "DROP VIEW source.suggestions; CREATE VIEW source.suggestions AS SELECT suggestion_id::varchar(9), customer_id, "
      "recommendation_id, decided_at, status, propensity::numeric(9, 3) FROM builtin.suggestions");
  EXPECT_THAT(CheckSourceViews(test_.database()), IsOk());
}

TEST_F(DiagnosticsTest, AViewThatMayNotBeReadIsAnError) {
  test_.Execute("CREATE ROLE test_reader LOGIN; GRANT USAGE ON SCHEMA source TO test_reader");
  const auto reader = test_.OpenAnother({.connection = test_.connection() + " user=test_reader"});
  EXPECT_THAT(CheckSourceViews(*reader),
              StatusIs(absl::StatusCode::kFailedPrecondition, AllOf(HasSubstr("permission"), HasSubstr("customers"))));
  test_.Execute("REVOKE USAGE ON SCHEMA source FROM test_reader; DROP ROLE test_reader");
}

}  // namespace
}  // namespace suggest::storage
