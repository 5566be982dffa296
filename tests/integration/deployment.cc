#include "tests/integration/deployment.h"

#include <arpa/inet.h>
#include <grpcpp/create_channel.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"

namespace suggest {
namespace {

constexpr int kCustomers = 200;
constexpr int kRecommendations = 8;
constexpr int kSuggestions = 1200;

constexpr char kConfig[] = R"pb(
  server { grpc_address: "127.0.0.1:0" http_address: "127.0.0.1:0" }
  database {
    connection: "%s" %s
    model_poll { nanos: 500000000 }
  }
  money {
    currency: "EUR"
    reward_cap: 100
    conversion { key: "USD" value: 0.5 }
  }
  learning {
    exposure_event: KEPT
    attribution_window { seconds: 1209600 }
    grace { seconds: 86400 }
    learning_window { seconds: 31536000 }
    base_rate: 0.2
  }
  choice { sticky_for { seconds: 1800 } }
  features {
    features {
      name: "segment"
      side: CUSTOMER
      categorical { column: "segment" }
    }
    features {
      name: "size"
      side: CUSTOMER
      numeric { column: "size" }
    }
    features {
      name: "price"
      side: RECOMMENDATION
      categorical { column: "price" }
    }
    features {
      name: "effort"
      side: RECOMMENDATION
      numeric { column: "effort" }
    }
    features {
      name: "rate"
      side: CUSTOMER
      passes_by: true
      counter { smoothed_rate { prior_rate: 0.2 strength: 5 } }
    }
  }
)pb";

absl::Time Start() {
  absl::Time time;
  std::string error;
  EXPECT_TRUE(absl::ParseTime(absl::RFC3339_full, kStart, &time, &error)) << error;
  return time;
}

std::string Rfc3339(absl::Time time) {
  return absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", time, absl::UTCTimeZone());
}

std::string ClockFlag(const std::string& start) {
  static const std::string* epoch = new std::string(Rfc3339(absl::Now()));
  return absl::StrCat("--clock=", *epoch, ",", start, ",1");
}

int PortIn(const std::string& line) {
  int port = 0;
  EXPECT_TRUE(absl::SimpleAtoi(line.substr(line.rfind(' ') + 1), &port)) << line;
  return port;
}

}  // namespace

std::string AfterStart(int seconds) {
  return Rfc3339(Start() + absl::Seconds(seconds));
}

Replica::Replica(const std::vector<std::string>& arguments, const std::string& folder, const std::string& name)
    : program_(arguments, folder, name) {
  const std::string grpc_line = program_.WaitForLine("grpc port ");
  const std::string http_line = program_.WaitForLine("http port ");
  if (grpc_line.empty() || http_line.empty()) return;
  grpc_port_ = PortIn(grpc_line);
  http_port_ = PortIn(http_line);
  stub_ = v1::SuggestionService::NewStub(
      grpc::CreateChannel(absl::StrCat("127.0.0.1:", grpc_port_), grpc::InsecureChannelCredentials()));
  ready_ = !program_.WaitForLine("model in service").empty();
  for (const absl::Time until = absl::Now() + absl::Seconds(20); ready_ && absl::Now() < until;) {
    if (HttpGet("/readyz").find("200") != std::string::npos) return;
    absl::SleepFor(absl::Milliseconds(10));
  }
  ready_ = false;
}

grpc::Status Replica::Suggest(const v1::SuggestRequest& request, v1::SuggestResponse* response) {
  grpc::ClientContext context;
  return stub_->Suggest(&context, request, response);
}

v1::SuggestResponse Replica::MustSuggest(const std::string& customer, const std::string& request_id, int count,
                                         bool fresh) {
  v1::SuggestRequest request;
  request.set_customer_id(customer);
  request.set_request_id(request_id);
  request.set_count(count);
  request.set_fresh(fresh);
  v1::SuggestResponse response;
  const grpc::Status status = Suggest(request, &response);
  EXPECT_TRUE(status.ok()) << status.error_message();
  return response;
}

bool Replica::MustRecord(const std::string& customer, const std::string& suggestion_id,
                         v1::RecordFeedbackRequest::Kind kind) {
  v1::RecordFeedbackRequest request;
  request.set_customer_id(customer);
  request.set_suggestion_id(suggestion_id);
  request.set_kind(kind);
  grpc::ClientContext context;
  v1::RecordFeedbackResponse response;
  const grpc::Status status = stub_->RecordFeedback(&context, request, &response);
  EXPECT_TRUE(status.ok()) << status.error_message();
  return response.recorded();
}

v1::ExplainResponse Replica::MustExplain(const std::string& customer, const std::string& decision_id) {
  v1::ExplainRequest request;
  request.set_customer_id(customer);
  request.set_decision_id(decision_id);
  request.set_all_candidates(true);
  grpc::ClientContext context;
  v1::ExplainResponse response;
  const grpc::Status status = stub_->Explain(&context, request, &response);
  EXPECT_TRUE(status.ok()) << status.error_message();
  return response;
}

std::string Replica::HttpGet(const std::string& path) {
  const int socket = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(http_port_));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  std::string answer;
  if (connect(socket, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0) {
    const std::string request = absl::StrCat("GET ", path, " HTTP/1.0\r\nHost: localhost\r\n\r\n");
    if (write(socket, request.data(), request.size()) == static_cast<ssize_t>(request.size())) {
      char buffer[4096];
      for (ssize_t n; (n = read(socket, buffer, sizeof(buffer))) > 0;) answer.append(buffer, n);
    }
  }
  close(socket);
  return answer;
}

Deployment::Deployment(const std::string& connection) : database_(testing::TestDatabase::Content::kEmpty) {
  connection_ = connection.empty() ? database_.connection() : connection;
  config_ = folder_.Write("suggest.textproto", absl::StrFormat(kConfig, connection_, ""));
  WriteHistory();
  for (const std::vector<std::string>& step :
       std::vector<std::vector<std::string>>{{"migrate"}, {"import", "--data", folder_.path()}, {"warm-start"}}) {
    const RunResult result = Ctl(step);
    EXPECT_EQ(result.exit_code, 0) << step[0] << "\n" << result.output << result.errors;
  }
}

std::unique_ptr<Replica> Deployment::StartReplica(const std::string& start) {
  return Launch(config_, start);
}

std::unique_ptr<Replica> Deployment::StartReplicaWith(const std::string& more_database) {
  const std::string name = absl::StrCat("suggest", started_ + 1, ".textproto");
  return Launch(folder_.Write(name, absl::StrFormat(kConfig, connection_, more_database)), kStart);
}

std::unique_ptr<Replica> Deployment::Launch(const std::string& config, const std::string& start) {
  return std::make_unique<Replica>(
      std::vector<std::string>{SUGGEST_BIN_DIR "/suggestd", absl::StrCat("--config=", config), ClockFlag(start)},
      folder_.path(), absl::StrCat("suggestd", ++started_));
}

std::vector<std::string> Deployment::CtlArguments(std::vector<std::string> arguments, const std::string& start) const {
  arguments.insert(arguments.begin(), SUGGEST_BIN_DIR "/suggestctl");
  arguments.push_back(absl::StrCat("--config=", config_));
  arguments.push_back(ClockFlag(start));
  return arguments;
}

RunResult Deployment::Ctl(const std::vector<std::string>& arguments, const std::string& start) {
  return RunProgram(CtlArguments(arguments, start), folder_.path(), absl::StrCat("ctl", ++started_));
}

std::unique_ptr<Program> Deployment::StartCtl(const std::vector<std::string>& arguments, const std::string& start) {
  return std::make_unique<Program>(CtlArguments(arguments, start), folder_.path(), absl::StrCat("ctl", ++started_));
}

void Deployment::Buy(const std::string& purchase_id, const std::string& customer, const std::string& recommendation,
                     double amount, int seconds) {
  database().Execute(absl::StrFormat(
      "insert into builtin.purchases (purchase_id, customer_id, recommendation_id, purchased_at, amount) "
      "values ('%s', '%s', '%s', '%s', %g)",
      purchase_id, customer, recommendation, AfterStart(seconds), amount));
}

void Deployment::WriteHistory() const {
  std::ofstream customers(folder_.path() + "/customers.csv");
  customers << "customer_id,segment,size\n";
  for (int c = 0; c < kCustomers; ++c)
    customers << "c" << c << "," << (c % 2 ? "thrifty" : "rich") << "," << c % 7 << "\n";
  std::ofstream recommendations(folder_.path() + "/recommendations.csv");
  recommendations << "recommendation_id,title,repeatable,price,effort\n";
  for (int r = 0; r < kRecommendations; ++r) {
    recommendations << "r" << r << ",Recommendation " << r << ",true," << (r % 2 ? "cheap" : "dear") << "," << r / 2
                    << "\n";
  }
  std::ofstream suggestions(folder_.path() + "/suggestions.csv");
  std::ofstream purchases(folder_.path() + "/purchases.csv");
  suggestions << "suggestion_id,customer_id,recommendation_id,decided_at,status\n";
  purchases << "purchase_id,customer_id,recommendation_id,purchased_at,amount\n";
  for (int i = 0; i < kSuggestions; ++i) {
    const int customer = i * 7 % kCustomers;
    const int recommendation = i / kCustomers % kRecommendations;
    const absl::Time at = Start() - absl::Hours(24 * 180) + i * absl::Minutes(200);
    suggestions << "s" << i << ",c" << customer << ",r" << recommendation << "," << Rfc3339(at) << ",KEPT\n";
    const bool likes = customer % 2 == recommendation % 2;
    if (i % 10 < (likes ? 4 : 1)) {
      purchases << "p" << i << ",c" << customer << ",r" << recommendation << ","
                << Rfc3339(at + absl::Hours(12 + i % 100)) << ",100\n";
    }
  }
}

}  // namespace suggest
