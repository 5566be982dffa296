#include "service/server/rpc/http_server.h"

#include <CivetServer.h>

#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"

namespace suggest::server {
namespace {

const char* ReasonPhrase(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 400:
      return "Bad Request";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 413:
      return "Payload Too Large";
    case 429:
      return "Too Many Requests";
    case 503:
      return "Service Unavailable";
    default:
      return "See Body";
  }
}

// Closes the connection: civetweb gives each one a thread for as long as it lives, so idle clients that keep theirs
// alive would lock out /healthz.
std::string Head(const HttpReply& reply, absl::string_view length) {
  return absl::StrCat("HTTP/1.1 ", reply.status, " ", ReasonPhrase(reply.status),
                      "\r\nContent-Type: ", reply.content_type, "\r\n", length,
                      reply.retry_after ? absl::StrCat("Retry-After: ", *reply.retry_after, "\r\n") : "",
                      "Cache-Control: no-store\r\nConnection: close\r\n\r\n");
}

// False: the reader is gone.
bool WriteText(mg_connection* connection, const std::string& text) {
  return mg_write(connection, text.data(), text.size()) == static_cast<int>(text.size());
}

void WriteWhole(mg_connection* connection, const HttpReply& reply) {
  const std::string length = absl::StrCat("Content-Length: ", reply.body.size(), "\r\n");
  if (WriteText(connection, Head(reply, length))) WriteText(connection, reply.body);
}

// The end of the connection is the end of the stream, so the length need not be known.
void Write(mg_connection* connection, const HttpReply& reply) {
  if (!reply.stream) return WriteWhole(connection, reply);
  bool begun = false;
  const auto begin = [&] { return std::exchange(begun, true) || WriteText(connection, Head(reply, "")); };
  const absl::Status status =
      reply.stream([&](const std::string& line) { return begin() && WriteText(connection, line); });
  if (status.ok()) {
    begin();
  } else if (begun) {
    WriteText(connection, ErrorReply(status).body);
  } else {
    WriteWhole(connection, ErrorReply(status));
  }
}

class Dispatcher final : public CivetHandler {
 public:
  Dispatcher(HttpServer::Handler handler, int max_request_bytes)
      : handler_(std::move(handler)), max_request_bytes_(max_request_bytes) {}

  bool handleGet(CivetServer*, mg_connection* connection) override { return Handle(connection); }
  bool handlePost(CivetServer*, mg_connection* connection) override { return Handle(connection); }
  bool handlePut(CivetServer*, mg_connection* connection) override { return Handle(connection); }
  bool handleDelete(CivetServer*, mg_connection* connection) override { return Handle(connection); }
  bool handlePatch(CivetServer*, mg_connection* connection) override { return Handle(connection); }

 private:
  bool Handle(mg_connection* connection) {
    const mg_request_info* info = mg_get_request_info(connection);
    HttpRequest request{.method = info->request_method,
                        .path = info->local_uri,
                        .query = info->query_string == nullptr ? "" : info->query_string,
                        .body = {}};
    if (!ReadBody(connection, &request.body)) {
      HttpReply reply = ErrorReply(absl::InvalidArgumentError(
          absl::StrCat("request body is larger than ", max_request_bytes_, " bytes (server.max_request_bytes)")));
      reply.status = 413;
      Write(connection, reply);
      return true;
    }
    // civetweb's threads have stacks of 100 kB, on which a model version cannot be read.
    std::thread([&] { Write(connection, handler_(request)); }).join();
    return true;
  }

  // False when the body is too large.
  bool ReadBody(mg_connection* connection, std::string* body) const {
    char buffer[16384];
    for (int n; (n = mg_read(connection, buffer, sizeof(buffer))) > 0;) {
      if (body->size() + n > static_cast<size_t>(max_request_bytes_)) return false;
      body->append(buffer, n);
    }
    return true;
  }

  const HttpServer::Handler handler_;
  const int max_request_bytes_;
};

class RunningHttpServer final : public HttpServer {
 public:
  RunningHttpServer(const HttpOptions& options, Handler handler)
      : dispatcher_(std::move(handler), options.max_request_bytes), server_(CivetOptions(options)) {
    server_.addHandler("**", dispatcher_);
  }
  ~RunningHttpServer() override { server_.close(); }

  int port() const override { return port_; }
  void FindPort() { port_ = server_.getListeningPorts().at(0); }

 private:
  static std::vector<std::string> CivetOptions(const HttpOptions& options) {
    return {"listening_ports",    options.address,
            "num_threads",        absl::StrCat(options.threads),
            "enable_keep_alive",  "no",
            "request_timeout_ms", "30000",
            "tcp_nodelay",        "1"};
  }

  Dispatcher dispatcher_;
  CivetServer server_;
  int port_ = 0;
};

}  // namespace

absl::StatusOr<std::unique_ptr<HttpServer>> HttpServer::Start(const HttpOptions& options, Handler handler) {
  try {
    auto server = std::make_unique<RunningHttpServer>(options, std::move(handler));
    server->FindPort();
    return server;
  } catch (const std::exception& error) {
    return absl::FailedPreconditionError(absl::StrCat(
        "server.http_address ", options.address, " cannot be listened on (is another server there?): ", error.what()));
  }
}

}  // namespace suggest::server
