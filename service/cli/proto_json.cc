#include "service/cli/proto_json.h"

#include <string>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/duration.pb.h"
#include "google/protobuf/struct.pb.h"
#include "google/protobuf/timestamp.pb.h"
#include "service/common/timestamps.h"

namespace suggest::cli {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

Json StructToJson(const google::protobuf::Struct& object);

Json ValueToJson(const google::protobuf::Value& value) {
  switch (value.kind_case()) {
    case google::protobuf::Value::kNumberValue:
      return value.number_value();
    case google::protobuf::Value::kStringValue:
      return value.string_value();
    case google::protobuf::Value::kBoolValue:
      return value.bool_value();
    case google::protobuf::Value::kStructValue:
      return StructToJson(value.struct_value());
    case google::protobuf::Value::kListValue: {
      Json list = Json::array();
      for (const google::protobuf::Value& element : value.list_value().values()) list.push_back(ValueToJson(element));
      return list;
    }
    default:
      return Json();
  }
}

Json StructToJson(const google::protobuf::Struct& object) {
  Json json = Json::object();
  for (const auto& [name, value] : object.fields()) json[name] = ValueToJson(value);
  return json;
}

// Index < 0: a singular field.
Json FieldToJson(const Message& message, const FieldDescriptor* field, int index) {
  const Reflection& get = *message.GetReflection();
  const bool repeated = index >= 0;
  switch (field->cpp_type()) {
    case FieldDescriptor::CPPTYPE_BOOL:
      return repeated ? get.GetRepeatedBool(message, field, index) : get.GetBool(message, field);
    case FieldDescriptor::CPPTYPE_INT32:
      return repeated ? get.GetRepeatedInt32(message, field, index) : get.GetInt32(message, field);
    case FieldDescriptor::CPPTYPE_INT64:
      return int64_t{repeated ? get.GetRepeatedInt64(message, field, index) : get.GetInt64(message, field)};
    case FieldDescriptor::CPPTYPE_UINT32:
      return uint64_t{repeated ? get.GetRepeatedUInt32(message, field, index) : get.GetUInt32(message, field)};
    case FieldDescriptor::CPPTYPE_UINT64: {
      const uint64_t value = repeated ? get.GetRepeatedUInt64(message, field, index) : get.GetUInt64(message, field);
      if (field->type() == FieldDescriptor::TYPE_FIXED64) return absl::StrCat(value);
      return value;
    }
    case FieldDescriptor::CPPTYPE_FLOAT:
      return double{repeated ? get.GetRepeatedFloat(message, field, index) : get.GetFloat(message, field)};
    case FieldDescriptor::CPPTYPE_DOUBLE:
      return repeated ? get.GetRepeatedDouble(message, field, index) : get.GetDouble(message, field);
    case FieldDescriptor::CPPTYPE_ENUM:
      return (repeated ? get.GetRepeatedEnum(message, field, index) : get.GetEnum(message, field))->name();
    case FieldDescriptor::CPPTYPE_STRING: {
      const std::string text = repeated ? get.GetRepeatedString(message, field, index) : get.GetString(message, field);
      return field->type() == FieldDescriptor::TYPE_BYTES ? absl::BytesToHexString(text) : text;
    }
    case FieldDescriptor::CPPTYPE_MESSAGE:
      return ProtoToJson(repeated ? get.GetRepeatedMessage(message, field, index) : get.GetMessage(message, field));
  }
  return Json();
}

Json MapToJson(const Message& message, const FieldDescriptor* field) {
  const Reflection& get = *message.GetReflection();
  const FieldDescriptor* key = field->message_type()->map_key();
  const FieldDescriptor* value = field->message_type()->map_value();
  Json json = Json::object();
  for (int i = 0; i < get.FieldSize(message, field); ++i) {
    const Message& entry = get.GetRepeatedMessage(message, field, i);
    std::string name;
    if (key->cpp_type() == FieldDescriptor::CPPTYPE_STRING) {
      name = entry.GetReflection()->GetString(entry, key);
    } else {
      name = FieldToJson(entry, key, -1).dump();
    }
    json[name] = FieldToJson(entry, value, -1);
  }
  return json;
}

Json ListToJson(const Message& message, const FieldDescriptor* field) {
  Json list = Json::array();
  for (int i = 0; i < message.GetReflection()->FieldSize(message, field); ++i) {
    list.push_back(FieldToJson(message, field, i));
  }
  return list;
}

}  // namespace

Json ProtoToJson(const Message& message) {
  if (const auto* timestamp = dynamic_cast<const google::protobuf::Timestamp*>(&message)) {
    return FormatInstant(ToAbslTime(*timestamp));
  }
  if (const auto* duration = dynamic_cast<const google::protobuf::Duration*>(&message)) {
    return absl::ToDoubleSeconds(absl::Seconds(duration->seconds()) + absl::Nanoseconds(duration->nanos()));
  }
  if (const auto* object = dynamic_cast<const google::protobuf::Struct*>(&message)) return StructToJson(*object);
  if (const auto* value = dynamic_cast<const google::protobuf::Value*>(&message)) return ValueToJson(*value);

  Json json = Json::object();
  const google::protobuf::Descriptor& descriptor = *message.GetDescriptor();
  for (int i = 0; i < descriptor.field_count(); ++i) {
    const FieldDescriptor* field = descriptor.field(i);
    if (field->is_map()) {
      json[field->name()] = MapToJson(message, field);
    } else if (field->is_repeated()) {
      json[field->name()] = ListToJson(message, field);
    } else if (field->has_presence() && !message.GetReflection()->HasField(message, field)) {
      json[field->name()] = Json();
    } else {
      json[field->name()] = FieldToJson(message, field, -1);
    }
  }
  return json;
}

}  // namespace suggest::cli
