#include "service/decision/deferred.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "tests/service/decision/decision_fixture.h"
#include "tests/support/status_matchers.h"

namespace suggest::decision {
namespace {

using ::suggest::testing::IsOk;
using ::suggest::testing::StatusIs;
using ::testing::HasSubstr;

storage::DecisionRecord DecideUnder(const Serving& serving, const std::string& more) {
  auto decision = Decide(serving, TestCustomer(), TestRequest(3), TestConfig(more).choice(), TestDraw(7));
  SUGGEST_CHECK(decision.ok());
  return decision->record;
}

TEST(FillDeferredTest, GivesTheVeryNumbersThatTheDecisionWouldHaveHad) {
  const auto serving = TestServing();
  storage::DecisionRecord record = DecideUnder(*serving, "choice { propensity_time { seconds: 0 } }");
  ASSERT_EQ(record.propensity_status, v1::DEFERRED);
  ASSERT_THAT(FillDeferred(*serving, &record), IsOk());
  const storage::DecisionRecord at_once = DecideUnder(*serving, "");
  EXPECT_EQ(record.propensity_status, v1::ESTIMATED);
  EXPECT_EQ(record.inputs.SerializeAsString(), at_once.inputs.SerializeAsString());
  EXPECT_GT(record.inputs.p_at_rank(2), 0);
}

TEST(FillDeferredTest, RefusesWhatIsNotDeferredAndWhatIsNotFoundAgain) {
  const auto serving = TestServing();
  storage::DecisionRecord record = DecideUnder(*serving, "");
  EXPECT_THAT(FillDeferred(*serving, &record),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("no deferred propensities")));
  record = DecideUnder(*serving, "choice { propensity_time { seconds: 0 } }");
  record.inputs.set_scores(0, std::nextafter(record.inputs.scores(0), 10));
  EXPECT_THAT(FillDeferred(*serving, &record), StatusIs(absl::StatusCode::kDataLoss, HasSubstr("not found again")));
  EXPECT_EQ(record.propensity_status, v1::DEFERRED);
}

}  // namespace
}  // namespace suggest::decision
