// Companies whose tables hold whatever the views' contract admits and much that it does not: the warm start neither
// stops nor crashes, every suggestion is used or counted, the ledger is consistent, and learning goes on.
//
// SUGGEST_TEST_COMPANIES: how many companies; 12 by default, to keep the suite short.
#include <cstdlib>
#include <random>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "service/learning/verify.h"
#include "service/learning/warm_start.h"
#include "tests/service/learning/learning_fixture.h"

namespace suggest::learning {
namespace {

using ::suggest::testing::IsOk;

int NumberOfCompanies() {
  const char* const asked = std::getenv("SUGGEST_TEST_COMPANIES");
  int companies = 12;
  return asked != nullptr && absl::SimpleAtoi(asked, &companies) ? companies : 12;
}

class RandomCompanyTest : public LearningFixture {
 protected:
  RandomCompanyTest() {
    db_.Execute(
        "CREATE SCHEMA mut; "
        "CREATE TABLE mut.customers (customer_id text, valid_from timestamptz, attributes jsonb); "
        "CREATE TABLE mut.recommendations (recommendation_id text, title text, active_from timestamptz, active_until "
        "timestamptz, repeatable boolean, attributes jsonb); "
        "CREATE TABLE mut.suggestions (suggestion_id text, customer_id text, recommendation_id text, decided_at "
        "timestamptz, status text, propensity float8); "
        "CREATE TABLE mut.purchases (purchase_id text, customer_id text, recommendation_id text, purchased_at "
        "timestamptz, amount numeric, currency text, suggestion_id text, visible_at timestamptz, cancelled_at "
        "timestamptz); ");
    for (const char* view : {"customers", "recommendations", "suggestions", "purchases"}) {
      db_.Execute(absl::StrCat("DROP VIEW source.", view, " CASCADE; CREATE VIEW source.", view,
                               " AS SELECT * FROM mut.", view));
    }
    config_.mutable_learning()->set_max_set_aside_share(1);
    config_.mutable_learning()->set_chunk_rows(1000);
  }

  int UpTo(int n) { return static_cast<int>(random_() % static_cast<unsigned>(n)); }
  // One of ten is bad.
  std::string OneOf(const std::string& sound, std::initializer_list<const char*> bad) {
    return UpTo(10) > 0 ? sound : *(bad.begin() + UpTo(static_cast<int>(bad.size())));
  }
  std::string Text(const char* prefix, int i) { return absl::StrCat("'", prefix, i, "'"); }
  std::string When(int days) {
    return OneOf(absl::StrCat("timestamptz '2026-03-02 00:00+00' + interval '1 hour' * ", 24 * UpTo(days) + UpTo(24)),
                 {"NULL", "'infinity'", "'-infinity'", "'0001-01-01'", "'0044-03-15 BC'", "'2999-01-01'"});
  }
  std::string Value() {
    return OneOf(absl::StrCat(UpTo(20)), {"\"NaN\"", "1e15", "-1e15", "1e300", "null", "[1]", "{}", "true", "\"\"",
                                          "\"many\"", "\"7\"", "0.000000001"});
  }

  void Mutate() {
    std::string sql = "TRUNCATE mut.customers, mut.recommendations, mut.suggestions, mut.purchases;";
    const int customers = 5 + UpTo(20), items = 2 + UpTo(5);
    const auto row = [&](const char* table, std::initializer_list<std::string> values) {
      const int copies = UpTo(15) == 0 ? 2 : 1;
      for (int i = 0; i < copies; ++i) {
        absl::StrAppend(&sql, "INSERT INTO mut.", table, " VALUES (", absl::StrJoin(values, ", "), ");");
      }
    };
    for (int i = 0; i < customers; ++i) {
      row("customers", {OneOf(Text("c", i), {"NULL", "''"}), UpTo(3) == 0 ? When(20) : "NULL",
                        OneOf(absl::StrCat("'{\"size\": ", Value(), "}'"), {"NULL", "'[]'", "'3'", "'{}'"})});
    }
    for (int i = 0; i < items; ++i) {
      row("recommendations", {OneOf(Text("r", i), {"NULL", "''"}), OneOf("'R'", {"NULL"}), "NULL", "NULL", "NULL",
                              OneOf(absl::StrCat("'{\"price\": ", Value(), "}'"), {"NULL", "'[]'", "'{}'"})});
    }
    const int suggestions = 40 + UpTo(60);
    for (int i = 0; i < suggestions; ++i) {
      row("suggestions",
          {OneOf(Text("s", i), {"NULL", "''", "'s1'"}), OneOf(Text("c", UpTo(customers)), {"NULL", "'x'"}),
           OneOf(Text("r", UpTo(items)), {"NULL", "'gone'"}), When(60),
           OneOf("'SENT'", {"NULL", "'kept'", "'LOST'", "'Viewed'"}), "NULL"});
    }
    for (int i = 0; i < suggestions / 2; ++i) {
      row("purchases",
          {OneOf(Text("p", i), {"NULL", "'p1'"}), OneOf(Text("c", UpTo(customers)), {"NULL", "'x'"}),
           OneOf(Text("r", UpTo(items)), {"NULL", "'gone'"}), When(70),
           OneOf(absl::StrCat(UpTo(150)), {"NULL", "'NaN'", "-5", "1e400", "1e15"}),
           OneOf("'EUR'", {"NULL", "'USD'", "'JPY'"}), UpTo(4) == 0 ? Text("s", UpTo(suggestions)) : "NULL",
           UpTo(4) == 0 ? When(75) : "NULL", UpTo(6) == 0 ? When(80) : "NULL"});
    }
    db_.Execute(sql);
  }

  std::mt19937 random_;
};

TEST_F(RandomCompanyTest, NoBadRowStopsAWarmStartAndEverySuggestionIsUsedOrCounted) {
  int learned = 0;
  for (int company = 0; company < NumberOfCompanies(); ++company) {
    SCOPED_TRACE(absl::StrCat("company ", company));
    random_.seed(static_cast<unsigned>(company + 1));
    Mutate();
    WarmStartOptions options;
    options.replace = true;
    options.bootstrap_resamples = 5;
    const auto report = RunWarmStart(db_.database(), config_, options, Day(90), nullptr);
    if (absl::IsFailedPrecondition(report.status()) || absl::IsInvalidArgument(report.status())) {
      // Nothing to learn from: no exposure, or no value of a feature, was left.
      EXPECT_THAT(std::string(report.status().message()),
                  ::testing::AnyOf(::testing::HasSubstr("no exposure"), ::testing::HasSubstr("no training row has")));
      continue;
    }
    ASSERT_THAT(report, IsOk());
    ++learned;
    int64_t accounted = report->exposures() + report->repeated();
    for (const model::v1::SetAside& group : report->set_aside()) {
      if (group.view() == "source.suggestions") accounted += group.rows();
    }
    EXPECT_EQ(absl::StrCat(accounted), One("SELECT count(*) FROM mut.suggestions"));
    ExpectVerified();
    Ingest(Day(91));
    ExpectVerified();
    if (HasFailure()) return;
  }
  EXPECT_GT(learned, NumberOfCompanies() / 2);
}

}  // namespace
}  // namespace suggest::learning
