#include "tests/bench/serve/service.h"

#include <signal.h>

#include <cstdio>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "bandit/base/check.h"
#include "google/protobuf/io/zero_copy_stream_impl_lite.h"
#include "google/protobuf/util/delimited_message_util.h"
#include "service/common/config.h"
#include "tests/service/server/http_client.h"

namespace suggest::bench {
namespace {

int PortIn(const std::string& line) {
  int port = 0;
  SUGGEST_CHECK(absl::SimpleAtoi(line.substr(line.rfind(' ') + 1), &port));
  return port;
}

std::string Delimited(const std::vector<v1::SuggestResponse>& answers) {
  std::string bytes;
  google::protobuf::io::StringOutputStream stream(&bytes);
  for (const v1::SuggestResponse& answer : answers) {
    SUGGEST_CHECK(google::protobuf::util::SerializeDelimitedToZeroCopyStream(answer, &stream));
  }
  return bytes;
}

// Goes through the customers with a stride that has no divisor in common with most numbers.
RequestMaker RequestsTo(std::vector<std::string> customers, std::string prefix) {
  return [customers = std::move(customers), prefix = std::move(prefix)](int64_t n) {
    v1::SuggestRequest request;
    request.set_customer_id(customers[n * 7'919 % customers.size()]);
    request.set_request_id(absl::StrCat(prefix, "-", n));
    request.set_count(kSlate);
    request.set_fresh(true);
    return request;
  };
}

}  // namespace

std::unique_ptr<Service> Service::Suggestd(const Places& places, const Company& company, const std::string& name,
                                           const std::string& program) {
  std::unique_ptr<Service> service(new Service(places, company.config, name));
  service->arguments_ = {absl::StrCat(places.programs, "/", program), "--clock", company.clock};
  service->ready_line_ = "model in service";
  service->Start();
  service->Connect(company.customers);
  return service;
}

std::unique_ptr<Service> Service::Floor(const Places& places, const Company& company,
                                        const std::vector<v1::SuggestResponse>& answers, const std::string& name) {
  std::unique_ptr<Service> service(new Service(places, company.config, name));
  service->arguments_ = {places.programs + "/suggest_bench_floor"};
  service->ready_line_ = "grpc port ";
  const std::string path = WriteFile(places, name + ".answers", Delimited(answers));
  service->config_.mutable_server()->set_grpc_address("127.0.0.1:0");
  service->arguments_.insert(service->arguments_.end(), {"--answers", path});
  service->Start();
  service->Connect(company.customers);
  return service;
}

void Service::Start() {
  const std::string run = absl::StrCat(name_, ".", ++starts_);
  std::vector<std::string> arguments = arguments_;
  arguments.insert(arguments.begin() + 1, {"--config", WriteFile(places_, run + ".textproto", PrintConfig(config_))});
  program_ = std::make_unique<Program>(arguments, places_.work, run);
  const std::string line = program_->WaitForLine("grpc port ");
  if (line.empty()) std::fprintf(stderr, "%s did not start:\n%s", run.c_str(), program_->Errors().c_str());
  SUGGEST_CHECK(!line.empty());
  grpc_port_ = PortIn(line);
  if (ready_line_ == line.substr(0, ready_line_.size())) return;
  http_port_ = PortIn(program_->WaitForLine("http port "));
  const bool loaded = !program_->WaitForLine(ready_line_, absl::Minutes(2)).empty();
  if (!loaded) std::fprintf(stderr, "%s is not ready:\n%s", run.c_str(), program_->Errors().c_str());
  SUGGEST_CHECK(loaded);
}

void Service::Connect(const std::vector<std::string>& customers) {
  load_ = std::make_unique<Load>(absl::StrCat("127.0.0.1:", grpc_port_), kClients, RequestsTo(customers, name_));
}

void Service::KillAndRestart() {
  program_->Signal(SIGKILL);
  program_->Wait();
  config_.mutable_server()->set_grpc_address(absl::StrCat("127.0.0.1:", grpc_port_));
  Start();
}

void Service::Pause() {
  program_->Signal(SIGSTOP);
}

void Service::Resume() {
  program_->Signal(SIGCONT);
}

double Service::Metric(absl::string_view name) const {
  return SumOfMetric(server::Http(http_port_, "GET", "/metrics").body, name);
}

double SumOfMetric(absl::string_view exposition, absl::string_view name) {
  double sum = 0;
  for (const absl::string_view line : absl::StrSplit(exposition, '\n')) {
    if (!absl::StartsWith(line, name)) continue;
    const absl::string_view rest = line.substr(name.size());
    if (rest.empty() || (rest[0] != ' ' && rest[0] != '{')) continue;
    double value = 0;
    if (absl::SimpleAtod(line.substr(line.rfind(' ') + 1), &value)) sum += value;
  }
  return sum;
}

}  // namespace suggest::bench
