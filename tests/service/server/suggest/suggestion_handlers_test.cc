#include "service/server/suggest/suggestion_handlers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <thread>
#include <vector>

#include "google/protobuf/util/message_differencer.h"
#include "service/server/rpc/validation.h"
#include "tests/service/server/server_fixture.h"
#include "tests/support/status_matchers.h"

namespace suggest::server {
namespace {

using ::google::protobuf::util::MessageDifferencer;
using ::suggest::testing::IsOk;
using ::suggest::testing::StatusIs;
using ::suggest::testing::TestDatabase;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;

TEST(SuggestTest, AnswersWithADecisionThatIsInTheLog) {
  ServingCompany company("choice { propensity_time { seconds: 60 } }");  // enough on a busy machine too
  ASSERT_OK_AND_ASSIGN(const v1::SuggestResponse response, company.suggestions().Suggest(RequestOf("c1", "q1"), {}));
  EXPECT_TRUE(response.durable());
  EXPECT_FALSE(response.sticky() || response.replayed() || response.fallback());
  EXPECT_EQ(response.model_version(), 1);
  ASSERT_THAT(response.suggestions(), SizeIs(3));
  EXPECT_EQ(response.suggestions(0).title(), absl::StrCat("Title of ", response.suggestions(0).recommendation_id()));
  EXPECT_GT(response.suggestions(0).propensity().first(), 0);
  EXPECT_EQ(company.database().QueryOne("SELECT decision_id || ' ' || delivered FROM suggest.decisions"),
            absl::StrCat(response.decision_id(), " true"));
}

TEST(SuggestTest, TheSameRequestIdAgainReturnsTheSameDecisionOnAnyReplicaAndAcrossAMonthsEnd) {
  ServingCompany company;
  company.clock().Set(absl::FromCivil(absl::CivilSecond(2026, 1, 31, 23, 59, 59), absl::UTCTimeZone()));
  ASSERT_OK_AND_ASSIGN(v1::SuggestResponse first, company.suggestions().Suggest(RequestOf("c1", "q1"), {}));
  company.clock().Set(absl::FromCivil(absl::CivilSecond(2026, 2, 1, 0, 0, 1), absl::UTCTimeZone()));
  Publish(company.database().database(), RowOf(decision::TestModel(2)));
  Replica other(&company.database().database(), company.config(), &company.clock(), 77);
  other.Poll();
  ASSERT_OK_AND_ASSIGN(const v1::SuggestResponse again, other.suggestions().Suggest(RequestOf("c1", "q1"), {}));
  EXPECT_TRUE(again.replayed());
  first.set_replayed(true);
  EXPECT_TRUE(MessageDifferencer::Equals(again, first)) << again.DebugString() << first.DebugString();
  EXPECT_EQ(company.CountDecisions(), "1");
}

TEST(SuggestTest, ARequestIdIsAnsweredAgainByAReplicaWithoutAModel) {
  ServingCompany company;
  ASSERT_OK_AND_ASSIGN(const auto first, company.suggestions().Suggest(RequestOf("c1", "q1"), {}));
  Replica other(&company.database().database(), company.config(), &company.clock(), 77);
  ASSERT_OK_AND_ASSIGN(const auto again, other.suggestions().Suggest(RequestOf("c1", "q1"), {}));
  EXPECT_EQ(again.decision_id(), first.decision_id());
  EXPECT_EQ(again.suggestions(0).title(), first.suggestions(0).title());
}

TEST(SuggestTest, ParallelCallsWithOneRequestIdAreAnsweredByOneDecision) {
  ServingCompany company("choice { sticky_for {} }");
  std::vector<std::string> ids(4);
  std::vector<std::thread> threads;
  for (size_t i = 0; i < ids.size(); ++i) {
    threads.emplace_back([&, i] {
      Replica replica(&company.database().database(), company.config(), &company.clock(), 1000 * (i + 1));
      replica.Poll();
      const auto response = replica.suggestions().Suggest(RequestOf("c1", "q1"), {});
      ids[i] = response.ok() ? response->decision_id() : response.status().ToString();
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_THAT(ids, ::testing::Each(ids[0]));
  EXPECT_EQ(company.CountDecisions(), "1");
}

TEST(SuggestTest, FiveRefreshesOfAPageMakeOneDecision) {
  ServingCompany company;
  ASSERT_OK_AND_ASSIGN(const auto first, company.suggestions().Suggest(RequestOf("c1", "q0"), {}));
  for (int i = 1; i <= 5; ++i) {
    company.clock().Set(company.clock().Now() + absl::Minutes(1));
    ASSERT_OK_AND_ASSIGN(const auto again, company.suggestions().Suggest(RequestOf("c1", absl::StrCat("q", i)), {}));
    EXPECT_TRUE(again.sticky());
    EXPECT_EQ(again.decision_id(), first.decision_id());
  }
  EXPECT_EQ(company.CountDecisions(), "1");
}

TEST(SuggestTest, AStickyAnswerIsRepeatedToItsRequestIdEvenAfterTheDecisionIsClosed) {
  ServingCompany company;
  ASSERT_OK_AND_ASSIGN(const auto first, company.suggestions().Suggest(RequestOf("c1", "q0"), {}));
  ASSERT_THAT(company.suggestions().Suggest(RequestOf("c1", "q1"), {}), IsOk());
  company.clock().Set(company.clock().Now() + absl::Hours(1));
  ASSERT_OK_AND_ASSIGN(const auto again, company.suggestions().Suggest(RequestOf("c1", "q1"), {}));
  EXPECT_EQ(again.decision_id(), first.decision_id());
  EXPECT_TRUE(again.replayed() && again.sticky());
  ASSERT_OK_AND_ASSIGN(const auto later, company.suggestions().Suggest(RequestOf("c1", "q2"), {}));
  EXPECT_NE(later.decision_id(), first.decision_id());
}

TEST(SuggestTest, FreshAndOtherQuestionsAreDecidedAnew) {
  ServingCompany company;
  ASSERT_OK_AND_ASSIGN(const auto first, company.suggestions().Suggest(RequestOf("c1", "q0"), {}));
  v1::SuggestRequest fresh = RequestOf("c1", "q1");
  fresh.set_fresh(true);
  ASSERT_OK_AND_ASSIGN(const auto second, company.suggestions().Suggest(fresh, {}));
  EXPECT_NE(second.decision_id(), first.decision_id());
  v1::SuggestRequest excluding = RequestOf("c1", "q2");
  excluding.add_excluded_ids(second.suggestions(0).recommendation_id());
  ASSERT_OK_AND_ASSIGN(const auto third, company.suggestions().Suggest(excluding, {}));
  EXPECT_FALSE(third.sticky());
  EXPECT_EQ(company.CountDecisions(), "3");
}

TEST(SuggestTest, AttributesOfARequestNeitherGetNorLeaveAStickyAnswer) {
  ServingCompany company;
  ASSERT_OK_AND_ASSIGN(const auto stored, company.suggestions().Suggest(RequestOf("c1", "q0"), {}));
  v1::SuggestRequest overriding = RequestOf("c1", "q1");
  (*overriding.mutable_attributes()->mutable_fields())["pages"].set_number_value(90);
  ASSERT_OK_AND_ASSIGN(const auto overridden, company.suggestions().Suggest(overriding, {}));
  EXPECT_FALSE(overridden.sticky());
  EXPECT_NE(overridden.decision_id(), stored.decision_id());
  ASSERT_OK_AND_ASSIGN(const auto after, company.suggestions().Suggest(RequestOf("c1", "q2"), {}));
  EXPECT_FALSE(after.sticky());
  overriding.set_request_id("q3");
  (*overriding.mutable_attributes()->mutable_fields())["nonsense"].set_number_value(1);
  EXPECT_THAT(company.suggestions().Suggest(overriding, {}),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("nonsense")));
}

TEST(SuggestTest, AStoredAttributeThatCannotBeReadIsMissingCountedAndLoggedOnceWithoutItsValue) {
  ServingCompany company;
  company.database().Execute(
      R"(UPDATE builtin.customers SET attributes = '{"pages": "01.02.2020", "trade": "shop"}' WHERE customer_id = 'c1')");
  for (const char* id : {"q1", "q2"}) EXPECT_OK(company.suggestions().Suggest(Fresh("c1", id), {}));
  v1::RecordDecisionRequest expert;
  expert.set_customer_id("c1");
  expert.set_request_id("q3");
  expert.add_recommendation_ids("r1");
  EXPECT_OK(company.suggestions().RecordDecision(expert, {}));
  EXPECT_THAT(company.replica().metrics().Text(), HasSubstr("suggest_unreadable_customer_decisions_total 3"));
  const std::string log = company.replica().LogText();
  EXPECT_THAT(log, AllOf(HasSubstr("count as missing"), HasSubstr("\\\"pages\\\""), Not(HasSubstr("01.02.2020"))));
  EXPECT_EQ(log.find("count as missing"), log.rfind("count as missing"));
  v1::SuggestRequest own = Fresh("c1", "q4");
  (*own.mutable_attributes()->mutable_fields())["pages"].set_string_value("01.02.2020");
  EXPECT_THAT(company.suggestions().Suggest(own, {}),
              StatusIs(absl::StatusCode::kInvalidArgument, AllOf(HasSubstr("pages"), HasSubstr("01.02.2020"))))
      << "what the caller sends is the caller's to mend";
}

TEST(SuggestTest, ADamagedDecisionIsDataLossForItsRetriesAndRefreshesAndForNobodyElse) {
  for (const char* damage :
       {"recommendation_ids = '{}'", "policy = 77", "policy = 0", "inputs = substr(inputs, 1, length(inputs) - 4)"}) {
    for (const char* checksum : {"checksum", "NULL"}) {  // also in rows of programs without one
      ServingCompany company;
      ASSERT_OK_AND_ASSIGN(const auto made, company.suggestions().Suggest(RequestOf("c1", "q1"), {}));
      company.database().Execute(absl::StrCat("UPDATE suggest.decisions SET ", damage, ", checksum = ", checksum));
      Replica other(&company.database().database(), company.config(), &company.clock(), 7);
      other.Poll();
      for (const char* id : {"q1", "q2"}) {
        EXPECT_THAT(other.suggestions().Suggest(RequestOf("c1", id), {}),
                    StatusIs(absl::StatusCode::kDataLoss, HasSubstr(made.decision_id())))
            << damage;
      }
      v1::ExplainRequest explain;
      explain.set_customer_id("c1");
      explain.set_decision_id(made.decision_id());
      EXPECT_THAT(other.suggestions().Explain(explain), StatusIs(absl::StatusCode::kDataLoss)) << damage;
      EXPECT_OK(other.suggestions().Suggest(RequestOf("c2", "q1"), {}));
    }
  }
}

TEST(SuggestTest, AStickyAnswerSaysWhatWasRemoved) {
  ServingCompany company;
  ASSERT_OK_AND_ASSIGN(const auto first, company.suggestions().Suggest(RequestOf("c1", "q0"), {}));
  v1::SuggestRequest request = RequestOf("c1", "q1");
  request.set_include_removed(true);
  for (const char* id : {"r1", "r2", "r3", "r4", "r5", "r6"}) {
    bool in_slate = false;
    for (const v1::Suggestion& item : first.suggestions()) in_slate = in_slate || item.recommendation_id() == id;
    if (!in_slate) request.add_excluded_ids(id);
  }
  ASSERT_OK_AND_ASSIGN(const auto sticky, company.suggestions().Suggest(request, {}));
  EXPECT_TRUE(sticky.sticky());
  EXPECT_THAT(sticky.removed(), SizeIs(3));
}

TEST(SuggestTest, WhatWasBoughtIsNotSuggestedAgainAndTheReasonIsShown) {
  ServingCompany company;
  company.database().Execute(
      "INSERT INTO builtin.purchases (customer_id, purchase_id, recommendation_id, purchased_at, amount) "
      "VALUES ('c1', 'p1', 'r2', '2026-01-01', 10), ('c1', 'p2', 'r5', '2026-01-01', 10)");
  v1::SuggestRequest request = RequestOf("c1", "q1", 10);
  request.set_include_removed(true);
  ASSERT_OK_AND_ASSIGN(const auto response, company.suggestions().Suggest(request, {}));
  EXPECT_THAT(response.suggestions(), SizeIs(5));
  ASSERT_THAT(response.removed(), SizeIs(1));
  EXPECT_EQ(response.removed(0).recommendation_id(), "r2");
  EXPECT_EQ(response.removed(0).reason(), v1::RemovedCandidate::ALREADY_BOUGHT);
}

TEST(SuggestTest, BadRequestsNameFieldAndValue) {
  ServingCompany company;
  struct Case {
    v1::SuggestRequest request;
    absl::StatusCode code;
    std::string message;
  };
  std::vector<Case> cases = {
      {RequestOf("nobody", "q"), absl::StatusCode::kNotFound, "customer_id 'nobody'"},
      {RequestOf("", "q"), absl::StatusCode::kInvalidArgument, "customer_id is empty"},
      {RequestOf("c1", ""), absl::StatusCode::kInvalidArgument, "request_id is empty"},
      {RequestOf(std::string(257, 'x'), "q"), absl::StatusCode::kInvalidArgument, "customer_id has 257 bytes"},
      {RequestOf("c1", "q", 0), absl::StatusCode::kInvalidArgument, "count is 0"},
      {RequestOf("c1", "q", 10'000), absl::StatusCode::kInvalidArgument, "count is 10000"}};
  const auto with_attribute = [&](const std::string& json, const std::string& message) {
    v1::SuggestRequest request = RequestOf("c1", "q");
    *request.mutable_attributes() = decision::Json(json);
    cases.push_back({request, absl::StatusCode::kInvalidArgument, message});
  };
  with_attribute(R"({"pages": "many"})", "many");
  with_attribute(R"({"colour": "red"})", "colour");
  with_attribute(R"({"pages": [1]})", "pages");
  v1::SuggestRequest infinite = RequestOf("c1", "q");
  (*infinite.mutable_attributes()->mutable_fields())["pages"].set_number_value(std::numeric_limits<double>::infinity());
  cases.push_back({infinite, absl::StatusCode::kInvalidArgument, "inf"});
  v1::SuggestRequest none_left = RequestOf("c1", "q");
  none_left.add_candidate_ids("r77");
  cases.push_back({none_left, absl::StatusCode::kFailedPrecondition, "6 NOT_REQUESTED"});
  v1::SuggestRequest long_list = RequestOf("c1", "q");
  for (int i = 0; i <= kMaxListedIds; ++i) long_list.add_excluded_ids("x");
  cases.push_back({long_list, absl::StatusCode::kInvalidArgument, "excluded_ids has 10001 entries"});
  for (const Case& bad : cases) {
    EXPECT_THAT(company.suggestions().Suggest(bad.request, {}), StatusIs(bad.code, HasSubstr(bad.message)));
  }
  EXPECT_EQ(company.CountDecisions(), "0");
}

TEST(SuggestTest, WithoutAModelItIsUnavailableAndSaysWhatToDo) {
  TestDatabase database;
  FillSource(database);
  const ManualClock clock(decision::TestNow());
  Replica replica(&database.database(), decision::TestConfig(), &clock);
  replica.Poll();
  EXPECT_THAT(replica.suggestions().Suggest(RequestOf("c1", "q1"), {}),
              StatusIs(absl::StatusCode::kUnavailable, HasSubstr("suggestctl warm-start")));
}

TEST(SuggestTest, WithoutADatabaseItIsUnavailableAndTellsTheCallerNothingOfTheConnection) {
  ASSERT_OK_AND_ASSIGN(const auto database, storage::Database::Open({.connection = "host=/nonexistent dbname=x"}));
  const ManualClock clock(decision::TestNow());
  Replica replica(database.get(), decision::TestConfig(), &clock);
  EXPECT_THAT(replica.suggestions().Suggest(RequestOf("c1", "q1"), {}),
              StatusIs(absl::StatusCode::kUnavailable, AllOf(HasSubstr("database"), Not(HasSubstr("/nonexistent")))));
}

TEST(SuggestTest, ADeadlineThatPassesBeforeTheCommitLeavesNoDecision) {
  ServingCompany company;
  for (const int question : {1, 2}) {
    EXPECT_THAT(company.suggestions().Suggest(RequestOf("c1", "q1"), GoneFrom(question)),
                StatusIs(absl::StatusCode::kDeadlineExceeded));
    EXPECT_EQ(company.CountDecisions(), "0");
  }
}

TEST(SuggestTest, ADeadlineThatPassesDuringTheCommitLeavesAnUndeliveredDecisionUntilARetryDeliversIt) {
  ServingCompany company;
  EXPECT_THAT(company.suggestions().Suggest(RequestOf("c1", "q1"), GoneFrom(3)),
              StatusIs(absl::StatusCode::kDeadlineExceeded, HasSubstr("being committed")));
  EXPECT_EQ(company.database().QueryOne("SELECT delivered FROM suggest.decisions"), "f");
  EXPECT_THAT(company.replica().LogText(), AllOf(HasSubstr("decision not delivered"), HasSubstr("\"q1\"")));
  ASSERT_OK_AND_ASSIGN(const auto retried, company.suggestions().Suggest(RequestOf("c1", "q1"), {}));
  EXPECT_TRUE(retried.replayed());
  EXPECT_EQ(company.database().QueryOne("SELECT delivered FROM suggest.decisions"), "t");
}

TEST(SuggestTest, AModelThatIsTooOldAnswersByTheFallbackPolicyInResponseLogAndMetric) {
  ServingCompany company("choice { model_max_age { seconds: 30 } }");
  ASSERT_OK_AND_ASSIGN(const auto response, company.suggestions().Suggest(RequestOf("c1", "q1"), {}));
  EXPECT_TRUE(response.fallback());
  EXPECT_EQ(response.policy(), v1::POPULAR);
  EXPECT_THAT(response.fallback_reason(), HasSubstr("model_max_age"));
  EXPECT_THAT(company.replica().LogText(), HasSubstr("fallback policy answered"));
  EXPECT_THAT(company.replica().metrics().Text(), HasSubstr("suggest_fallback_decisions_total 1"));
}

TEST(SuggestTest, AsyncAnswersBeforeTheCommitAndSaysSo) {
  ServingCompany company("database { commit { durability: ASYNC } }");
  ASSERT_OK_AND_ASSIGN(const auto response, company.suggestions().Suggest(RequestOf("c1", "q1"), {}));
  EXPECT_FALSE(response.durable());
  company.replica().committer().Drain(absl::Seconds(30));
  EXPECT_EQ(company.database().QueryOne("SELECT decision_id FROM suggest.decisions"), response.decision_id());
}

TEST(SuggestTest, AsyncRefreshesGetTheSameDecisionEvenBeforeItIsWritten) {
  ServingCompany company("database { commit { durability: ASYNC linger { seconds: 1 } } }");
  company.replica().HearForever();
  ASSERT_OK_AND_ASSIGN(const auto first, company.suggestions().Suggest(RequestOf("c1", "q1"), {}));
  ASSERT_OK_AND_ASSIGN(const auto again, company.suggestions().Suggest(RequestOf("c1", "q2"), {}));
  EXPECT_TRUE(again.sticky());
  EXPECT_EQ(again.decision_id(), first.decision_id());
}

TEST(SuggestTest, ARetryThatCanNoLongerBeDecidedGetsItsEarlierAnswer) {
  ServingCompany company;
  ASSERT_OK_AND_ASSIGN(const auto first, company.suggestions().Suggest(RequestOf("c1", "q1"), {}));
  company.database().Execute("DELETE FROM builtin.customers; DELETE FROM builtin.recommendations");
  ASSERT_OK_AND_ASSIGN(const auto unknown, company.suggestions().Suggest(RequestOf("c1", "q1"), {}));
  EXPECT_EQ(unknown.decision_id(), first.decision_id());
  EXPECT_TRUE(unknown.replayed());
}

TEST(SuggestTest, TheListOfRemovedCandidatesIsCutToTheLargestResponse) {
  ServingCompany company("server { max_response_bytes: 65536 }");
  company.database().Execute(
      "INSERT INTO builtin.recommendations (recommendation_id, title, active_until, attributes) "
      "SELECT 'a recommendation that is over ' || i, 'T', '2020-01-01', '{\"cost\": 1}' FROM generate_series(1, 3000) "
      "i");
  company.replica().Poll();
  v1::SuggestRequest request = RequestOf("c1", "q1");
  request.set_include_removed(true);
  ASSERT_OK_AND_ASSIGN(const auto response, company.suggestions().Suggest(request, {}));
  EXPECT_LE(response.ByteSizeLong(), 65536u);
  EXPECT_GT(response.removed_size(), 1000);
  EXPECT_EQ(response.removed_size() + response.removed_omitted(), 3000);
}

TEST(RecordDecisionTest, AnExpertsChoiceIsLoggedOnceUnderItsRequestId) {
  ServingCompany company;
  v1::RecordDecisionRequest request;
  request.set_customer_id("c1");
  request.set_request_id("e1");
  request.add_recommendation_ids("r5");
  request.add_recommendation_ids("r1");
  ASSERT_OK_AND_ASSIGN(const auto first, company.suggestions().RecordDecision(request, {}));
  ASSERT_OK_AND_ASSIGN(const auto again, company.suggestions().RecordDecision(request, {}));
  EXPECT_FALSE(first.replayed());
  EXPECT_TRUE(again.replayed());
  EXPECT_EQ(again.decision_id(), first.decision_id());
  EXPECT_THAT(first.suggestion_ids(),
              ::testing::ElementsAre(absl::StrCat(first.decision_id(), ".1"), absl::StrCat(first.decision_id(), ".2")));
  EXPECT_EQ(company.CountDecisions(), "1");
  // It is not offered as the customer's open decision.
  ASSERT_OK_AND_ASSIGN(const auto suggested, company.suggestions().Suggest(RequestOf("c1", "q1", 2), {}));
  EXPECT_FALSE(suggested.sticky());
}

TEST(RecordDecisionTest, ARequestIdBelongsToOneMethod) {
  ServingCompany company;
  v1::RecordDecisionRequest request;
  request.set_customer_id("c1");
  request.set_request_id("e1");
  request.add_recommendation_ids("r5");
  ASSERT_THAT(company.suggestions().RecordDecision(request, {}), IsOk());
  ASSERT_THAT(company.suggestions().Suggest(RequestOf("c1", "q1"), {}), IsOk());
  EXPECT_THAT(company.suggestions().Suggest(RequestOf("c1", "e1"), {}),
              StatusIs(absl::StatusCode::kAlreadyExists, HasSubstr("'e1'")));
  request.set_request_id("q1");
  EXPECT_THAT(company.suggestions().RecordDecision(request, {}),
              StatusIs(absl::StatusCode::kAlreadyExists, HasSubstr("'q1'")));
}

TEST(RecordDecisionTest, BadRequestsNameFieldAndValue) {
  ServingCompany company;
  const auto refused = [&](std::vector<std::string> ids, const std::string& customer = "c1") {
    v1::RecordDecisionRequest request;
    request.set_customer_id(customer);
    request.set_request_id("e1");
    request.mutable_recommendation_ids()->Add(ids.begin(), ids.end());
    return company.suggestions().RecordDecision(request, {}).status();
  };
  EXPECT_THAT(refused({}), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("recommendation_ids is empty")));
  EXPECT_THAT(refused({"r1", "r1"}), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("'r1' twice")));
  EXPECT_THAT(refused({""}), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("recommendation_ids[0]")));
  EXPECT_THAT(refused({"r9"}), StatusIs(absl::StatusCode::kNotFound, HasSubstr("'r9'")));
  EXPECT_THAT(refused({"r1"}, "nobody"), StatusIs(absl::StatusCode::kNotFound, HasSubstr("'nobody'")));
  EXPECT_THAT(refused(std::vector<std::string>(101, "r1")),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("101 entries")));
}

v1::RecordFeedbackRequest FeedbackOf(const std::string& suggestion_id) {
  v1::RecordFeedbackRequest request;
  request.set_customer_id("c1");
  request.set_suggestion_id(suggestion_id);
  request.set_kind(v1::RecordFeedbackRequest::KEPT);
  return request;
}

TEST(RecordFeedbackTest, IsRecordedOnce) {
  ServingCompany company;
  ASSERT_OK_AND_ASSIGN(const auto decision, company.suggestions().Suggest(RequestOf("c1", "q1"), {}));
  const v1::RecordFeedbackRequest request = FeedbackOf(decision.suggestions(0).suggestion_id());
  ASSERT_OK_AND_ASSIGN(const auto first, company.suggestions().RecordFeedback(request));
  ASSERT_OK_AND_ASSIGN(const auto again, company.suggestions().RecordFeedback(request));
  EXPECT_TRUE(first.recorded());
  EXPECT_FALSE(again.recorded());
  EXPECT_EQ(company.database().QueryOne("SELECT extract(epoch FROM occurred_at)::bigint FROM suggest.feedback"),
            absl::StrCat(absl::ToUnixSeconds(decision::TestNow())));
}

TEST(RecordFeedbackTest, MayRunOneMinuteAheadOfTheServersClockAndNotMore) {
  ServingCompany company;
  ASSERT_OK_AND_ASSIGN(const auto decision, company.suggestions().Suggest(RequestOf("c1", "q1"), {}));
  v1::RecordFeedbackRequest request = FeedbackOf(decision.suggestions(0).suggestion_id());
  *request.mutable_occurred_at() = decision::ToTimestamp(decision::TestNow() + absl::Seconds(61));
  EXPECT_THAT(company.suggestions().RecordFeedback(request),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("occurred_at")));
  *request.mutable_occurred_at() = decision::ToTimestamp(decision::TestNow() + absl::Seconds(60));
  EXPECT_THAT(company.suggestions().RecordFeedback(request), IsOk());
}

TEST(RecordFeedbackTest, BadRequestsNameFieldAndValue) {
  ServingCompany company;
  ASSERT_OK_AND_ASSIGN(const auto decision, company.suggestions().Suggest(RequestOf("c1", "q1"), {}));
  v1::RecordFeedbackRequest request = FeedbackOf("12.1");
  EXPECT_THAT(company.suggestions().RecordFeedback(request),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("12.1")));
  request = FeedbackOf(absl::StrCat(decision.decision_id(), ".4"));
  EXPECT_THAT(company.suggestions().RecordFeedback(request), StatusIs(absl::StatusCode::kNotFound));
  request = FeedbackOf(decision.suggestions(0).suggestion_id());
  request.set_kind(v1::RecordFeedbackRequest::KIND_UNSPECIFIED);
  EXPECT_THAT(company.suggestions().RecordFeedback(request),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("kind is 0")));
  request = FeedbackOf(decision.suggestions(0).suggestion_id());
  request.set_customer_id("");
  EXPECT_THAT(company.suggestions().RecordFeedback(request),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("customer_id")));
  request = FeedbackOf(decision.suggestions(0).suggestion_id());
  request.mutable_occurred_at()->set_seconds(std::numeric_limits<int64_t>::max());
  EXPECT_THAT(company.suggestions().RecordFeedback(request),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("occurred_at")));
  request.mutable_occurred_at()->set_seconds(1000);
  EXPECT_THAT(company.suggestions().RecordFeedback(request),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("occurred_at is 1970-01-01T00:16:40+00:00, before its decision")));
}

v1::ExplainRequest ExplainOf(const std::string& decision_id) {
  v1::ExplainRequest request;
  request.set_customer_id("c1");
  request.set_decision_id(decision_id);
  return request;
}

TEST(ExplainRpcTest, ADecisionIsRecomputedToTheBitAfterModelAndCatalogueHaveMovedOn) {
  ServingCompany company;
  ASSERT_OK_AND_ASSIGN(const auto decision, company.suggestions().Suggest(RequestOf("c1", "q1"), {}));
  Publish(company.database().database(), RowOf(decision::TestModel(2)));
  company.database().Execute("DELETE FROM builtin.recommendations WHERE recommendation_id IN ('r1', 'r2')");
  company.replica().Poll();
  ASSERT_EQ(company.replica().serving().model_version(), 2);
  ASSERT_OK_AND_ASSIGN(const auto explained, company.suggestions().Explain(ExplainOf(decision.decision_id())));
  EXPECT_TRUE(explained.matches_log());
  EXPECT_EQ(explained.model_version(), 1);
  v1::ExplainRequest under = ExplainOf(decision.decision_id());
  under.set_model_version(2);
  ASSERT_OK_AND_ASSIGN(const auto later, company.suggestions().Explain(under));
  EXPECT_EQ(later.model_version(), 2);
  under.set_model_version(99);
  EXPECT_THAT(company.suggestions().Explain(under), StatusIs(absl::StatusCode::kNotFound, HasSubstr("99")));
  under.set_model_version(-1);
  EXPECT_THAT(company.suggestions().Explain(under),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("model_version is -1")));
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(explained.candidates(i).recommendation_id(), decision.suggestions(i).recommendation_id());
    EXPECT_EQ(explained.candidates(i).score(), decision.suggestions(i).score());
  }
}

TEST(ExplainRpcTest, WhatIsUnknownIsNotFoundAndWhatIsDamagedIsDataLoss) {
  ServingCompany company;
  EXPECT_THAT(company.suggestions().Explain(ExplainOf("")),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("decision_id")));
  EXPECT_THAT(company.suggestions().Explain(ExplainOf("d1")), StatusIs(absl::StatusCode::kNotFound, HasSubstr("d1")));
  ASSERT_OK_AND_ASSIGN(const auto decision, company.suggestions().Suggest(RequestOf("c1", "q1"), {}));
  Replica other(&company.database().database(), company.config(), &company.clock(), 77);
  company.database().Execute("UPDATE suggest.model_versions SET bytes = bytes || '\\x00'");
  EXPECT_THAT(other.suggestions().Explain(ExplainOf(decision.decision_id())), StatusIs(absl::StatusCode::kDataLoss));
  company.database().Execute("DELETE FROM suggest.current_model; DELETE FROM suggest.model_versions");
  EXPECT_THAT(other.suggestions().Explain(ExplainOf(decision.decision_id())), StatusIs(absl::StatusCode::kNotFound));
  company.database().Execute("UPDATE suggest.decisions SET model_version = 99");
  EXPECT_THAT(other.suggestions().Explain(ExplainOf(decision.decision_id())),
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr(decision.decision_id())));
}

}  // namespace
}  // namespace suggest::server
