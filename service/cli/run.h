// The whole of suggestctl but its standard streams: finds the command, parses its flags, runs it, prints its outcome.
//
// On standard output stands the command's text, or with --format json exactly one JSON document: the command's, or
// {"error": {"code": "NOT_FOUND", "message": "..."}}. On standard error stand progress, and one line for a failure.
#ifndef SERVICE_CLI_RUN_H_
#define SERVICE_CLI_RUN_H_

#include <string>
#include <vector>

#include "absl/types/span.h"
#include "service/cli/command.h"

namespace suggest::cli {

// `arguments` are without the program's name. Returns the exit code: 1, too, when standard output was not written
// whole. Threads: any, with sinks of their own.
int Run(const Program& program, absl::Span<const std::string> arguments, const Environment& environment);

// The same for a program's main: standard streams, real time.
int RunMain(const Program& program, int argc, char** argv);

}  // namespace suggest::cli

#endif  // SERVICE_CLI_RUN_H_
