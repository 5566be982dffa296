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
              ElementsAre(ElementsAre("p1", "3.10", "EUR", "s1", "2017-01-02 23:59:59.999999"),
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
  EXPECT_EQ(Refusal(ImportKind::kCustomers, "valid_from\n2017-01-01\n"),
            "f.csv:1: column customer_id is missing; the header has 'valid_from'");
  EXPECT_EQ(Refusal(ImportKind::kCustomers, "customer_id\nc1\n\"\"\n"), "f.csv:3: customer_id: is empty");
  EXPECT_EQ(Refusal(ImportKind::kCustomers, "customer_id,valid_from\nc1,2017-01-01\nc2,yesterday\n"),
            "f.csv:3: valid_from: 'yesterday' is not a time like 2017-01-31T12:00:00Z or a date like 2017-01-31 "
            "(a year has four digits and comes first)");
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

std::string PurchaseWith(const std::string& amount) {
  return absl::StrCat("purchase_id,customer_id,recommendation_id,purchased_at,amount\np1,c1,r1,2017-01-01,", amount,
                      "\n");
}

TEST_F(ImporterTest, AmountsThatCouldBeMisreadAreRefusedWithTheRemedy) {
  for (const char* amount : {"\"9,50\"", "\"1.234,56\"", "\"1,234.56\"", "1 234.5", "1'234", "9.50 EUR", "$9", "(9.50)",
                             "1_000", "0x1A", "1e",
                             "\xe2\x88\x92"
                             "5"}) {
    EXPECT_THAT(Refusal(ImportKind::kPurchases, PurchaseWith(amount)),
                HasSubstr("is not a number: write a decimal point, no separators of thousands and no unit"))
        << amount;
  }
}

TEST_F(ImporterTest, NumbersThatPostgresWouldRefuseAreRefusedWithTheirPlace) {
  EXPECT_THAT(Refusal(ImportKind::kPurchases, PurchaseWith("0." + std::string(16384, '1'))),
              HasSubstr("f.csv:2: amount: '0.1111"));
  EXPECT_THAT(Refusal(ImportKind::kPurchases, PurchaseWith("0e99999999")), HasSubstr("f.csv:2: amount: '0e99999999'"));
  EXPECT_THAT(Refusal(ImportKind::kPurchases, PurchaseWith("NaN")), HasSubstr("f.csv:2: amount: 'NaN'"));
  ASSERT_OK(Import(ImportKind::kPurchases, PurchaseWith("-1.5e-3")));
}

TEST_F(ImporterTest, IdsThatTheServiceWouldRefuseAreRefused) {
  EXPECT_THAT(Refusal(ImportKind::kCustomers, "customer_id\nc1\n" + std::string(300, 'x') + "\n"),
              HasSubstr("f.csv:3: customer_id: 'xxx"));
  EXPECT_THAT(Refusal(ImportKind::kRecommendations, "recommendation_id,title\n" + std::string(257, 'x') + ",T\n"),
              HasSubstr("is too long: it has 257 bytes, and an id has at most 256"));
  EXPECT_THAT(Refusal(ImportKind::kCustomers, "customer_id\n\"c1 \"\n"),
              HasSubstr("'c1 ' begins or ends with a blank"));
  ASSERT_OK(Import(ImportKind::kCustomers, "customer_id\n" + std::string(256, 'x') + "\n"));
}

TEST_F(ImporterTest, HeadersInOtherSpellingsAreTheColumnsAndNeverAttributes) {
  ASSERT_OK(Import(ImportKind::kCustomers, "Customer_ID,Valid From,Segment\nc1,2017-01-01,a\n"));
  ASSERT_OK(Import(ImportKind::kCustomers, "CUSTOMER-ID;ValidFrom;Segment\nc2;2017-01-01;a\n"));
  EXPECT_THAT(test_.Query("SELECT DISTINCT attributes, valid_from AT TIME ZONE 'UTC' FROM builtin.customers"),
              ElementsAre(ElementsAre(R"({"Segment": "a"})", "2017-01-01 00:00:00")));
  EXPECT_THAT(Import(ImportKind::kCustomers, "customer_id,Customer ID\nc1,c2\n"),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       "f.csv:1: columns 'customer_id' and 'Customer ID' both are customer_id"));
}

TEST_F(ImporterTest, AttributesThatAreTooLargeAreRefusedWithTheirLine) {
  EXPECT_THAT(Refusal(ImportKind::kCustomers, "customer_id,note\nc1,x\nc2," + std::string(300 << 10, 'y') + "\n"),
              HasSubstr("f.csv:3: the attributes have 307"));
}

TEST_F(ImporterTest, APurchaseDatedOnTheDayOfItsSuggestionComesAfterIt) {
  ASSERT_OK(Import(ImportKind::kPurchases, PurchaseWith("1")));
  ASSERT_OK(Import(ImportKind::kSuggestions,
                   "suggestion_id,customer_id,recommendation_id,decided_at\ns1,c1,r1,2017-01-01T23:00:00Z\n"));
  EXPECT_EQ(test_.QueryOne("SELECT bool_and(p.purchased_at > s.decided_at) FROM builtin.purchases p, "
                           "builtin.suggestions s"),
            "t");
}

TEST_F(ImporterTest, TimesWithoutAnOffsetAreOfTheGivenZone) {
  const std::string text = "customer_id,valid_from\nc1,2026-08-01 10:00:00\n";
  EXPECT_THAT(Refusal(ImportKind::kCustomers, text),
              HasSubstr("f.csv:2: valid_from: '2026-08-01 10:00:00' has no time "));
  ImportOptions options;
  options.time_zone.emplace();
  ASSERT_TRUE(absl::LoadTimeZone("Europe/Berlin", &*options.time_zone));
  ASSERT_OK(Import(ImportKind::kCustomers, text, options));
  EXPECT_EQ(test_.QueryOne("SELECT valid_from AT TIME ZONE 'UTC' FROM builtin.customers"), "2026-08-01 08:00:00");
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
                       Import(ImportKind::kCustomers, "customer_id\nc1\nc2\n",
                              {.dry_run = true, .time_zone = std::nullopt, .progress = nullptr}));
  EXPECT_EQ(counts.inserted, 2);
  EXPECT_EQ(test_.QueryOne("SELECT count(*) FROM builtin.customers"), "0");
  EXPECT_THAT(Import(ImportKind::kCustomers, "customer_id\nc1\nc1\n",
                     {.dry_run = true, .time_zone = std::nullopt, .progress = nullptr}),
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
