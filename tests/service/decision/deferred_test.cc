#include "service/decision/deferred.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/service/decision/decision_fixture.h"
#include "tests/support/status_matchers.h"

namespace suggest::decision {
namespace {

using ::suggest::testing::StatusIs;
using ::testing::HasSubstr;

storage::DecisionRecord DecisionOf(const std::string& choice, uint64_t seed) {
  auto decision = Decide(*TestServing(), TestCustomer(), TestRequest(), TestConfig(choice).choice(), TestDraw(seed));
  SUGGEST_CHECK(decision.ok());
  return std::move(decision)->record;
}

TEST(DeferredTest, FilledInLaterItHasTheBitsThatItWouldHaveHadAtOnce) {
  for (const char* policy : {"THOMPSON", "EPSILON_GREEDY"}) {
    for (uint64_t seed = 1; seed <= 20; ++seed) {
      const std::string choice = absl::StrCat("policy: ", policy, " exploration_floor: 0.1");
      const storage::DecisionRecord at_once = DecisionOf(absl::StrCat("choice { ", choice, " }"), seed);
      storage::DecisionRecord later = DecisionOf(absl::StrCat("choice { ", choice, " propensity_budget: 1 }"), seed);
      if (later.propensity_status != v1::DEFERRED) continue;  // a policy whose propensities cost nothing
      // Another process would read model and catalogue from their stored bytes.
      ASSERT_OK(FillDeferred(*TestServing(), &later));
      EXPECT_EQ(later.propensity_status, at_once.propensity_status);
      EXPECT_EQ(later.inputs.SerializeAsString(), at_once.inputs.SerializeAsString()) << policy << " seed " << seed;
    }
  }
  EXPECT_EQ(DecisionOf("choice { propensity_budget: 1 }", 1).propensity_status, v1::DEFERRED) << "nothing was tested";
}

TEST(DeferredTest, RefusesARecordWhoseSlateIsNotFoundAgain) {
  storage::DecisionRecord record = DecisionOf("choice { propensity_budget: 1 }", 1);
  record.seed += 1;
  EXPECT_THAT(FillDeferred(*TestServing(), &record),
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr(record.decision_id)));
  EXPECT_EQ(record.propensity_status, v1::DEFERRED);
}

}  // namespace
}  // namespace suggest::decision
