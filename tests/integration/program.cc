#include "tests/integration/program.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <sstream>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "bandit/base/check.h"

namespace suggest {
namespace {

std::string ReadFile(const std::string& path) {
  std::ifstream in(path);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

int ExitCode(int status) {
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

}  // namespace

Program::Program(const std::vector<std::string>& arguments, const std::string& folder, const std::string& name)
    : output_path_(absl::StrCat(folder, "/", name, ".out")), error_path_(absl::StrCat(folder, "/", name, ".err")) {
  std::vector<char*> argv;
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  const int out = open(output_path_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  const int err = open(error_path_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  SUGGEST_CHECK(out >= 0 && err >= 0);
  pid_ = fork();
  SUGGEST_CHECK(pid_ >= 0);
  if (pid_ == 0) {
    dup2(out, STDOUT_FILENO);
    dup2(err, STDERR_FILENO);
    execv(argv[0], argv.data());
    _exit(127);
  }
  close(out);
  close(err);
}

Program::~Program() {
  if (Running()) {
    Signal(SIGKILL);
    Wait();
  }
}

std::string Program::WaitForLine(const std::string& text, absl::Duration patience) {
  const absl::Time until = absl::Now() + patience;
  for (bool last_look = false;;) {
    for (const std::string& path : {output_path_, error_path_}) {
      const std::string all = ReadFile(path);
      for (absl::string_view line : absl::StrSplit(all, '\n')) {
        if (line.find(text) != absl::string_view::npos) return std::string(line);
      }
    }
    if (last_look || absl::Now() > until) return "";
    last_look = !Running();
    absl::SleepFor(absl::Milliseconds(5));
  }
}

void Program::Signal(int signal) {
  if (pid_ > 0) kill(pid_, signal);
}

int Program::Wait() {
  if (pid_ > 0) {
    int status = 0;
    waitpid(pid_, &status, 0);
    exit_code_ = ExitCode(status);
    pid_ = -1;
  }
  return exit_code_;
}

bool Program::Running() {
  if (pid_ <= 0) return false;
  int status = 0;
  if (waitpid(pid_, &status, WNOHANG) == 0) return true;
  exit_code_ = ExitCode(status);
  pid_ = -1;
  return false;
}

std::string Program::Output() const {
  return ReadFile(output_path_);
}
std::string Program::Errors() const {
  return ReadFile(error_path_);
}

RunResult RunProgram(const std::vector<std::string>& arguments, const std::string& folder, const std::string& name) {
  Program program(arguments, folder, name);
  const int exit_code = program.Wait();
  return {exit_code, program.Output(), program.Errors()};
}

}  // namespace suggest
