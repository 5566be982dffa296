// A whole HTTP request and its answer, as the functions behind the listener see them.
#ifndef SERVICE_SERVER_RPC_HTTP_MESSAGE_H_
#define SERVICE_SERVER_RPC_HTTP_MESSAGE_H_

#include <functional>
#include <optional>
#include <string>

#include "absl/status/status.h"

namespace suggest::server {

struct HttpRequest {
  std::string method;  // "GET"
  std::string path;    // without query, percent-decoded
  std::string query;   // without '?'
  std::string body;
  // True once nobody waits for the answer. Absent: never.
  std::function<bool()> gone = {};
};

struct HttpReply {
  int status = 200;
  std::string content_type = "application/json";
  std::string body = {};
  // Advice when to try again, in whole seconds; absent when there is none.
  std::optional<int> retry_after = {};
  // The methods that the path takes, as the Allow field has them; empty: not said.
  std::string allow = {};
  // When set, the answer is a stream, and `body` does not count: it calls `write` for each line until that returns
  // false (the reader is gone). An error before the first line is the whole answer, a later one the last line.
  std::function<absl::Status(const std::function<bool(const std::string&)>& write)> stream = {};
};

}  // namespace suggest::server

#endif  // SERVICE_SERVER_RPC_HTTP_MESSAGE_H_
