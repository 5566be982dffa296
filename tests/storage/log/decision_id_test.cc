#include "storage/log/decision_id.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <string>

#include "tests/support/status_matchers.h"

namespace suggest::storage {
namespace {

using suggest::testing::StatusIs;
using ::testing::HasSubstr;

// The example of RFC 9562, appendix A.6.
constexpr char kRfcExample[] = "017f22e2-79b0-7cc3-98c4-dc0c0c07398f";
const absl::Time kRfcTime = absl::FromUnixMillis(1645557742000);

TEST(DecisionIdTest, IsTheUuidOfTheStandardsExample) {
  EXPECT_EQ(MakeDecisionId(kRfcTime, 0xcc3, uint64_t{0x18c4dc0c0c07398f} << 2), kRfcExample);
}

TEST(DecisionIdTest, GivesItsMillisecondBack) {
  ASSERT_OK_AND_ASSIGN(const absl::Time time, DecisionTime(kRfcExample));
  EXPECT_EQ(time, kRfcTime);
  ASSERT_OK_AND_ASSIGN(const absl::Time floor, DecisionTime(MakeDecisionId(kRfcTime + absl::Microseconds(999), 0, 0)));
  EXPECT_EQ(floor, kRfcTime);
}

TEST(DecisionIdTest, IdsOfOneMillisecondLieBetweenTheSmallestOfItAndOfTheNext) {
  const uint64_t ones = std::numeric_limits<uint64_t>::max();
  const std::string largest = MakeDecisionId(kRfcTime, ones, ones);
  EXPECT_LT(MakeDecisionId(kRfcTime, 0, 0), largest);
  EXPECT_LT(largest, MakeDecisionId(kRfcTime + absl::Milliseconds(1), 0, 0));
}

TEST(DecisionIdTest, RefusesWhatIsNoUuidV7) {
  for (const char* text : {"", "17", "017f22e2-79b0-4cc3-98c4-dc0c0c07398f", "017F22E2-79B0-7CC3-98C4-DC0C0C07398F",
                           "017f22e2-79b0-7cc3-18c4-dc0c0c07398f", "017f22e279b0-7cc3-98c4-dc0c0c07398f0",
                           "017f22e2-79b0-7cc3-98c4-dc0c0c07398f "}) {
    EXPECT_THAT(DecisionTime(text), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(text)));
  }
}

TEST(SuggestionIdTest, IsTheDecisionAndTheRank) {
  const std::string id = MakeSuggestionId(kRfcExample, 12);
  EXPECT_EQ(id, std::string(kRfcExample) + ".12");
  ASSERT_OK_AND_ASSIGN(const SuggestionId parsed, ParseSuggestionId(id));
  EXPECT_EQ(parsed.decision_id, kRfcExample);
  EXPECT_EQ(parsed.rank, 12);
}

TEST(SuggestionIdTest, HasOneSpellingOnly) {
  for (const char* rank : {"", ".", ".0", ".-1", ".+1", ".01", ". 1", ".1 ", ".x", ".1.1", ".99999999999"}) {
    EXPECT_THAT(ParseSuggestionId(std::string(kRfcExample) + rank), StatusIs(absl::StatusCode::kInvalidArgument))
        << rank;
  }
  EXPECT_THAT(ParseSuggestionId("304-24"), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("304-24")));
}

}  // namespace
}  // namespace suggest::storage
