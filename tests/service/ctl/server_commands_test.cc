// Commands that call a server, against one in this process that answers what the test puts in.
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "google/protobuf/text_format.h"
#include "grpcpp/grpcpp.h"
#include "service/ctl/commands.h"
#include "suggest/v1/learning_service.grpc.pb.h"
#include "suggest/v1/suggestion_service.grpc.pb.h"
#include "tests/service/ctl/test_run.h"
#include "tests/support/temporary_folder.h"

namespace suggest::ctl {
namespace {

using ::testing::HasSubstr;

template <typename M>
M FromText(const std::string& text) {
  M message;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &message));
  return message;
}

// Remembers the last request, answers with `status` or a canned response.
class FakeServer : public v1::SuggestionService::Service, public v1::LearningService::Service {
 public:
  FakeServer() {
    grpc::ServerBuilder builder;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port_);
    builder.RegisterService(static_cast<v1::SuggestionService::Service*>(this));
    builder.RegisterService(static_cast<v1::LearningService::Service*>(this));
    server_ = builder.BuildAndStart();
  }
  ~FakeServer() override { server_->Shutdown(); }

  std::string address() const { return absl::StrCat("127.0.0.1:", port_); }

  grpc::Status Suggest(grpc::ServerContext*, const v1::SuggestRequest* request, v1::SuggestResponse* out) override {
    suggest_request = *request;
    *out = suggest_response;
    return status;
  }
  grpc::Status SuggestBatch(grpc::ServerContext*, const v1::SuggestBatchRequest* request,
                            grpc::ServerWriter<v1::SuggestBatchItem>* writer) override {
    batch_requests.push_back(*request);
    for (const v1::SuggestBatchItem& item : batch_items) writer->Write(item);
    return status;
  }
  grpc::Status RecordFeedback(grpc::ServerContext*, const v1::RecordFeedbackRequest* request,
                              v1::RecordFeedbackResponse* out) override {
    feedback_request = *request;
    out->set_recorded(recorded);
    return status;
  }
  grpc::Status Explain(grpc::ServerContext*, const v1::ExplainRequest* request, v1::ExplainResponse* out) override {
    explain_request = *request;
    *out = explain_response;
    return status;
  }
  grpc::Status IngestRewards(grpc::ServerContext*, const v1::IngestRewardsRequest* request,
                             v1::IngestRewardsResponse* out) override {
    ingest_request = *request;
    *out = ingest_response;
    return status;
  }

  grpc::Status status;
  bool recorded = true;
  v1::SuggestRequest suggest_request;
  v1::SuggestResponse suggest_response;
  std::vector<v1::SuggestBatchRequest> batch_requests;
  std::vector<v1::SuggestBatchItem> batch_items;
  v1::RecordFeedbackRequest feedback_request;
  v1::ExplainRequest explain_request;
  v1::ExplainResponse explain_response;
  v1::IngestRewardsRequest ingest_request;
  v1::IngestRewardsResponse ingest_response;

 private:
  int port_ = 0;
  std::unique_ptr<grpc::Server> server_;
};

class ServerCommandsTest : public ::testing::Test {
 protected:
  RunResult RunLine(std::vector<std::string> line) {
    line.insert(line.end(), {"--server", server_.address(), "--timeout", "60s"});
    return RunCtl(AllCommands(), line, wall_);
  }

  FakeServer server_;
  ManualClock wall_{absl::FromUnixSeconds(1767225600)};
};

constexpr char kSlate[] = R"(
    decision_id: "d1" policy: THOMPSON model_version: 7 durable: true propensity_status: ESTIMATED
    suggestions { suggestion_id: "d1.1" rank: 1 recommendation_id: "r9" title: "Bücher" score: 0.1
                  expected_reward: 0.0831 expected_reward_sd: 0.02 propensity { first: 0.25 in_slate: 0.5 } }
    suggestions { suggestion_id: "d1.2" rank: 2 recommendation_id: "r10" title: "Shop" score: 0.05 }
    removed { recommendation_id: "r3" reason: ALREADY_BOUGHT })";

TEST_F(ServerCommandsTest, SuggestPrintsTheSlate) {
  server_.suggest_response = FromText<v1::SuggestResponse>(kSlate);
  const RunResult result = RunLine({"suggest", "--customer", "c1"});
  EXPECT_EQ(result.exit, 0) << result.err;
  EXPECT_EQ(result.out,
            "decision d1: THOMPSON, model version 7\n"
            "rank  recommendation  title   expected reward  p(first)  p(in slate)   score\n"
            "   1  r9              Bücher  0.0831 ± 0.0200     0.250        0.500  0.1000\n"
            "   2  r10             Shop    0.0000 ± 0.0000         -            -  0.0500\n"
            "removed r3: ALREADY_BOUGHT\n");
}

TEST_F(ServerCommandsTest, SuggestPrintsTheSlateAsJson) {
  server_.suggest_response = FromText<v1::SuggestResponse>(kSlate);
  const RunResult result = RunLine({"suggest", "--customer", "c1", "--request-id", "q1", "--format", "json"});
  EXPECT_EQ(result.exit, 0) << result.err;
  EXPECT_EQ(result.At({"request_id"}).string_value(), "q1");
  EXPECT_EQ(result.At({"model_version"}).number_value(), 7);
  const auto suggestions = result.At({"suggestions"}).list_value();
  ASSERT_EQ(suggestions.values_size(), 2);
  EXPECT_EQ(suggestions.values(0).struct_value().fields().at("title").string_value(), "Bücher");
  EXPECT_TRUE(suggestions.values(1).struct_value().fields().at("propensity").has_null_value());
}

TEST_F(ServerCommandsTest, SuggestSendsEveryFlag) {
  const RunResult result =
      RunLine({"suggest", "--customer=c1", "--count=5", "--request-id=q1", "--attribute", "pages=12", "--attribute",
               "goals=[\"sell\",\"grow\"]", "--attribute", "plan=pro=max", "--attribute", "gone=null", "--candidate=r1",
               "--candidate=r2", "--exclude=r3", "--removed", "--fresh"});
  EXPECT_EQ(result.exit, 0) << result.err;
  const v1::SuggestRequest wanted = FromText<v1::SuggestRequest>(R"(
      customer_id: "c1" count: 5 request_id: "q1" candidate_ids: "r1" candidate_ids: "r2" excluded_ids: "r3"
      include_removed: true fresh: true)");
  const auto attributes = server_.suggest_request.attributes().fields();
  EXPECT_EQ(attributes.at("pages").number_value(), 12);
  EXPECT_EQ(attributes.at("goals").list_value().values(1).string_value(), "grow");
  EXPECT_EQ(attributes.at("plan").string_value(), "pro=max");
  EXPECT_TRUE(attributes.at("gone").has_null_value());
  server_.suggest_request.clear_attributes();
  EXPECT_EQ(server_.suggest_request.DebugString(), wanted.DebugString());
}

TEST_F(ServerCommandsTest, SuggestMakesANewRequestIdEachTime) {
  RunLine({"suggest", "--customer=c1"});
  const std::string first = server_.suggest_request.request_id();
  RunLine({"suggest", "--customer=c1"});
  EXPECT_NE(first, "");
  EXPECT_NE(first, server_.suggest_request.request_id());
}

TEST_F(ServerCommandsTest, AServersRefusalIsAFailureInItsOwnWords) {
  server_.status = grpc::Status(grpc::StatusCode::NOT_FOUND, "unknown customer \"c1\"");
  const RunResult text = RunLine({"suggest", "--customer=c1"});
  EXPECT_EQ(text.exit, 1);
  EXPECT_EQ(text.err, "suggestctl: unknown customer \"c1\"\n");
  const RunResult json = RunLine({"suggest", "--customer=c1", "--format=json"});
  EXPECT_EQ(json.At({"error", "code"}).string_value(), "NOT_FOUND");
  EXPECT_EQ(json.At({"error", "message"}).string_value(), "unknown customer \"c1\"");
}

class SuggestBatchCommandTest : public ServerCommandsTest {
 protected:
  void Answer(const std::vector<std::string>& items) {
    server_.batch_items.clear();
    for (const std::string& item : items) server_.batch_items.push_back(FromText<v1::SuggestBatchItem>(item));
  }

  testing::TemporaryFolder folder_;
};

constexpr char kDecided[] = "customer_id: 'c1' response { decision_id: 'd1' }";
constexpr char kReplayed[] = "customer_id: 'c2' response { decision_id: 'd2' replayed: true }";
constexpr char kSticky[] = "customer_id: 'c3' response { decision_id: 'd3' sticky: true }";
constexpr char kNoCandidate[] = "customer_id: 'c4' code: 9 message: 'nothing is eligible'";
constexpr char kUnknown[] = "customer_id: 'c5' code: 5 message: 'customer c5 is unknown'";

TEST_F(SuggestBatchCommandTest, CountsWhatBecameOfEachCustomer) {
  Answer({kDecided, kReplayed, kSticky, kNoCandidate});
  const RunResult result = RunLine({"suggest-batch", "--all", "--run-id=may", "--count=2", "--exclude=r1",
                                    "--candidate=r2", "--fresh", "--after=c0", "--format=json"});
  EXPECT_EQ(result.exit, 0) << result.err;
  for (const char* key : {"decided", "replayed", "sticky", "no_candidate"}) {
    EXPECT_EQ(result.At({key}).number_value(), 1) << key;
  }
  EXPECT_EQ(result.At({"customers"}).number_value(), 4);
  EXPECT_EQ(result.At({"last_customer_id"}).string_value(), "c4");
  ASSERT_EQ(server_.batch_requests.size(), 1u);
  EXPECT_EQ(server_.batch_requests[0].DebugString(),
            FromText<v1::SuggestBatchRequest>("run_id: 'may' all_customers: true count: 2 candidate_ids: 'r2' "
                                              "excluded_ids: 'r1' fresh: true after_customer_id: 'c0'")
                .DebugString());
}

TEST_F(SuggestBatchCommandTest, OneCustomersErrorIsAFailureInItsOwnWords) {
  Answer({kDecided, kUnknown});
  const RunResult result = RunLine({"suggest-batch", "--all", "--run-id=may"});
  EXPECT_EQ(result.exit, 1);
  EXPECT_THAT(result.out, HasSubstr("failed with NOT_FOUND: 1"));
  EXPECT_THAT(result.out, HasSubstr("customer c5 is unknown"));
}

TEST_F(SuggestBatchCommandTest, ARunThatIsDoneAlreadyIsNothingToDo) {
  Answer({kReplayed});
  EXPECT_EQ(RunLine({"suggest-batch", "--all", "--run-id=may"}).exit, 3);
}

TEST_F(SuggestBatchCommandTest, AStreamThatBreaksOffSaysWhereItWas) {
  Answer({kDecided});
  server_.status = grpc::Status(grpc::StatusCode::INTERNAL, "a defect");
  const RunResult result = RunLine({"suggest-batch", "--all", "--run-id=may"});
  EXPECT_EQ(result.exit, 1);
  EXPECT_EQ(result.err,
            "suggestctl: a defect; 1 customers were answered, the last of them 'c1'; the same --run-id goes on\n");
}

TEST_F(SuggestBatchCommandTest, ALongListIsSentInPiecesAndTheItemsAreAppendedToTheFile) {
  std::string list;
  for (int i = 0; i < 5001; ++i) absl::StrAppend(&list, "c", i, i % 2 == 0 ? "\n" : " \r\n\n");
  Answer({kDecided});
  const std::string out = folder_.path() + "/items.jsonl";
  const RunResult result =
      RunLine({"suggest-batch", "--customers", folder_.Write("list", list), "--run-id=may", "--out", out});
  EXPECT_EQ(result.exit, 0) << result.err;
  ASSERT_EQ(server_.batch_requests.size(), 2u);
  EXPECT_EQ(server_.batch_requests[0].customer_ids_size(), 5000);
  EXPECT_EQ(server_.batch_requests[1].customer_ids(0), "c5000");
  std::ifstream file(out);
  std::string line;
  int lines = 0;
  for (; std::getline(file, line); ++lines) EXPECT_THAT(line, HasSubstr("\"decision_id\":\"d1\""));
  EXPECT_EQ(lines, 2);
}

TEST_F(SuggestBatchCommandTest, RefusesALineWithoutCustomers) {
  EXPECT_EQ(RunLine({"suggest-batch", "--run-id=may"}).exit, 2);
  EXPECT_EQ(RunLine({"suggest-batch", "--run-id=may", "--all", "--customers=x"}).exit, 2);
  EXPECT_EQ(RunLine({"suggest-batch", "--run-id=may", "--customers=x", "--after=c1"}).exit, 2);
  const RunResult missing = RunLine({"suggest-batch", "--run-id=may", "--customers", folder_.path() + "/none"});
  EXPECT_EQ(missing.exit, 1);
  EXPECT_THAT(missing.err, HasSubstr("/none cannot be read"));
  EXPECT_THAT(RunLine({"suggest-batch", "--run-id=may", "--customers", folder_.Write("empty", "\n")}).err,
              HasSubstr("has no customer"));
  EXPECT_THAT(RunLine({"suggest-batch", "--run-id=may", "--all", "--out", folder_.path() + "/no/where"}).err,
              HasSubstr("cannot be written"));
}

TEST_F(ServerCommandsTest, FeedbackSendsKindAndTime) {
  const RunResult result = RunLine({"feedback", "--customer=c1", "--suggestion=d1.1", "--kind=discarded",
                                    "--at=2026-01-01T00:00:00.5Z", "--format=json"});
  EXPECT_EQ(result.exit, 0) << result.err;
  EXPECT_TRUE(result.At({"recorded"}).bool_value());
  EXPECT_EQ(server_.feedback_request.DebugString(),
            FromText<v1::RecordFeedbackRequest>(R"(customer_id: "c1" suggestion_id: "d1.1" kind: DISCARDED
                                                   occurred_at { seconds: 1767225600 nanos: 500000000 })")
                .DebugString());
}

TEST_F(ServerCommandsTest, FeedbackThatWasThereIsNothingToDo) {
  server_.recorded = false;
  const RunResult result = RunLine({"feedback", "--customer=c1", "--suggestion=d1.1", "--kind=kept"});
  EXPECT_EQ(result.exit, 3);
  EXPECT_FALSE(server_.feedback_request.has_occurred_at());
}

TEST_F(ServerCommandsTest, ExplainFailsWhenTheLogDiffers) {
  server_.explain_response = FromText<v1::ExplainResponse>(R"(
      decision_id: "d1" policy: GREEDY model_version: 3 seed: 18446744073709551615 matches_log: true
      candidates { recommendation_id: "r1" score: 0.2 expected_reward: 0.1 expected_reward_sd: 0.01 rank: 1
                   contributions { feature: "1 x price" value: -0.02 } contrast_with: "r2"
                   contrast { feature: "1 x price" value: 0.03 } }
      candidates { recommendation_id: "r2" score: 0.2 expected_reward: 0.1 expected_reward_sd: 0.01 rank: 2
                   contrast_with: "r1" }
      candidates { recommendation_id: "r3" score: 0.2 expected_reward: 0.1 expected_reward_sd: 0.01
                   contributions { feature: "1 x price" value: -0.02 } contributions { feature: "1 x 1" value: 0.01 } })");
  const RunResult same = RunLine({"explain", "d1", "--customer=c1", "--all"});
  EXPECT_EQ(same.exit, 0) << same.err;
  EXPECT_EQ(same.out,
            "decision d1: GREEDY, model version 3, seed 18446744073709551615\n"
            "recomputed: equal to the log, bit for bit\n"
            "rank  recommendation  expected reward   score  what sets it apart\n"
            "   1  r1              0.1000 ± 0.0100  0.2000  against r2: 1 x price +0.0300\n"
            "   2  r2              0.1000 ± 0.0100  0.2000  against r1: nothing differs\n"
            "   -  r3              0.1000 ± 0.0100  0.2000  1 x price -0.0200, 1 x 1 +0.0100\n");
  EXPECT_TRUE(server_.explain_request.all_candidates());

  server_.explain_response.set_matches_log(false);
  const RunResult other = RunLine({"explain", "d1", "--customer=c1", "--format=json"});
  EXPECT_EQ(other.exit, 1);
  EXPECT_FALSE(other.At({"matches_log"}).bool_value());
  EXPECT_EQ(other.At({"seed"}).string_value(), "18446744073709551615");
}

TEST_F(ServerCommandsTest, IngestByAServerTellsDoneNothingAndAlreadyRunningApart) {
  server_.ingest_response = FromText<v1::IngestRewardsResponse>(
      "model_version: 8 counts { exposures_booked: 12 purchases_attributed: 3 } seconds: 0.5");
  const RunResult done = RunLine({"ingest-rewards", "--dry-run", "--format=json"});
  EXPECT_EQ(done.exit, 0) << done.err;
  EXPECT_EQ(done.At({"counts", "exposures_booked"}).number_value(), 12);
  EXPECT_TRUE(done.At({"dry_run"}).bool_value());
  EXPECT_TRUE(server_.ingest_request.dry_run());

  server_.ingest_response = FromText<v1::IngestRewardsResponse>("nothing_to_do: true");
  EXPECT_EQ(RunLine({"ingest-rewards"}).exit, 3);

  server_.status = grpc::Status(grpc::StatusCode::ABORTED, "another run holds the learner's lock");
  const RunResult busy = RunLine({"ingest-rewards", "--format=json"});
  EXPECT_EQ(busy.exit, 3);
  EXPECT_EQ(busy.At({"error", "code"}).string_value(), "ABORTED");
}

TEST_F(ServerCommandsTest, AServerThatIsNotThereIsNamed) {
  // Port 1 of the loopback: nothing listens there.
  const RunResult result = RunCtl(AllCommands(), {"suggest", "--customer=c1", "--server=127.0.0.1:1"}, wall_);
  EXPECT_EQ(result.exit, 1);
  EXPECT_THAT(result.err, HasSubstr("server 127.0.0.1:1: "));
}

}  // namespace
}  // namespace suggest::ctl
