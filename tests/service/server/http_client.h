// The smallest HTTP client that tests need: one request per connection over the loopback.
#ifndef TESTS_SERVICE_SERVER_HTTP_CLIENT_H_
#define TESTS_SERVICE_SERVER_HTTP_CLIENT_H_

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace suggest::server {

struct HttpAnswer {
  int status = 0;  // 0: no answer
  std::string head;
  std::string body;
};

inline std::string Unchunked(absl::string_view chunks) {
  std::string body;
  for (size_t length = 1; length > 0;) {
    length = std::strtoul(std::string(chunks.substr(0, 16)).c_str(), nullptr, 16);
    const size_t begin = chunks.find("\r\n") + 2;
    absl::StrAppend(&body, chunks.substr(begin, length));
    chunks.remove_prefix(std::min(chunks.size(), begin + length + 2));
  }
  return body;
}

inline HttpAnswer Http(int port, const std::string& method, const std::string& path, const std::string& body = "") {
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  HttpAnswer answer;
  if (connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0) {
    const std::string request = absl::StrCat(
        method, " ", path, " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: ", body.size(),
        "\r\n\r\n", body);
    size_t sent = 0;
    for (ssize_t n = 1; sent < request.size() && n > 0; sent += n) {
      n = send(fd, request.data() + sent, request.size() - sent, MSG_NOSIGNAL);
    }
    std::string text;
    char buffer[4096];
    for (ssize_t n; (n = recv(fd, buffer, sizeof(buffer), 0)) > 0;) text.append(buffer, n);
    if (text.size() > 12) answer.status = std::atoi(text.c_str() + 9);
    if (const size_t end = text.find("\r\n\r\n"); end != std::string::npos) {
      answer.head = text.substr(0, end + 2);
      answer.body = text.substr(end + 4);
    }
    if (absl::StrContains(answer.head, "Transfer-Encoding: chunked")) answer.body = Unchunked(answer.body);
  }
  close(fd);
  return answer;
}

}  // namespace suggest::server

#endif  // TESTS_SERVICE_SERVER_HTTP_CLIENT_H_
