#include "storage/source/csv.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temporary_folder.h"

namespace suggest::storage {
namespace {

using suggest::testing::StatusIs;
using suggest::testing::TemporaryFolder;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

using Records = std::vector<std::vector<std::string>>;

absl::StatusOr<Records> ReadAll(CsvReader& csv) {
  Records records;
  std::vector<std::string> fields;
  while (true) {
    ASSIGN_OR_RETURN(const bool found, csv.Next(fields));
    if (!found) return records;
    records.push_back(fields);
  }
}

absl::StatusOr<Records> Parse(const std::string& text) {
  ASSIGN_OR_RETURN(const auto csv, CsvReader::FromString(text, "f.csv"));
  return ReadAll(*csv);
}

TEST(CsvTest, ReadsPlainRecords) {
  ASSERT_OK_AND_ASSIGN(const auto csv, CsvReader::FromString("a,b\n1,2\n,\n", "f.csv"));
  EXPECT_THAT(csv->header(), ElementsAre("a", "b"));
  ASSERT_OK_AND_ASSIGN(const Records records, ReadAll(*csv));
  EXPECT_THAT(records, ElementsAre(ElementsAre("1", "2"), ElementsAre("", "")));
  EXPECT_EQ(csv->bytes_read(), 10);
}

TEST(CsvTest, QuotedFieldsHoldCommasQuotesAndLineBreaks) {
  EXPECT_THAT(*Parse("a,b\n\"x,\"\"y\"\"\",\"1\r\n2\n\"\n\"\",\" z \""),
              ElementsAre(ElementsAre("x,\"y\"", "1\r\n2\n"), ElementsAre("", " z ")));
}

TEST(CsvTest, TakesCarriageReturnsAByteOrderMarkEmptyLinesAndNoLastLineBreak) {
  const std::string text =
      "\xef\xbb\xbf"
      "a,b\r\n\r\n1,2\r\n\n3,4";
  ASSERT_OK_AND_ASSIGN(const auto csv, CsvReader::FromString(text, "f.csv"));
  EXPECT_THAT(csv->header(), ElementsAre("a", "b"));
  EXPECT_THAT(*ReadAll(*csv), ElementsAre(ElementsAre("1", "2"), ElementsAre("3", "4")));
  EXPECT_THAT(*Parse("a\n1\r"), ElementsAre(ElementsAre("1")));
}

TEST(CsvTest, AQuoteInsideAnUnquotedFieldIsText) {
  EXPECT_THAT(*Parse("a\n5\" pipe\n"), ElementsAre(ElementsAre("5\" pipe")));
}

TEST(CsvTest, TellsTheLineAtWhichARecordBegins) {
  ASSERT_OK_AND_ASSIGN(const auto csv, CsvReader::FromString("a\n\"1\n2\"\n3\n", "f.csv"));
  std::vector<std::string> fields;
  ASSERT_TRUE(*csv->Next(fields));
  EXPECT_EQ(csv->line(), 2);
  ASSERT_TRUE(*csv->Next(fields));
  EXPECT_EQ(csv->line(), 4);
}

TEST(CsvTest, EachErrorNamesFileLineAndWhat) {
  const auto refused = [](const char* message) { return StatusIs(absl::StatusCode::kInvalidArgument, message); };
  EXPECT_THAT(Parse("a,b\n1,2\n3\n"), refused("f.csv:3: 1 fields, but the header has 2"));
  EXPECT_THAT(Parse("a\n1,2\n"), refused("f.csv:2: 2 fields, but the header has 1"));
  EXPECT_THAT(Parse("a\n1\n\"open\n2\n"), refused("f.csv:3: the quote before 'open\\n2\\n' does not end"));
  EXPECT_THAT(Parse("a\n\"x\"y\n"), refused("f.csv:2: text after the closing quote of 'x'"));
  EXPECT_THAT(Parse("a,b\n1,Gr\xf6\n"),
              refused("f.csv:2: b: the value 'Gr\\xf6' is not UTF-8; save the file as CSV in UTF-8"));
  EXPECT_THAT(Parse(std::string("a\nx\0y\n", 6)), refused("f.csv:2: a: the value has a NUL byte"));
  EXPECT_THAT(Parse(""), refused("f.csv: the file is empty; its first line names the columns"));
  EXPECT_THAT(Parse("a,,b\n"), refused("f.csv:1: the header has a column without a name"));
  EXPECT_THAT(Parse("a,b,a\n"), refused("f.csv:1: column 'a' is named twice"));
  EXPECT_THAT(Parse("\xff\n"),
              refused("f.csv:1: the header is not UTF-8: column 1 is '\\xff'; save the file as CSV in UTF-8"));
}

TEST(CsvTest, ReadsAFileOfManyBlocks) {
  std::string text = "id,text\n";
  for (int i = 0; i < 20000; ++i) absl::StrAppend(&text, i, ",\"line\n", i, "\"\n");
  const TemporaryFolder folder;
  ASSERT_OK_AND_ASSIGN(const auto csv, CsvReader::Open(folder.Write("big.csv", text)));
  ASSERT_OK_AND_ASSIGN(const Records records, ReadAll(*csv));
  ASSERT_EQ(records.size(), 20000);
  for (int i = 0; i < 20000; ++i) ASSERT_EQ(records[i][1], absl::StrCat("line\n", i));
  EXPECT_EQ(csv->bytes_read(), static_cast<int64_t>(text.size()));
}

TEST(CsvTest, AFileThatCannotBeReadIsNamed) {
  const TemporaryFolder folder;
  EXPECT_THAT(CsvReader::Open(folder.path() + "/none.csv"),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("none.csv: No such file")));
  EXPECT_THAT(CsvReader::Open(folder.path()),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("the file cannot be read")));
}

}  // namespace
}  // namespace suggest::storage
