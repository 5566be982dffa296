// What is asked of the head of an HTTP request before its body is read, without any socket.
//
// A web page that a browser on this machine shows can reach a loopback address. It cannot leave out Origin where it
// posts, and it cannot choose Host; so a foreign Origin is refused everywhere, and an unknown Host where the server
// listens on loopback. No answer carries a CORS header.
#ifndef SERVICE_SERVER_RPC_HTTP_RULES_H_
#define SERVICE_SERVER_RPC_HTTP_RULES_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "service/server/rpc/json_rpc.h"

namespace suggest::server {

// The fields of a head that rules look at. Absent fields are nullopt.
struct HttpHead {
  std::string method;              // "GET"
  std::string target;              // as it was sent
  int version = 11;                // 10: HTTP/1.0, 11: HTTP/1.1
  std::vector<std::string> hosts;  // each Host field
  std::optional<std::string> origin = {};
  std::optional<std::string> content_type = {};
  std::optional<std::string> expect = {};
  std::optional<std::string> transfer_encoding = {};
};

struct HttpTarget {
  std::string path;   // percent-decoded, begins with '/', or is "*"
  std::string query;  // as it was sent, without '?'
  std::string host;   // of the absolute form; else empty
};

// RFC 9112, section 3.2: origin form, absolute form, and "*" for OPTIONS.
// Errors: INVALID_ARGUMENT for any other form, a fragment, user information, a segment "." or "..", an escape that is
// none, and an escaped control byte, slash or backslash. No message has a byte of the target.
absl::StatusOr<HttpTarget> ParseTarget(absl::string_view method, absl::string_view target);

// The host of "host:port" in lower case; an IPv6 address keeps its brackets. Empty when it is no host.
std::string HostName(absl::string_view authority);

// Which hosts requests may name. Empty: any.
using AllowedHosts = std::vector<std::string>;

// The answer to a head that is not to be worked on (400, 403, 415, 417, 501, 505), or nothing.
std::optional<HttpReply> RefuseHead(const HttpHead& head, const HttpTarget& target, const AllowedHosts& allowed);

}  // namespace suggest::server

#endif  // SERVICE_SERVER_RPC_HTTP_RULES_H_
