// The whole server in this process: real sockets on free ports, a real client, a real PostgreSQL.
#include "service/server/server.h"

#include <gmock/gmock.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <future>
#include <thread>

#include "absl/strings/match.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "service/common/config.h"
#include "storage/postgres/migrator.h"
#include "suggest/v1/learning_service.grpc.pb.h"
#include "suggest/v1/suggestion_service.grpc.pb.h"
#include "tests/service/server/http_client.h"
#include "tests/service/server/server_fixture.h"
#include "tests/support/private_postgres.h"
#include "tests/support/raw_sql.h"
#include "tests/support/status_matchers.h"

namespace suggest::server {
namespace {

using ::suggest::testing::IsOk;
using ::suggest::testing::PrivatePostgres;
using ::suggest::testing::RunSql;
using ::suggest::testing::SqlSession;
using ::suggest::testing::StatusIs;
using ::suggest::testing::TestDatabase;
using ::testing::HasSubstr;

constexpr char kServing[] = "\x08\x01";
constexpr char kNotServing[] = "\x08\x02";

// Looks until it is so, or gives up.
template <typename Condition>
bool Eventually(Condition condition) {
  for (const absl::Time end = absl::Now() + absl::Seconds(30); absl::Now() < end;
       absl::SleepFor(absl::Milliseconds(5))) {
    if (condition()) return true;
  }
  return false;
}

config::v1::Config ConfigOf(const std::string& connection, const std::string& more = "") {
  config::v1::Config config = decision::TestConfig(more);
  config.mutable_database()->set_connection(connection);
  config.mutable_server()->set_grpc_address("127.0.0.1:0");
  config.mutable_server()->set_http_address("127.0.0.1:0");
  return config;
}

std::string BytesOf(const grpc::ByteBuffer& buffer) {
  std::vector<grpc::Slice> slices;
  SUGGEST_CHECK(buffer.Dump(&slices).ok());
  std::string bytes;
  for (const grpc::Slice& slice : slices) bytes.append(reinterpret_cast<const char*>(slice.begin()), slice.size());
  return bytes;
}

grpc::ByteBuffer BufferOf(const std::string& bytes) {
  const grpc::Slice slice(bytes);
  return grpc::ByteBuffer(&slice, 1);
}

class Client {
 public:
  explicit Client(int port)
      : channel_(grpc::CreateChannel(absl::StrCat("127.0.0.1:", port), grpc::InsecureChannelCredentials())),
        suggestions_(v1::SuggestionService::NewStub(channel_)),
        generic_(channel_) {}

  absl::StatusOr<v1::SuggestResponse> Suggest(const std::string& request_id,
                                              absl::Duration timeout = absl::Seconds(30)) {
    grpc::ClientContext context;
    context.set_deadline(absl::ToChronoTime(absl::Now() + timeout));
    v1::SuggestResponse response;
    const grpc::Status status = suggestions_->Suggest(&context, RequestOf("c1", request_id), &response);
    if (!status.ok()) return absl::Status(static_cast<absl::StatusCode>(status.error_code()), status.error_message());
    return response;
  }

  // The answer to bytes that need be no message.
  absl::Status Raw(const std::string& method, const std::string& bytes) {
    grpc::ClientContext context;
    const grpc::ByteBuffer request = BufferOf(bytes);
    grpc::ByteBuffer response;
    std::promise<grpc::Status> done;
    generic_.UnaryCall(&context, method, {}, &request, &response,
                       [&](grpc::Status status) { done.set_value(std::move(status)); });
    const grpc::Status status = done.get_future().get();
    return absl::Status(static_cast<absl::StatusCode>(status.error_code()), status.error_message());
  }

  // The bytes of a grpc.health.v1.HealthCheckResponse, whose messages Debian does not ship.
  std::string Health(const std::string& service = "") {
    grpc::ClientContext context;
    const grpc::ByteBuffer request = BufferOf(
        service.empty() ? "" : absl::StrCat("\x0a", std::string(1, static_cast<char>(service.size())), service));
    grpc::ByteBuffer response;
    std::promise<grpc::Status> done;
    generic_.UnaryCall(&context, "/grpc.health.v1.Health/Check", {}, &request, &response,
                       [&](grpc::Status status) { done.set_value(std::move(status)); });
    const grpc::Status status = done.get_future().get();
    return status.ok() ? BytesOf(response) : status.error_message();
  }

  // What reflection answers to list_services.
  std::string ListServices() {
    grpc::ClientContext context;
    grpc::CompletionQueue queue;
    const auto wait = [&] {
      void* tag = nullptr;
      bool ok = false;
      return queue.Next(&tag, &ok) && ok;
    };
    auto stream =
        generic_.PrepareCall(&context, "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", &queue);
    stream->StartCall(nullptr);
    grpc::ByteBuffer answer;
    if (!wait()) return "no call";
    stream->Write(BufferOf(std::string("\x3a\x00", 2)), nullptr);
    if (!wait()) return "not written";
    stream->Read(&answer, nullptr);
    if (!wait()) return "no answer";
    grpc::Status status;
    stream->WritesDone(nullptr);
    wait();
    stream->Finish(&status, nullptr);
    wait();
    return BytesOf(answer);
  }

 private:
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<v1::SuggestionService::Stub> suggestions_;
  grpc::GenericStub generic_;
};

// A server on a database that has data and model version 1.
class ServerTest : public ::testing::Test {
 protected:
  ServerTest() : clock_(decision::TestNow()) {
    FillSource(database_);
    Publish(database_.database(), RowOf(decision::TestModel(1)));
  }

  std::unique_ptr<Server> Start(const config::v1::Config& config) {
    auto server = Server::Start({.config = config, .clock = &clock_, .log_stream = log_.stream()});
    SUGGEST_CHECK(server.ok());
    return *std::move(server);
  }

  std::unique_ptr<Server> StartReady(const std::string& more = "") {
    auto server = Start(ConfigOf(database_.connection(), more));
    SUGGEST_CHECK(Eventually([&] { return server->Ready().ok(); }));
    return server;
  }

  TestDatabase database_;
  ManualClock clock_;
  LogBuffer log_;
};

TEST_F(ServerTest, AnswersOverGrpcAndHttpAlike) {
  const auto server = StartReady();
  Client client(server->grpc_port());
  ASSERT_OK_AND_ASSIGN(const v1::SuggestResponse response, client.Suggest("q1"));
  const HttpAnswer twin =
      Http(server->http_port(), "POST", "/v1/suggest", R"({"customer_id": "c1", "request_id": "q1", "count": 3})");
  EXPECT_EQ(twin.status, 200);
  EXPECT_THAT(twin.body, HasSubstr(response.decision_id()));
  EXPECT_EQ(Http(server->http_port(), "GET", "/readyz").status, 200);
  EXPECT_THAT(Http(server->http_port(), "GET", "/metrics").body,
              HasSubstr("suggest_requests_total{code=\"OK\",method=\"Suggest\"} 2"));
  EXPECT_THAT(client.ListServices(), HasSubstr("suggest.v1.SuggestionService"));
}

TEST_F(ServerTest, BytesThatAreNoMessageAreTheCallersMistakeAndTheLogStaysJson) {
  const auto server = StartReady();
  Client client(server->grpc_port());
  const std::string latin_1 = "\x0a\x04\x63\xff\x6f\x6b\x10\x02\x1a\x01\x31";
  const std::string cut = "\x0a\x7f";
  for (const MethodRow& row : kMethodTable) {
    const std::string method = absl::StrCat("/suggest.v1.", row.service, "/", row.name);
    EXPECT_THAT(client.Raw(method, cut), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("no protobuf message")))
        << method;
  }
  EXPECT_THAT(client.Raw("/suggest.v1.SuggestionService/Suggest", latin_1),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("UTF-8")));
  EXPECT_THAT(client.Raw("/suggest.v1.SuggestionService/Nothing", ""), StatusIs(absl::StatusCode::kUnimplemented));
  server->Drain();
  for (const absl::string_view line : absl::StrSplit(log_.Text(), '\n', absl::SkipEmpty())) {
    EXPECT_TRUE(absl::StartsWith(line, "{\"time\":")) << line;
  }
  EXPECT_THAT(log_.Text(), HasSubstr("\"library\":\"protobuf\""));
}

TEST_F(ServerTest, ALongAttributeNameIsRefusedInAShortMessage) {
  const auto server = StartReady();
  v1::SuggestRequest request = RequestOf("c1", "q1");
  (*request.mutable_attributes()->mutable_fields())[std::string(9000, 'x')].set_number_value(1);
  const absl::Status refused =
      Client(server->grpc_port()).Raw("/suggest.v1.SuggestionService/Suggest", request.SerializeAsString());
  EXPECT_THAT(refused, StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_LT(refused.message().size(), 2000u);
}

TEST_F(ServerTest, NestedBracketsOverHttpAreRefused) {
  const auto server = StartReady();
  const std::string deep = std::string(100'000, '[') + std::string(100'000, ']');
  const HttpAnswer answer =
      Http(server->http_port(), "POST", "/v1/suggest",
           absl::StrCat(R"({"customer_id": "c1", "request_id": "q", "count": 1, "attributes": {"a": )", deep, "}}"));
  EXPECT_EQ(answer.status, 400);
  EXPECT_THAT(answer.body, HasSubstr("32 levels"));
}

TEST_F(ServerTest, HealthFollowsReadiness) {
  database_.Execute("DELETE FROM suggest.current_model");
  const auto server = Start(ConfigOf(database_.connection()));
  Client client(server->grpc_port());
  EXPECT_EQ(client.Health(), kNotServing);
  EXPECT_TRUE(Eventually([&] { return absl::StrContains(server->Ready().message(), "suggestctl warm-start"); }));
  Publish(database_.database(), RowOf(decision::TestModel(2)));
  EXPECT_TRUE(Eventually([&] { return client.Health("suggest.v1.SuggestionService") == kServing; }));
  EXPECT_TRUE(Eventually([&] { return client.Health() == kServing; }));
}

TEST_F(ServerTest, ASecondServerOnEitherPortFailsAndNamesTheAddress) {
  const auto first = StartReady();
  config::v1::Config config = ConfigOf(database_.connection());
  config.mutable_server()->set_grpc_address(absl::StrCat("127.0.0.1:", first->grpc_port()));
  EXPECT_THAT(Server::Start({.config = config, .clock = &clock_, .log_stream = log_.stream()}).status(),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr(config.server().grpc_address())));
  config = ConfigOf(database_.connection());
  config.mutable_server()->set_http_address(absl::StrCat("127.0.0.1:", first->http_port()));
  EXPECT_THAT(Server::Start({.config = config, .clock = &clock_, .log_stream = log_.stream()}).status(),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr(config.server().http_address())));
}

TEST_F(ServerTest, TheOpsListenerAnswersProbesAndNothingElse) {
  config::v1::Config config = ConfigOf(database_.connection());
  config.mutable_server()->set_ops_address("127.0.0.1:0");
  const auto server = Server::Start({.config = config, .clock = &clock_, .log_stream = log_.stream()});
  ASSERT_THAT(server, IsOk());
  EXPECT_EQ(Http((*server)->ops_port(), "GET", "/healthz").status, 200);
  EXPECT_THAT(Http((*server)->ops_port(), "GET", "/metrics").body, HasSubstr("suggest_ready"));
  EXPECT_EQ(Http((*server)->ops_port(), "POST", "/v1/suggest", "{}").status, 404);
}

TEST_F(ServerTest, APublishedVersionIsServedByEveryReplicaAlsoAfterItsListenConnectionWasCut) {
  const auto first = StartReady();
  const auto second = StartReady();
  database_.Execute(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN%' AND pid <> pg_backend_pid()");
  Publish(database_.database(), RowOf(decision::TestModel(2)));
  for (Server* server : {first.get(), second.get()}) {
    EXPECT_TRUE(Eventually([&] {
      return absl::StrContains(Http(server->http_port(), "GET", "/metrics").body, "suggest_model_version 2\n");
    }));
  }
}

TEST_F(ServerTest, AnExpiredDeadlineIsSaidSo) {
  const auto server = StartReady();
  Client client(server->grpc_port());
  SqlSession blocker(database_.connection());
  blocker.Run("BEGIN");
  blocker.Run("LOCK TABLE suggest.request_ids");
  EXPECT_THAT(client.Suggest("q1", absl::Milliseconds(100)), StatusIs(absl::StatusCode::kDeadlineExceeded));
  blocker.Run("ROLLBACK");
}

TEST_F(ServerTest, DrainLetsACallInFlightFinishAndTakesNoNewOnes) {
  const auto server = StartReady();
  const int port = server->grpc_port();
  SqlSession blocker(database_.connection());
  blocker.Run("BEGIN");
  blocker.Run("LOCK TABLE suggest.request_ids");
  auto in_flight = std::async(std::launch::async, [&] { return Client(port).Suggest("q1"); });
  ASSERT_TRUE(Eventually([&] {
    return database_.QueryOne(
               "SELECT count(*) FROM pg_locks WHERE relation = 'suggest.request_ids'::regclass AND NOT "
               "granted") == "1";
  }));
  std::thread drain([&] { server->Drain(); });
  EXPECT_TRUE(Eventually([&] { return Http(server->http_port(), "GET", "/readyz").status == 503; }));
  EXPECT_TRUE(Eventually(
      [&] { return Client(port).Suggest("q2", absl::Seconds(1)).status().code() == absl::StatusCode::kUnavailable; }));
  blocker.Run("ROLLBACK");
  EXPECT_THAT(in_flight.get(), IsOk());
  drain.join();
  EXPECT_THAT(log_.Text(), HasSubstr("\"stopped\""));
}

TEST_F(ServerTest, AReloadChangesLiveFields) {
  const auto server = StartReady();
  Client client(server->grpc_port());
  server->Reload(ConfigOf(database_.connection(), "choice { policy: UNIFORM } server { max_request_bytes: 2048 }"));
  ASSERT_OK_AND_ASSIGN(const auto response, client.Suggest("q1"));
  EXPECT_EQ(response.policy(), v1::UNIFORM);
  server->RefuseReload(absl::InvalidArgumentError("choice.policy is EXPERT"));
  EXPECT_THAT(Http(server->http_port(), "GET", "/metrics").body,
              HasSubstr("suggest_config_reloads_total{result=\"refused\"} 1"));
  server->Drain();
  EXPECT_THAT(log_.Text(),
              ::testing::AllOf(HasSubstr("configuration reloaded"), HasSubstr("\"needs_restart\":\"server"),
                               HasSubstr("choice.policy is EXPERT")));
}

TEST(ServerWithoutDatabaseTest, StartsNotReadyServesOnceItIsThereAndRecoversWhenItComesBack) {
  PrivatePostgres postgres;
  ManualClock clock(decision::TestNow());
  LogBuffer log;
  postgres.StopImmediately();
  ASSERT_OK_AND_ASSIGN(const auto server,
                       Server::Start({.config = ConfigOf(postgres.connection(), "choice { sticky_for {} }"),
                                      .clock = &clock,
                                      .log_stream = log.stream()}));
  Client client(server->grpc_port());
  EXPECT_TRUE(Eventually([&] { return absl::StrContains(server->Ready().message(), "database"); }));
  EXPECT_THAT(client.Suggest("q1"), StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_EQ(Http(server->http_port(), "GET", "/readyz").status, 503);

  postgres.Start();
  ASSERT_OK_AND_ASSIGN(const auto database, storage::Database::Open({.connection = postgres.connection()}));
  ASSERT_TRUE(storage::Migrate(*database, clock.Now()).ok());
  RunSql(postgres.connection(), R"(INSERT INTO builtin.customers (customer_id, attributes) VALUES ('c1', '{}'))");
  RunSql(postgres.connection(),
         "INSERT INTO builtin.recommendations (recommendation_id, title, attributes) "
         "SELECT 'r' || i, 'R', '{\"cost\": 10}' FROM generate_series(1, 6) i");
  Publish(*database, RowOf(decision::TestModel(1)));
  EXPECT_TRUE(Eventually([&] { return client.Suggest("q1").ok(); }));

  postgres.StopImmediately();
  EXPECT_THAT(client.Suggest("q2"), StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_TRUE(Eventually([&] { return !server->Ready().ok(); }));
  postgres.Start();
  EXPECT_TRUE(Eventually([&] { return client.Suggest("q2").ok(); }));
  EXPECT_TRUE(Eventually([&] { return server->Ready().ok(); }));
}

}  // namespace
}  // namespace suggest::server
