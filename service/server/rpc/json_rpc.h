// The JSON twin of a method: text in, status and text out. Field names are those of the .proto files (camelCase is read
// too), 64-bit integers are strings as protobuf's JSON mapping has it, fields at their default are written.
#ifndef SERVICE_SERVER_RPC_JSON_RPC_H_
#define SERVICE_SERVER_RPC_JSON_RPC_H_

#include <functional>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "google/protobuf/message.h"

namespace suggest::server {

struct HttpReply {
  int status = 200;
  std::string content_type = "application/json";
  std::string body;
  // Advice when to try again, in whole seconds; absent when there is none.
  std::optional<int> retry_after = {};
  // When set, the answer is a stream, and `body` does not count: it calls `write` for each line until that returns
  // false (the reader is gone). An error before the first line is the whole answer, a later one the last line.
  std::function<absl::Status(const std::function<bool(const std::string&)>& write)> stream = {};
};

// An empty body is an empty message.
// Errors: INVALID_ARGUMENT with the parser's words for what is no JSON, an unknown field or a value of the wrong type.
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
