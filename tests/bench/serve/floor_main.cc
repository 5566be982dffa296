// The floor: a gRPC server that answers Suggest with bytes that were recorded from suggestd, and does nothing else.
//
//   suggest_bench_floor --config FILE --answers FILE
// It is built by the function that suggestd's gRPC server is built by, from the same configuration, with the same
// service, and answers on the thread that the call came in on. The answers are
// SuggestResponse messages, each after its length; call n gets number n mod their count. Prints "grpc port N" and
// serves until it is killed.
#include <grpcpp/grpcpp.h>

#include <atomic>
#include <cstdio>
#include <fstream>
#include <string>
#include <vector>

#include "bandit/base/check.h"
#include "google/protobuf/io/zero_copy_stream_impl.h"
#include "google/protobuf/util/delimited_message_util.h"
#include "service/cli/flags.h"
#include "service/common/config.h"
#include "service/server/rpc/grpc_server.h"
#include "service/server/rpc/suggest_service.h"

namespace suggest::bench {
namespace {

class Floor final : public server::SuggestService {
 public:
  explicit Floor(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    google::protobuf::io::IstreamInputStream stream(&file);
    bool end = false;
    while (!end) {
      v1::SuggestResponse answer;  // a fresh one: parsing would add to an earlier one
      if (google::protobuf::util::ParseDelimitedFromZeroCopyStream(&answer, &stream, &end)) answers_.push_back(answer);
    }
    SUGGEST_CHECK(!answers_.empty());
  }

  grpc::ServerUnaryReactor* Suggest(grpc::CallbackServerContext* context, const v1::SuggestRequest*,
                                    v1::SuggestResponse* response) override {
    *response = answers_[next_.fetch_add(1, std::memory_order_relaxed) % answers_.size()];
    grpc::ServerUnaryReactor* const reactor = context->DefaultReactor();
    reactor->Finish(grpc::Status::OK);
    return reactor;
  }

 private:
  std::vector<v1::SuggestResponse> answers_;
  std::atomic<uint64_t> next_{0};
};

int Serve(const std::string& config_path, const std::string& answers_path) {
  const absl::StatusOr<config::v1::Config> config = LoadConfig(config_path);
  if (!config.ok()) {
    std::fprintf(stderr, "%s\n", config.status().ToString().c_str());
    return 1;
  }
  Floor floor(answers_path);
  grpc::ServerBuilder builder;
  server::ConfigureServer(config->server(), &builder);
  int port = 0;
  builder.AddListeningPort(config->server().grpc_address(), grpc::InsecureServerCredentials(), &port);
  builder.RegisterService(&floor);
  const std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  SUGGEST_CHECK(server != nullptr && port != 0);
  std::printf("grpc port %d\n", port);
  std::fflush(stdout);
  server->Wait();
  return 0;
}

}  // namespace
}  // namespace suggest::bench

int main(int argc, char** argv) {
  const auto flags = suggest::cli::Flags::Parse(
      std::vector<suggest::cli::FlagSpec>{{.name = "config", .value_name = "FILE", .required = true},
                                          {.name = "answers", .value_name = "FILE", .required = true}},
      std::vector<std::string>(argv + 1, argv + argc));
  if (!flags.ok()) {
    std::fprintf(stderr, "suggest_bench_floor: %s\n", std::string(flags.status().message()).c_str());
    return 2;
  }
  return suggest::bench::Serve(flags->Text("config"), flags->Text("answers"));
}
