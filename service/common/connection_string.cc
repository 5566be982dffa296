#include "service/common/connection_string.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace suggest {
namespace {

bool IsSecret(absl::string_view keyword) {
  return absl::EqualsIgnoreCase(keyword, "password") || absl::EqualsIgnoreCase(keyword, "sslpassword");
}

bool IsSpace(char c) {
  return absl::ascii_isspace(static_cast<unsigned char>(c));
}

size_t SkipSpace(absl::string_view text, size_t at) {
  while (at < text.size() && IsSpace(text[at])) ++at;
  return at;
}

// After a value: in single quotes, or up to a blank; a backslash takes the next character along in both.
size_t AfterValue(absl::string_view text, size_t at) {
  const bool quoted = at < text.size() && text[at] == '\'';
  if (quoted) ++at;
  for (; at < text.size(); ++at) {
    if (text[at] == '\\') {
      ++at;
    } else if (quoted ? text[at] == '\'' : IsSpace(text[at])) {
      break;
    }
  }
  return std::min(quoted ? at + 1 : at, text.size());
}

std::string MaskKeywords(absl::string_view text, absl::string_view mask) {
  std::string masked;
  size_t at = 0;
  while (at < text.size()) {
    const size_t begin = at;
    at = SkipSpace(text, at);
    const size_t keyword = at;
    while (at < text.size() && text[at] != '=' && !IsSpace(text[at])) ++at;
    const absl::string_view name = text.substr(keyword, at - keyword);
    const size_t equals = SkipSpace(text, at);
    if (equals == text.size() || text[equals] != '=') {
      absl::StrAppend(&masked, text.substr(begin, at - begin));
      if (at == begin) break;
      continue;
    }
    const size_t value = SkipSpace(text, equals + 1);
    at = AfterValue(text, value);
    absl::StrAppend(&masked, text.substr(begin, value - begin), IsSecret(name) ? mask : text.substr(value, at - value));
  }
  return masked;
}

std::string Decoded(absl::string_view text) {
  std::string decoded;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool escape = text[i] == '%' && i + 2 < text.size() &&
                        absl::ascii_isxdigit(static_cast<unsigned char>(text[i + 1])) &&
                        absl::ascii_isxdigit(static_cast<unsigned char>(text[i + 2]));
    decoded += escape ? absl::HexStringToBytes(text.substr(i + 1, 2)) : std::string(1, text[i]);
    if (escape) i += 2;
  }
  return decoded;
}

// scheme://[user[:password]@]hosts[/dbname][?keyword=value&...]
std::string MaskUri(absl::string_view scheme, absl::string_view rest, absl::string_view mask) {
  const size_t question = std::min(rest.find('?'), rest.size());
  absl::string_view front = rest.substr(0, question);
  std::string masked(scheme);
  const size_t at_sign = front.substr(0, std::min(front.find('/'), front.size())).rfind('@');
  // A slash within a password ought to be encoded; libpq looks for the at sign before it, and so does this.
  const size_t end = at_sign == absl::string_view::npos ? front.rfind('@') : at_sign;
  if (end != absl::string_view::npos) {
    const size_t colon = front.substr(0, end).find(':');
    if (colon != absl::string_view::npos && colon + 1 < end) {
      absl::StrAppend(&masked, front.substr(0, colon + 1), mask);
      front.remove_prefix(end);
    }
  }
  absl::StrAppend(&masked, front);
  absl::string_view query = rest.substr(question);
  while (!query.empty()) {
    masked += query.front();  // ? or &
    query.remove_prefix(1);
    const absl::string_view pair = query.substr(0, std::min(query.find('&'), query.size()));
    query.remove_prefix(pair.size());
    const size_t equals = pair.find('=');
    const bool secret = equals != absl::string_view::npos && IsSecret(Decoded(pair.substr(0, equals)));
    absl::StrAppend(&masked, secret ? pair.substr(0, equals + 1) : pair, secret ? mask : "");
  }
  return masked;
}

}  // namespace

std::string MaskPassword(absl::string_view connection, absl::string_view mask) {
  for (const absl::string_view scheme : {"postgresql://", "postgres://"}) {
    absl::string_view rest = connection;
    if (absl::ConsumePrefix(&rest, scheme)) return MaskUri(scheme, rest, mask);
  }
  return MaskKeywords(connection, mask);
}

}  // namespace suggest
