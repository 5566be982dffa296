// suggestd: the service. Reads its configuration, serves until SIGTERM or SIGINT, reloads Live fields on SIGHUP.
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "service/common/clock.h"
#include "service/common/config.h"
#include "service/common/standard_streams.h"
#include "service/server/server.h"
#include "service/server/server_flags.h"

namespace suggest::server {
namespace {

int Fail(const absl::Status& status, int exit_code) {
  std::fprintf(stderr, "suggestd: %s\n", std::string(status.message()).c_str());
  return exit_code;
}

// Blocks the signals that Serve waits for, in this thread and all that it starts.
sigset_t BlockSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&signals, signal);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  return signals;
}

void Reload(Server& server, const std::string& path) {
  const auto next = LoadConfig(path);
  if (next.ok()) {
    server.Reload(*next);
  } else {
    server.RefuseReload(next.status());
  }
}

int Serve(const ServerFlags& flags, const config::v1::Config& config, const Clock& clock) {
  const sigset_t signals = BlockSignals();
  auto server = Server::Start({.config = config, .clock = &clock, .log_stream = stderr});
  if (!server.ok()) return Fail(server.status(), 1);
  std::printf("grpc port %d\nhttp port %d\n", (*server)->grpc_port(), (*server)->http_port());
  std::fflush(stdout);
  int received = 0;
  while (sigwait(&signals, &received) == 0 && received == SIGHUP) Reload(**server, flags.config);
  (*server)->Drain();
  return 0;
}

// 1 when standard output is closed or full.
int Show(const std::string& text) {
  return std::fputs(text.c_str(), stdout) < 0 || std::fflush(stdout) != 0;
}

int Main(const std::vector<std::string>& arguments) {
  const char* const default_config = std::getenv("SUGGEST_CONFIG");
  const absl::StatusOr<ServerFlags> flags =
      ParseServerFlags(arguments, default_config == nullptr ? "" : default_config);
  if (!flags.ok()) {
    std::fputs(ServerUsage().c_str(), stderr);
    return Fail(flags.status(), 2);
  }
  if (flags->help) return Show(ServerUsage());
  if (flags->version) return Show(absl::StrCat("suggestd ", kVersion, "\n"));
  const absl::StatusOr<std::unique_ptr<Clock>> clock = ParseClock(flags->clock);
  if (!clock.ok()) return Fail(clock.status(), 2);
  const absl::StatusOr<config::v1::Config> config = LoadConfig(flags->config);
  if (!config.ok()) return Fail(config.status(), 1);
  if (flags->print_config) return Show(PrintConfig(*config));
  return Serve(*flags, *config, **clock);
}

}  // namespace
}  // namespace suggest::server

int main(int argc, char** argv) {
  suggest::HoldStandardStreams();
  return suggest::server::Main({argv + 1, argv + argc});
}
