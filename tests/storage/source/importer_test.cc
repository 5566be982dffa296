#include "storage/source/importer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/support/status_matchers.h"
#include "tests/support/test_database.h"

namespace suggest::storage {
namespace {

using suggest::testing::IsOk;
using suggest::testing::StatusIs;
using suggest::testing::TestDatabase;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class ImporterTest : public ::testing::Test {
 protected:
  absl::StatusOr<ImportCounts> Import(ImportKind kind, const std::string& text, const ImportOptions& options = {}) {
    ASSIGN_OR_RETURN(const auto csv, CsvReader::FromString(text, "f.csv"));
    return Importer(&test_.database()).Import(kind, *csv, options);
  }
  std::string Refusal(ImportKind kind, const std::string& text) {
    const absl::Status status = Import(kind, text).status();
    EXPECT_THAT(status, StatusIs(absl::StatusCode::kInvalidArgument));
    EXPECT_EQ(test_.QueryOne(absl::StrCat("SELECT count(*) FROM builtin.", std::string(ImportKindName(kind)))), "0");
    return std::string(status.message());
  }

  TestDatabase test_;
};

TEST_F(ImporterTest, CustomersFurtherColumnsBecomeAttributesAndEmptyOnesAreLeftOut) {
  ASSERT_OK(Import(ImportKind::kCustomers,
                   "goals,customer_id,\"quo\"\"te\",valid_from\n\"sell;\nshow\",c1,\\,2016-11-01T00:00:00Z\n,c1,,\n"));
  EXPECT_THAT(
      test_.Query("SELECT customer_id, valid_from AT TIME ZONE 'UTC', attributes FROM builtin.customers ORDER BY 2"),
      ElementsAre(ElementsAre("c1", "-infinity", "{}"),
                  ElementsAre("c1", "2016-11-01 00:00:00", R"({"goals": "sell;\nshow", "quo\"te": "\\"})")));
}

TEST_F(ImporterTest, RecommendationsHaveTheirDefaults) {
  ASSERT_OK(Import(ImportKind::kRecommendations,
                   "recommendation_id,title,active_from,active_until,repeatable,cost\n"
                   "r1,\"A, B\",2017-03-03,2017-04-09T00:00:00+02:00,yes,9.5\nr2,C,,,,\n"));
  EXPECT_THAT(
      test_.Query("SELECT recommendation_id, title, active_from AT TIME ZONE 'UTC', active_until AT TIME ZONE 'UTC', "
                  "repeatable, attributes FROM builtin.recommendations ORDER BY 1"),
      ElementsAre(ElementsAre("r1", "A, B", "2017-03-03 00:00:00", "2017-04-08 22:00:00", "t", R"({"cost": "9.5"})"),
                  ElementsAre("r2", "C", "NULL", "NULL", "f", "{}")));
}

TEST_F(ImporterTest, SuggestionsAndPurchasesWithTheirOptionalColumns) {
  ASSERT_OK(Import(ImportKind::kSuggestions,
                   "suggestion_id,customer_id,recommendation_id,decided_at,status,propensity\n"
                   "s1,c1,r1,2016-11-14T00:00:00Z,sent,0.25\n"));
  ASSERT_OK(Import(ImportKind::kPurchases,
                   "purchase_id,customer_id,recommendation_id,purchased_at,amount,currency,suggestion_id,visible_at,"
                   "cancelled_at\np1,c1,r1,2017-01-01T12:00:00Z,3.10,EUR,s1,2017-01-02,2017-01-03\n"));
  ASSERT_OK(
      Import(ImportKind::kPurchases,
             "amount,purchase_id,customer_id,recommendation_id,purchased_at\n-1,p2,c1,r1,2017-01-01T12:00:00Z\n"));
  EXPECT_THAT(test_.Query("SELECT status, propensity FROM builtin.suggestions"),
              ElementsAre(ElementsAre("SENT", "0.25")));
  EXPECT_THAT(test_.Query("SELECT purchase_id, amount, currency, suggestion_id, visible_at AT TIME ZONE 'UTC' "
                          "FROM builtin.purchases ORDER BY 1"),
              ElementsAre(ElementsAre("p1", "3.10", "EUR", "s1", "2017-01-02 00:00:00"),
                          ElementsAre("p2", "-1", "NULL", "NULL", "NULL")));
}

TEST_F(ImporterTest, AFileCanBeImportedAgainAndOnlyWhatDiffersChanges) {
  const std::string header = "purchase_id,customer_id,recommendation_id,purchased_at,amount,cancelled_at\n";
  ASSERT_OK(Import(ImportKind::kPurchases, header + "p1,c1,r1,2017-01-01,3,\np2,c1,r1,2017-01-01,4,\n"));
  ASSERT_OK_AND_ASSIGN(const ImportCounts counts,
                       Import(ImportKind::kPurchases, header + "p1,c1,r1,2017-01-01,3,2017-02-01\n"
                                                               "p2,c1,r1,2017-01-01,4,\np3,c1,r1,2017-01-01,5,\n"));
  EXPECT_EQ(counts.read, 3);
  EXPECT_EQ(counts.inserted, 1);
  EXPECT_EQ(counts.changed, 1);
  EXPECT_EQ(test_.QueryOne("SELECT count(*) FROM builtin.purchases WHERE cancelled_at IS NOT NULL"), "1");
}

TEST_F(ImporterTest, EachRefusalNamesFileLineColumnAndValueAndStoresNothing) {
  EXPECT_EQ(Refusal(ImportKind::kCustomers, "valid_from\n2017-01-01\n"), "f.csv:1: column customer_id is missing");
  EXPECT_EQ(Refusal(ImportKind::kCustomers, "customer_id\nc1\n\"\"\n"), "f.csv:3: customer_id: is empty");
  EXPECT_EQ(Refusal(ImportKind::kCustomers, "customer_id,valid_from\nc1,2017-01-01\nc2,yesterday\n"),
            "f.csv:3: valid_from: 'yesterday' is not a time like 2017-01-31T12:00:00Z or a date like 2017-01-31");
  EXPECT_EQ(Refusal(ImportKind::kRecommendations, "recommendation_id,title,repeatable\nr1,T,perhaps\n"),
            "f.csv:2: repeatable: 'perhaps' is not true or false");
  EXPECT_EQ(Refusal(ImportKind::kPurchases,
                    "purchase_id,customer_id,recommendation_id,purchased_at,amount\np1,c1,r1,2017-01-01,1e999\n"),
            "f.csv:2: amount: '1e999' is not a finite number");
  EXPECT_EQ(Refusal(ImportKind::kPurchases,
                    "purchase_id,customer_id,recommendation_id,purchased_at,amount,shop\np1,c1,r1,2017-01-01,1,x\n"),
            "f.csv:1: unknown column 'shop'; only customers and recommendations have attributes");
  EXPECT_EQ(Refusal(ImportKind::kSuggestions, "suggestion_id,customer_id,recommendation_id,decided_at\ns1,c1,r1\n"),
            "f.csv:2: 3 fields, but the header has 4");
}

TEST_F(ImporterTest, AKeyThatOccursTwiceInTheFileIsRefusedWithBothLines) {
  EXPECT_EQ(Refusal(ImportKind::kCustomers, "customer_id,valid_from\nc1,2017-01-01\nc2,\nc1,2017-01-01T00:00:00Z\n"),
            "f.csv:4: customer_id 'c1' with valid_from '2017-01-01 00:00:00+00' is in line 2 already");
}

TEST_F(ImporterTest, AnErrorInTheLastChunkStoresNothing) {
  std::string text = "customer_id,valid_from\n";
  for (int i = 0; i < 5000; ++i) absl::StrAppend(&text, "c", i, ",\n");
  EXPECT_EQ(Refusal(ImportKind::kCustomers, text + "last,never\n").substr(0, 28), "f.csv:5002: valid_from: 'nev");
}

TEST_F(ImporterTest, LargeFilesComeInChunksWithProgress) {
  std::string text = "customer_id,n\n";
  for (int i = 0; i < 5000; ++i) absl::StrAppend(&text, "c", i, ",", i, "\n");
  std::vector<int64_t> records;
  std::vector<int64_t> bytes;
  ImportOptions options;
  options.progress = [&](int64_t done, int64_t read) {
    records.push_back(done);
    bytes.push_back(read);
  };
  ASSERT_OK_AND_ASSIGN(const ImportCounts counts, Import(ImportKind::kCustomers, text, options));
  EXPECT_EQ(counts.inserted, 5000);
  EXPECT_THAT(records, ElementsAre(2000, 4000, 5000));
  EXPECT_EQ(bytes.back(), static_cast<int64_t>(text.size()));
  EXPECT_EQ(test_.QueryOne("SELECT sum((attributes ->> 'n')::int) FROM builtin.customers"), "12497500");
}

TEST_F(ImporterTest, ADryRunChecksAndCountsAndStoresNothing) {
  ASSERT_OK_AND_ASSIGN(const ImportCounts counts,
                       Import(ImportKind::kCustomers, "customer_id\nc1\nc2\n", {.dry_run = true, .progress = nullptr}));
  EXPECT_EQ(counts.inserted, 2);
  EXPECT_EQ(test_.QueryOne("SELECT count(*) FROM builtin.customers"), "0");
  EXPECT_THAT(Import(ImportKind::kCustomers, "customer_id\nc1\nc1\n", {.dry_run = true, .progress = nullptr}),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("in line 2 already")));
}

TEST_F(ImporterTest, TwoImportsOnOneConnectionDoNotSeeEachOthersRows) {
  DatabaseOptions options = test_.options();
  options.pool_size = 1;
  const auto db = test_.OpenAnother(options);
  for (const char* text : {"customer_id\nc1\n", "customer_id\nc2\n"}) {
    ASSERT_OK_AND_ASSIGN(const auto csv, CsvReader::FromString(text, "f.csv"));
    ASSERT_OK_AND_ASSIGN(const ImportCounts counts, Importer(db.get()).Import(ImportKind::kCustomers, *csv));
    EXPECT_EQ(counts.inserted, 1);
  }
}

}  // namespace
}  // namespace suggest::storage
