// Listens for HTTP/1.1 on one address and hands whole requests to a function.
//
// Connections are served by one thread that never blocks; the function runs on threads of its own, with whole stacks.
// Nothing that a client sends, or leaves unsent or unread, outlives its deadline: the connection is closed then. When a
// connection more than `most_connections`, or than `most_connections_per_peer`, arrives, the oldest whose request is
// not yet whole is closed for it; when there is none, the new one is.
#ifndef SERVICE_SERVER_RPC_HTTP_SERVER_H_
#define SERVICE_SERVER_RPC_HTTP_SERVER_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "service/server/rpc/http_message.h"

namespace suggest::server {

struct HttpOptions {
  std::string address = {};                   // host:port, an IPv6 host in brackets; port 0 takes a free one
  std::string field = "server.http_address";  // what errors call that address
  int threads = 8;                            // requests worked on at once; more wait for their turn
  int max_request_bytes = 4 << 20;            // a larger body is answered with 413
  // Hosts that requests may name besides localhost, 127.0.0.1 and [::1]. On a loopback address only these are served;
  // on another one any, unless some are listed.
  std::vector<std::string> hosts = {};
  // Paths that are answered on two threads of their own, however long others take. Absent: none.
  std::function<bool(const std::string& path)> is_probe = {};
  absl::Duration head_deadline = absl::Seconds(10);     // from the first byte of a request to the end of its head
  absl::Duration request_deadline = absl::Seconds(10);  // to the end of its body, and 1 s more per 64 KiB of it
  absl::Duration write_deadline = absl::Seconds(10);    // for an answer or a line of one, and 1 s more per 64 KiB
  absl::Duration idle = absl::Seconds(15);              // between two requests of a connection
  int most_requests = 1000;                             // of one connection
  int most_connections = 512;
  int most_connections_per_peer = 64;
};

class HttpServer {
 public:
  using Handler = std::function<HttpReply(const HttpRequest&)>;

  // `handler` is called from several threads. Errors: FAILED_PRECONDITION naming the address when it cannot be listened
  // on.
  static absl::StatusOr<std::unique_ptr<HttpServer>> Start(const HttpOptions& options, Handler handler);
  // Shuts down without patience, and waits for handlers.
  virtual ~HttpServer() = default;

  virtual int port() const = 0;
  // Takes no new connections, closes those without a whole request, lets the others have their answer within `timeout`,
  // then closes them and tells their handlers by HttpRequest::gone. Returns when no connection is left. Idempotent.
  virtual void Shutdown(absl::Duration timeout) = 0;
};

}  // namespace suggest::server

#endif  // SERVICE_SERVER_RPC_HTTP_SERVER_H_
