#include "service/server/rpc/call.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/service/server/server_fixture.h"
#include "tests/support/status_matchers.h"

namespace suggest::server {
namespace {

using ::suggest::testing::IsOk;
using ::suggest::testing::StatusIs;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

config::v1::Server Limits(int max_concurrent) {
  config::v1::Server config;
  config.set_max_concurrent_requests(max_concurrent);
  return config;
}

class CallGateTest : public ::testing::Test {
 protected:
  using Answer = absl::StatusOr<int>;
  Answer Run(CallGate& gate, const std::function<Answer()>& handler, const CallContext& context = {}) {
    return gate.Run<int>(Method::kSuggest, "q1", context, handler);
  }

  SystemClock clock_;
  LogBuffer buffer_;
  Log log_{&clock_, buffer_.stream()};
  Metrics metrics_;
};

TEST_F(CallGateTest, CallersSeeNothingOfTheConnectionToTheDatabase) {
  CallGate gate(Limits(1), &metrics_, &log_);
  const absl::Status away =
      WithRetryHint(absl::UnavailableError("the decision could not be committed: database: connection to server on "
                                           "socket \"/run/pg/.s\" failed: role \"x\""));
  const Answer answer = Run(gate, [&]() -> Answer { return away; });
  EXPECT_EQ(answer.status().message(),
            "the decision could not be committed: database: it cannot be used at the moment");
  EXPECT_EQ(RetryHintOf(answer.status()), RetryHintOf(away));
  EXPECT_EQ(ForCaller(absl::UnavailableError("draining")).message(), "draining");
}

TEST_F(CallGateTest, AFullGateRefusesAtOnceAndOpensAgain) {
  CallGate gate(Limits(1), &metrics_, &log_);
  const Answer outer = Run(gate, [&]() -> Answer {
    EXPECT_EQ(gate.in_flight(), 1);
    EXPECT_THAT(Run(gate, [] { return Answer(2); }),
                StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("max_concurrent_requests")));
    return 1;
  });
  EXPECT_EQ(*outer, 1);
  EXPECT_EQ(gate.in_flight(), 0);
  EXPECT_THAT(Run(gate, [] { return Answer(3); }), IsOk());
  EXPECT_THAT(metrics_.Text(),
              AllOf(HasSubstr("suggest_requests_total{code=\"OK\",method=\"Suggest\"} 2"),
                    HasSubstr("suggest_requests_total{code=\"RESOURCE_EXHAUSTED\",method=\"Suggest\"} 1")));
}

TEST_F(CallGateTest, AMethodsOwnLimitRefusesOnlyThatMethod) {
  config::v1::Server config = Limits(10);
  (*config.mutable_method_limits())["Suggest"] = 1;
  CallGate gate(config, &metrics_, &log_);
  const auto inner = [&]() -> absl::StatusOr<v1::RecordFeedbackResponse> { return v1::RecordFeedbackResponse(); };
  EXPECT_THAT(gate.Run<v1::RecordFeedbackResponse>(
                  Method::kSuggest, "", {},
                  [&]() -> absl::StatusOr<v1::RecordFeedbackResponse> {
                    const absl::Status second =
                        gate.Run<v1::RecordFeedbackResponse>(Method::kSuggest, "", {}, inner).status();
                    EXPECT_THAT(second, StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("Suggest")));
                    EXPECT_EQ(RetryHintOf(second), kRetryPause);
                    EXPECT_THAT(gate.Run<v1::RecordFeedbackResponse>(Method::kExplain, "", {}, inner), IsOk());
                    return v1::RecordFeedbackResponse();
                  }),
              IsOk());
  EXPECT_THAT(gate.Run<v1::RecordFeedbackResponse>(Method::kSuggest, "", {}, inner), IsOk());
}

TEST_F(CallGateTest, ACallerWhoHasGoneIsNotWorkedFor) {
  CallGate gate(Limits(1), &metrics_, &log_);
  EXPECT_THAT(Run(
                  gate, []() -> Answer { return absl::InternalError("handler was called"); }, GoneFrom(1)),
              StatusIs(absl::StatusCode::kDeadlineExceeded));
}

TEST_F(CallGateTest, DefectsAreLoggedUnderTheRequestIdAndClientsMistakesAreNot) {
  CallGate gate(Limits(1), &metrics_, &log_);
  EXPECT_FALSE(Run(gate, []() -> Answer { return absl::InvalidArgumentError("count"); }).ok());
  EXPECT_THAT(buffer_.Text(), IsEmpty());
  EXPECT_FALSE(Run(gate, []() -> Answer { return absl::InternalError("broken"); }).ok());
  EXPECT_THAT(buffer_.Text(), AllOf(HasSubstr("\"request_id\":\"q1\""), HasSubstr("broken"), HasSubstr("Suggest")));
}

TEST_F(CallGateTest, ACallThatIsAnsweredLaterHoldsItsPlaceUntilThen) {
  CallGate gate(Limits(1), &metrics_, &log_);
  const std::string id = "q1";
  absl::Status answered = absl::UnknownError("not yet");
  server::Answer finish;
  gate.Start(
      Method::kSuggest, id, {}, [&](const absl::Status& status) { answered = status; },
      [&](server::Answer answer) { finish = std::move(answer); });
  EXPECT_EQ(gate.in_flight(), 1);
  EXPECT_THAT(answered, StatusIs(absl::StatusCode::kUnknown));
  absl::Status refused;
  gate.Start(
      Method::kSuggest, id, {}, [&](const absl::Status& status) { refused = status; },
      [](server::Answer) { ADD_FAILURE() << "handler was called"; });
  EXPECT_THAT(refused, StatusIs(absl::StatusCode::kResourceExhausted));
  finish(absl::OkStatus());
  EXPECT_THAT(answered, IsOk());
  EXPECT_EQ(gate.in_flight(), 0);
  EXPECT_THAT(metrics_.Text(), HasSubstr("suggest_requests_total{code=\"OK\",method=\"Suggest\"} 1"));
}

TEST(FromStorageTest, AClientSeesWhetherARetryHelps) {
  EXPECT_THAT(FromStorage(absl::OkStatus()), IsOk());
  EXPECT_THAT(FromStorage(absl::UnknownError("in doubt")), StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_THAT(FromStorage(absl::AbortedError("lock")), StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_THAT(FromStorage(absl::FailedPreconditionError("no table")), StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_THAT(FromStorage(absl::AlreadyExistsError("key")), StatusIs(absl::StatusCode::kInternal));
  for (const auto code :
       {absl::StatusCode::kUnavailable, absl::StatusCode::kResourceExhausted, absl::StatusCode::kDeadlineExceeded,
        absl::StatusCode::kNotFound, absl::StatusCode::kDataLoss, absl::StatusCode::kInvalidArgument}) {
    EXPECT_THAT(FromStorage(absl::Status(code, "x")), StatusIs(code, "x"));
  }
}

TEST(FromStorageTest, TheDatabasesWordsStayInTheLogUnderTheIdThatTheClientHas) {
  SystemClock clock;
  LogBuffer buffer;
  Log log(&clock, buffer.stream());
  Metrics metrics;
  CallGate gate(Limits(1), &metrics, &log);
  for (const auto code : {absl::StatusCode::kUnknown, absl::StatusCode::kFailedPrecondition,
                          absl::StatusCode::kUnavailable, absl::StatusCode::kInternal}) {
    const absl::Status status =
        WithRetryHint(absl::Status(code, "database: ERROR: permission denied for table learner"));
    const absl::StatusOr<int> answer =
        gate.Run<int>(Method::kSuggest, "q1", {}, [&]() -> absl::StatusOr<int> { return FromStorage(status); });
    const std::string message(answer.status().message());
    ASSERT_THAT(message, ::testing::MatchesRegex("database error, see log entry E-[0-9a-f]{16}"));
    EXPECT_EQ(RetryHintOf(answer.status()), kRetryPause);
    EXPECT_THAT(buffer.Text(), AllOf(HasSubstr(message), HasSubstr("permission denied for table learner")));
  }
}

}  // namespace
}  // namespace suggest::server
