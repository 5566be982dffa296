// The whole of suggestctl but its standard streams: finds the command, parses its flags, runs it, prints its outcome.
//
// On standard output stands the command's text, or with --format json exactly one JSON document: the command's, or
// {"error": {"code": "NOT_FOUND", "message": "..."}}. On standard error stand progress, and one line for a failure.
#ifndef SERVICE_CTL_RUN_H_
#define SERVICE_CTL_RUN_H_

#include <string>
#include <vector>

#include "absl/types/span.h"
#include "service/ctl/command.h"

namespace suggest::ctl {

// `arguments` are without the program's name. Returns the exit code. Threads: any, with sinks of their own.
int Run(const std::vector<Command>& commands, absl::Span<const std::string> arguments, const Environment& environment);

}  // namespace suggest::ctl

#endif  // SERVICE_CTL_RUN_H_
