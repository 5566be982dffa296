#include "storage/postgres/json_numbers.h"

#include <gtest/gtest.h>

#include <string>

namespace suggest::storage {
namespace {

TEST(KeepNumberTextsTest, NumbersThatADoubleKeepsStay) {
  const std::string json = R"({"a": 1, "b": -2.5, "c": [0.1, 100000, 0], "d": "2.50", "e": true, "f": null})";
  EXPECT_EQ(KeepNumberTexts(json), json);
  EXPECT_EQ(KeepNumberTexts(R"({"a": 9007199254740992})"), R"({"a": 9007199254740992})");
}

TEST(KeepNumberTextsTest, NumbersWhoseTextSaysMoreBecomeText) {
  EXPECT_EQ(KeepNumberTexts(R"({"a": 2.50, "b": 1.0})"), R"({"a": "2.50", "b": "1.0"})");
  EXPECT_EQ(KeepNumberTexts(R"([12345678901234567890,9007199254740993])"),
            R"(["12345678901234567890","9007199254740993"])");
  EXPECT_EQ(KeepNumberTexts("-0"), R"("-0")");
  EXPECT_EQ(KeepNumberTexts("[1e999, 1e5]"), R"(["1e999", "1e5"])");
}

TEST(KeepNumberTextsTest, NumbersWithinStringsAndNamesAreNotTouched) {
  const std::string json = R"({"2.50": "1.0 \" 2.50", "x\\": "\\", "y": "1.0"})";
  EXPECT_EQ(KeepNumberTexts(json), json);
  EXPECT_EQ(KeepNumberTexts(""), "");
  EXPECT_EQ(KeepNumberTexts("\"open 2.50"), "\"open 2.50");
}

}  // namespace
}  // namespace suggest::storage
