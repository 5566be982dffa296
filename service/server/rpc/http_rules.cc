#include "service/server/rpc/http_rules.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace suggest::server {
namespace {

absl::Status BadTarget(absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat("the request target ", what));
}

std::optional<int> HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  c = absl::ascii_tolower(static_cast<unsigned char>(c));
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return std::nullopt;
}

absl::StatusOr<std::string> DecodePath(absl::string_view path) {
  std::string decoded;
  for (size_t i = 0; i < path.size(); ++i) {
    char c = path[i];
    const bool escaped = c == '%';
    if (escaped) {
      const std::optional<int> high = i + 2 < path.size() ? HexDigit(path[i + 1]) : std::nullopt;
      const std::optional<int> low = i + 2 < path.size() ? HexDigit(path[i + 2]) : std::nullopt;
      if (!high || !low) return BadTarget("has a '%' that two hexadecimal digits do not follow");
      c = static_cast<char>(*high * 16 + *low);
      i += 2;
    }
    if (absl::ascii_iscntrl(static_cast<unsigned char>(c))) return BadTarget("has an escaped control byte");
    if (c == '\\' || (escaped && c == '/')) return BadTarget("has a backslash or an escaped slash");
    decoded += c;
  }
  for (const absl::string_view segment : absl::StrSplit(decoded, '/')) {
    if (segment == "." || segment == "..") return BadTarget("has a segment '.' or '..'");
  }
  return decoded;
}

HttpReply RefusalReply(int status, absl::string_view message) {
  HttpReply reply = ErrorReply(absl::InvalidArgumentError(message));
  reply.status = status;
  return reply;
}

HttpReply Forbidden(absl::string_view message) {
  return ErrorReply(absl::PermissionDeniedError(message));
}

// Of a page of this very server.
bool IsOwnOrigin(absl::string_view origin, absl::string_view authority) {
  return absl::EqualsIgnoreCase(origin, absl::StrCat("http://", authority)) ||
         absl::EqualsIgnoreCase(origin, absl::StrCat("https://", authority));
}

// Without parameters, in lower case.
std::string MediaType(absl::string_view content_type) {
  return absl::AsciiStrToLower(absl::StripAsciiWhitespace(content_type.substr(0, content_type.find(';'))));
}

// What command lines send when they are told nothing about the type passes too, from where no browser speaks.
bool IsJsonType(const HttpHead& head) {
  if (head.content_type && MediaType(*head.content_type) == "application/json") return true;
  if (head.origin) return false;
  return !head.content_type || MediaType(*head.content_type) == "application/x-www-form-urlencoded";
}

}  // namespace

absl::StatusOr<HttpTarget> ParseTarget(absl::string_view method, absl::string_view target) {
  if (target == "*" && method == "OPTIONS") return HttpTarget{"*", "", ""};
  if (target.find('#') != absl::string_view::npos) return BadTarget("has a fragment");
  HttpTarget parsed;
  if (absl::StartsWithIgnoreCase(target, "http://") || absl::StartsWithIgnoreCase(target, "https://")) {
    target.remove_prefix(target.find("//") + 2);
    const size_t end = std::min(target.find_first_of("/?"), target.size());
    parsed.host = std::string(target.substr(0, end));
    if (HostName(parsed.host).empty()) return BadTarget("names no host");
    target.remove_prefix(end);
    if (target.empty() && method == "OPTIONS") return HttpTarget{"*", "", parsed.host};
  } else if (!absl::StartsWith(target, "/")) {
    return BadTarget("is neither a path nor a URL");
  }
  const size_t question = std::min(target.find('?'), target.size());
  absl::StatusOr<std::string> path = DecodePath(target.substr(0, question));
  if (!path.ok()) return path.status();
  parsed.path = path->empty() ? "/" : *std::move(path);
  if (question < target.size()) parsed.query = std::string(target.substr(question + 1));
  return parsed;
}

std::string HostName(absl::string_view authority) {
  const size_t bracket = absl::StartsWith(authority, "[") ? authority.find(']') : absl::string_view::npos;
  const size_t end = bracket != absl::string_view::npos ? bracket + 1 : std::min(authority.find(':'), authority.size());
  const absl::string_view port = authority.substr(end);
  const auto is_digit = [](char c) { return absl::ascii_isdigit(static_cast<unsigned char>(c)); };
  if (!port.empty() && (port[0] != ':' || !std::all_of(port.begin() + 1, port.end(), is_digit))) return "";
  const std::string host = absl::AsciiStrToLower(authority.substr(0, end));
  const bool valid = std::all_of(host.begin(), host.end(), [&](char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) ||
           absl::StrContains(bracket != absl::string_view::npos ? "[]:." : "-._", absl::string_view(&c, 1));
  });
  return valid ? host : "";
}

std::optional<HttpReply> RefuseHead(const HttpHead& head, const HttpTarget& target, const AllowedHosts& allowed) {
  if (head.version != 10 && head.version != 11) return RefusalReply(505, "HTTP/1.1 or HTTP/1.0 is expected");
  if (head.hosts.size() > 1 || (head.hosts.empty() && head.version == 11)) {
    return RefusalReply(400, "the request has no Host field, or several");
  }
  const std::string authority = !target.host.empty() ? target.host : head.hosts.empty() ? "" : head.hosts[0];
  const bool named = !authority.empty() || !head.hosts.empty();
  if (!allowed.empty() && named && std::find(allowed.begin(), allowed.end(), HostName(authority)) == allowed.end()) {
    return Forbidden("the Host field names none of this server's hosts (server.http_hosts)");
  }
  if (head.origin && !IsOwnOrigin(*head.origin, authority)) {
    return Forbidden("the Origin field names another origin than this server");
  }
  if (head.transfer_encoding && !absl::EqualsIgnoreCase(*head.transfer_encoding, "chunked")) {
    return RefusalReply(501, "Transfer-Encoding is expected to be chunked");
  }
  if (head.expect && !absl::EqualsIgnoreCase(*head.expect, "100-continue")) {
    return RefusalReply(417, "Expect is expected to be 100-continue");
  }
  if (head.method == "POST" && !IsJsonType(head))
    return RefusalReply(415, "Content-Type is expected to be application/json");
  return std::nullopt;
}

}  // namespace suggest::server
