#include "service/decision/response.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/service/decision/decision_fixture.h"

namespace suggest::decision {
namespace {

storage::DecisionRecord RecordOf(const std::string& choice) {
  auto decision = Decide(*TestServing(), TestCustomer(), TestRequest(), TestConfig(choice).choice(), TestDraw(1));
  SUGGEST_CHECK(decision.ok());
  return std::move(decision)->record;
}

TEST(ResponseTest, ShowsTheRecord) {
  const storage::DecisionRecord record = RecordOf("");
  const v1::SuggestResponse response = ToSuggestResponse(record, TestServing()->catalogue());
  EXPECT_EQ(response.decision_id(), record.decision_id);
  EXPECT_TRUE(response.durable());
  EXPECT_FALSE(response.fallback());
  ASSERT_EQ(response.suggestions_size(), 3);
  EXPECT_EQ(response.suggestions(1).suggestion_id(), absl::StrCat(record.decision_id, ".2"));
  EXPECT_EQ(response.suggestions(1).rank(), 2);
  EXPECT_EQ(response.suggestions(1).title(), absl::StrCat("Title of ", record.recommendation_ids[1]));
  EXPECT_EQ(response.suggestions(1).propensity().at_rank(), record.inputs.p_at_rank(1));
  EXPECT_EQ(response.decided_at().seconds(), absl::ToUnixSeconds(TestNow()));
}

TEST(ResponseTest, FillsAUsedMessageAsAFreshOne) {
  const auto serving = TestServing();
  v1::SuggestResponse used = ToSuggestResponse(RecordOf(""), serving->catalogue());
  used.set_sticky(true);
  used.add_removed()->set_recommendation_id("r1");
  used.mutable_suggestions()->Add();
  for (const char* choice : {"choice { propensity_time { seconds: 0 } }", "choice { policy: POPULAR }"}) {
    const storage::DecisionRecord record = RecordOf(choice);
    ToSuggestResponse(record, serving->catalogue(), &used);
    EXPECT_EQ(used.SerializeAsString(), ToSuggestResponse(record, serving->catalogue()).SerializeAsString());
  }
}

TEST(ResponseTest, ClipsExpectedRewardsToWhatARewardCanBe) {
  storage::DecisionRecord record = RecordOf("");
  record.inputs.set_means(0, -0.2f);
  record.inputs.set_means(1, 1.3f);
  const v1::SuggestResponse response = ToSuggestResponse(record, TestServing()->catalogue());
  EXPECT_EQ(response.suggestions(0).expected_reward(), 0);
  EXPECT_EQ(response.suggestions(1).expected_reward(), 1);
}

TEST(ResponseTest, HasNoPropensitiesWhereTheyAreDeferred) {
  const v1::SuggestResponse response =
      ToSuggestResponse(RecordOf("choice { propensity_time { seconds: 0 } }"), TestServing()->catalogue());
  EXPECT_EQ(response.propensity_status(), v1::DEFERRED);
  EXPECT_FALSE(response.suggestions(0).has_propensity());
}

TEST(ResponseTest, ARecommendationThatTheCatalogueLacksHasItsIdAsTitle) {
  const storage::DecisionRecord record = RecordOf("");
  const v1::SuggestResponse response = ToSuggestResponse(record, TestServing({})->catalogue());
  EXPECT_EQ(response.suggestions(0).title(), record.recommendation_ids[0]);
}

}  // namespace
}  // namespace suggest::decision
