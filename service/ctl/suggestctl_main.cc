// suggestctl: the operators' command line. Everything but the standard streams is in run.h.
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <string>
#include <vector>

#include "service/common/clock.h"
#include "service/ctl/commands.h"
#include "service/ctl/run.h"
#include "service/ctl/sink.h"

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);  // a reader that went away must not end a run that has begun
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  suggest::ctl::FileSink out(stdout);
  suggest::ctl::FileSink err(stderr);
  const suggest::SystemClock wall;
  return suggest::ctl::Run(suggest::ctl::AllCommands(), arguments,
                           {.out = out, .err = err, .err_is_terminal = isatty(STDERR_FILENO) == 1, .wall = wall});
}
