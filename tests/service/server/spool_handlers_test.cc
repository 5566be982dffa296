// The handlers of a replica that has a spool, while it takes the database to be away.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/service/server/server_fixture.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temporary_folder.h"

namespace suggest::server {
namespace {

using ::suggest::testing::IsOk;
using ::suggest::testing::StatusIs;
using ::suggest::testing::TemporaryFolder;
using ::testing::HasSubstr;

constexpr char kNoPatience[] = "database { hold_for { nanos: 1 } }";

v1::RecordFeedbackRequest Kept(const std::string& suggestion_id) {
  v1::RecordFeedbackRequest request;
  request.set_customer_id("c1");
  request.set_suggestion_id(suggestion_id);
  request.set_kind(v1::RecordFeedbackRequest::KEPT);
  return request;
}

class SpoolHandlersTest : public ::testing::Test {
 protected:
  SpoolHandlersTest() {
    replica_.Poll();
    // So that c1 is known, and c2 is not.
    SUGGEST_CHECK(handlers().Suggest(Fresh("c1", "before"), {}).ok());
  }

  static std::unique_ptr<storage::Spool> OpenSpool(const TemporaryFolder& folder) {
    auto spool = storage::Spool::Open({folder.path() + "/spool.db"});
    SUGGEST_CHECK(spool.ok());
    return *std::move(spool);
  }

  SuggestionHandlers& handlers() { return replica_.suggestions(); }
  void GoAway() { replica_.keeper().Report(absl::UnavailableError("no connection")); }
  void ComeBack() { ASSERT_THAT(replica_.keeper().Drain(), IsOk()); }
  v1::SuggestResponse MustSuggest(const v1::SuggestRequest& request) {
    const auto response = handlers().Suggest(request, {});
    EXPECT_OK(response);
    return response.ok() ? *response : v1::SuggestResponse();
  }

  TemporaryFolder folder_;
  std::unique_ptr<storage::Spool> spool_ = OpenSpool(folder_);
  ServingCompany company_{kNoPatience};
  Replica replica_{&company_.database().database(), company_.config(), &company_.clock(), 77, spool_.get()};
};

TEST_F(SpoolHandlersTest, AKnownCustomerIsServedAndARetryFindsTheDecisionInTheSpoolAndInTheLog) {
  GoAway();
  const v1::SuggestResponse away = MustSuggest(Fresh("c1", "q1"));
  EXPECT_TRUE(away.durable() && away.spooled());
  EXPECT_FALSE(away.replayed());
  EXPECT_EQ(company_.CountDecisions(), "1");
  const v1::SuggestResponse retried = MustSuggest(Fresh("c1", "q1"));
  EXPECT_EQ(retried.decision_id(), away.decision_id());
  EXPECT_TRUE(retried.replayed() && retried.spooled());
  ComeBack();
  EXPECT_EQ(company_.CountDecisions(), "2");
  const v1::SuggestResponse back = MustSuggest(Fresh("c1", "q1"));
  EXPECT_EQ(back.decision_id(), away.decision_id());
  EXPECT_TRUE(back.replayed());
  EXPECT_FALSE(back.spooled());
  EXPECT_FALSE(MustSuggest(Fresh("c1", "q2")).spooled());
}

TEST_F(SpoolHandlersTest, ACustomerThatIsNotInTheCacheIsUnavailableWithAHint) {
  GoAway();
  const auto response = handlers().Suggest(Fresh("c2", "q1"), {});
  EXPECT_THAT(response, StatusIs(absl::StatusCode::kUnavailable, HasSubstr("the database is away")));
  EXPECT_TRUE(RetryHintOf(response.status()).has_value());
}

TEST_F(SpoolHandlersTest, NothingIsStickyWhileAway) {
  MustSuggest(RequestOf("c1", "open"));
  GoAway();
  const v1::SuggestResponse response = MustSuggest(RequestOf("c1", "q1"));
  EXPECT_FALSE(response.sticky());
  EXPECT_TRUE(response.spooled());
}

TEST_F(SpoolHandlersTest, AnExpertsDecisionIsSpooledToo) {
  GoAway();
  v1::RecordDecisionRequest request;
  request.set_customer_id("c1");
  request.set_request_id("e1");
  request.add_recommendation_ids("r2");
  ASSERT_OK_AND_ASSIGN(const auto first, handlers().RecordDecision(request, {}));
  EXPECT_TRUE(first.spooled());
  ASSERT_OK_AND_ASSIGN(const auto again, handlers().RecordDecision(request, {}));
  EXPECT_TRUE(again.replayed() && again.spooled());
  EXPECT_EQ(again.decision_id(), first.decision_id());
  EXPECT_THAT(handlers().Suggest(Fresh("c1", "e1"), {}), StatusIs(absl::StatusCode::kAlreadyExists));
  ComeBack();
  EXPECT_EQ(company_.database().QueryOne("SELECT count(*) FROM suggest.decisions WHERE policy = 7"), "1");
}

TEST_F(SpoolHandlersTest, FeedbackWaitsInTheSpoolBehindItsDecision) {
  GoAway();
  const v1::SuggestResponse slate = MustSuggest(Fresh("c1", "q1"));
  ASSERT_OK_AND_ASSIGN(const auto kept, handlers().RecordFeedback(Kept(slate.suggestions(0).suggestion_id())));
  EXPECT_TRUE(kept.recorded() && kept.spooled());
  EXPECT_THAT(handlers().RecordFeedback(Kept(slate.decision_id() + ".9")), StatusIs(absl::StatusCode::kNotFound));
  ComeBack();
  EXPECT_EQ(company_.database().QueryOne("SELECT suggestion_id FROM suggest.feedback"),
            slate.suggestions(0).suggestion_id());
  ASSERT_OK_AND_ASSIGN(const auto again, handlers().RecordFeedback(Kept(slate.suggestions(0).suggestion_id())));
  EXPECT_FALSE(again.recorded() || again.spooled());
}

TEST_F(SpoolHandlersTest, AnAnswerThatNobodyWaitsForIsDrainedAsUndelivered) {
  GoAway();
  const CallContext context{[this] { return spool_->figures().decisions > 0; }};
  EXPECT_THAT(handlers().Suggest(Fresh("c1", "q1"), context), StatusIs(absl::StatusCode::kDeadlineExceeded));
  ComeBack();
  EXPECT_EQ(company_.database().QueryOne("SELECT delivered FROM suggest.decisions WHERE request_id = 'q1'"), "f");
}

TEST_F(SpoolHandlersTest, ASpooledDecisionIsExplained) {
  GoAway();
  v1::ExplainRequest explain;
  explain.set_customer_id("c1");
  explain.set_decision_id(MustSuggest(Fresh("c1", "q1")).decision_id());
  ASSERT_OK_AND_ASSIGN(const auto explained, handlers().Explain(explain));
  EXPECT_TRUE(explained.matches_log());
  EXPECT_EQ(explained.superseded_by(), "");
}

TEST_F(SpoolHandlersTest, ASupersededDecisionIsExplainedAndItsFeedbackTeachesNothing) {
  GoAway();
  const v1::SuggestResponse here = MustSuggest(Fresh("c1", "both"));
  ASSERT_OK_AND_ASSIGN(const auto there, company_.suggestions().Suggest(Fresh("c1", "both"), {}));
  EXPECT_NE(here.decision_id(), there.decision_id());
  ComeBack();
  EXPECT_EQ(MustSuggest(Fresh("c1", "both")).decision_id(), there.decision_id());
  v1::ExplainRequest explain;
  explain.set_customer_id("c1");
  explain.set_decision_id(here.decision_id());
  ASSERT_OK_AND_ASSIGN(const auto explained, handlers().Explain(explain));
  EXPECT_EQ(explained.superseded_by(), there.decision_id());
  EXPECT_TRUE(explained.matches_log());
  ASSERT_OK_AND_ASSIGN(const auto feedback, handlers().RecordFeedback(Kept(here.suggestions(0).suggestion_id())));
  EXPECT_FALSE(feedback.recorded());
  EXPECT_EQ(company_.database().QueryOne("SELECT count(*) FROM suggest.feedback"), "0");
  EXPECT_THAT(replica_.metrics().Text(), HasSubstr("suggest_spool_drained_total{result=\"superseded\"} 1"));
}

TEST_F(SpoolHandlersTest, ItStaysReadyWhileAwayAndSaysSo) {
  EXPECT_EQ(replica_.readiness().Note(), "");
  GoAway();
  replica_.readiness().SetDatabase(absl::UnavailableError("no connection"));
  MustSuggest(Fresh("c1", "q1"));
  EXPECT_THAT(replica_.readiness().Check(), IsOk());
  EXPECT_THAT(replica_.readiness().Note(), HasSubstr("in the spool: 1 decisions"));
  replica_.readiness().SetDatabase(absl::FailedPreconditionError("not migrated"));
  EXPECT_THAT(replica_.readiness().Check(), StatusIs(absl::StatusCode::kFailedPrecondition));
}

}  // namespace
}  // namespace suggest::server
