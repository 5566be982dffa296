// The listener with raw sockets: its bounds, and what HTTP asks of it.
#include "service/server/rpc/http_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "bandit/base/check.h"
#include "tests/service/server/http_client.h"
#include "tests/support/status_matchers.h"

namespace suggest::server {
namespace {

using ::suggest::testing::StatusIs;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

HttpReply Echo(const HttpRequest& request) {
  return {.content_type = "text/plain",
          .body = absl::StrCat(request.method, " ", request.path, " ", request.query, " ", request.body.size(), "\n")};
}

std::unique_ptr<HttpServer> Serve(HttpOptions options = {}, HttpServer::Handler handler = &Echo) {
  if (options.address.empty()) options.address = "127.0.0.1:0";
  auto server = HttpServer::Start(options, std::move(handler));
  SUGGEST_CHECK(server.ok());
  return *std::move(server);
}

// A client that says what it likes.
class RawClient {
 public:
  explicit RawClient(const HttpServer& server) : fd_(socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(server.port()));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const timeval patience{.tv_sec = 60, .tv_usec = 0};  // a server that forgets its deadlines fails a test
    setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    SUGGEST_CHECK(connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0);
  }
  ~RawClient() { close(fd_); }
  RawClient(const RawClient&) = delete;
  RawClient& operator=(const RawClient&) = delete;

  bool Send(absl::string_view text) {
    while (!text.empty()) {
      const ssize_t sent = send(fd_, text.data(), text.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      text.remove_prefix(sent);
    }
    return true;
  }
  // Up to `text`, which is found, or to the end.
  std::string ReadUntil(absl::string_view text) {
    std::string read;
    for (char c; !absl::EndsWith(read, text) && recv(fd_, &c, 1, 0) == 1;) read += c;
    return read;
  }
  std::string ReadAll() {
    std::string read;
    char buffer[4096];
    ssize_t n = 0;
    while ((n = recv(fd_, buffer, sizeof(buffer), 0)) > 0) read.append(buffer, n);
    closed_ = n == 0 || errno == ECONNRESET;
    return read;
  }
  // True when the server ends the connection without a word more.
  bool IsClosed() { return ReadAll().empty() && closed_; }

 private:
  const int fd_;
  bool closed_ = false;
};

std::string Ask(const HttpServer& server, absl::string_view text) {
  RawClient client(server);
  client.Send(text);
  return client.ReadAll();
}

// A request with these lines between the first one and the end of the head.
std::string Request(absl::string_view line, absl::string_view fields = "", absl::string_view body = "") {
  return absl::StrCat(line, " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n", fields,
                      body.empty() ? "" : absl::StrCat("Content-Length: ", body.size(), "\r\n"), "\r\n", body);
}

constexpr char kJson[] = "Content-Type: application/json\r\n";

TEST(HttpServerTest, CarriesRequestsWholeAndRefusesTooLargeOnes) {
  const auto server = Serve({.threads = 2, .max_request_bytes = 100'000});
  EXPECT_EQ(Http(server->port(), "POST", "/a/b?c=d", std::string(100'000, 'x')).body, "POST /a/b c=d 100000\n");
  EXPECT_EQ(Http(server->port(), "GET", "/").body, "GET /  0\n");
  const HttpAnswer refused = Http(server->port(), "POST", "/", std::string(100'001, 'x'));
  EXPECT_EQ(refused.status, 413);
  EXPECT_THAT(refused.body, HasSubstr("max_request_bytes"));
}

// Explaining a decision of an older model version reads it, which takes megabytes of stack.
TEST(HttpServerTest, HandlersHaveAWholeStack) {
  const auto server = Serve({}, [](const HttpRequest&) {
    volatile char bytes[2 << 20];
    for (size_t i = 0; i < sizeof(bytes); i += 4096) bytes[i] = 'x';
    return HttpReply{.body = std::string(1, bytes[0])};
  });
  EXPECT_EQ(Http(server->port(), "GET", "/").body, "x");
}

TEST(HttpServerTest, ASecondServerOnTheSamePortFailsAndNamesIt) {
  const auto first = Serve();
  const std::string address = absl::StrCat("127.0.0.1:", first->port());
  EXPECT_THAT(HttpServer::Start({.address = address}, &Echo),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr(address)));
}

TEST(HttpServerTest, ListensOnAnIpv6Address) {
  const auto server = HttpServer::Start({.address = "[::1]:0"}, &Echo);
  if (!server.ok()) GTEST_SKIP() << "no IPv6 on this machine";
  const int fd = socket(AF_INET6, SOCK_STREAM, 0);
  sockaddr_in6 address{};
  address.sin6_family = AF_INET6;
  address.sin6_port = htons(static_cast<uint16_t>((*server)->port()));
  address.sin6_addr = in6addr_loopback;
  ASSERT_EQ(connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
  const std::string request = "GET /six HTTP/1.1\r\nHost: [::1]:80\r\nConnection: close\r\n\r\n";
  ASSERT_EQ(send(fd, request.data(), request.size(), 0), static_cast<ssize_t>(request.size()));
  std::string text(4096, '\0');
  text.resize(std::max<ssize_t>(recv(fd, text.data(), text.size(), 0), 0));
  close(fd);
  EXPECT_THAT(text, StartsWith("HTTP/1.1 200 OK\r\n"));
}

TEST(HttpServerTest, AHeadOrABodyThatTricklesEndsAtItsDeadline) {
  const auto server = Serve({.head_deadline = absl::Milliseconds(100), .request_deadline = absl::Milliseconds(100)});
  RawClient silent(*server);
  EXPECT_TRUE(silent.IsClosed());
  for (const char* begin : {"GET / HTTP/1.1\r\n", "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n",
                            "POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"}) {
    RawClient client(*server);
    client.Send(begin);
    std::thread trickle([&] {
      while (client.Send("x")) std::this_thread::sleep_for(std::chrono::milliseconds(10));
    });
    client.ReadAll();
    trickle.join();  // ends only when the server has closed
  }
}

TEST(HttpServerTest, AConnectionThatIsIdleOrHasHadItsRequestsIsClosed) {
  const auto server = Serve({.idle = absl::Milliseconds(100), .most_requests = 2});
  const std::string request = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
  RawClient idle(*server);
  idle.Send(request);
  EXPECT_THAT(idle.ReadUntil("GET /  0\n"), HasSubstr("Connection: keep-alive\r\n"));
  EXPECT_TRUE(idle.IsClosed());
  RawClient busy(*server);
  busy.Send(request + request + request);
  EXPECT_THAT(busy.ReadUntil("GET /  0\n"), HasSubstr("Connection: keep-alive\r\n"));
  EXPECT_THAT(busy.ReadUntil("GET /  0\n"), HasSubstr("Connection: close\r\n"));
  EXPECT_TRUE(busy.IsClosed());
}

TEST(HttpServerTest, AReaderWhoDoesNotReadIsNotWaitedFor) {
  std::promise<void> ended;
  const auto server = Serve({.write_deadline = absl::Milliseconds(100)}, [&](const HttpRequest&) {
    HttpReply reply;
    reply.stream = [&](const std::function<bool(const std::string&)>& write) {
      while (write(std::string(1 << 14, 'x'))) {
      }
      ended.set_value();
      return absl::CancelledError("the reader went away");
    };
    return reply;
  });
  RawClient client(*server);
  client.Send(Request("GET /"));
  ended.get_future().wait();
}

TEST(HttpServerTest, EightyIdleSocketsKeepNoProbeFromItsAnswer) {
  const auto server = Serve({.most_connections_per_peer = 64});
  std::vector<std::unique_ptr<RawClient>> idle;
  for (int i = 0; i < 80; ++i) {
    idle.push_back(std::make_unique<RawClient>(*server));
    idle.back()->Send("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3000000\r\n\r\n");
  }
  EXPECT_EQ(Http(server->port(), "GET", "/healthz").status, 200);
  EXPECT_TRUE(idle.front()->IsClosed());  // the oldest made room
}

TEST(HttpServerTest, BeyondTheMostConnectionsTheOldestThatWaitsIsClosedAndNoneThatIsWorkedFor) {
  std::promise<void> begun;
  std::promise<void> release;
  const std::shared_future<void> released = release.get_future().share();
  const auto server = Serve({.most_connections = 2}, [&](const HttpRequest& request) {
    if (request.path == "/slow") {
      begun.set_value();
      released.wait();
    }
    return Echo(request);
  });
  RawClient worked(*server);
  worked.Send(Request("GET /slow"));
  begun.get_future().wait();
  RawClient waiting(*server);
  EXPECT_EQ(Http(server->port(), "GET", "/").status, 200);
  EXPECT_TRUE(waiting.IsClosed());
  release.set_value();
  EXPECT_THAT(worked.ReadAll(), HasSubstr("GET /slow"));
}

TEST(HttpServerTest, ProbesAreAnsweredWhileAllThreadsWork) {
  std::promise<void> begun;
  std::promise<void> release;
  const std::shared_future<void> released = release.get_future().share();
  const auto server = Serve({.threads = 1, .is_probe = [](const std::string& path) { return path == "/healthz"; }},
                            [&](const HttpRequest& request) {
                              if (request.path == "/slow") {
                                begun.set_value();
                                released.wait();
                              }
                              return Echo(request);
                            });
  RawClient slow(*server);
  slow.Send(Request("GET /slow"));
  begun.get_future().wait();
  EXPECT_EQ(Http(server->port(), "GET", "/healthz").status, 200);
  release.set_value();
  EXPECT_THAT(slow.ReadAll(), HasSubstr("GET /slow"));
}

TEST(HttpServerTest, AHeadOrADeclaredBodyThatIsTooLargeIsRefusedBeforeTheBodyIsSent) {
  const auto server = Serve({.max_request_bytes = 1000});
  EXPECT_THAT(Ask(*server, Request("GET /", absl::StrCat("X: ", std::string(20'000, 'x'), "\r\n"))),
              StartsWith("HTTP/1.1 431 "));
  EXPECT_THAT(Ask(*server, Request("GET /", absl::StrCat("X: ", std::string(10'000, 'x'), "\r\n"))),
              StartsWith("HTTP/1.1 200 "));
  EXPECT_THAT(Ask(*server, Request("POST /", "Content-Length: 1001\r\n")), StartsWith("HTTP/1.1 413 "));
  EXPECT_THAT(Ask(*server, Request("POST /", "Transfer-Encoding: chunked\r\n") + "7d0\r\n" + std::string(2000, 'x')),
              StartsWith("HTTP/1.1 413 "));
}

TEST(HttpServerTest, ExpectIsAnsweredAtOnce) {
  const auto server = Serve({.max_request_bytes = 1000});
  RawClient client(*server);
  client.Send(Request("POST /", "Content-Length: 2\r\nExpect: 100-continue\r\n"));
  EXPECT_EQ(client.ReadUntil("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  client.Send("{}");
  EXPECT_THAT(client.ReadAll(), AllOf(StartsWith("HTTP/1.1 200 OK"), HasSubstr("POST /  2")));
  // A final answer instead of the invitation.
  EXPECT_THAT(Ask(*server, Request("POST /", "Content-Length: 2000\r\nExpect: 100-continue\r\n")),
              StartsWith("HTTP/1.1 413 "));
  EXPECT_THAT(Ask(*server, Request("POST /", "Content-Length: 2\r\nExpect: a miracle\r\n")),
              StartsWith("HTTP/1.1 417 "));
}

TEST(HttpServerTest, PipelinedRequestsAreAnsweredInTheirOrder) {
  const auto server = Serve();
  RawClient client(*server);
  client.Send(absl::StrCat("GET /1 HTTP/1.1\r\nHost: localhost\r\n\r\n",
                           "POST /2 HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\n123", Request("GET /3")));
  const std::string answers = client.ReadAll();
  EXPECT_LT(answers.find("GET /1  0"), answers.find("POST /2  3"));
  EXPECT_LT(answers.find("POST /2  3"), answers.find("GET /3  0"));
  EXPECT_NE(answers.find("GET /3  0"), std::string::npos);
}

TEST(HttpServerTest, HeadChunksAndOldVersionsAreAnsweredAsHttpSays) {
  const auto server = Serve();
  EXPECT_THAT(Ask(*server, Request("HEAD /x")), AllOf(HasSubstr("Content-Length: 11\r\n"), Not(HasSubstr("HEAD /x"))));
  EXPECT_THAT(
      Ask(*server, Request("POST /", "Transfer-Encoding: chunked\r\n") + "3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n"),
      HasSubstr("POST /  5"));
  EXPECT_THAT(Ask(*server, "GET /old HTTP/1.0\r\n\r\n"), AllOf(HasSubstr("Connection: close"), HasSubstr("GET /old")));
  EXPECT_THAT(Ask(*server, "GET / HTTP/1.1\r\n\r\n"), StartsWith("HTTP/1.1 400 "));
  EXPECT_THAT(Ask(*server, "PRI * HTTP/2.0\r\n\r\n"), StartsWith("HTTP/1.1 "));
  EXPECT_THAT(Ask(*server, "nonsense\r\n\r\n"), StartsWith("HTTP/1.1 400 "));
  for (const char* fields :
       {"Content-Length: 1\r\nContent-Length: 2\r\n", "Content-Length: -1\r\n",
        "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n", "Transfer-Encoding: gzip\r\n", "Host: localhost\r\n"}) {
    EXPECT_THAT(Ask(*server, Request("POST /", fields)), AllOf(StartsWith("HTTP/1.1 "), Not(HasSubstr(" 200 "))))
        << fields;
  }
}

TEST(HttpServerTest, AStreamIsChunkedAndItsConnectionGoesOn) {
  const auto server = Serve({}, [](const HttpRequest& request) {
    HttpReply reply = Echo(request);
    if (request.path != "/stream") return reply;
    reply.stream = [](const std::function<bool(const std::string&)>& write) {
      write("one\n");
      write("two\n");
      return absl::OkStatus();
    };
    return reply;
  });
  RawClient client(*server);
  client.Send(absl::StrCat("GET /stream HTTP/1.1\r\nHost: localhost\r\n\r\n", Request("GET /next")));
  EXPECT_THAT(client.ReadUntil("0\r\n\r\n"), HasSubstr("\r\n\r\n4\r\none\n\r\n4\r\ntwo\n\r\n0\r\n\r\n"));
  EXPECT_THAT(client.ReadAll(), HasSubstr("GET /next"));
  EXPECT_THAT(Ask(*server, "GET /stream HTTP/1.0\r\n\r\n"), HasSubstr("\r\n\r\none\ntwo\n"));
}

TEST(HttpServerTest, OddTargetsReachNoHandler) {
  const auto server = Serve();
  for (const char* target : {"/a/../b", "/a/%2e%2e/b", "/./a", "/a%00b", "/a%2fb", "/a%5cb", "/a\\b", "/a%zz", "/a%2",
                             "/a#b", "*", "a", "http:/a", "http://", "http://user@localhost/", "ftp://localhost/"}) {
    EXPECT_THAT(Ask(*server, Request(absl::StrCat("GET ", target))), StartsWith("HTTP/1.1 400 ")) << target;
  }
  EXPECT_THAT(Ask(*server, Request("GET http://localhost:7080/a?b")), HasSubstr("GET /a b 0"));
  EXPECT_THAT(Ask(*server, Request("GET HTTP://LOCALHOST")), HasSubstr("GET /  0"));
  EXPECT_THAT(Ask(*server, Request("GET /a%62c")), HasSubstr("GET /abc  0"));
  EXPECT_THAT(Ask(*server, Request("GET //a")), HasSubstr("GET //a  0"));
  EXPECT_THAT(Ask(*server, Request("OPTIONS *")), HasSubstr("OPTIONS *  0"));
}

TEST(HttpServerTest, AForeignPageMayAskForNothing) {
  const auto server = Serve();
  for (const char* origin : {"http://evil.example", "null", "http://localhost:1", "https://localhost.evil.example"}) {
    for (const char* verb : {"GET", "POST", "OPTIONS"}) {
      const std::string fields = absl::StrCat(kJson, "Origin: ", origin, "\r\nAccess-Control-Request-Method: POST\r\n");
      EXPECT_THAT(Ask(*server, Request(absl::StrCat(verb, " /"), fields)),
                  AllOf(StartsWith("HTTP/1.1 403 "), Not(HasSubstr("Access-Control"))))
          << origin;
    }
  }
  EXPECT_THAT(Ask(*server, Request("POST /", absl::StrCat(kJson, "Origin: http://localhost\r\n"), "{}")),
              StartsWith("HTTP/1.1 200 "));
}

TEST(HttpServerTest, AnUnknownHostIsRefusedOnLoopback) {
  const auto ask = [](const HttpServer& server, const char* host) {
    return Ask(server, absl::StrCat("GET / HTTP/1.1\r\nHost: ", host, "\r\nConnection: close\r\n\r\n"));
  };
  const auto server = Serve({.hosts = {"Models.Example"}});
  for (const char* host : {"localhost", "LOCALHOST:7080", "127.0.0.1:1", "[::1]:80", "models.example:8"}) {
    EXPECT_THAT(ask(*server, host), StartsWith("HTTP/1.1 200 ")) << host;
  }
  for (const char* host : {"evil.example", "localhost.evil.example", "", "localhost@evil", "127.0.0.1:x", "[::1"}) {
    EXPECT_THAT(ask(*server, host), StartsWith("HTTP/1.1 403 ")) << host;
  }
  EXPECT_THAT(Ask(*server, Request("GET http://evil.example/")), StartsWith("HTTP/1.1 403 "));
  EXPECT_THAT(ask(*Serve({.address = "0.0.0.0:0"}), "evil.example"), StartsWith("HTTP/1.1 200 "));
}

TEST(HttpServerTest, OnlyJsonIsPosted) {
  const auto server = Serve();
  const auto post = [&](const std::string& fields) { return Ask(*server, Request("POST /", fields, "{}")); };
  EXPECT_THAT(post("Content-Type: Application/JSON; charset=utf-8\r\n"), StartsWith("HTTP/1.1 200 "));
  EXPECT_THAT(post("Content-Type: application/x-www-form-urlencoded\r\n"), StartsWith("HTTP/1.1 200 "));
  EXPECT_THAT(post("Content-Type: application/x-www-form-urlencoded\r\nOrigin: http://localhost\r\n"),
              StartsWith("HTTP/1.1 415 "));
  for (const char* type : {"text/plain", "multipart/form-data; boundary=x", "application/jsonx", ""}) {
    EXPECT_THAT(post(absl::StrCat("Content-Type: ", type, "\r\n")), StartsWith("HTTP/1.1 415 ")) << type;
  }
}

TEST(HttpServerTest, EveryAnswerHasTheSecurityFields) {
  const auto server = Serve({.max_request_bytes = 10});
  for (const std::string& request :
       {Request("GET /"), Request("GET /.."), Request("OPTIONS *"), Request("HEAD /"), std::string("x\r\n\r\n"),
        Request("POST /", "Content-Length: 11\r\n"), Request("GET /", "Origin: null\r\n")}) {
    EXPECT_THAT(Ask(*server, request),
                AllOf(HasSubstr("X-Content-Type-Options: nosniff\r\n"), HasSubstr("Cache-Control: no-store\r\n"),
                      HasSubstr("Content-Security-Policy: default-src 'none'; frame-ancestors 'none'\r\n"),
                      HasSubstr("Referrer-Policy: no-referrer\r\n"),
                      HasSubstr("Cross-Origin-Resource-Policy: same-origin\r\n"), Not(HasSubstr("Access-Control"))))
        << request;
  }
}

TEST(HttpServerTest, AShutdownWaitsForAnswersAndForNobodyElse) {
  std::promise<void> begun;
  std::promise<void> release;
  const std::shared_future<void> released = release.get_future().share();
  const auto server = Serve({}, [&](const HttpRequest& request) {
    begun.set_value();
    released.wait();
    return Echo(request);
  });
  RawClient idle(*server);
  RawClient half(*server);
  half.Send("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nx");
  RawClient worked(*server);
  worked.Send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
  begun.get_future().wait();
  std::thread shutdown([&] { server->Shutdown(absl::Seconds(60)); });
  EXPECT_TRUE(idle.IsClosed());
  EXPECT_TRUE(half.IsClosed());
  release.set_value();
  EXPECT_THAT(worked.ReadAll(), HasSubstr("GET /  0"));
  shutdown.join();
}

TEST(HttpServerTest, AShutdownWithoutPatienceTellsHandlersAndEndsConnections) {
  std::promise<void> begun;
  const auto server = Serve({}, [&](const HttpRequest& request) {
    begun.set_value();
    while (!request.gone()) std::this_thread::yield();
    return Echo(request);
  });
  RawClient client(*server);
  client.Send(Request("GET /"));
  begun.get_future().wait();
  server->Shutdown(absl::ZeroDuration());
  EXPECT_TRUE(client.IsClosed());
}

}  // namespace
}  // namespace suggest::server
