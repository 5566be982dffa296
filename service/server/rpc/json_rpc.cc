#include "service/server/rpc/json_rpc.h"

#include "absl/strings/str_cat.h"
#include "google/protobuf/util/json_util.h"
#include "service/server/log.h"
#include "service/server/rpc/call.h"
#include "service/server/rpc/json_check.h"

namespace suggest::server {
namespace {

std::optional<int> RetryAfter(const absl::Status& status) {
  const std::optional<absl::Duration> pause = RetryHintOf(status);
  if (!pause) return std::nullopt;
  return static_cast<int>(absl::ToInt64Seconds(absl::Ceil(*pause, absl::Seconds(1))));
}

}  // namespace

absl::Status ParseJson(absl::string_view body, google::protobuf::Message* message) {
  if (body.empty()) return absl::OkStatus();
  if (absl::Status checked = CheckJson(body, *message->GetDescriptor()); !checked.ok()) return checked;
  google::protobuf::util::JsonParseOptions options;
  options.case_insensitive_enum_parsing = true;
  const auto status = google::protobuf::util::JsonStringToMessage({body.data(), body.size()}, message, options);
  if (status.ok()) return absl::OkStatus();
  return absl::InvalidArgumentError(
      "request body: a number, a time or an attribute has a value that its field cannot take");
}

HttpReply JsonReply(const google::protobuf::Message& message) {
  google::protobuf::util::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  options.always_print_primitive_fields = true;
  HttpReply reply;
  const auto status = google::protobuf::util::MessageToJsonString(message, &reply.body, options);
  if (!status.ok()) return ErrorReply(absl::InternalError(status.ToString()));
  reply.body += '\n';
  return reply;
}

HttpReply ErrorReply(const absl::Status& status) {
  return {.status = HttpStatus(status.code()),
          .body = absl::StrCat("{\"code\":", JsonQuoted(absl::StatusCodeToString(status.code())),
                               ",\"message\":", JsonQuoted(ClientMessage(status)), "}\n"),
          .retry_after = RetryAfter(status)};
}

int HttpStatus(absl::StatusCode code) {
  switch (code) {
    case absl::StatusCode::kOk:
      return 200;
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kFailedPrecondition:
    case absl::StatusCode::kOutOfRange:
      return 400;
    case absl::StatusCode::kUnauthenticated:
      return 401;
    case absl::StatusCode::kPermissionDenied:
      return 403;
    case absl::StatusCode::kNotFound:
      return 404;
    case absl::StatusCode::kAlreadyExists:
    case absl::StatusCode::kAborted:
      return 409;
    case absl::StatusCode::kResourceExhausted:
      return 429;
    case absl::StatusCode::kCancelled:
      return 499;
    case absl::StatusCode::kUnimplemented:
      return 501;
    case absl::StatusCode::kUnavailable:
      return 503;
    case absl::StatusCode::kDeadlineExceeded:
      return 504;
    default:
      return 500;
  }
}

}  // namespace suggest::server
