#include "service/lab/simulation/csv_writer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "storage/source/csv.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temporary_folder.h"

namespace suggest::simulation {
namespace {

using ::suggest::testing::StatusIs;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Row = std::map<std::string, std::string>;

std::vector<Row> Read(storage::CsvReader& csv) {
  std::vector<Row> rows;
  std::vector<std::string> fields;
  for (;;) {
    const absl::StatusOr<bool> more = csv.Next(fields);
    EXPECT_THAT(more, suggest::testing::IsOk());
    if (!more.ok() || !*more) return rows;
    Row row;
    for (size_t i = 0; i < fields.size(); ++i) row[csv.header()[i]] = fields[i];
    rows.push_back(std::move(row));
  }
}

std::vector<Row> Parse(const std::string& text) {
  auto csv = storage::CsvReader::FromString(text, "test");
  EXPECT_THAT(csv, suggest::testing::IsOk());
  return csv.ok() ? Read(**csv) : std::vector<Row>();
}

absl::Time TimeOf(const std::string& text) {
  absl::Time time;
  std::string error;
  EXPECT_TRUE(absl::ParseTime(absl::RFC3339_full, text, &time, &error)) << text << ": " << error;
  return time;
}

class CsvWriterTest : public ::testing::Test {
 protected:
  CsvWriterTest() : company_(CompanyOptions{}), truth_(company_), history_(PlayHistory(company_, truth_)) {}

  Company company_;
  Truth truth_;
  History history_;
};

TEST_F(CsvWriterTest, TheFilesReadBackAsTheHistory) {
  suggest::testing::TemporaryFolder folder;
  ASSERT_OK(WriteHistory(company_, history_, folder.path() + "/made/here"));
  std::map<std::string, std::vector<Row>> files;
  for (const std::string name : {"customers", "recommendations", "suggestions", "purchases"}) {
    ASSERT_OK_AND_ASSIGN(const auto csv, storage::CsvReader::Open(folder.path() + "/made/here/" + name + ".csv"));
    files[name] = Read(*csv);
  }

  EXPECT_EQ(files["recommendations"].size(), 40u);
  EXPECT_EQ(files["recommendations"][0]["title"], company_.recommendations()[0].title);
  EXPECT_EQ(files["recommendations"][0]["active_from"], "");
  EXPECT_EQ(TimeOf(files["recommendations"][39]["active_from"]),
            company_.Midnight(company_.recommendations()[39].active_from_day));

  ASSERT_EQ(files["suggestions"].size(), history_.choices.size());
  int kept = 0;
  for (Row& row : files["suggestions"]) kept += row["status"] == "kept";
  EXPECT_EQ(kept, static_cast<int>(history_.world.exposures().size()));
}

TEST_F(CsvWriterTest, NothingInTheFilesComesAfterTheHistory) {
  const absl::Time end = company_.options().year_start;
  auto files = HistoryFiles(company_, history_);
  for (Row& row : Parse(files["customers.csv"])) EXPECT_LT(TimeOf(row["valid_from"]), end);
  for (Row& row : Parse(files["suggestions.csv"])) EXPECT_LT(TimeOf(row["decided_at"]), end);
  for (Row& row : Parse(files["purchases.csv"])) {
    EXPECT_LT(TimeOf(row["purchased_at"]), end);
    if (!row["cancelled_at"].empty()) {
      EXPECT_LT(TimeOf(row["cancelled_at"]), end);
    }
  }
}

TEST_F(CsvWriterTest, APurchaseNamesTheSuggestionItCameFromOrNone) {
  auto files = HistoryFiles(company_, history_);
  std::map<std::string, Row> suggestions;
  for (Row& row : Parse(files["suggestions.csv"])) suggestions[row["suggestion_id"]] = row;
  int known = 0, purchases = 0;
  std::set<std::string> ids;
  for (Row& row : Parse(files["purchases.csv"])) {
    ++purchases;
    EXPECT_TRUE(ids.insert(row["purchase_id"]).second);
    EXPECT_EQ(row["currency"], "EUR");
    if (row["suggestion_id"].empty()) continue;
    ++known;
    Row& suggestion = suggestions[row["suggestion_id"]];
    EXPECT_EQ(suggestion["customer_id"], row["customer_id"]);
    EXPECT_EQ(suggestion["recommendation_id"], row["recommendation_id"]);
    EXPECT_EQ(suggestion["status"], "kept");
    EXPECT_LE(TimeOf(suggestion["decided_at"]), TimeOf(row["purchased_at"]));
  }
  EXPECT_GT(purchases, 400);
  // 70 % of about 500: standard error 2 %, five of them.
  EXPECT_NEAR(static_cast<double>(known) / purchases, 0.7, 0.1);
}

TEST_F(CsvWriterTest, EveryCustomerHasAttributesAtEachSuggestion) {
  std::map<std::string, absl::Time> known_from;
  for (Row& row : Parse(HistoryFiles(company_, history_)["customers.csv"])) {
    known_from.try_emplace(row["customer_id"], TimeOf(row["valid_from"]));
  }
  EXPECT_EQ(static_cast<int>(known_from.size()), company_.CustomersOn(-1));
  for (const ExpertChoice& choice : history_.choices) {
    ASSERT_LE(known_from[company_.CustomerId(choice.customer)], choice.at);
  }
}

TEST_F(CsvWriterTest, DailyChangesAddUpToTheWholeTable) {
  std::map<std::string, Row> daily;
  const auto add = [&](const std::string& text) {
    for (Row& row : Parse(text)) daily[row["customer_id"] + row["valid_from"]] = row;
  };
  add(CustomersCsv(company_, -365, -1, Rows::kWithInForce));
  for (int day = 0; day < 60; ++day) add(CustomersCsv(company_, day, day, Rows::kChanges));
  std::map<std::string, Row> whole;
  for (Row& row : Parse(CustomersCsv(company_, -365, 59, Rows::kWithInForce))) {
    whole[row["customer_id"] + row["valid_from"]] = row;
  }
  EXPECT_EQ(daily, whole);
}

TEST_F(CsvWriterTest, TheSameSeedGivesTheSameBytesAndAnotherOneOthers) {
  const auto files = HistoryFiles(company_, history_);
  const Company again(CompanyOptions{});
  const Truth truth(again);
  EXPECT_EQ(HistoryFiles(again, PlayHistory(again, truth)), files);

  CompanyOptions options;
  options.seed = 2;
  const Company other(options);
  const Truth other_truth(other);
  EXPECT_NE(HistoryFiles(other, PlayHistory(other, other_truth)).at("purchases.csv"), files.at("purchases.csv"));
}

TEST_F(CsvWriterTest, AttributesLeaveEmptyFieldsOut) {
  const auto attributes = ToAttributes({{"category", "shop"}, {"goals", ""}});
  EXPECT_EQ(attributes.fields().size(), 1u);
  EXPECT_EQ(attributes.fields().at("category").string_value(), "shop");
}

TEST_F(CsvWriterTest, NamesTheFolderThatCannotBeMade) {
  suggest::testing::TemporaryFolder folder;
  const std::string file = folder.Write("file", "");
  EXPECT_THAT(WriteHistory(company_, history_, file + "/below"),
              StatusIs(absl::StatusCode::kUnavailable, HasSubstr("file/below")));
}

}  // namespace
}  // namespace suggest::simulation
