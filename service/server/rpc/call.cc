#include "service/server/rpc/call.h"

#include "absl/strings/cord.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "service/server/random_source.h"

namespace suggest::server {
namespace {

constexpr absl::string_view kRetryHint = "suggest/retry-after-ms";
constexpr absl::string_view kStorageError = "suggest/storage-error";

// A fixed text with an id instead of the database's words.
absl::Status WithoutWords(absl::StatusCode code, const absl::Status& status) {
  static KernelRandom* const random = new KernelRandom;
  absl::Status outer(code,
                     absl::StrCat("database error, see log entry E-", absl::Hex(random->Next(), absl::kZeroPad16)));
  status.ForEachPayload([&](absl::string_view type, const absl::Cord& payload) { outer.SetPayload(type, payload); });
  outer.SetPayload(kStorageError, absl::Cord(status.message()));
  return outer;
}

}  // namespace

absl::Status CheckWaiting(const CallContext& context, absl::string_view phase) {
  if (!context.Gone()) return absl::OkStatus();
  return absl::DeadlineExceededError(absl::StrCat("the deadline passed before ", phase));
}

absl::Status WithRetryHint(absl::Status status, absl::Duration pause) {
  status.SetPayload(kRetryHint, absl::Cord(absl::StrCat(absl::ToInt64Milliseconds(pause))));
  return status;
}

std::optional<absl::Duration> RetryHintOf(const absl::Status& status) {
  const absl::optional<absl::Cord> payload = status.GetPayload(kRetryHint);
  int64_t milliseconds = 0;
  if (!payload || !absl::SimpleAtoi(std::string(*payload), &milliseconds)) {
    if (status.code() == absl::StatusCode::kUnavailable) return kRetryPause;
    return std::nullopt;
  }
  return absl::Milliseconds(milliseconds);
}

absl::Status FromStorage(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kOk:
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kNotFound:
    case absl::StatusCode::kDataLoss:
      return status;
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kResourceExhausted:
    case absl::StatusCode::kDeadlineExceeded:
      return absl::StartsWith(status.message(), "database: ") ? WithoutWords(status.code(), status) : status;
    case absl::StatusCode::kUnknown:
    case absl::StatusCode::kAborted:
    case absl::StatusCode::kFailedPrecondition:
      return WithoutWords(absl::StatusCode::kUnavailable, status);
    default:
      return WithoutWords(absl::StatusCode::kInternal, status);
  }
}

std::string StorageErrorOf(const absl::Status& status) {
  const absl::optional<absl::Cord> payload = status.GetPayload(kStorageError);
  return payload ? std::string(*payload) : "";
}

std::string ClientMessage(const absl::Status& status) {
  absl::string_view message = status.message();
  if (message.size() <= kMaxMessageBytes) return std::string(message);
  size_t end = kMaxMessageBytes;
  while (end > 0 && (static_cast<unsigned char>(message[end]) & 0xc0) == 0x80) --end;
  return absl::StrCat(message.substr(0, end), " ...");
}

absl::Status ForCaller(absl::Status status) {
  constexpr absl::string_view kWords = "database: ";
  if (status.code() != absl::StatusCode::kUnavailable) return status;
  const size_t at = status.message().find(kWords);
  if (at == absl::string_view::npos) return status;
  absl::Status shown = absl::UnavailableError(
      absl::StrCat(status.message().substr(0, at + kWords.size()), "it cannot be used at the moment"));
  if (const auto hint = RetryHintOf(status); hint.has_value()) return WithRetryHint(std::move(shown), *hint);
  return shown;
}

CallGate::CallGate(const config::v1::Server& config, Metrics* metrics, Log* log)
    : max_concurrent_(config.max_concurrent_requests()), metrics_(metrics), log_(log) {
  method_limits_.fill(max_concurrent_);
  for (int m = 0; m < kMethods; ++m) {
    const auto limit = config.method_limits().find(MethodName(static_cast<Method>(m)));
    if (limit != config.method_limits().end()) method_limits_[m] = limit->second;
  }
}

absl::Status CallGate::Enter(Method method, const CallContext& context) {
  const int m = static_cast<int>(method);
  if (in_flight_.fetch_add(1) >= max_concurrent_) {
    in_flight_.fetch_sub(1);
    return WithRetryHint(absl::ResourceExhaustedError(
        absl::StrCat(max_concurrent_, " requests are being worked on (server.max_concurrent_requests)")));
  }
  if (in_method_[m].fetch_add(1) >= method_limits_[m]) {
    in_method_[m].fetch_sub(1);
    in_flight_.fetch_sub(1);
    return WithRetryHint(absl::ResourceExhaustedError(absl::StrCat(method_limits_[m], " calls of ", MethodName(method),
                                                                   " are being worked on (server.method_limits)")));
  }
  absl::Status waiting = CheckWaiting(context, "the request");
  if (!waiting.ok()) Leave(method);
  return waiting;
}

void CallGate::Leave(Method method) {
  in_method_[static_cast<int>(method)].fetch_sub(1);
  in_flight_.fetch_sub(1);
}

void CallGate::Report(Method method, const std::string& request_id, const absl::Status& status,
                      absl::Duration duration) {
  metrics_->RecordRequest(method, status.code(), duration);
  const bool defect = status.code() == absl::StatusCode::kInternal || status.code() == absl::StatusCode::kUnknown ||
                      status.code() == absl::StatusCode::kDataLoss;
  const std::string storage_error = StorageErrorOf(status);
  if (!defect && storage_error.empty()) return;
  log_->Write(defect ? LogLevel::kError : LogLevel::kWarning, "request failed",
              {{"method", MethodName(method)},
               {"request_id", request_id},
               {"code", absl::StatusCodeToString(status.code())},
               {"message", status.message()},
               {"storage_error", storage_error}});
}

}  // namespace suggest::server
