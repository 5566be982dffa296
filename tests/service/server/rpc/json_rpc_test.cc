#include "service/server/rpc/json_rpc.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "service/server/rpc/call.h"
#include "suggest/v1/suggestion_service.pb.h"
#include "tests/support/status_matchers.h"

namespace suggest::server {
namespace {

using ::suggest::testing::IsOk;
using ::suggest::testing::StatusIs;
using ::testing::HasSubstr;

TEST(JsonRpcTest, ReadsBothSpellingsAndWritesThoseOfTheProto) {
  for (const char* body : {R"({"customer_id": "c1", "count": 3})", R"({"customerId": "c1", "count": 3})"}) {
    v1::SuggestRequest request;
    ASSERT_THAT(ParseJson(body, &request), IsOk());
    EXPECT_EQ(request.customer_id(), "c1");
    EXPECT_EQ(request.count(), 3);
    EXPECT_THAT(JsonReply(request).body, HasSubstr(R"("customer_id":"c1")"));
  }
}

TEST(JsonRpcTest, NamesWhatItCannotRead) {
  v1::SuggestRequest request;
  EXPECT_THAT(ParseJson("{", &request), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("request body")));
  EXPECT_THAT(ParseJson(R"({"colour": 1})", &request),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("colour")));
  EXPECT_THAT(ParseJson(R"({"count": "many"})", &request),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("count")));
}

TEST(JsonRpcTest, AnErrorHasACodeAMessageAndAStatus) {
  const HttpReply reply = ErrorReply(absl::NotFoundError("customer_id 'x\"' is unknown"));
  EXPECT_EQ(reply.status, 404);
  EXPECT_EQ(reply.body, "{\"code\":\"NOT_FOUND\",\"message\":\"customer_id 'x\\\"' is unknown\"}\n");
}

TEST(JsonRpcTest, AnErrorSaysWhenToTryAgainInWholeSeconds) {
  EXPECT_EQ(ErrorReply(absl::NotFoundError("x")).retry_after, std::nullopt);
  EXPECT_EQ(ErrorReply(absl::UnavailableError("x")).retry_after, 1);
  EXPECT_EQ(ErrorReply(WithRetryHint(absl::UnavailableError("x"))).retry_after, 1);
  EXPECT_EQ(ErrorReply(WithRetryHint(absl::UnavailableError("x"), absl::Seconds(2))).retry_after, 2);
}

TEST(JsonRpcTest, EachCodeHasItsHttpStatus) {
  EXPECT_EQ(HttpStatus(absl::StatusCode::kInvalidArgument), 400);
  EXPECT_EQ(HttpStatus(absl::StatusCode::kFailedPrecondition), 400);
  EXPECT_EQ(HttpStatus(absl::StatusCode::kAlreadyExists), 409);
  EXPECT_EQ(HttpStatus(absl::StatusCode::kAborted), 409);
  EXPECT_EQ(HttpStatus(absl::StatusCode::kResourceExhausted), 429);
  EXPECT_EQ(HttpStatus(absl::StatusCode::kUnavailable), 503);
  EXPECT_EQ(HttpStatus(absl::StatusCode::kDeadlineExceeded), 504);
  EXPECT_EQ(HttpStatus(absl::StatusCode::kInternal), 500);
  EXPECT_EQ(HttpStatus(absl::StatusCode::kDataLoss), 500);
}

}  // namespace
}  // namespace suggest::server
