#include "service/ctl/json.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "bandit/base/check.h"

namespace suggest::ctl {
namespace {

void PrintString(absl::string_view text, std::string& out) {
  out.push_back('"');
  for (const char c : text) {
    switch (c) {
      case '"':
        out.append("\\\"");
        break;
      case '\\':
        out.append("\\\\");
        break;
      case '\n':
        out.append("\\n");
        break;
      case '\t':
        out.append("\\t");
        break;
      case '\r':
        out.append("\\r");
        break;
      default:
        if (static_cast<unsigned char>(c) < 0x20) {
          absl::StrAppendFormat(&out, "\\u%04x", static_cast<unsigned>(c));
        } else {
          out.push_back(c);
        }
    }
  }
  out.push_back('"');
}

void NewLine(std::string& out, int depth) {
  out.push_back('\n');
  out.append(static_cast<size_t>(2 * depth), ' ');
}

}  // namespace

Json Json::Array(std::vector<Json> elements) {
  Json json;
  json.value_ = std::move(elements);
  return json;
}

Json Json::Object(std::vector<Member> members) {
  Json json;
  json.value_ = std::move(members);
  return json;
}

Json& Json::Set(absl::string_view name, Json value) {
  SUGGEST_CHECK(is_object());
  auto& members = std::get<std::vector<Member>>(value_);
  const auto found = std::find_if(members.begin(), members.end(), [&](const Member& m) { return m.first == name; });
  if (found != members.end()) {
    found->second = std::move(value);
  } else {
    members.emplace_back(std::string(name), std::move(value));
  }
  return *this;
}

Json& Json::Append(Json value) {
  SUGGEST_CHECK(std::holds_alternative<std::vector<Json>>(value_));
  std::get<std::vector<Json>>(value_).push_back(std::move(value));
  return *this;
}

const Json* Json::Find(absl::string_view name) const {
  SUGGEST_CHECK(is_object());
  for (const Member& member : std::get<std::vector<Member>>(value_)) {
    if (member.first == name) return &member.second;
  }
  return nullptr;
}

std::string Json::Print() const {
  std::string out;
  PrintTo(out, 0);
  out.push_back('\n');
  return out;
}

void Json::PrintTo(std::string& out, int depth) const {
  if (std::holds_alternative<std::nullptr_t>(value_)) {
    out.append("null");
  } else if (const auto* boolean = std::get_if<bool>(&value_)) {
    out.append(*boolean ? "true" : "false");
  } else if (const auto* integer = std::get_if<int64_t>(&value_)) {
    absl::StrAppend(&out, *integer);
  } else if (const auto* natural = std::get_if<uint64_t>(&value_)) {
    absl::StrAppend(&out, *natural);
  } else if (const auto* real = std::get_if<double>(&value_)) {
    out.append(PrintDouble(*real));
  } else if (const auto* text = std::get_if<std::string>(&value_)) {
    PrintString(*text, out);
  } else if (const auto* elements = std::get_if<std::vector<Json>>(&value_)) {
    out.push_back('[');
    for (size_t i = 0; i < elements->size(); ++i) {
      if (i > 0) out.push_back(',');
      NewLine(out, depth + 1);
      (*elements)[i].PrintTo(out, depth + 1);
    }
    if (!elements->empty()) NewLine(out, depth);
    out.push_back(']');
  } else {
    const auto& members = std::get<std::vector<Member>>(value_);
    out.push_back('{');
    for (size_t i = 0; i < members.size(); ++i) {
      if (i > 0) out.push_back(',');
      NewLine(out, depth + 1);
      PrintString(members[i].first, out);
      out.append(": ");
      members[i].second.PrintTo(out, depth + 1);
    }
    if (!members.empty()) NewLine(out, depth);
    out.push_back('}');
  }
}

std::string PrintDouble(double value) {
  if (!std::isfinite(value)) return "null";
  char buffer[32];
  const auto result = std::to_chars(buffer, buffer + sizeof(buffer), value);
  return std::string(buffer, result.ptr);
}

}  // namespace suggest::ctl
