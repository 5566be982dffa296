// A protobuf message as the JSON that the programs print.
//
// protobuf's own printer writes 64-bit integers as strings and leaves out what is absent. Scripts want numbers and keys
// that are always there, so this one differs: snake_case names of the .proto file; every field is present (an absent
// message is null, an absent list []); int64 and uint64 are numbers; fixed64, which uses all 64 bits (a seed), is a
// decimal string; enums print their name; bytes print as lower-case hexadecimal; Timestamp as RFC 3339 in UTC, Duration
// as seconds (a number); Struct and Value as the JSON they mean; maps as objects.
#ifndef SERVICE_CLI_PROTO_JSON_H_
#define SERVICE_CLI_PROTO_JSON_H_

#include "google/protobuf/message.h"
#include "service/cli/json.h"

namespace suggest::cli {

Json ProtoToJson(const google::protobuf::Message& message);

}  // namespace suggest::cli

#endif  // SERVICE_CLI_PROTO_JSON_H_
