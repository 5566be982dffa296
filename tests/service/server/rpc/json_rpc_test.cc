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
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(JsonRpcTest, ReadsBothSpellingsAndWritesThoseOfTheProto) {
  for (const char* body : {R"({"customer_id": "c1", "count": 3})", R"({"customerId": "c1", "count": 3})"}) {
    v1::SuggestRequest request;
    ASSERT_THAT(ParseJson(body, &request), IsOk());
    EXPECT_EQ(request.customer_id(), "c1");
    EXPECT_EQ(request.count(), 3);
    EXPECT_THAT(JsonReply(request).body, HasSubstr(R"("customer_id":"c1")"));
  }
}

absl::Status Read(const std::string& body) {
  v1::SuggestRequest request;
  return ParseJson(body, &request);
}

TEST(JsonRpcTest, NamesWhatItCannotRead) {
  const auto refused = [](const char* what) { return StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(what)); };
  EXPECT_THAT(Read("{"), refused("no JSON at byte 1"));
  EXPECT_THAT(Read(R"({"count": 1,})"), refused("no JSON at byte 12"));
  EXPECT_THAT(Read(R"({'count': 1})"), refused("no JSON at byte 1"));
  EXPECT_THAT(Read("{\"customer_id\": \"\xff\"}"), refused("no JSON at byte"));
  EXPECT_THAT(Read(R"({"count": 1} {})"), refused("no JSON at byte 13"));
  EXPECT_THAT(Read(R"({"count": 1e999})"), refused("out of range"));
  EXPECT_THAT(Read("[]"), refused("the text is expected to be a JSON object"));
  EXPECT_THAT(Read(R"({"count": "many"})"), refused("value that its field cannot take"));
  EXPECT_THAT(Read(R"({"count": true})"), refused("count is expected to be a number"));
  EXPECT_THAT(Read(R"({"customer_id": 7})"), refused("customer_id is expected to be a string"));
  EXPECT_THAT(Read(R"({"candidate_ids": "r1"})"), refused("candidate_ids is expected to be an array"));
  EXPECT_THAT(Read(R"({"candidate_ids": ["r1", 2]})"), refused("candidate_ids[1] is expected to be a string"));
}

TEST(JsonRpcTest, AnUnknownFieldIsAnsweredWithTheFieldsThereAre) {
  EXPECT_THAT(Read(R"({"colour": 1})"),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("customer_id, count, request_id"), Not(HasSubstr("colour")))));
}

TEST(JsonRpcTest, AKeyThatStandsTwiceIsRefusedAtEveryDepth) {
  for (const char* body :
       {R"({"count": 1, "count": 2})", R"({"attributes": {"a": 1, "a": 2}})",
        R"({"attributes": {"a": [{"b": 1, "c": 2, "b": 3}]}})", R"({"count": 1, "co\u0075nt": 2})"}) {
    EXPECT_THAT(Read(body), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("key twice"))) << body;
  }
  EXPECT_THAT(Read(R"({"count": 1, "attributes": {"count": 2, "a": {"count": 3}}})"), IsOk());
}

TEST(JsonRpcTest, NestedBracketsAreRefusedBeforeTheyAreParsed) {
  for (const int depth : {33, 1000, 1'000'000}) {
    const std::string lists = std::string(depth, '[') + std::string(depth, ']');
    EXPECT_THAT(Read(absl::StrCat(R"({"attributes": {"a": )", lists, "}}")),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("deeper than 32 levels at byte")));
  }
}

TEST(JsonRpcTest, NamesOfEnumerationsAreReadInEitherCaseAndSaidWhereTheyAreNone) {
  for (const char* kind : {"\"KEPT\"", "\"kept\"", "1"}) {
    v1::RecordFeedbackRequest request;
    EXPECT_THAT(ParseJson(absl::StrCat("{\"kind\": ", kind, "}"), &request), IsOk());
    EXPECT_EQ(request.kind(), v1::RecordFeedbackRequest::KEPT);
  }
  v1::RecordFeedbackRequest request;
  EXPECT_THAT(ParseJson(R"({"kind": "liked"})", &request),
              StatusIs(absl::StatusCode::kInvalidArgument, AllOf(HasSubstr("KEPT"), Not(HasSubstr("liked")))));
}

TEST(JsonRpcTest, AnErrorIsCutToWhatAHeadTakes) {
  const HttpReply reply = ErrorReply(absl::InvalidArgumentError(std::string(9000, 'x')));
  EXPECT_LT(reply.body.size(), kMaxMessageBytes + 100);
  EXPECT_EQ(ClientMessage(absl::InvalidArgumentError(std::string(kMaxMessageBytes - 1, 'x') + "\u20ac")),
            std::string(kMaxMessageBytes - 1, 'x') + " ...");
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
