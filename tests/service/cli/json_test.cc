#include "service/cli/json.h"

#include <cmath>
#include <cstdlib>
#include <limits>

#include "absl/strings/string_view.h"
#include "gtest/gtest.h"

namespace suggest::cli {
namespace {

TEST(JsonTest, PrintsNestedValuesInTheOrderGiven) {
  const Json json = Json::object({{"zebra", 1}, {"apple", Json::array({true, Json(), "x"})}, {"empty", Json::array()}});
  EXPECT_EQ(PrintJson(json), R"({
  "zebra": 1,
  "apple": [
    true,
    null,
    "x"
  ],
  "empty": []
}
)");
}

TEST(JsonTest, AnAbseilStringIsAString) {
  EXPECT_EQ(PrintJson(Json(absl::string_view("text").substr(0, 2))), "\"te\"\n");
}

TEST(JsonTest, KeepsAllDigitsOf64BitIntegers) {
  EXPECT_EQ(PrintJson(Json(std::numeric_limits<int64_t>::min())), "-9223372036854775808\n");
  EXPECT_EQ(PrintJson(Json(std::numeric_limits<uint64_t>::max())), "18446744073709551615\n");
}

TEST(JsonTest, PrintsDoublesSoThatTheyReadBackToTheSameBits) {
  for (const double value : {0.1, 1.0 / 3, 1e-300, 12345678.9, -0.0, 5e-324}) {
    EXPECT_EQ(std::strtod(PrintJson(Json(value)).c_str(), nullptr), value);
  }
}

TEST(JsonTest, PrintsNullForWhatIsNotFinite) {
  EXPECT_EQ(PrintJson(Json(std::nan(""))), "null\n");
  EXPECT_EQ(PrintJson(Json(std::numeric_limits<double>::infinity())), "null\n");
}

TEST(JsonTest, EscapesQuotesBackslashesAndControlCharacters) {
  EXPECT_EQ(PrintJson(Json("a\"b\\c\nd\te\r\x01 \xc3\xa9")), "\"a\\\"b\\\\c\\nd\\te\\r\\u0001 \xc3\xa9\"\n");
}

TEST(JsonTest, PrintsTheReplacementCharacterForBytesThatAreNotUtf8) {
  EXPECT_EQ(PrintJson(Json("a\xff\x62")), "\"a\xef\xbf\xbd\x62\"\n");
}

TEST(JsonTest, ASetMemberIsReplacedWhereItStands) {
  Json json = Json::object({{"a", 1}, {"b", 2}});
  json["a"] = 3;
  json["c"] = 4;
  EXPECT_EQ(PrintJson(json), "{\n  \"a\": 3,\n  \"b\": 2,\n  \"c\": 4\n}\n");
}

}  // namespace
}  // namespace suggest::cli
