// Listens for HTTP on one port and hands whole requests to a function.
#ifndef SERVICE_SERVER_RPC_HTTP_SERVER_H_
#define SERVICE_SERVER_RPC_HTTP_SERVER_H_

#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "service/server/rpc/http_routes.h"

namespace suggest::server {

struct HttpOptions {
  std::string address;              // host:port; port 0 takes a free one
  int threads = 8;                  // requests worked on at once; more wait for their turn
  int max_request_bytes = 4 << 20;  // a larger body is answered with 413
};

class HttpServer {
 public:
  using Handler = std::function<HttpReply(const HttpRequest&)>;

  // `handler` is called from several threads. Errors: FAILED_PRECONDITION naming the address when it cannot be listened
  // on.
  static absl::StatusOr<std::unique_ptr<HttpServer>> Start(const HttpOptions& options, Handler handler);
  // Waits for requests in flight.
  virtual ~HttpServer() = default;

  virtual int port() const = 0;
};

}  // namespace suggest::server

#endif  // SERVICE_SERVER_RPC_HTTP_SERVER_H_
