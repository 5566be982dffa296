#include "service/server/rpc/json_check.h"

#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "bandit/base/json_bounds.h"
#include "bandit/base/status_macros.h"

namespace suggest::server {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using nlohmann::json;

absl::Status BadJson(absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat("request body: ", what));
}

// "a, b, c"
template <typename Items, typename NameOf>
std::string NamesOf(int count, const Items& item, NameOf name_of) {
  std::string names;
  for (int i = 0; i < count; ++i) absl::StrAppend(&names, i == 0 ? "" : ", ", name_of(item(i)));
  return names;
}

const FieldDescriptor* FindField(const Descriptor& message, const std::string& key) {
  if (const FieldDescriptor* field = message.FindFieldByName(key)) return field;
  if (const FieldDescriptor* field = message.FindFieldByCamelcaseName(key)) return field;
  return nullptr;
}

absl::Status CheckObject(const json& value, const Descriptor& message, const std::string& path);

absl::Status CheckEnum(const json& value, const FieldDescriptor& field, const std::string& path) {
  if (value.is_number_integer()) return absl::OkStatus();
  const auto& type = *field.enum_type();
  for (int i = 0; value.is_string() && i < type.value_count(); ++i) {
    if (absl::EqualsIgnoreCase(type.value(i)->name(), value.get_ref<const std::string&>())) return absl::OkStatus();
  }
  return BadJson(absl::StrCat(
      path, " is expected to be one of ",
      NamesOf(
          type.value_count(), [&](int i) { return type.value(i); }, [](const auto* one) { return one->name(); })));
}

absl::Status CheckValue(const json& value, const FieldDescriptor& field, const std::string& path) {
  const auto expect = [&](bool right, absl::string_view type) {
    return right ? absl::OkStatus() : BadJson(absl::StrCat(path, " is expected to be ", type));
  };
  if (value.is_null()) return absl::OkStatus();
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_BOOL:
      return expect(value.is_boolean(), "true or false");
    case FieldDescriptor::CPPTYPE_STRING:
      return expect(value.is_string(), "a string");
    case FieldDescriptor::CPPTYPE_ENUM:
      return CheckEnum(value, field, path);
    case FieldDescriptor::CPPTYPE_MESSAGE:
      if (absl::StartsWith(field.message_type()->full_name(), "google.protobuf.")) return absl::OkStatus();
      return CheckObject(value, *field.message_type(), path);
    default:
      return expect(value.is_number() || value.is_string(), "a number");
  }
}

absl::Status CheckField(const json& value, const FieldDescriptor& field, const std::string& path) {
  if (value.is_null()) return absl::OkStatus();
  if (field.is_map()) {
    if (!value.is_object()) return BadJson(absl::StrCat(path, " is expected to be an object"));
    for (const auto& item : value) RETURN_IF_ERROR(CheckValue(item, *field.message_type()->map_value(), path));
    return absl::OkStatus();
  }
  if (!field.is_repeated()) return CheckValue(value, field, path);
  if (!value.is_array()) return BadJson(absl::StrCat(path, " is expected to be an array"));
  for (size_t i = 0; i < value.size(); ++i) {
    RETURN_IF_ERROR(CheckValue(value[i], field, absl::StrCat(path, "[", i, "]")));
  }
  return absl::OkStatus();
}

absl::Status CheckObject(const json& value, const Descriptor& message, const std::string& path) {
  if (!value.is_object()) {
    return BadJson(absl::StrCat(path.empty() ? "the text" : path, " is expected to be a JSON object"));
  }
  for (const auto& [key, item] : value.items()) {
    const FieldDescriptor* field = FindField(message, key);
    if (field == nullptr) {
      return BadJson(absl::StrCat(path.empty() ? "it" : path, " has an unknown field; there are ",
                                  NamesOf(
                                      message.field_count(), [&](int i) { return message.field(i); },
                                      [](const auto* one) { return one->name(); })));
    }
    RETURN_IF_ERROR(CheckField(item, *field, absl::StrCat(path, path.empty() ? "" : ".", field->name())));
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status CheckJson(absl::string_view text, const Descriptor& message) {
  if (const absl::Status bounds = CheckJsonBounds(text); !bounds.ok()) return BadJson(bounds.message());
  std::vector<std::set<std::string>> keys;  // of the objects that are open
  bool twice = false;
  const auto look = [&](int, json::parse_event_t event, json& parsed) {
    if (event == json::parse_event_t::object_start) keys.emplace_back();
    if (event == json::parse_event_t::object_end) keys.pop_back();
    if (event == json::parse_event_t::key) twice |= !keys.back().insert(parsed.get<std::string>()).second;
    return true;
  };
  try {
    const json value = json::parse(text.begin(), text.end(), look);
    if (twice) return BadJson("an object has a key twice");
    return CheckObject(value, message, "");
  } catch (const json::parse_error& error) {
    return BadJson(absl::StrCat("the text is no JSON at byte ", error.byte == 0 ? 0 : error.byte - 1));
  } catch (const json::exception&) {
    return BadJson("a number is out of range");
  }
}

}  // namespace suggest::server
