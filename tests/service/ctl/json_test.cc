#include "service/ctl/json.h"

#include <cmath>
#include <limits>

#include "gtest/gtest.h"

namespace suggest::ctl {
namespace {

TEST(JsonTest, PrintsNestedValuesInTheOrderGiven) {
  Json json = Json::Object({{"zebra", 1}, {"apple", Json::Array({true, Json(), "x"})}, {"empty", Json::Array()}});
  EXPECT_EQ(json.Print(), R"({
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

TEST(JsonTest, KeepsAllDigitsOf64BitIntegers) {
  EXPECT_EQ(Json(std::numeric_limits<int64_t>::min()).Print(), "-9223372036854775808\n");
  EXPECT_EQ(Json(std::numeric_limits<uint64_t>::max()).Print(), "18446744073709551615\n");
}

TEST(JsonTest, PrintsDoublesSoThatTheyReadBackToTheSameBits) {
  for (const double value : {0.1, 1.0 / 3, 1e-300, 12345678.9, -0.0, 5e-324}) {
    EXPECT_EQ(std::strtod(PrintDouble(value).c_str(), nullptr), value);
  }
}

TEST(JsonTest, PrintsNullForWhatIsNotFinite) {
  EXPECT_EQ(PrintDouble(std::nan("")), "null");
  EXPECT_EQ(PrintDouble(std::numeric_limits<double>::infinity()), "null");
}

TEST(JsonTest, EscapesQuotesBackslashesAndControlCharacters) {
  EXPECT_EQ(Json("a\"b\\c\nd\te\r\x01 \xc3\xa9").Print(), "\"a\\\"b\\\\c\\nd\\te\\r\\u0001 \xc3\xa9\"\n");
}

TEST(JsonTest, SetReplacesAMemberWhereItStands) {
  Json json = Json::Object({{"a", 1}, {"b", 2}});
  json.Set("a", 3).Set("c", 4);
  EXPECT_EQ(json.Print(), "{\n  \"a\": 3,\n  \"b\": 2,\n  \"c\": 4\n}\n");
  EXPECT_EQ(json.Find("d"), nullptr);
}

}  // namespace
}  // namespace suggest::ctl
