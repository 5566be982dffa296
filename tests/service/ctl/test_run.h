// Runs suggestctl in process and keeps what it printed.
#ifndef TESTS_SERVICE_CTL_TEST_RUN_H_
#define TESTS_SERVICE_CTL_TEST_RUN_H_

#include <string>
#include <vector>

#include "service/ctl/commands.h"
#include "tests/service/cli/test_run.h"

namespace suggest::ctl {

using cli::ManualClock;
using cli::RunResult;

inline const std::vector<Command>& AllCommands() {
  return Suggestctl().commands;
}

inline RunResult RunCtl(const std::vector<Command>& commands, const std::vector<std::string>& arguments,
                        const Clock& wall, bool terminal = false) {
  return cli::RunProgram({"suggestctl", commands}, arguments, wall, terminal);
}

}  // namespace suggest::ctl

#endif  // TESTS_SERVICE_CTL_TEST_RUN_H_
