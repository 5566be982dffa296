// A small company with its database, configuration and real programs, for tests of the whole.
//
// Domain time starts at 2026-01-20 12:00 UTC when a program starts (--clock) and runs at normal speed, so no test
// depends on the day on which it runs. The history is 1,200 suggestions of 8 recommendations to 200 customers over the
// half year before; half of the customers like the cheap recommendations and half the dear ones.
#ifndef TESTS_INTEGRATION_DEPLOYMENT_H_
#define TESTS_INTEGRATION_DEPLOYMENT_H_

#include <memory>
#include <string>
#include <vector>

#include "suggest/v1/learning_service.grpc.pb.h"
#include "suggest/v1/suggestion_service.grpc.pb.h"
#include "tests/integration/program.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/test_database.h"

namespace suggest {

inline constexpr char kStart[] = "2026-01-20T12:00:00Z";

// A running suggestd and a client of it.
class Replica {
 public:
  Replica(const std::vector<std::string>& arguments, const std::string& folder, const std::string& name);

  // False when it did not become ready.
  bool ready() const { return ready_; }
  Program& program() { return program_; }
  int http_port() const { return http_port_; }
  int grpc_port() const { return grpc_port_; }

  grpc::Status Suggest(const v1::SuggestRequest& request, v1::SuggestResponse* response);
  // Aborts the test's expectation when it fails; an empty response then.
  v1::SuggestResponse MustSuggest(const std::string& customer, const std::string& request_id, int count = 3,
                                  bool fresh = false);
  bool MustRecord(const std::string& customer, const std::string& suggestion_id, v1::RecordFeedbackRequest::Kind kind);
  v1::ExplainResponse MustExplain(const std::string& customer, const std::string& decision_id);
  // The body of an HTTP GET; "" when it failed.
  std::string HttpGet(const std::string& path);

 private:
  Program program_;
  int grpc_port_ = 0;
  int http_port_ = 0;
  bool ready_ = false;
  std::unique_ptr<v1::SuggestionService::Stub> stub_;
};

class Deployment {
 public:
  // Migrates, imports the history and warm-starts: in a database of its own, or in that of `connection`, if given.
  explicit Deployment(const std::string& connection = "");

  testing::TestDatabase& database() { return database_; }
  const std::string& folder() const { return folder_.path(); }

  std::unique_ptr<Replica> StartReplica(const std::string& start = kStart);
  // A replica whose configuration has more fields in `database`.
  std::unique_ptr<Replica> StartReplicaWith(const std::string& more_database);
  // Runs suggestctl with the configuration and the clock.
  RunResult Ctl(const std::vector<std::string>& arguments, const std::string& start = kStart);
  // Starts suggestctl and does not wait for it.
  std::unique_ptr<Program> StartCtl(const std::vector<std::string>& arguments, const std::string& start = kStart);

  // Billing writes a purchase, `seconds` after the start of domain time.
  void Buy(const std::string& purchase_id, const std::string& customer, const std::string& recommendation,
           double amount, int seconds = 0);

 private:
  std::unique_ptr<Replica> Launch(const std::string& config, const std::string& start);
  std::vector<std::string> CtlArguments(std::vector<std::string> arguments, const std::string& start) const;
  void WriteHistory() const;

  testing::TemporaryFolder folder_;
  testing::TestDatabase database_;
  std::string connection_;
  std::string config_;
  int started_ = 0;
};

// `kStart` plus some seconds, RFC 3339.
std::string AfterStart(int seconds);

}  // namespace suggest

#endif  // TESTS_INTEGRATION_DEPLOYMENT_H_
