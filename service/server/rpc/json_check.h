// Whether a JSON text can be read as a message, with words of ours where it cannot: protobuf's reader repeats the text.
#ifndef SERVICE_SERVER_RPC_JSON_CHECK_H_
#define SERVICE_SERVER_RPC_JSON_CHECK_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "google/protobuf/descriptor.h"

namespace suggest::server {

// Errors: INVALID_ARGUMENT for a text that is no JSON or nested too deep (with the offset in bytes), a key that an
// object has twice, a field that the message does not have (with those it has), and a value of another JSON type than
// its field's. No message has a byte of the text, but the names of the message's own fields.
absl::Status CheckJson(absl::string_view text, const google::protobuf::Descriptor& message);

}  // namespace suggest::server

#endif  // SERVICE_SERVER_RPC_JSON_CHECK_H_
