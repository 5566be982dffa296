// Runs suggestlab in process and keeps what it printed.
#ifndef TESTS_SERVICE_LAB_PROGRAM_TEST_RUN_H_
#define TESTS_SERVICE_LAB_PROGRAM_TEST_RUN_H_

#include <string>
#include <vector>

#include "service/lab/program/commands.h"
#include "tests/service/cli/test_run.h"

namespace suggest::lab {

using cli::ManualClock;
using cli::RunResult;

inline RunResult RunLab(const std::vector<std::string>& line) {
  return cli::RunProgram(Suggestlab(), line, ManualClock(absl::UnixEpoch()));
}

}  // namespace suggest::lab

#endif  // TESTS_SERVICE_LAB_PROGRAM_TEST_RUN_H_
