#include "tests/support/private_postgres.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "bandit/base/check.h"

namespace suggest::testing {
namespace {

std::string Script() {
  const char* const path = std::getenv("SUGGEST_PRIVATE_POSTGRES");
  return path != nullptr ? path : SUGGEST_PRIVATE_POSTGRES;
}

// Standard output of a shell command that must succeed.
std::string Run(const std::string& command) {
  std::FILE* const pipe = ::popen(command.c_str(), "r");
  SUGGEST_CHECK(pipe != nullptr);
  std::string output;
  std::array<char, 256> block;
  while (const size_t size = std::fread(block.data(), 1, block.size(), pipe)) output.append(block.data(), size);
  SUGGEST_CHECK(::pclose(pipe) == 0);
  return std::string(absl::StripAsciiWhitespace(output));
}

// Forks a shell that waits until the other end of a pipe closes, which happens however this process ends, and cleans
// up then. Returns our end.
int WatchOver(const std::string& folder) {
  std::array<int, 2> ends;
  SUGGEST_CHECK(::pipe2(ends.data(), O_CLOEXEC) == 0);
  const std::string command =
      absl::StrCat("cat; '", Script(), "' stop --immediate '", folder, "' >/dev/null 2>&1; rm -rf '", folder, "'");
  if (::fork() == 0) {
    ::setsid();
    ::dup2(ends[0], STDIN_FILENO);
    ::execl("/bin/sh", "sh", "-c", command.c_str(), nullptr);
    ::_exit(127);
  }
  ::close(ends[0]);
  return ends[1];
}

}  // namespace

PrivatePostgres::PrivatePostgres() : folder_(std::filesystem::temp_directory_path() / "sgt.XXXXXX") {
  SUGGEST_CHECK(::mkdtemp(folder_.data()) != nullptr);
  watcher_pipe_ = WatchOver(folder_);
  Start();
}

PrivatePostgres::~PrivatePostgres() {
  StopImmediately();
  ::close(watcher_pipe_);
}

void PrivatePostgres::Start() {
  connection_ = Run(absl::StrCat("'", Script(), "' start --no-fsync '", folder_, "'"));
}

void PrivatePostgres::StopImmediately() {
  Run(absl::StrCat("'", Script(), "' stop --immediate '", folder_, "'"));
}

}  // namespace suggest::testing
