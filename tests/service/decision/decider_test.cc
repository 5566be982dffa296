#include "service/decision/decider.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <set>

#include "service/decision/policy_run.h"
#include "tests/service/decision/decision_fixture.h"
#include "tests/support/status_matchers.h"

namespace suggest::decision {
namespace {

using ::suggest::testing::StatusIs;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

Decision DecideOrDie(const Serving& serving, const v1::SuggestRequest& request, uint64_t seed,
                     const config::v1::Choice& choice = TestConfig().choice(),
                     const storage::CustomerState& customer = TestCustomer()) {
  auto decision = Decide(serving, customer, request, choice, TestDraw(seed));
  SUGGEST_CHECK(decision.ok());
  return *std::move(decision);
}

TEST(DeciderTest, LogsAllThatTheDecisionCameFrom) {
  const auto serving = TestServing();
  const storage::DecisionRecord record = DecideOrDie(*serving, TestRequest(3), 11).record;
  EXPECT_EQ(record.customer_id, "c1");
  EXPECT_EQ(record.request_id, "q1");
  EXPECT_EQ(record.decision_id, TestDraw(11).decision_id);
  EXPECT_EQ(record.decided_at, TestNow());
  EXPECT_EQ(record.policy, v1::THOMPSON);
  EXPECT_EQ(record.model_version, 1);
  EXPECT_EQ(record.catalogue_version, serving->catalogue().version());
  EXPECT_EQ(record.seed, 11u);
  EXPECT_EQ(record.fallback_reason, "");
  EXPECT_EQ(record.inputs.requested(), 3);
  EXPECT_EQ(record.inputs.exploration_scale(), 0.5);
  EXPECT_EQ(record.inputs.exploration_floor(), 0.02);
  EXPECT_EQ(record.inputs.propensity_draws(), 64);
  // z~_c = [1; pages (8 - 5) / 3; shop; blog; other; missing]
  EXPECT_THAT(record.inputs.customer(), ElementsAre(1, 1, 1, 0, 0, 0));
  ASSERT_EQ(record.inputs.slate_size(), 3);
  ASSERT_EQ(record.recommendation_ids.size(), 3u);
  for (int i = 0; i < 3; ++i) {
    const int candidate = static_cast<int>(record.inputs.slate(i));
    EXPECT_EQ(record.recommendation_ids[i], serving->catalogue().item(candidate).recommendation_id);
    EXPECT_GT(record.inputs.sds(i), 0);
    EXPECT_GT(record.inputs.p_at_rank(i), 0);
  }
}

TEST(DeciderTest, SameInputsAndSeedGiveTheSameBitsAndAnotherSeedAnotherSlateSometimes) {
  const auto serving = TestServing();
  std::set<std::vector<std::string>> slates;
  for (uint64_t seed = 1; seed <= 50; ++seed) {
    const storage::DecisionRecord a = DecideOrDie(*serving, TestRequest(3), seed).record;
    const storage::DecisionRecord b = DecideOrDie(*TestServing(), TestRequest(3), seed).record;
    EXPECT_EQ(a.inputs.SerializeAsString(), b.inputs.SerializeAsString());
    slates.insert(a.recommendation_ids);
  }
  EXPECT_GT(slates.size(), 1u);
}

TEST(DeciderTest, GivesThePropensitiesOfAllCandidatesOnRequest) {
  const auto serving = TestServing();
  v1::SuggestRequest request = TestRequest(3);
  EXPECT_THAT(DecideOrDie(*serving, request, 11).propensities, IsEmpty());
  request.set_include_propensities(true);
  for (const char* policy : {"THOMPSON", "GREEDY", "UNIFORM"}) {
    const auto choice = TestConfig(absl::StrCat("choice { policy: ", policy, " }")).choice();
    const Decision decision = DecideOrDie(*serving, request, 11, choice);
    const auto& inputs = decision.record.inputs;
    ASSERT_EQ(decision.propensities.size(), 6u) << policy;
    double first = 0;
    double in_slate = 0;
    for (const CandidatePropensity& one : decision.propensities) {
      first += one.estimate.first.value;
      in_slate += one.estimate.in_slate.value;
      const auto slot = std::find(inputs.slate().begin(), inputs.slate().end(), one.candidate) - inputs.slate().begin();
      if (slot == inputs.slate_size()) continue;
      EXPECT_NEAR(one.estimate.in_slate.value, inputs.p_in_slate(slot), 1e-5) << policy;
    }
    // Exactly one is first and three are in the slate, so the estimates' errors are all that is left.
    EXPECT_NEAR(first, 1, 0.05) << policy;
    EXPECT_NEAR(in_slate, 3, 0.05) << policy;
  }
}

TEST(DeciderTest, RefusesThePropensitiesOfTooManyCandidatesAndGivesThemUpWhenNobodyWaits) {
  std::vector<storage::RecommendationRecord> records;
  for (int i = 0; i <= kMostPropensities; ++i) records.push_back(TestRecommendation(absl::StrCat("r", i), i % 60));
  v1::SuggestRequest request = TestRequest(3);
  request.set_include_propensities(true);
  const auto choice = TestConfig().choice();
  EXPECT_THAT(
      Decide(*TestServing(records), TestCustomer(), request, choice, TestDraw(1)).status(),
      StatusIs(absl::StatusCode::kInvalidArgument, AllOf(HasSubstr("include_propensities: 10"), HasSubstr("1000"))));
  const auto decision = Decide(*TestServing(), TestCustomer(), request, choice, TestDraw(1), {}, [] { return false; });
  ASSERT_TRUE(decision.ok());
  EXPECT_EQ(decision->record.propensity_status, v1::ESTIMATED);
  EXPECT_THAT(decision->propensities, IsEmpty());
}

TEST(DeciderTest, RemovesWhatIsNotEligibleAndSaysWhy) {
  v1::SuggestRequest request = TestRequest(10);
  request.add_excluded_ids("r1");
  request.set_include_removed(true);
  storage::CustomerState customer = TestCustomer();
  customer.bought = {"r2"};
  const Decision decision = DecideOrDie(*TestServing(), request, 5, TestConfig().choice(), customer);
  EXPECT_THAT(decision.record.recommendation_ids, UnorderedElementsAre("r3", "r4", "r5", "r6"));
  EXPECT_THAT(decision.removed, ElementsAre(Removal{0, v1::RemovedCandidate::EXCLUDED},
                                            Removal{1, v1::RemovedCandidate::ALREADY_BOUGHT}));
  EXPECT_FALSE(decision.record.inputs.listed());
  EXPECT_THAT(decision.record.inputs.candidates(), ElementsAre(0u, 1u));
  request.set_include_removed(false);
  EXPECT_THAT(DecideOrDie(*TestServing(), request, 5, TestConfig().choice(), customer).removed, IsEmpty());
}

TEST(DeciderTest, NothingEligibleIsAFailedPreconditionThatSaysWhatRemovedIt) {
  v1::SuggestRequest request = TestRequest();
  request.add_candidate_ids("r1");
  request.add_excluded_ids("r1");
  EXPECT_THAT(Decide(*TestServing(), TestCustomer(), request, TestConfig().choice(), TestDraw(1)),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       AllOf(HasSubstr("'c1'"), HasSubstr("1 EXCLUDED, 5 NOT_REQUESTED"))));
}

TEST(DeciderTest, RequestAttributesOverrideStoredOnesAndNullRemovesOne) {
  v1::SuggestRequest request = TestRequest();
  *request.mutable_attributes() = Json(R"({"pages": 2, "trade": null})");
  const storage::DecisionRecord record = DecideOrDie(*TestServing(), request, 1).record;
  EXPECT_THAT(record.inputs.customer(), ElementsAre(1, -1, 0, 0, 0, 1));
}

TEST(DeciderTest, BadAttributesNameThemselvesAndTheirValue) {
  struct Case {
    features::Attributes attributes;
    const char* message;
  };
  features::Attributes nan, infinite;
  (*nan.mutable_fields())["pages"].set_number_value(std::numeric_limits<double>::quiet_NaN());
  (*infinite.mutable_fields())["pages"].set_number_value(std::numeric_limits<double>::infinity());
  for (const Case& bad : {Case{Json(R"({"pages": "many"})"), "many"}, Case{Json(R"({"colour": "red"})"), "colour"},
                          Case{nan, "nan"}, Case{infinite, "inf"}}) {
    v1::SuggestRequest request = TestRequest();
    *request.mutable_attributes() = bad.attributes;
    EXPECT_THAT(Decide(*TestServing(), TestCustomer(), request, TestConfig().choice(), TestDraw(1)),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(bad.message)));
  }
}

TEST(DeciderTest, AStoredAttributeThatCannotBeReadIsMissingInTheDecision) {
  const Customer unreadable = TestCustomer(R"({"pages": "many", "trade": "shop"})");
  const Customer missing = TestCustomer(R"({"trade": "shop"})");
  const auto serving = TestServing();
  const auto decide = [&](const Customer& customer, const v1::SuggestRequest& request) {
    return *Decide(*serving, customer, request, TestConfig().choice(), TestDraw(1));
  };
  const Decision decision = decide(unreadable, TestRequest());
  EXPECT_THAT(decision.unreadable, ElementsAre("feature \"pages\", column \"pages\""));
  const Decision expected = decide(missing, TestRequest());
  EXPECT_EQ(decision.record.inputs.SerializeAsString(), expected.record.inputs.SerializeAsString());
  EXPECT_THAT(expected.unreadable, ::testing::IsEmpty());
  v1::SuggestRequest with_own = TestRequest();
  *with_own.mutable_attributes() = Json(R"({"pages": 3})");
  EXPECT_THAT(decide(unreadable, with_own).unreadable, ::testing::IsEmpty()) << "the request's stands in for it";
}

TEST(DeciderTest, LogsPairFeaturesOfThoseCandidatesThatHaveAny) {
  storage::CustomerState customer = TestCustomer();
  const int64_t day = features::UtcDay(TestCut()) - 3;
  customer.history = {
      {.recommendation_id = "r2", .day = day, .exposures = 2, .last_exposed_at = TestCut() - absl::Hours(72)},
      {.recommendation_id = "gone", .day = day, .exposures = 1}};
  const storage::DecisionRecord record =
      DecideOrDie(*TestServing(), TestRequest(), 1, TestConfig().choice(), customer).record;
  EXPECT_THAT(record.inputs.pair_candidates(), ElementsAre(1u));
  ASSERT_EQ(record.inputs.pair_values_size(), 1);
  EXPECT_GT(record.inputs.pair_values(0), 0);
}

TEST(DeciderTest, AModelThatIsTooOldAnswersThroughTheFallbackPolicyAndSaysSo) {
  const config::v1::Choice choice = TestConfig("choice { model_max_age { seconds: 59 } }").choice();
  const storage::DecisionRecord record = DecideOrDie(*TestServing(), TestRequest(1), 1, choice).record;
  EXPECT_EQ(record.policy, v1::POPULAR);
  EXPECT_THAT(record.fallback_reason, AllOf(HasSubstr("model version 1"), HasSubstr("model_max_age 59s")));
  EXPECT_EQ(
      DecideOrDie(*TestServing(), TestRequest(1), 1, TestConfig("choice { model_max_age { seconds: 60 } }").choice())
          .record.policy,
      v1::THOMPSON);
}

TEST(DeciderTest, WhenTheFallbackPolicyFailsTooItIsInternalAndSaysWhy) {
  config::v1::Choice choice = TestConfig().choice();
  choice.set_exploration_scale(-1);
  EXPECT_THAT(Decide(*TestServing(), TestCustomer(), TestRequest(), choice, TestDraw(1)),
              StatusIs(absl::StatusCode::kInternal, HasSubstr("fallback policy POPULAR failed too")));
}

TEST(DeciderTest, PopularSuggestsWhatSellsBest) {
  const config::v1::Choice choice = TestConfig("choice { policy: POPULAR floor_off: true }").choice();
  const storage::DecisionRecord record = DecideOrDie(*TestServing(), TestRequest(1), 1, choice).record;
  EXPECT_THAT(record.recommendation_ids, ElementsAre("r4"));
  EXPECT_EQ(record.propensity_status, v1::NO_OVERLAP);
}

TEST(DeciderTest, WithoutTimeForThemPropensitiesAreDeferred) {
  const config::v1::Choice choice = TestConfig("choice { propensity_time { seconds: 0 } }").choice();
  const storage::DecisionRecord record = DecideOrDie(*TestServing(), TestRequest(), 1, choice).record;
  EXPECT_EQ(record.propensity_status, v1::DEFERRED);
  EXPECT_EQ(record.inputs.p_first_size(), 0);
  int asked = 0;
  const auto late = Decide(*TestServing(), TestCustomer(), TestRequest(), TestConfig().choice(), TestDraw(1),
                           [&asked] { return ++asked < 4; });
  ASSERT_THAT(late, ::suggest::testing::IsOk());
  EXPECT_EQ(late->record.propensity_status, v1::DEFERRED);
  EXPECT_EQ(late->record.recommendation_ids, record.recommendation_ids);
}

TEST(DeciderTest, AnExpertsChoiceIsLoggedInHisOrderWithoutPropensity) {
  v1::RecordDecisionRequest request;
  request.set_customer_id("c1");
  request.set_request_id("q1");
  request.add_recommendation_ids("r5");
  request.add_recommendation_ids("r2");
  const auto decision = DecideByExpert(*TestServing(), TestCustomer(), request, TestDraw(1));
  ASSERT_THAT(decision, ::suggest::testing::IsOk());
  EXPECT_EQ(decision->record.policy, v1::EXPERT);
  EXPECT_EQ(decision->record.propensity_status, v1::UNKNOWN);
  EXPECT_THAT(decision->record.recommendation_ids, ElementsAre("r5", "r2"));
  EXPECT_THAT(decision->record.inputs.slate(), ElementsAre(4u, 1u));
  EXPECT_GT(decision->record.inputs.sds(1), 0);
}

TEST(DeciderTest, AnExpertCannotChooseWhatTheCatalogueDoesNotHave) {
  v1::RecordDecisionRequest request;
  request.add_recommendation_ids("r9");
  EXPECT_THAT(DecideByExpert(*TestServing(), TestCustomer(), request, TestDraw(1)),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("'r9'")));
}

TEST(StillFitsTest, AnOpenDecisionFitsUntilARequestOrAPurchaseRulesOneOfItsSuggestionsOut) {
  const auto serving = TestServing();
  const storage::DecisionRecord open = DecideOrDie(*serving, TestRequest(2), 1).record;
  EXPECT_TRUE(StillFits(*serving, TestCustomer(), TestRequest(2), open, TestNow()));
  EXPECT_FALSE(StillFits(*serving, TestCustomer(), TestRequest(3), open, TestNow()));
  v1::SuggestRequest excluding = TestRequest(2);
  excluding.add_excluded_ids(open.recommendation_ids[1]);
  EXPECT_FALSE(StillFits(*serving, TestCustomer(), excluding, open, TestNow()));
  std::vector<storage::RecommendationRecord> without = TestRecommendations();
  std::erase_if(without, [&](const auto& r) { return r.recommendation_id == open.recommendation_ids[0]; });
  EXPECT_FALSE(StillFits(*TestServing(without), TestCustomer(), TestRequest(2), open, TestNow()));
}

TEST(PackEligibleTest, ReadsBackAListAndWhatIsLeftOfTheActiveOnes) {
  std::vector<storage::RecommendationRecord> records = TestRecommendations();
  records[2].active_until = TestNow();
  const auto serving = TestServing(records);
  const Catalogue& catalogue = serving->catalogue();
  for (const std::vector<int>& exceptions : {std::vector<int>{}, {4}, {0, 1, 3, 4, 5}}) {
    for (const bandit::CandidateSet& eligible :
         {bandit::CandidateSet(exceptions), bandit::CandidateSet(catalogue.ActiveAt(TestNow()), exceptions)}) {
      model::v1::DecisionInputs inputs;
      PackEligible(eligible, &inputs);
      const auto again = UnpackEligible(catalogue, inputs, TestNow());
      ASSERT_THAT(again, ::suggest::testing::IsOk());
      EXPECT_EQ(again->ToVector(), eligible.ToVector());
    }
  }
}

TEST(PackEligibleTest, IndicesThatTheCatalogueCannotHaveLoggedAreDataLoss) {
  std::vector<storage::RecommendationRecord> records = TestRecommendations();
  records[2].active_until = TestNow();
  const auto serving = TestServing(records);
  const auto unpack = [&](bool listed, const std::vector<uint32_t>& indices) {
    model::v1::DecisionInputs inputs;
    inputs.set_listed(listed);
    for (const uint32_t index : indices) inputs.add_candidates(index);
    return UnpackEligible(serving->catalogue(), inputs, TestNow()).status();
  };
  EXPECT_THAT(unpack(true, {6}), StatusIs(absl::StatusCode::kDataLoss, HasSubstr("candidate 6")));
  EXPECT_THAT(unpack(true, {3, 3}), StatusIs(absl::StatusCode::kDataLoss, HasSubstr("candidate 3 follows 3")));
  EXPECT_THAT(unpack(false, {2}), StatusIs(absl::StatusCode::kDataLoss, HasSubstr("without being active")));
}

TEST(MakeProblemTest, PairFeaturesOfAnotherNumberAreDataLoss) {
  model::v1::DecisionInputs inputs;
  inputs.add_pair_candidates(1);
  EXPECT_THAT(MakeProblem(*TestServing(), inputs, TestNow()),
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr("0 pair features of 1 candidates")));
}

}  // namespace
}  // namespace suggest::decision
