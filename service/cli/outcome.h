// What a command hands back: a document for scripts, a text for people, an exit code; or a status.
#ifndef SERVICE_CLI_OUTCOME_H_
#define SERVICE_CLI_OUTCOME_H_

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "service/cli/json.h"

namespace suggest::cli {

enum class ExitCode {
  kDone = 0,
  kFailed = 1,
  kUsage = 2,
  kNothingToDo = 3,  // or another run is already doing it
};

struct Outcome {
  Json document;     // an object: what --format json prints
  std::string text;  // what --format text prints
  ExitCode exit = ExitCode::kDone;
};

// The same status, with the exit code that it is to end the program with. REQUIRES: not OK.
absl::Status WithExitCode(absl::Status status, ExitCode exit);

// kDone for OK, what WithExitCode said, else kFailed.
ExitCode ExitCodeOf(const absl::Status& status);

// INVALID_ARGUMENT with kUsage: the line cannot be run as it stands.
absl::Status UsageError(absl::string_view message);

// An ABORTED status (another run holds the lock) ends with kNothingToDo; every other one stays as it is.
absl::Status AlreadyRunningIfAborted(absl::Status status);

}  // namespace suggest::cli

#endif  // SERVICE_CLI_OUTCOME_H_
