#include "service/server/rpc/http_routes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "service/server/rpc/http_server.h"
#include "tests/service/server/http_client.h"
#include "tests/service/server/server_fixture.h"
#include "tests/support/status_matchers.h"

namespace suggest::server {
namespace {

using ::suggest::testing::StatusIs;
using ::testing::AllOf;
using ::testing::HasSubstr;

class HttpRoutesTest : public ::testing::Test {
 protected:
  HttpReply Ask(const std::string& method, const std::string& path, const std::string& query, const std::string& body) {
    return routes_.Answer({.method = method, .path = path, .query = query, .body = body});
  }
  HttpReply Get(const std::string& path, const std::string& query = "") { return Ask("GET", path, query, ""); }
  HttpReply Post(const std::string& path, const std::string& body) { return Ask("POST", path, "", body); }

  ServingCompany company_;
  Endpoints endpoints_{company_.replica().surroundings(), company_.config().server()};
  HttpRoutes routes_{&endpoints_, &company_.replica().readiness(), &company_.replica().metrics(), [] {}};
};

TEST_F(HttpRoutesTest, SuggestFeedbackAndExplainHaveTwins) {
  const HttpReply suggested = Post("/v1/suggest", R"({"customer_id": "c1", "request_id": "q1", "count": 2})");
  ASSERT_EQ(suggested.status, 200) << suggested.body;
  v1::SuggestResponse decision;
  ASSERT_TRUE(ParseJson(suggested.body, &decision).ok());
  ASSERT_EQ(decision.suggestions_size(), 2);
  const HttpReply kept =
      Post("/v1/feedback", absl::StrCat(R"({"customer_id": "c1", "kind": "KEPT", "suggestion_id": ")",
                                        decision.suggestions(0).suggestion_id(), "\"}"));
  EXPECT_THAT(kept.body, HasSubstr("\"recorded\":true"));
  const HttpReply explained =
      Post("/v1/explain", absl::StrCat(R"({"customer_id": "c1", "decision_id": ")", decision.decision_id(), "\"}"));
  EXPECT_THAT(explained.body, HasSubstr("\"matches_log\":true"));
}

TEST_F(HttpRoutesTest, SuggestBatchIsALineOfJsonPerItem) {
  const HttpReply reply = Post("/v1/suggest_batch", R"({"run_id": "may", "all_customers": true, "count": 2})");
  ASSERT_TRUE(reply.stream);
  std::vector<v1::SuggestBatchItem> items;
  EXPECT_OK(reply.stream([&](const std::string& line) {
    EXPECT_EQ(line.find('\n'), line.size() - 1);
    EXPECT_TRUE(ParseJson(line, &items.emplace_back()).ok());
    return true;
  }));
  ASSERT_EQ(items.size(), 2u);
  EXPECT_EQ(items[1].customer_id(), "c2");
  EXPECT_EQ(items[1].response().suggestions_size(), 2);
  EXPECT_EQ(Post("/v1/suggest_batch", "{").status, 400);
}

TEST_F(HttpRoutesTest, AStreamOverTheSocketEndsWithItsErrorOrIsOne) {
  const auto server = HttpServer::Start({.address = "127.0.0.1:0", .threads = 2},
                                        [this](const HttpRequest& request) { return routes_.Answer(request); });
  ASSERT_OK(server);
  const HttpAnswer whole =
      Http((*server)->port(), "POST", "/v1/suggest_batch", R"({"run_id": "may", "all_customers": true, "count": 2})");
  EXPECT_EQ(whole.status, 200);
  EXPECT_EQ(std::count(whole.body.begin(), whole.body.end(), '\n'), 2);
  const HttpAnswer refused = Http((*server)->port(), "POST", "/v1/suggest_batch", R"({"count": 2})");
  EXPECT_EQ(refused.status, 400);
  EXPECT_THAT(refused.body, HasSubstr("run_id is empty"));
}

TEST_F(HttpRoutesTest, DecisionsIngestAndModelsHaveTwins) {
  EXPECT_THAT(Post("/v1/decisions", R"({"customer_id": "c1", "request_id": "e1", "recommendation_ids": ["r1"]})").body,
              HasSubstr("decision_id"));
  EXPECT_NE(Post("/v1/ingest", R"({"dry_run": true})").status, 404);
  EXPECT_THAT(Get("/v1/models").body, HasSubstr("\"version\":\"1\""));
  EXPECT_EQ(Get("/v1/models", "limit=5").status, 200);
  EXPECT_THAT(Get("/v1/models/1").body, HasSubstr("\"terms\""));
  EXPECT_THAT(Get("/v1/models/current").body, HasSubstr("\"version\":\"1\""));
}

TEST_F(HttpRoutesTest, ErrorsHaveTheirStatusCodeAndMessage) {
  const HttpReply unknown = Post("/v1/suggest", R"({"customer_id": "nobody", "request_id": "q", "count": 1})");
  EXPECT_EQ(unknown.status, 404);
  EXPECT_THAT(unknown.body, AllOf(HasSubstr("\"code\":\"NOT_FOUND\""), HasSubstr("nobody")));
  EXPECT_EQ(Post("/v1/suggest", "{").status, 400);
  EXPECT_EQ(Get("/v1/models", "limit=x").status, 400);
  EXPECT_EQ(Get("/v1/models", "limit=5000").status, 400);
  EXPECT_EQ(Get("/v1/models/seven").status, 400);
  EXPECT_EQ(Get("/v1/models/7").status, 404);
  EXPECT_EQ(Get("/nothing").status, 404);
  EXPECT_EQ(Get("/v1/suggest").status, 405);
  EXPECT_EQ(Post("/metrics", "").status, 405);
}

TEST_F(HttpRoutesTest, EveryPathSaysWhichVerbsItTakes) {
  EXPECT_EQ(Ask("OPTIONS", "*", "", "").status, 204);
  for (const MethodRow& row : kMethodTable) {
    const std::string path = absl::StrCat(row.path, std::string(row.path).back() == '/' ? "1" : "");
    const std::string allow = row.verb == std::string("GET") ? "GET, HEAD, OPTIONS" : "POST, OPTIONS";
    const HttpReply options = Ask("OPTIONS", path, "", "");
    EXPECT_EQ(options.status, 204) << path;
    EXPECT_EQ(options.allow, allow) << path;
    const HttpReply refused = Ask("DELETE", path, "", "");
    EXPECT_EQ(refused.status, 405) << path;
    EXPECT_EQ(refused.allow, allow) << path;
  }
  EXPECT_EQ(Ask("HEAD", "/healthz", "", "").status, 200);
  EXPECT_EQ(Ask("HEAD", "/v1/suggest", "", "").status, 405);
}

TEST_F(HttpRoutesTest, OddPathsReachNoMethod) {
  for (const char* path :
       {"/", "//v1/models", "/v1//models", "/v1/models/", "/v1/suggest/", "/V1/models", "", "/healthz/"}) {
    EXPECT_EQ(Get(path).status, 404) << path;
  }
  EXPECT_EQ(Get("/v1/models//1").status, 400);
}

TEST_F(HttpRoutesTest, NoErrorRepeatsTheRequest) {
  for (const HttpReply& reply :
       {Get("/<script>alert(1)"), Get("/v1/models/<script>"), Get("/v1/models", "<script>"),
        Post("/v1/suggest", R"({"<script>": 1})"), Post("/v1/suggest", "<script>"),
        Post("/v1/suggest", R"({"count": "<script>"})"), Ask("<script>", "/v1/suggest", "", "")}) {
    EXPECT_GE(reply.status, 400);
    EXPECT_THAT(reply.body, ::testing::Not(HasSubstr("script")));
  }
}

TEST_F(HttpRoutesTest, HealthReadinessAndMetrics) {
  EXPECT_EQ(Get("/healthz").status, 200);
  EXPECT_EQ(Get("/readyz").status, 200);
  EXPECT_THAT(Get("/metrics").body, HasSubstr("suggest_model_version 1"));
  company_.replica().readiness().Drain();
  EXPECT_EQ(Get("/healthz").status, 200);
  EXPECT_EQ(Get("/readyz").status, 503);
  EXPECT_EQ(Get("/readyz").body, "draining\n");
}

}  // namespace
}  // namespace suggest::server
