#include "service/server/rpc/http_server.h"

#include <algorithm>
#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <condition_variable>
#include <future>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <system_error>
#include <thread>
#include <utility>  // before asio, which uses std::exchange

#include "absl/strings/str_cat.h"
#include "service/server/rpc/http_rules.h"
#include "service/server/suggest/worker_pool.h"

namespace suggest::server {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using boost::system::error_code;
using Tcp = asio::ip::tcp;
using SteadyTime = std::chrono::steady_clock::time_point;

constexpr int kMostHeadBytes = 16 << 10;
constexpr size_t kBufferBytes = 128 << 10;
constexpr int kProbeThreads = 2;
constexpr absl::Duration kLinger = absl::Seconds(1);
constexpr absl::Duration kAcceptPause = absl::Milliseconds(100);

constexpr absl::string_view kSecurityFields =
    "Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n"
    "Content-Security-Policy: default-src 'none'; frame-ancestors 'none'\r\n"
    "Referrer-Policy: no-referrer\r\nCross-Origin-Resource-Policy: same-origin\r\n";

std::chrono::steady_clock::duration ToSteady(absl::Duration duration) {
  return absl::ToChronoNanoseconds(duration);
}

// The deadline of what has so many bytes: 1 s more per 64 KiB.
absl::Duration WithBytes(absl::Duration base, size_t bytes) {
  return base + absl::Seconds(static_cast<double>(bytes) / (64 << 10));
}

HttpReply WithStatus(int status, const absl::Status& error) {
  HttpReply reply = ErrorReply(error);
  reply.status = status;
  return reply;
}

// The answer to a request that the parser gave up; nothing where the client has left.
std::optional<HttpReply> ParseFailure(const error_code& error, int max_request_bytes) {
  if (error.category() != http::make_error_code(http::error::bad_method).category()) return std::nullopt;
  if (error == http::error::end_of_stream || error == http::error::partial_message) return std::nullopt;
  if (error == http::error::body_limit) {
    return WithStatus(413, absl::InvalidArgumentError(absl::StrCat("the request body has more than ", max_request_bytes,
                                                                   " bytes (server.max_request_bytes)")));
  }
  if (error == http::error::header_limit || error == http::error::buffer_overflow) {
    return WithStatus(431, absl::InvalidArgumentError(
                               absl::StrCat("the head of the request has more than ", kMostHeadBytes, " bytes")));
  }
  if (error == http::error::bad_version) {
    return WithStatus(505, absl::InvalidArgumentError("HTTP/1.1 or HTTP/1.0 is expected"));
  }
  return WithStatus(400, absl::InvalidArgumentError("the request is not HTTP as RFC 9112 has it"));
}

std::optional<std::string> Field(const http::fields& fields, http::field name) {
  const auto found = fields.find(name);
  if (found == fields.end()) return std::nullopt;
  return std::string(found->value());
}

HttpHead ToHead(const http::request<http::string_body>& request) {
  HttpHead head{.method = std::string(request.method_string()),
                .target = std::string(request.target()),
                .version = static_cast<int>(request.version()),
                .hosts = {},
                .origin = Field(request, http::field::origin),
                .content_type = Field(request, http::field::content_type),
                .expect = Field(request, http::field::expect),
                .transfer_encoding = Field(request, http::field::transfer_encoding)};
  const auto [begin, end] = request.equal_range(http::field::host);
  for (auto host = begin; host != end; ++host) head.hosts.emplace_back(host->value());
  return head;
}

// What the I/O thread asks of a connection, and a connection of the server.
class Connection;
class ConnectionOwner {
 public:
  virtual ~ConnectionOwner() = default;
  virtual const HttpOptions& options() const = 0;
  virtual const AllowedHosts& allowed_hosts() const = 0;
  virtual const HttpServer::Handler& handler() const = 0;
  virtual bool draining() const = 0;
  virtual WorkerPool& WorkersOf(const std::string& path) = 0;
  virtual void Forget(Connection* connection) = 0;
};

// One client. All members but WriteLine run on the I/O thread; each asynchronous step holds the connection alive and
// ends at the deadline that was set before it.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(Tcp::socket socket, asio::ip::address peer, ConnectionOwner* owner)
      : stream_(std::move(socket)), peer_(std::move(peer)), owner_(owner), buffer_(kBufferBytes) {}

  void Begin() { AwaitRequest(owner_->options().head_deadline); }

  // Ends what is pending with an error. A handler that runs is told by HttpRequest::gone.
  void Close() {
    if (std::exchange(closed_, true)) return;
    gone_->store(true);
    stream_.close();
    owner_->Forget(this);  // may be the last to hold it
  }

  // Waiting: its request is not whole, or it has had its last answer. Working: a handler has it. Writing: its answer is
  // on the way.
  enum class State { kWaiting, kWriting, kWorking };
  State state() const { return state_; }
  // When that state began.
  SteadyTime since() const { return since_; }
  const asio::ip::address& peer() const { return peer_; }

 private:
  void Enter(State state) {
    state_ = state;
    since_ = std::chrono::steady_clock::now();
  }

  void Expire(absl::Duration after) { stream_.expires_after(ToSteady(after)); }

  void AwaitRequest(absl::Duration patience) {
    Enter(State::kWaiting);
    if (buffer_.size() > 0) return ReadHead();
    Expire(patience);
    stream_.async_read_some(buffer_.prepare(4096), [self = shared_from_this()](const error_code& error, size_t bytes) {
      if (error) return self->Close();
      self->buffer_.commit(bytes);
      self->ReadHead();
    });
  }

  void ReadHead() {
    begun_ = std::chrono::steady_clock::now();
    ++requests_;
    parser_.emplace();
    parser_->header_limit(kMostHeadBytes);
    parser_->body_limit(owner_->options().max_request_bytes);
    Expire(owner_->options().head_deadline);
    http::async_read_header(stream_, buffer_, *parser_, [self = shared_from_this()](const error_code& error, size_t) {
      error ? self->GiveUp(error) : self->OnHead();
    });
  }

  void GiveUp(const error_code& error) {
    const std::optional<HttpReply> reply = ParseFailure(error, owner_->options().max_request_bytes);
    if (!reply) return Close();
    keep_alive_ = false;
    WriteWhole(*reply);
  }

  void OnHead() {
    const HttpHead head = ToHead(parser_->get());
    version_ = head.version == 10 ? 10 : 11;
    head_only_ = head.method == "HEAD";
    keep_alive_ = parser_->get().keep_alive() && requests_ < owner_->options().most_requests && !owner_->draining();
    absl::StatusOr<HttpTarget> target = ParseTarget(head.method, head.target);
    std::optional<HttpReply> refusal =
        target.ok() ? RefuseHead(head, *target, owner_->allowed_hosts()) : ErrorReply(target.status());
    if (refusal) {
      keep_alive_ = false;  // the body stays unread
      return WriteWhole(*refusal);
    }
    request_ = {.method = head.method, .path = std::move(target->path), .query = std::move(target->query), .body = {}};
    if (parser_->is_done()) return Work();
    if (!head.expect || head.version == 10) return ReadBody();
    Expire(owner_->options().write_deadline);
    text_ = "HTTP/1.1 100 Continue\r\n\r\n";
    asio::async_write(stream_, asio::buffer(text_), [self = shared_from_this()](const error_code& error, size_t) {
      error ? self->Close() : self->ReadBody();
    });
  }

  // The deadline follows from the declared length, and where none is declared from what has come.
  void ReadBody() {
    const size_t bytes = parser_->content_length() ? *parser_->content_length() : parser_->get().body().size();
    stream_.expires_at(begun_ + ToSteady(WithBytes(owner_->options().request_deadline, bytes)));
    http::async_read_some(stream_, buffer_, *parser_, [self = shared_from_this()](const error_code& error, size_t) {
      if (error) return self->GiveUp(error);
      self->parser_->is_done() ? self->Work() : self->ReadBody();
    });
  }

  void Work() {
    Enter(State::kWorking);
    request_.body = std::move(parser_->get().body());
    request_.gone = [gone = gone_] { return gone->load(); };
    stream_.expires_never();
    owner_->WorkersOf(request_.path).Run([self = shared_from_this()] {
      HttpReply reply = self->owner_->handler()(self->request_);
      if (reply.stream) return self->WriteStream(reply);
      self->Post([self, reply = std::move(reply)] { self->WriteWhole(reply); });
    });
  }

  template <typename Function>
  void Post(Function function) {
    asio::post(stream_.get_executor(), std::move(function));
  }

  std::string Head(const HttpReply& reply, absl::string_view framing) const {
    const auto reason = http::obsolete_reason(static_cast<http::status>(reply.status));
    return absl::StrCat("HTTP/1.1 ", reply.status, " ", absl::string_view(reason.data(), reason.size()), "\r\n",
                        reply.status == 204 ? "" : absl::StrCat("Content-Type: ", reply.content_type, "\r\n"), framing,
                        reply.allow.empty() ? "" : absl::StrCat("Allow: ", reply.allow, "\r\n"),
                        reply.retry_after ? absl::StrCat("Retry-After: ", *reply.retry_after, "\r\n") : "",
                        kSecurityFields, "Connection: ", keep_alive_ ? "keep-alive" : "close", "\r\n\r\n");
  }

  void WriteWhole(const HttpReply& reply) {
    if (closed_) return;
    Enter(State::kWriting);
    text_ = Head(reply, reply.status == 204 ? "" : absl::StrCat("Content-Length: ", reply.body.size(), "\r\n"));
    if (!head_only_ && reply.status != 204) text_ += reply.body;
    Expire(WithBytes(owner_->options().write_deadline, text_.size()));
    asio::async_write(stream_, asio::buffer(text_), [self = shared_from_this()](const error_code& error, size_t) {
      error ? self->Close() : self->EndAnswer();
    });
  }

  void EndAnswer() {
    if (keep_alive_ && !owner_->draining()) return AwaitRequest(owner_->options().idle);
    error_code ignored;
    stream_.socket().shutdown(Tcp::socket::shutdown_send, ignored);
    Enter(State::kWaiting);
    Expire(kLinger);
    Discard();
  }

  // Closing a socket with unread bytes makes the client lose an answer that it has not read yet.
  void Discard() {
    buffer_.clear();
    stream_.async_read_some(buffer_.prepare(16384), [self = shared_from_this()](const error_code& error, size_t) {
      error ? self->Close() : self->Discard();
    });
  }

  // On a worker's thread, to the end of the stream.
  void WriteStream(const HttpReply& reply) {
    const bool chunked = version_ == 11;
    if (!chunked) keep_alive_ = false;
    bool begun = false;
    const auto begin = [&] {
      return std::exchange(begun, true) || WriteLine(Head(reply, chunked ? "Transfer-Encoding: chunked\r\n" : ""));
    };
    const auto write = [&](const std::string& line) {
      return begin() && WriteLine(chunked ? absl::StrCat(absl::Hex(line.size()), "\r\n", line, "\r\n") : line);
    };
    const absl::Status status = reply.stream(write);
    if (!status.ok() && !begun) {
      return Post([self = shared_from_this(), error = ErrorReply(status)] { self->WriteWhole(error); });
    }
    bool whole = status.ok() ? begin() : write(ErrorReply(status).body);
    if (whole && chunked) whole = WriteLine("0\r\n\r\n");
    Post([self = shared_from_this(), whole] { whole ? self->EndAnswer() : self->Close(); });
  }

  // Any thread but the I/O thread. False: the reader is gone or did not read in time.
  bool WriteLine(std::string line) {
    const auto written = std::make_shared<std::promise<bool>>();
    std::future<bool> done = written->get_future();
    Post([self = shared_from_this(), written, line = std::move(line)]() mutable {
      if (self->closed_) return written->set_value(false);
      self->text_ = std::move(line);
      self->Expire(WithBytes(self->owner_->options().write_deadline, self->text_.size()));
      asio::async_write(self->stream_, asio::buffer(self->text_), [self, written](const error_code& error, size_t) {
        written->set_value(!error);
        if (error) self->Close();
      });
    });
    return done.get();
  }

  boost::beast::tcp_stream stream_;
  const asio::ip::address peer_;
  ConnectionOwner* const owner_;
  boost::beast::flat_buffer buffer_;
  std::optional<http::request_parser<http::string_body>> parser_;
  HttpRequest request_;
  std::string text_;  // being written
  SteadyTime begun_;  // when the request's first byte was there
  State state_ = State::kWaiting;
  SteadyTime since_;
  const std::shared_ptr<std::atomic<bool>> gone_ = std::make_shared<std::atomic<bool>>(false);
  int requests_ = 0;
  int version_ = 11;
  bool head_only_ = false;
  bool keep_alive_ = false;
  bool closed_ = false;
};

class RunningHttpServer final : public HttpServer, public ConnectionOwner {
 public:
  RunningHttpServer(const HttpOptions& options, Handler handler)
      : options_(options),
        handler_(std::move(handler)),
        workers_(std::make_unique<WorkerPool>(options.threads)),
        probes_(std::make_unique<WorkerPool>(kProbeThreads)) {}
  ~RunningHttpServer() override {
    Shutdown(absl::ZeroDuration());
    if (!thread_.joinable()) return;
    // Handlers that still run may wait for the I/O thread, which ends after them.
    workers_.reset();
    probes_.reset();
    work_.reset();
    thread_.join();
  }

  // Throws boost::system::system_error, or std::system_error when there can be no thread.
  void Listen() {
    const size_t colon = options_.address.rfind(':');
    std::string host = options_.address.substr(0, colon);
    if (host.size() > 1 && host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
    const Tcp::endpoint endpoint =
        *Tcp::resolver(io_).resolve(host, options_.address.substr(colon + 1), Tcp::resolver::passive).begin();
    acceptor_.open(endpoint.protocol());
    acceptor_.set_option(Tcp::acceptor::reuse_address(true));
    acceptor_.bind(endpoint);
    acceptor_.listen();
    port_ = acceptor_.local_endpoint().port();
    for (const std::string& name : options_.hosts) allowed_.push_back(HostName(name));
    if (endpoint.address().is_loopback() || !allowed_.empty()) {
      allowed_.insert(allowed_.end(), {"localhost", "127.0.0.1", "[::1]"});
    }
    Accept();
    thread_ = std::thread([this] { io_.run(); });
  }

  int port() const override { return port_; }

  void Shutdown(absl::Duration timeout) override {
    if (!thread_.joinable() || std::exchange(shut_down_, true)) return;
    asio::post(io_, [this] {
      draining_ = true;
      error_code ignored;
      acceptor_.close(ignored);
      pause_.cancel();
      Close(false);
    });
    if (WaitForNone(timeout)) return;
    asio::post(io_, [this] { Close(true); });
    WaitForNone(absl::InfiniteDuration());
  }

 private:
  using Connections = std::map<Connection*, std::shared_ptr<Connection>>;

  const HttpOptions& options() const override { return options_; }
  const AllowedHosts& allowed_hosts() const override { return allowed_; }
  const Handler& handler() const override { return handler_; }
  bool draining() const override { return draining_; }
  WorkerPool& WorkersOf(const std::string& path) override {
    return options_.is_probe && options_.is_probe(path) ? *probes_ : *workers_;
  }

  void Forget(Connection* connection) override {
    std::lock_guard<std::mutex> lock(mutex_);
    connections_.erase(connection);
    if (connections_.empty()) emptied_.notify_all();
  }

  void Accept() {
    acceptor_.async_accept([this](const error_code& error, Tcp::socket socket) {
      if (!acceptor_.is_open()) return;
      if (!error) Add(std::move(socket));
      if (!error || error == asio::error::connection_aborted) return Accept();
      pause_.expires_after(ToSteady(kAcceptPause));  // no file descriptor is free
      pause_.async_wait([this](const error_code& cancelled) {
        if (!cancelled) Accept();
      });
    });
  }

  void Add(Tcp::socket socket) {
    error_code error;
    const Tcp::endpoint peer = socket.remote_endpoint(error);
    if (error) return;
    socket.set_option(Tcp::no_delay(true), error);
    const auto of_peer = [&](const Connection& other) { return other.peer() == peer.address(); };
    if (!MakeRoom(options_.most_connections_per_peer, of_peer)) return;
    if (!MakeRoom(options_.most_connections, [](const Connection&) { return true; })) return;
    auto connection = std::make_shared<Connection>(std::move(socket), peer.address(), this);
    {
      std::lock_guard<std::mutex> lock(mutex_);
      connections_.emplace(connection.get(), connection);
    }
    connection->Begin();
  }

  // Closes the oldest waiting one of those that `counts` is true of, when there are `most`; if none waits, the oldest
  // one whose client is slow to read. False: all are worked for.
  template <typename Counts>
  bool MakeRoom(int most, Counts counts) {
    int count = 0;
    std::shared_ptr<Connection> oldest;
    for (const auto& [key, connection] : connections_) {
      if (!counts(*connection)) continue;
      ++count;
      if (connection->state() == Connection::State::kWorking) continue;
      const auto rank = [](const Connection& one) { return std::pair(one.state(), one.since()); };
      if (oldest == nullptr || rank(*connection) < rank(*oldest)) oldest = connection;
    }
    if (count < most) return true;
    if (oldest == nullptr) return false;
    oldest->Close();
    return true;
  }

  void Close(bool all) {
    const Connections copy = connections_;
    for (const auto& [key, connection] : copy) {
      if (all || connection->state() == Connection::State::kWaiting) connection->Close();
    }
  }

  bool WaitForNone(absl::Duration timeout) {
    std::unique_lock<std::mutex> lock(mutex_);
    const auto none = [this] { return connections_.empty(); };
    if (timeout == absl::InfiniteDuration()) {
      emptied_.wait(lock, none);
      return true;
    }
    return emptied_.wait_for(lock, absl::ToChronoNanoseconds(timeout), none);
  }

  const HttpOptions options_;
  const Handler handler_;
  AllowedHosts allowed_;
  int port_ = 0;
  asio::io_context io_{1};
  std::optional<asio::executor_work_guard<asio::io_context::executor_type>> work_{asio::make_work_guard(io_)};
  Tcp::acceptor acceptor_{io_};
  asio::steady_timer pause_{io_};
  std::atomic<bool> draining_{false};
  bool shut_down_ = false;
  std::mutex mutex_;  // writes of connections_, which the I/O thread alone makes, and reads of other threads
  std::condition_variable emptied_;
  Connections connections_;
  std::thread thread_;
  std::unique_ptr<WorkerPool> workers_;
  std::unique_ptr<WorkerPool> probes_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<HttpServer>> HttpServer::Start(const HttpOptions& options, Handler handler) {
  try {
    auto server = std::make_unique<RunningHttpServer>(options, std::move(handler));
    server->Listen();
    return server;
  } catch (const std::exception& error) {
    return absl::FailedPreconditionError(absl::StrCat(
        options.field, " ", options.address, " cannot be listened on (is another server there?): ", error.what()));
  }
}

}  // namespace suggest::server
