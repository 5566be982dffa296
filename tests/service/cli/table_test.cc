#include "service/cli/table.h"

#include "gtest/gtest.h"

namespace suggest::cli {
namespace {

TEST(TableTest, AlignsColumnsAndLeavesNoTrailingSpaces) {
  Table table({"name", ">count", "note"});
  table.AddRow({"a", "1", ""});
  table.AddRow({"longer", "1,234", "x"});
  EXPECT_EQ(table.Print(),
            "name    count  note\n"
            "a           1\n"
            "longer  1,234  x\n");
}

TEST(TableTest, CountsCodePointsNotBytes) {
  Table table({"", ""});
  table.AddRow({"Öl ±", "x"});
  table.AddRow({"abcd", "y"});
  EXPECT_EQ(table.Print(), "Öl ±  x\nabcd  y\n");
}

TEST(TableTest, GroupsDigits) {
  EXPECT_EQ(GroupDigits(0), "0");
  EXPECT_EQ(GroupDigits(999), "999");
  EXPECT_EQ(GroupDigits(1000), "1,000");
  EXPECT_EQ(GroupDigits(-1234567), "-1,234,567");
}

TEST(TableTest, KeepsSignificantDigits) {
  EXPECT_EQ(Significant(0.083123), "0.0831");
  EXPECT_EQ(Significant(12.44), "12.4");
  EXPECT_EQ(Significant(1234.5), "1234" /* half to even */);
  EXPECT_EQ(Significant(0), "0");
  EXPECT_EQ(Significant(1.234e-12), "1.23e-12");
}

}  // namespace
}  // namespace suggest::cli
