// The JSON value that commands hand back (its keys keep the order in which they were set), and how it is printed.
//
// 64-bit integers print with all their digits; a double prints as a short decimal that reads back to the same bits, and
// as null when it is not finite (JSON has no NaN). Bytes that are not UTF-8 print as U+FFFD.
#ifndef SERVICE_CLI_JSON_H_
#define SERVICE_CLI_JSON_H_

#include <string>

#include "nlohmann/json.hpp"

namespace suggest::cli {

using Json = nlohmann::ordered_json;

// Two spaces per level, a newline at the end.
std::string PrintJson(const Json& json);

}  // namespace suggest::cli

#endif  // SERVICE_CLI_JSON_H_
