// The JSON twin of a method: text in, status and text out. Field names are those of the .proto files (camelCase is read
// too), 64-bit integers are strings as protobuf's JSON mapping has it, fields at their default are written.
#ifndef SERVICE_SERVER_RPC_JSON_RPC_H_
#define SERVICE_SERVER_RPC_JSON_RPC_H_

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "google/protobuf/message.h"
#include "service/server/rpc/http_message.h"

namespace suggest::server {

// An empty body is an empty message.
// The text is JSON as RFC 8259 has it, nested at most bandit/base/json_bounds.h deep, each key of an object once. Names
// of enumerations are read in either case.
// Errors: INVALID_ARGUMENT naming the offset in bytes of what is no such JSON, or the path of a field that the message
// does not have (with those it has) or whose value is of another type. No message has a byte of the body.
absl::Status ParseJson(absl::string_view body, google::protobuf::Message* message);

HttpReply JsonReply(const google::protobuf::Message& message);

// {"code": "NOT_FOUND", "message": "..."} with the HTTP status that stands for the code.
HttpReply ErrorReply(const absl::Status& status);

// As google/rpc/code.proto maps them.
int HttpStatus(absl::StatusCode code);

// Parses the body, calls, and writes the answer.
template <typename Request, typename Call>
HttpReply AnswerJson(absl::string_view body, Call call) {
  Request request;
  if (absl::Status parsed = ParseJson(body, &request); !parsed.ok()) return ErrorReply(parsed);
  const auto response = call(request);
  return response.ok() ? JsonReply(*response) : ErrorReply(response.status());
}

}  // namespace suggest::server

#endif  // SERVICE_SERVER_RPC_JSON_RPC_H_
