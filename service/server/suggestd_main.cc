// suggestd: the service. Reads its configuration, serves until SIGTERM or SIGINT, reloads Live fields on SIGHUP.
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "service/common/clock.h"
#include "service/common/config.h"
#include "service/common/standard_streams.h"
#include "service/server/log.h"
#include "service/server/server.h"
#include "service/server/server_flags.h"

namespace suggest::server {
namespace {

// What a drain may take beyond its timeout.
constexpr absl::Duration kDrainGrace = absl::Seconds(5);

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

// A pipe or a device may never end, and SIGTERM would wait for it: only a file is read while the server runs.
absl::StatusOr<config::v1::Config> ReadAgain(const std::string& path) {
  std::error_code error;
  if (std::filesystem::exists(path, error) && !std::filesystem::is_regular_file(path, error)) {
    return absl::FailedPreconditionError(absl::StrCat("configuration ", path, " is no regular file"));
  }
  return LoadConfig(path);
}

void Reload(Server& server, const std::string& path, config::v1::Config* running) {
  const auto next = ReadAgain(path);
  if (next.ok()) {
    *running->mutable_server()->mutable_drain_timeout() = next->server().drain_timeout();
    server.Reload(*next);
  } else {
    server.RefuseReload(next.status());
  }
}

// Ends the process when the drain has not, whatever still runs.
void EndAfter(absl::Duration timeout, const Clock& clock) {
  try {
    std::thread([timeout, &clock] {
      std::this_thread::sleep_for(absl::ToChronoNanoseconds(timeout));
      Log(&clock, stderr)
          .Write(LogLevel::kError, "the drain has not ended: a call still runs, and the process ends all the same",
                 {{"seconds", absl::ToDoubleSeconds(timeout)}});
      _exit(1);
    }).detach();
  } catch (const std::system_error&) {
    // There can be no thread more: the signal ends the process then, without a line in the log.
    alarm(static_cast<unsigned>(absl::ToInt64Seconds(timeout)) + 1);
  }
}

int Serve(const ServerFlags& flags, config::v1::Config config, const Clock& clock) {
  const sigset_t signals = BlockSignals();
  auto server = Server::Start({.config = config, .clock = &clock, .log_stream = stderr});
  if (!server.ok()) return Fail(server.status(), 1);
  std::printf("grpc port %d\nhttp port %d\n", (*server)->grpc_port(), (*server)->http_port());
  if ((*server)->ops_port() != 0) std::printf("ops port %d\n", (*server)->ops_port());
  std::fflush(stdout);
  int received = 0;
  while (sigwait(&signals, &received) == 0 && received == SIGHUP) Reload(**server, flags.config, &config);
  EndAfter(ToAbslDuration(config.server().drain_timeout()) + kDrainGrace, clock);
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
