#include "service/server/call.h"

#include "absl/strings/str_cat.h"

namespace suggest::server {

absl::Status CheckWaiting(const CallContext& context, absl::string_view phase) {
  if (!context.Gone()) return absl::OkStatus();
  return absl::DeadlineExceededError(absl::StrCat("the deadline passed before ", phase));
}

absl::Status FromStorage(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kOk:
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kResourceExhausted:
    case absl::StatusCode::kDeadlineExceeded:
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kNotFound:
    case absl::StatusCode::kDataLoss:
      return status;
    case absl::StatusCode::kUnknown:
    case absl::StatusCode::kAborted:
    case absl::StatusCode::kFailedPrecondition:
      return absl::UnavailableError(absl::StrCat("database: ", status.message()));
    default:
      return absl::InternalError(absl::StrCat("database: ", status.message()));
  }
}

absl::Status CallGate::Enter() {
  if (in_flight_.fetch_add(1) >= max_concurrent_) {
    in_flight_.fetch_sub(1);
    return absl::ResourceExhaustedError(
        absl::StrCat(max_concurrent_, " requests are being worked on (server.max_concurrent_requests)"));
  }
  metrics_->RequestStarted();
  return absl::OkStatus();
}

void CallGate::Leave() {
  metrics_->RequestEnded();
  in_flight_.fetch_sub(1);
}

void CallGate::Report(Method method, const std::string& request_id, const absl::Status& status,
                      absl::Duration duration) {
  metrics_->RecordRequest(method, status.code(), duration);
  const bool defect = status.code() == absl::StatusCode::kInternal || status.code() == absl::StatusCode::kUnknown ||
                      status.code() == absl::StatusCode::kDataLoss;
  if (!defect) return;
  log_->Write(LogLevel::kError, "request failed",
              {{"method", MethodName(method)},
               {"request_id", request_id},
               {"code", absl::StatusCodeToString(status.code())},
               {"message", status.message()}});
}

}  // namespace suggest::server
