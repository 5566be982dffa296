// Suggest with a function to answer by: what is answered where, and that each call is answered once.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <thread>

#include "service/server/suggest/suggestion_handlers.h"
#include "tests/service/server/server_fixture.h"
#include "tests/support/status_matchers.h"

namespace suggest::server {
namespace {

using ::suggest::testing::IsOk;
using ::suggest::testing::StatusIs;
using ::testing::HasSubstr;

using Result = absl::StatusOr<v1::SuggestResponse>;

struct Answered {
  Result result;
  std::thread::id by;
};

class SuggestUnblockedTest : public ::testing::Test {
 protected:
  void Start(const std::string& config) {
    company_ = std::make_unique<ServingCompany>(config);
    company_->replica().HearForever();
  }

  // A second answer would break the promise, and so the test.
  Answered Call(const v1::SuggestRequest& request, const CallContext& context = {}) {
    std::promise<Answered> promise;
    company_->suggestions().Suggest(request, context, &response_, [&](const absl::Status& status) {
      promise.set_value({status.ok() ? Result(response_) : Result(status), std::this_thread::get_id()});
    });
    return promise.get_future().get();
  }

  std::string Logged(const std::string& request_id) {
    return company_->database().QueryOne(
        absl::StrCat("SELECT decision_id FROM suggest.request_ids WHERE request_id = '", request_id, "'"));
  }

  std::unique_ptr<ServingCompany> company_;
  v1::SuggestResponse response_;  // the same for every call, as gRPC's are
};

TEST_F(SuggestUnblockedTest, AnswersAfterTheCommitFromAWorkerOrFromTheCommitter) {
  Start("");
  const Answered unknown = Call(Fresh("c1", "q1"));  // the customer is read first
  ASSERT_THAT(unknown.result, IsOk());
  EXPECT_EQ(Logged("q1"), unknown.result->decision_id());
  const Answered known = Call(Fresh("c1", "q2"));
  ASSERT_THAT(known.result, IsOk());
  EXPECT_TRUE(known.result->durable());
  EXPECT_EQ(Logged("q2"), known.result->decision_id());
  EXPECT_NE(known.by, std::this_thread::get_id());
  EXPECT_NE(known.by, unknown.by);
  EXPECT_THAT(company_->replica().metrics().Text(), HasSubstr("suggest_decisions_total{policy=\"THOMPSON\"} 2"));
}

TEST_F(SuggestUnblockedTest, AnswersAtOnceWhereNobodyWaitsForTheCommit) {
  Start("database { commit { durability: ASYNC } }");
  ASSERT_THAT(Call(Fresh("c1", "q1")).result, IsOk());
  const Answered known = Call(Fresh("c1", "q2"));
  ASSERT_THAT(known.result, IsOk());
  EXPECT_FALSE(known.result->durable());
  EXPECT_EQ(known.by, std::this_thread::get_id());
  company_->replica().committer().Drain(absl::Seconds(30));
  EXPECT_EQ(Logged("q2"), known.result->decision_id());
}

TEST_F(SuggestUnblockedTest, ARetryGetsTheEarlierDecisionAndAnOpenOneIsSticky) {
  Start("");
  const Answered first = Call(Fresh("c1", "q1"));
  ASSERT_THAT(first.result, IsOk());
  const Answered again = Call(Fresh("c1", "q1"));  // known by now: decided anew, and found out at the commit
  ASSERT_THAT(again.result, IsOk());
  EXPECT_TRUE(again.result->replayed());
  EXPECT_EQ(again.result->decision_id(), first.result->decision_id());
  const Answered open = Call(RequestOf("c1", "q2"));
  ASSERT_THAT(open.result, IsOk());
  EXPECT_TRUE(open.result->sticky());
  EXPECT_EQ(company_->CountDecisions(), "1");
}

TEST_F(SuggestUnblockedTest, ErrorsAreThoseOfTheBlockingCall) {
  Start("");
  EXPECT_THAT(Call(RequestOf("c1", "")).result, StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("request_id")));
  EXPECT_THAT(Call(RequestOf("nobody", "q1")).result, StatusIs(absl::StatusCode::kNotFound, HasSubstr("nobody")));
  ASSERT_THAT(Call(Fresh("c1", "q1")).result, IsOk());
  v1::SuggestRequest none = Fresh("c1", "q2");
  none.add_candidate_ids("r1");
  none.add_excluded_ids("r1");
  EXPECT_THAT(Call(none).result, StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("no candidate")));
  EXPECT_THAT(Call(Fresh("c1", "q3"), GoneFrom(1)).result, StatusIs(absl::StatusCode::kDeadlineExceeded));
  EXPECT_EQ(company_->CountDecisions(), "1");
  company_->replica().committer().Drain(absl::ZeroDuration());
  EXPECT_THAT(Call(Fresh("c1", "q4")).result, StatusIs(absl::StatusCode::kUnavailable, HasSubstr("draining")));
}

TEST_F(SuggestUnblockedTest, ADecisionWhoseCallerWentDuringTheCommitIsMarkedUndelivered) {
  Start("");
  ASSERT_THAT(Call(Fresh("c1", "q1")).result, IsOk());
  // Asked before scoring and before the commit; from the third question on nobody waits.
  EXPECT_THAT(Call(Fresh("c1", "q2"), GoneFrom(3)).result,
              StatusIs(absl::StatusCode::kDeadlineExceeded, HasSubstr("was being committed")));
  EXPECT_EQ(company_->database().QueryOne("SELECT delivered FROM suggest.decisions WHERE request_id = 'q2'"), "f");
}

}  // namespace
}  // namespace suggest::server
