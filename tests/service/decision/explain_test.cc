#include "service/decision/explain.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <map>

#include "tests/service/decision/decision_fixture.h"
#include "tests/support/status_matchers.h"

namespace suggest::decision {
namespace {

using ::suggest::testing::StatusIs;
using ::testing::HasSubstr;

storage::DecisionRecord DecisionOf(const std::string& choice, uint64_t seed, const Serving& serving) {
  storage::CustomerState customer = TestCustomer();
  customer.history = {{.recommendation_id = "r2", .day = features::UtcDay(TestCut()) - 3, .exposures = 2}};
  auto decision = Decide(serving, customer, TestRequest(), TestConfig(choice).choice(), TestDraw(seed));
  SUGGEST_CHECK(decision.ok());
  return std::move(decision)->record;
}

TEST(ExplainTest, RecomputesEveryPolicysDecisionToTheBit) {
  const auto serving = TestServing();
  for (const char* policy : {"THOMPSON", "LIN_UCB", "GREEDY", "EPSILON_GREEDY", "UNIFORM", "POPULAR"}) {
    for (uint64_t seed = 1; seed <= 40; ++seed) {
      const storage::DecisionRecord record =
          DecisionOf(absl::StrCat("choice { exploration_floor: 0.3 policy: ", policy, " }"), seed, *serving);
      // Another process would read model and catalogue from their stored bytes.
      const auto again = ExplainDecision(record, *TestServing(), true);
      ASSERT_THAT(again, ::suggest::testing::IsOk());
      EXPECT_TRUE(again->matches_log()) << policy << " seed " << seed;
      EXPECT_EQ(again->explore(), record.explore);
      ASSERT_EQ(again->candidates_size(), 6);
      for (int i = 0; i < 3; ++i) {
        EXPECT_EQ(again->candidates(i).recommendation_id(), record.recommendation_ids[i]);
        EXPECT_EQ(again->candidates(i).rank(), i + 1);
      }
      EXPECT_EQ(again->candidates(3).rank(), 0);
    }
  }
}

TEST(ExplainTest, UnderALaterVersionItIsWhatThatVersionWouldHaveChosen) {
  const auto serving = TestServing();
  const auto later = TestServing(TestRecommendations(), TestModel(2));
  const storage::DecisionRecord record = DecisionOf("", 7, *serving);
  const auto again = ExplainUnder(record, *serving, later->shared_snapshot(), true);
  ASSERT_THAT(again, ::suggest::testing::IsOk());
  EXPECT_EQ(again->model_version(), 2);
  const storage::DecisionRecord chosen = DecisionOf("", 7, *later);
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(again->candidates(i).recommendation_id(), chosen.recommendation_ids[i]);
    EXPECT_EQ(again->candidates(i).score(), chosen.inputs.scores(i));
  }
}

TEST(ExplainTest, RefusesAVersionOfAnotherBasis) {
  const auto serving = TestServing();
  model::v1::ModelVersion refitted = TestModel(3);
  refitted.mutable_lineage()->set_basis_id(2);
  const auto other = TestServing(TestRecommendations(), refitted);
  EXPECT_THAT(ExplainUnder(DecisionOf("", 1, *serving), *serving, other->shared_snapshot(), false),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("model_version 3 is of basis 2")));
}

TEST(ExplainTest, SaysWhenTheLogDiffersByOneBit) {
  const auto serving = TestServing();
  storage::DecisionRecord record = DecisionOf("", 1, *serving);
  record.inputs.set_scores(1, std::nextafter(record.inputs.scores(1), 10));
  const auto again = ExplainDecision(record, *serving, false);
  ASSERT_THAT(again, ::suggest::testing::IsOk());
  EXPECT_FALSE(again->matches_log());
}

TEST(ExplainTest, ContributionsSumToTheExpectedReward) {
  const auto serving = TestServing();
  const auto response = ExplainDecision(DecisionOf("", 1, *serving), *serving, true);
  ASSERT_THAT(response, ::suggest::testing::IsOk());
  for (const v1::ExplainedCandidate& candidate : response->candidates()) {
    double sum = 0;
    double previous = std::numeric_limits<double>::infinity();
    for (const v1::Contribution& contribution : candidate.contributions()) {
      sum += contribution.value();
      if (contribution.feature() == "(all other terms)") continue;
      EXPECT_LE(std::abs(contribution.value()), previous);
      previous = std::abs(contribution.value());
    }
    EXPECT_NEAR(sum, candidate.expected_reward(), 1e-12);
  }
}

TEST(ExplainTest, ContrastsWithTheRunnerUpAndLeavesOutWhatAllCandidatesShare) {
  const auto serving = TestServing();
  const auto response =
      ExplainDecision(DecisionOf("choice { policy: GREEDY floor_off: true }", 1, *serving), *serving, true);
  ASSERT_THAT(response, ::suggest::testing::IsOk());
  ASSERT_EQ(response->candidates_size(), 6);
  std::map<std::string, double> expected;
  const v1::ExplainedCandidate* runner_up = nullptr;
  for (const v1::ExplainedCandidate& candidate : response->candidates()) {
    expected[candidate.recommendation_id()] = candidate.expected_reward();
    if (candidate.rank() == 0 && (runner_up == nullptr || candidate.score() > runner_up->score())) {
      runner_up = &candidate;
    }
  }
  for (const v1::ExplainedCandidate& candidate : response->candidates()) {
    EXPECT_EQ(candidate.contrast_with(),
              candidate.rank() > 0 ? runner_up->recommendation_id() : response->candidates(0).recommendation_id());
    double sum = 0;
    for (const v1::Contribution& contribution : candidate.contrast()) {
      sum += contribution.value();
      EXPECT_NE(contribution.feature(), "intercept");
      EXPECT_TRUE(contribution.feature() == "(all other terms)" ||
                  contribution.feature().find("recommendation.") != std::string::npos ||
                  contribution.feature().find("pair.") != std::string::npos)
          << contribution.feature() << " is the customer's alone";
    }
    EXPECT_NEAR(sum, candidate.expected_reward() - expected[candidate.contrast_with()], 1e-12);
  }
}

TEST(ExplainTest, FillsInDeferredPropensitiesAsTheyWouldHaveBeenEstimated) {
  const auto serving = TestServing();
  const storage::DecisionRecord estimated = DecisionOf("", 4, *serving);
  const storage::DecisionRecord deferred = DecisionOf("choice { propensity_time { seconds: 0 } }", 4, *serving);
  ASSERT_EQ(deferred.propensity_status, v1::DEFERRED);
  const auto response = ExplainDecision(deferred, *serving, false);
  ASSERT_THAT(response, ::suggest::testing::IsOk());
  EXPECT_TRUE(response->matches_log());
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(static_cast<float>(response->candidates(i).propensity().at_rank()), estimated.inputs.p_at_rank(i));
    EXPECT_GT(response->candidates(i).propensity().at_rank(), 0);
  }
}

TEST(ExplainTest, ScoresAnExpertsChoiceAgain) {
  const auto serving = TestServing();
  v1::RecordDecisionRequest request;
  request.add_recommendation_ids("r5");
  request.add_recommendation_ids("r2");
  const auto decision = DecideByExpert(*serving, TestCustomer(), request, TestDraw(1));
  ASSERT_TRUE(decision.ok());
  const auto response = ExplainDecision(decision->record, *serving, true);
  ASSERT_THAT(response, ::suggest::testing::IsOk());
  EXPECT_TRUE(response->matches_log());
  ASSERT_EQ(response->candidates_size(), 2);
  EXPECT_EQ(response->candidates(0).recommendation_id(), "r5");
}

TEST(ExplainTest, LoggedInputsThatDoNotFitTheModelAreDataLoss) {
  const auto serving = TestServing();
  storage::DecisionRecord record = DecisionOf("", 1, *serving);
  record.inputs.add_customer(1);
  EXPECT_THAT(ExplainDecision(record, *serving, false),
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr("7 customer features")));
}

TEST(ExplainTest, ASlateWithoutItsScoresIsDataLoss) {
  const auto serving = TestServing();
  storage::DecisionRecord record = DecisionOf("", 1, *serving);
  record.inputs.clear_scores();
  EXPECT_THAT(ExplainDecision(record, *serving, false),
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr("a slate of 3 with 0 scores")));
}

}  // namespace
}  // namespace suggest::decision
