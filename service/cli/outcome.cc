#include "service/cli/outcome.h"

#include <utility>

#include "absl/strings/cord.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/types/optional.h"
#include "bandit/base/check.h"

namespace suggest::cli {
namespace {

constexpr absl::string_view kPayload = "suggestctl.exit_code";

}  // namespace

absl::Status WithExitCode(absl::Status status, ExitCode exit) {
  SUGGEST_CHECK(!status.ok());
  status.SetPayload(kPayload, absl::Cord(absl::StrCat(static_cast<int>(exit))));
  return status;
}

ExitCode ExitCodeOf(const absl::Status& status) {
  if (status.ok()) return ExitCode::kDone;
  const absl::optional<absl::Cord> payload = status.GetPayload(kPayload);
  int code = static_cast<int>(ExitCode::kFailed);
  if (payload.has_value()) SUGGEST_CHECK(absl::SimpleAtoi(std::string(*payload), &code));
  return static_cast<ExitCode>(code);
}

absl::Status UsageError(absl::string_view message) {
  return WithExitCode(absl::InvalidArgumentError(message), ExitCode::kUsage);
}

absl::Status AlreadyRunningIfAborted(absl::Status status) {
  if (!absl::IsAborted(status)) return status;
  return WithExitCode(std::move(status), ExitCode::kNothingToDo);
}

}  // namespace suggest::cli
