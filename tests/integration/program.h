// One of our real programs, run as a child process.
//
// Its standard output and error go to files in a folder of the test, so that a failing test can show them.
// A Program that is still running when it is destroyed is killed.
#ifndef TESTS_INTEGRATION_PROGRAM_H_
#define TESTS_INTEGRATION_PROGRAM_H_

#include <sys/types.h>

#include <string>
#include <vector>

#include "absl/time/time.h"

namespace suggest {

class Program {
 public:
  // Starts `arguments[0]` with the rest as its arguments. `folder` must exist; `name` tells this run's files apart.
  Program(const std::vector<std::string>& arguments, const std::string& folder, const std::string& name);
  ~Program();
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  // Waits until a line of standard output or error contains `text` and returns that line; "" when the program ended
  // or `patience` passed without it.
  std::string WaitForLine(const std::string& text, absl::Duration patience = absl::Seconds(30));

  void Signal(int signal);
  // Waits for the end and returns the exit code; 128 + n when signal n ended it.
  int Wait();
  bool Running();
  pid_t pid() const { return pid_; }

  std::string Output() const;  // standard output so far
  std::string Errors() const;  // standard error so far

 private:
  std::string output_path_;
  std::string error_path_;
  pid_t pid_ = -1;
  int exit_code_ = -1;
};

struct RunResult {
  int exit_code;
  std::string output;
  std::string errors;
};

// Runs to the end.
RunResult RunProgram(const std::vector<std::string>& arguments, const std::string& folder, const std::string& name);

}  // namespace suggest

#endif  // TESTS_INTEGRATION_PROGRAM_H_
