#include "bandit/base/json_bounds.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace suggest {
namespace {

using ::testing::HasSubstr;

std::string Nested(int depth, char open, char close) {
  return std::string(depth, open) + std::string(depth, close);
}

TEST(JsonBoundsTest, TheDepthThatIsAllowedPassesAndOneMoreIsRefusedAtItsByte) {
  for (const auto& [open, close] : {std::pair('[', ']'), std::pair('{', '}')}) {
    EXPECT_TRUE(CheckJsonBounds(Nested(kMaxJsonDepth, open, close)).ok());
    for (const int depth : {kMaxJsonDepth + 1, 1000, 1'000'000}) {
      const absl::Status status = CheckJsonBounds(Nested(depth, open, close));
      EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
      EXPECT_THAT(std::string(status.message()), HasSubstr("deeper than 32 levels at byte 32"));
    }
  }
}

TEST(JsonBoundsTest, BracketsThatAreClosedOrWithinStringsDoNotCount) {
  std::string siblings = "[";
  for (int i = 0; i < 100; ++i) siblings += "[[]],";
  EXPECT_TRUE(CheckJsonBounds(siblings + "[]]").ok());
  EXPECT_TRUE(CheckJsonBounds("\"" + std::string(100, '[') + "\"").ok());
  EXPECT_TRUE(CheckJsonBounds(R"("\"[[[[\\")", 100, 1).ok());
  EXPECT_FALSE(CheckJsonBounds(R"(["\\",[]])", 100, 1).ok());
}

TEST(JsonBoundsTest, ClosingBracketsBeforeAllOthersBuyNoDepth) {
  EXPECT_FALSE(CheckJsonBounds(std::string(100, ']') + std::string(100, '[')).ok());
}

TEST(JsonBoundsTest, ATextThatIsCutAnywhereIsReadToItsEndOnly) {
  for (const char* text : {"", "\"", "\"\\", "[", "]"}) EXPECT_TRUE(CheckJsonBounds(text).ok());
}

TEST(JsonBoundsTest, TheSizeIsBoundedAndSaid) {
  EXPECT_TRUE(CheckJsonBounds("[12]", 4).ok());
  EXPECT_THAT(std::string(CheckJsonBounds("[123]", 4).message()), HasSubstr("5 bytes, expected at most 4"));
}

}  // namespace
}  // namespace suggest
