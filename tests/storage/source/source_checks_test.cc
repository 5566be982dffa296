#include "storage/source/source_checks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "tests/support/test_database.h"

namespace suggest::storage {
namespace {

using suggest::testing::TestDatabase;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// A sound company of 40 customers, 400 suggestions and 40 purchases; each test spoils something.
class SourceChecksTest : public ::testing::Test {
 protected:
  SourceChecksTest() {
    test_.Execute(
        "INSERT INTO builtin.customers SELECT 'c' || i, '-infinity', '{}' FROM generate_series(1, 40) i; "
        "INSERT INTO builtin.recommendations (recommendation_id, title) SELECT 'r' || i, 'R' FROM generate_series(1, "
        "4) "
        "i; INSERT INTO builtin.suggestions (suggestion_id, customer_id, recommendation_id, decided_at, status, "
        "propensity) SELECT 's' || i, 'c' || 1 + i % 40, 'r' || 1 + i % 4, timestamptz "
        "'2026-05-01 09:30Z' + i * interval '1 hour', 'KEPT', 0.25 FROM generate_series(1, 400) i; "
        "INSERT INTO builtin.purchases (purchase_id, customer_id, recommendation_id, purchased_at, amount, currency) "
        "SELECT 'p' || i, 'c' || 1 + i % 40, 'r' || 1 + i % 4, timestamptz '2026-05-02 17:45:10Z' + i * interval '1 "
        "hour', 20 + i, 'EUR' FROM generate_series(1, 40) i");
    expected_.now = absl::FromCivil(absl::CivilDay(2026, 7, 1), absl::UTCTimeZone());
    expected_.currencies = {{"EUR", 1}, {"USD", 0.9}};
    expected_.reward_cap = 100;
    expected_.base_rate = 0.1;
    expected_.attribution_window = absl::Hours(24 * 14);
    expected_.clock_skew_tolerance = absl::Minutes(5);
  }

  // "view failed|warning: message" of each finding.
  std::vector<std::string> Findings() {
    std::vector<std::string> lines;
    for (const SourceFinding& finding : CheckSourceRows(test_.database(), expected_)) {
      lines.push_back(absl::StrCat(finding.view, finding.failed ? " failed: " : " warning: ", finding.message));
    }
    return lines;
  }
  // The only finding after `sql`.
  std::string FindingAfter(const std::string& sql) {
    test_.Execute(sql);
    const std::vector<std::string> lines = Findings();
    EXPECT_EQ(lines.size(), 1) << sql;
    return lines.empty() ? "" : lines.front();
  }

  TestDatabase test_;
  SourceExpectations expected_;
};

TEST_F(SourceChecksTest, SoundDataHaveNoFinding) {
  EXPECT_THAT(Findings(), IsEmpty());
}

TEST_F(SourceChecksTest, KeysThatOccurTwiceInAnyViewAreCountedAndNamed) {
  const auto twice = [](const std::string& view, const std::string& columns, const std::string& where) {
    return absl::StrCat("CREATE OR REPLACE VIEW source.", view, " AS SELECT ", columns, " FROM builtin.", view,
                        " UNION ALL SELECT ", columns, " FROM builtin.", view, " WHERE ", where);
  };
  test_.Execute(twice("customers", "customer_id, valid_from, attributes", "customer_id IN ('c1', 'c2', 'c3', 'c4')"));
  test_.Execute(twice("recommendations", "recommendation_id, title, active_from, active_until, repeatable, attributes",
                      "recommendation_id = 'r1'"));
  test_.Execute(twice("suggestions", "suggestion_id, customer_id, recommendation_id, decided_at, status, propensity",
                      "suggestion_id = 's1'"));
  test_.Execute(twice("purchases",
                      "purchase_id, customer_id, recommendation_id, purchased_at, amount, currency, suggestion_id, "
                      "visible_at, cancelled_at",
                      "purchase_id IN ('p1', 'p2')"));
  const std::vector<std::string> lines = Findings();
  ASSERT_EQ(lines.size(), 4);
  EXPECT_THAT(lines[0],
              HasSubstr("customers failed: 4 keys (customer_id, valid_from) occur more than once, first c1 from "
                        "-infinity, c2 from -infinity, c3 from -infinity: let the view"));
  EXPECT_THAT(lines[1], HasSubstr("recommendations failed: 1 keys (recommendation_id) occur more than once, first r1"));
  EXPECT_THAT(lines[2], HasSubstr("suggestions failed: 1 keys (customer_id, suggestion_id) occur more than once"));
  EXPECT_THAT(lines[3], HasSubstr("purchases warning: 2 keys (customer_id, purchase_id) occur more than once"));
}

TEST_F(SourceChecksTest, IdsThatNoRequestCanNameFail) {
  EXPECT_THAT(FindingAfter("INSERT INTO builtin.customers VALUES (repeat('x', 257), '-infinity', '{}')"),
              AllOf(HasSubstr("customers failed: 1 rows have a customer_id that no request can name, first xxx"),
                    HasSubstr("...: every id has 1 to 256 bytes")));
}

TEST_F(SourceChecksTest, SuggestionsThatTeachNothingAreCountedByReason) {
  test_.Execute(
      "UPDATE builtin.suggestions SET status = 'PENDING' WHERE suggestion_id = 's1'; "
      "UPDATE builtin.suggestions SET propensity = 1.5 WHERE suggestion_id = 's2'; "
      "UPDATE builtin.suggestions SET propensity = 'NaN' WHERE suggestion_id = 's3'; "
      "UPDATE builtin.suggestions SET recommendation_id = 'gone' WHERE suggestion_id = 's4'; "
      "UPDATE builtin.suggestions SET customer_id = 'nobody' WHERE suggestion_id = 's5'; "
      "UPDATE builtin.suggestions SET decided_at = '2030-01-01Z' WHERE suggestion_id = 's6'; "
      "UPDATE builtin.customers SET valid_from = '2026-06-01Z' WHERE customer_id = 'c8'");
  const std::string all = absl::StrCat(Findings()[0], "\n", Findings()[1], "\n", Findings()[2], "\n", Findings()[3],
                                       "\n", Findings()[4], "\n", Findings()[5]);
  EXPECT_THAT(all, HasSubstr("warning: 1 rows have a decided_at that is null, in the future"));
  EXPECT_THAT(all, HasSubstr("warning: 1 rows have an unknown status, and teach nothing, first s1: PENDING"));
  EXPECT_THAT(all, HasSubstr("warning: 2 rows have a propensity outside of (0, 1], first s2: 1.5, s3: NaN"));
  EXPECT_THAT(all, HasSubstr("1 rows name a recommendation that source.recommendations does not show, and teach "
                             "nothing, first s4: gone"));
  EXPECT_THAT(all, HasSubstr("1 rows name a customer that source.customers does not show, first s5: nobody"));
  EXPECT_THAT(all, HasSubstr("rows were decided before their customer's first valid_from"));
}

TEST_F(SourceChecksTest, TimesThatStandForNoTimeAreNamed) {
  EXPECT_THAT(
      FindingAfter("UPDATE builtin.purchases SET cancelled_at = '0001-01-01Z' WHERE purchase_id = 'p1'; "
                   "UPDATE builtin.purchases SET visible_at = '4000-01-01Z BC' WHERE purchase_id = 'p2'"),
      HasSubstr("purchases warning: 2 rows have a time that is missing or outside of the years 1900 to 9999, and "
                "are not counted, first p1, p2: show null where there is no time"));
}

TEST_F(SourceChecksTest, PurchasesThatAreDatesAreTold) {
  EXPECT_THAT(
      FindingAfter("UPDATE builtin.purchases SET purchased_at = date_trunc('day', purchased_at) + interval '22h'"),
      HasSubstr("all at 22:00 UTC: show the end of the day"));
}

TEST_F(SourceChecksTest, ACatalogueOfWhichNothingIsActiveFails) {
  EXPECT_THAT(FindingAfter("UPDATE builtin.recommendations SET active_until = '2026-06-01Z'"),
              HasSubstr("recommendations failed: 1 thing is wrong: no recommendation is active now"));
}

TEST_F(SourceChecksTest, ACapAWindowAndABaseRateThatTheDataContradictAreTold) {
  expected_.reward_cap = 30;
  expected_.attribution_window = absl::Hours(24);
  expected_.base_rate = 0.001;
  const std::vector<std::string> lines = Findings();
  ASSERT_EQ(lines.size(), 3);
  EXPECT_THAT(lines[0], HasSubstr("30 of 40 purchases (75 %) are worth more than money.reward_cap"));
  EXPECT_THAT(lines[1], HasSubstr("came after learning.attribution_window had ended"));
  EXPECT_THAT(lines[2], HasSubstr("but learning.base_rate is 0.001"));
}

TEST_F(SourceChecksTest, RewardsThatHardlyDifferFromZeroAreTold) {
  expected_.reward_cap = 1e6;
  EXPECT_THAT(FindingAfter("SELECT 1"), HasSubstr("are worth less than a twentieth of money.reward_cap"));
}

TEST_F(SourceChecksTest, AViewWithABadCastFailsItselfAndTheOthersAreChecked) {
  test_.Execute(
      "CREATE OR REPLACE VIEW source.suggestions AS SELECT suggestion_id, customer_id, recommendation_id, decided_at, "
      "status, status::float8 AS propensity FROM builtin.suggestions; "
      "INSERT INTO builtin.customers VALUES (repeat('x', 257), '-infinity', '{}')");
  const std::vector<std::string> lines = Findings();
  ASSERT_EQ(lines.size(), 2);
  EXPECT_THAT(lines[0], HasSubstr("customers failed"));
  EXPECT_THAT(lines[1],
              AllOf(HasSubstr("suggestions failed: source.suggestions cannot be read"), HasSubstr("\"KEPT\"")));
}

}  // namespace
}  // namespace suggest::storage
