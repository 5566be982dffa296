// suggestd without its log: decisions are made, queued and taken in batches as ever, and then thrown away.
//
//   suggest_bench_discarding --config FILE --clock SPEC
// What it costs less than suggestd is what writing costs; what is left is our own. Only the benchmark has it.
#include <csignal>
#include <cstdio>
#include <string>
#include <vector>

#include "service/common/clock.h"
#include "service/common/config.h"
#include "service/server/commit/decision_sink.h"
#include "service/server/server.h"
#include "service/server/server_flags.h"

namespace suggest::bench {
namespace {

class DiscardingSink final : public server::DecisionSink {
 public:
  absl::StatusOr<std::vector<storage::Appended>> Append(
      absl::Span<const storage::DecisionRecord* const> batch) override {
    return std::vector<storage::Appended>(batch.size());
  }
};

int Fail(const absl::Status& status) {
  std::fprintf(stderr, "%s\n", status.ToString().c_str());
  return 1;
}

int Main(const std::vector<std::string>& arguments) {
  const absl::StatusOr<server::ServerFlags> flags = server::ParseServerFlags(arguments);
  if (!flags.ok()) return Fail(flags.status());
  const absl::StatusOr<config::v1::Config> config = LoadConfig(flags->config);
  if (!config.ok()) return Fail(config.status());
  const auto clock = ParseClock(flags->clock);
  if (!clock.ok()) return Fail(clock.status());

  sigset_t ended;
  sigemptyset(&ended);
  sigaddset(&ended, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &ended, nullptr);
  DiscardingSink sink;
  const auto server = server::Server::Start({.config = *config, .clock = clock->get(), .decision_sink = &sink});
  if (!server.ok()) return Fail(server.status());
  std::printf("grpc port %d\nhttp port %d\n", (*server)->grpc_port(), (*server)->http_port());
  std::fflush(stdout);
  int received = 0;
  sigwait(&ended, &received);
  return 0;
}

}  // namespace
}  // namespace suggest::bench

int main(int argc, char** argv) {
  return suggest::bench::Main({argv + 1, argv + argc});
}
