// The shapes of file that spreadsheets, phones and old exports write: read right, or refused with the remedy.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "storage/source/csv.h"
#include "tests/support/status_matchers.h"

namespace suggest::storage {
namespace {

using suggest::testing::StatusIs;
using ::testing::HasSubstr;

// The header and all records, as "a|b" lines; or the error.
std::string Shape(const std::string& text) {
  auto csv = CsvReader::FromString(text, "f.csv");
  if (!csv.ok()) return std::string(csv.status().message());
  std::vector<std::string> fields = (*csv)->header();
  std::string shape;
  while (true) {
    for (const std::string& field : fields) shape += field + "|";
    shape += "\n";
    const absl::StatusOr<bool> found = (*csv)->Next(fields);
    if (!found.ok()) return std::string(found.status().message());
    if (!*found) return shape;
  }
}

const char kTwoByTwo[] = "id|size|\nc1|3|\n";

TEST(CsvShapesTest, AByteOrderMarkBeforeAQuotedHeaderIsSkipped) {
  EXPECT_EQ(Shape("\xef\xbb\xbf\"id\",\"size\"\r\n\"c1\",\"3\"\r\n"), kTwoByTwo);
  EXPECT_EQ(Shape("\xef\xbb\xbfid,\"size\"\nc1,3"), kTwoByTwo);
  EXPECT_EQ(Shape("\xef\xbb\xbf\xef\xbb\xbfid,size\nc1,3"),
            "f.csv:1: column 1: the name '\xef\xbb\xbfid' has an invisible character");
}

TEST(CsvShapesTest, BlanksAroundNamesAndFieldsAreNoPartOfThem) {
  EXPECT_EQ(Shape("id, size\nc1, 3\n"), kTwoByTwo);
  EXPECT_EQ(Shape(" id\t,\"size \" \n c1 ,3 \n"), kTwoByTwo);
  EXPECT_EQ(Shape("\xc2\xa0id,size\xc2\xa0\nc1,3\n"), kTwoByTwo);
  EXPECT_EQ(Shape("id, size\nc1, \"a, b\" \n"), "id|size|\nc1|a, b|\n");
}

TEST(CsvShapesTest, SemicolonsAndTabsSeparateWhereTheHeaderHasNoComma) {
  EXPECT_EQ(Shape("id;size\nc1;3\n"), kTwoByTwo);
  EXPECT_EQ(Shape("id\tsize\r\nc1\t3\r\n"), kTwoByTwo);
  EXPECT_EQ(Shape("\"id\";\"size\"\n\"c1\";\"3\"\n"), kTwoByTwo);
  EXPECT_EQ(Shape("\"id, old\";size\nc1;9,5\n"), "id, old|size|\nc1|9,5|\n");
  EXPECT_EQ(Shape("id\tname\nc1\t\n"), "id|name|\nc1||\n");
  EXPECT_EQ(Shape("sep=;\r\nid;size\r\nc1;3\r\n"), kTwoByTwo);
}

TEST(CsvShapesTest, LinesMayEndInCarriageReturnsAlone) {
  EXPECT_EQ(Shape("id,size\rc1,3\r"), kTwoByTwo);
  auto csv = CsvReader::FromString("id,size\rc1,3\rc2\r", "f.csv");
  std::vector<std::string> fields;
  ASSERT_TRUE(*(*csv)->Next(fields));
  EXPECT_THAT((*csv)->Next(fields), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("f.csv:3: 1 fields")));
  EXPECT_THAT(Shape("id,size\nc1\rx,3\n"), HasSubstr("f.csv:2: a carriage return after 'c1'"));
}

TEST(CsvShapesTest, TrailingSeparatorsArePassedOver) {
  EXPECT_EQ(Shape("id,size,\nc1,3,\n"), kTwoByTwo);
  EXPECT_EQ(Shape("id,size,,\nc1,3\n"), kTwoByTwo);
  EXPECT_EQ(Shape("id,size\nc1,3,,,\n"), kTwoByTwo);
  EXPECT_EQ(Shape("id,size,\nc1,3,x\n"), "f.csv:2: column 3 has the value 'x', but no name in the header");
  EXPECT_EQ(Shape("id,size\nc1,3,x\n"), "f.csv:2: 3 fields, but the header has 2");
}

TEST(CsvShapesTest, OtherEncodingsAndFormatsAreRefusedWithTheRemedy) {
  EXPECT_EQ(Shape(std::string("\xff\xfei\0d\0", 6)), "f.csv:1: the file is in UTF-16; save it as CSV in UTF-8");
  EXPECT_EQ(Shape(std::string("\xfe\xff\0i\0d", 6)), "f.csv:1: the file is in UTF-16; save it as CSV in UTF-8");
  EXPECT_THAT(Shape(std::string("i\0d\0\n\0", 6)), HasSubstr("a NUL byte: the file is in UTF-16"));
  EXPECT_THAT(Shape("PK\x03\x04..."), HasSubstr("is a spreadsheet"));
  EXPECT_THAT(Shape("\x1f\x8b\x08"), HasSubstr("is compressed"));
  EXPECT_EQ(Shape("id,name\nc1,Gr\xfc\xdf\n"),
            "f.csv:2: name: the value 'Gr\\xfc\\xdf' is not UTF-8; save the file as CSV in UTF-8");
  EXPECT_THAT(Shape("id,gr\xf6\n"), HasSubstr("f.csv:1: the header is not UTF-8: column 2 is 'gr\\xf6'"));
}

TEST(CsvShapesTest, AnErrorHasOneLineWhateverTheValueHolds) {
  EXPECT_EQ(Shape("a\n\"x\ny\"z\n"), "f.csv:2: text after the closing quote of 'x\\ny'");
  EXPECT_EQ(Shape("a,b\n\"x\r\n\ty\n"), "f.csv:2: the quote before 'x\\r\\n\\ty\\n' does not end");
  EXPECT_EQ(ShownField(std::string(80, 'x')), std::string(60, 'x') + "...");
}

}  // namespace
}  // namespace suggest::storage
