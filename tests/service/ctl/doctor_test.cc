// suggestctl doctor on a company whose data or settings are wrong: what it names, and that nothing stops it.
#include <string>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "service/ctl/commands.h"
#include "tests/service/ctl/test_run.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/test_database.h"

namespace suggest::ctl {
namespace {

using ::suggest::testing::TemporaryFolder;
using ::suggest::testing::TestDatabase;
using ::testing::AllOf;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kBothSides[] =
    "features { name: 'segment' side: CUSTOMER categorical { column: 'segment' } } "
    "features { name: 'kind' side: RECOMMENDATION categorical { column: 'kind' } } ";

class DoctorTest : public ::testing::Test {
 protected:
  DoctorTest() {
    database_.Execute(
        "INSERT INTO builtin.customers SELECT 'c' || i, '-infinity', '{\"segment\": \"a\"}' FROM generate_series(1, 9) "
        "i; "
        "INSERT INTO builtin.recommendations (recommendation_id, title, attributes) SELECT 'r' || i, 'R', "
        "'{\"kind\": \"k\"}' FROM generate_series(1, 3) i; "
        "INSERT INTO builtin.purchases (purchase_id, customer_id, recommendation_id, purchased_at, amount) "
        "VALUES ('p1', 'c1', 'r1', '2026-01-01T10:01:02Z', 10)");
  }

  std::string Doctor(const std::string& features = kBothSides, const std::string& more = "") {
    const std::string config =
        folder_.Write("c.textproto", absl::StrCat("database { connection: \"", absl::CEscape(database_.connection()),
                                                  "\" } money { currency: 'EUR' ", "reward_cap: 100 } features { ",
                                                  features, " } ", more));
    return RunCtl(AllCommands(), {"doctor", "--config", config}, clock_).out;
  }

  TestDatabase database_;
  TemporaryFolder folder_;
  ManualClock clock_{absl::FromCivil(absl::CivilSecond(2026, 2, 1, 12, 0, 0), absl::UTCTimeZone())};
};

TEST_F(DoctorTest, ASchemaWithoutARecommendationFeatureFails) {
  EXPECT_THAT(Doctor("features { name: 'segment' side: CUSTOMER categorical { column: 'segment' } }"),
              HasSubstr("all recommendations look alike"));
  EXPECT_THAT(Doctor(), Not(HasSubstr("look alike")));
}

TEST_F(DoctorTest, AmountsThatAreNoNumbersAndTimesThatAreNoneWillBeRefused) {
  database_.Execute(
      "INSERT INTO builtin.purchases (purchase_id, customer_id, recommendation_id, purchased_at, amount) VALUES "
      "('n1', 'c1', 'r1', '2026-01-01Z', 'NaN'), ('n2', 'c1', 'r1', '2026-01-02Z', 'Infinity'), "
      "('n3', 'c1', 'r1', '2026-01-03Z', -5), ('n4', 'c1', 'r1', '0001-01-01Z', 5)");
  EXPECT_THAT(Doctor(), ContainsRegex("warning +purchases +4 of 5 rows will be refused, first n4: a time lies outside "
                                      "of the years 1900 to 9999; n1: amount nan is no number; n2: amount "));
}

TEST_F(DoctorTest, AViewWithABadCastFailsAndTheOtherViewsAreChecked) {
  database_.Execute(
      "CREATE OR REPLACE VIEW source.customers AS SELECT customer_id, (attributes->>'segment')::timestamptz AS "
      "valid_from, "
      "attributes FROM builtin.customers");
  EXPECT_THAT(Doctor(), AllOf(ContainsRegex("failed +customers +source.customers cannot be read"),
                              HasSubstr("invalid input syntax"), ContainsRegex("ok +recommendations +3 rows"),
                              ContainsRegex("ok +purchases +1 rows"), HasSubstr("not healthy")));
}

TEST_F(DoctorTest, WhatIsWatchedAndWhetherItWorksIsListed) {
  database_.Execute(
      "CREATE TABLE public.orders (buyer text); SELECT suggest.watch_customers('public.orders', 'buyer'); "
      "ALTER TABLE public.orders RENAME COLUMN buyer TO client");
  EXPECT_THAT(Doctor(),
              AllOf(ContainsRegex("warning +watched +public.orders: column buyer is gone"),
                    HasSubstr("changes are told by builtin.customers (customers), builtin.purchases (customers), "
                              "builtin.recommendations (recommendations)")));
}

TEST_F(DoctorTest, ALostLearnerRowAndBrokenBucketsFail) {
  EXPECT_THAT(Doctor(), ContainsRegex("ok +learner"));
  database_.Execute("DELETE FROM suggest.learner");
  EXPECT_THAT(Doctor(), ContainsRegex("failed +learner +suggest.learner has 0 rows"));
}

TEST_F(DoctorTest, ExposuresThatAreSetAsideFailAndAreNamed) {
  database_.Execute(
      "INSERT INTO suggest.exposures (customer_id, suggestion_id, recommendation_id, exposed_at, day, basis_id, "
      "historical, set_aside) SELECT 'c' || i, 's' || i, 'r1', '2026-01-01Z', 20454, 0, false, i > 1 "
      "FROM generate_series(1, 3) i");
  EXPECT_THAT(Doctor(),
              ContainsRegex("failed +learner +2 exposures are set aside, because no posterior could be solved "
                            "with them, first s2 of customer c2"));
}

TEST_F(DoctorTest, AModelAheadOfTheClockFailsWithItsRemedy) {
  const std::string config = folder_.Write(
      "w.textproto",
      absl::StrCat("database { connection: \"", absl::CEscape(database_.connection()),
                   "\" } money { currency: 'EUR' reward_cap: 100 } learning { base_rate: 0.1 } features { features { "
                   "name: 'segment' side: CUSTOMER categorical { column: 'segment' vocabulary: 'a' } } features { "
                   "name: 'kind' side: RECOMMENDATION categorical { column: 'kind' vocabulary: 'k' } } }"));
  ManualClock ahead{absl::FromCivil(absl::CivilSecond(2026, 3, 1, 12, 0, 0), absl::UTCTimeZone())};
  ASSERT_EQ(RunCtl(AllCommands(), {"warm-start", "--empty", "--config", config}, ahead).exit, 0);
  EXPECT_THAT(RunCtl(AllCommands(), {"doctor", "--config", config}, clock_).out,
              ContainsRegex("failed +model age +version 1 has its data cut .* ahead of the clock.*--rebuild"));
}

TEST_F(DoctorTest, SettingsThatLoseDecisionsOrStopWritingAreNamed) {
  const std::string name = database_.QueryOne("SELECT current_database()");
  database_.Execute(absl::StrCat("ALTER DATABASE \"", name, "\" SET synchronous_commit = off"));
  EXPECT_THAT(Doctor(), ContainsRegex("warning +settings +synchronous_commit is off"));
  database_.Execute(absl::StrCat("ALTER DATABASE \"", name, "\" SET default_transaction_read_only = on"));
  EXPECT_THAT(Doctor(), ContainsRegex("failed +settings +default_transaction_read_only is on"));
}

}  // namespace
}  // namespace suggest::ctl
