// Passwords in PostgreSQL connection strings.
#ifndef SERVICE_COMMON_CONNECTION_STRING_H_
#define SERVICE_COMMON_CONNECTION_STRING_H_

#include <string>

#include "absl/strings/string_view.h"

namespace suggest {

// `connection` (libpq's keywords and values, or a URI) with `mask` in the place of each password: after the keywords
// password and sslpassword, however they are spaced and quoted; between user and host of a URI; in a URI's query,
// percent-encoded or not. Equal to `connection` when it holds none.
// Source: https://www.postgresql.org/docs/15/libpq-connect.html#LIBPQ-CONNSTRING
std::string MaskPassword(absl::string_view connection, absl::string_view mask = "***");

// Also of a masked one, which would be taken for the password.
inline bool HoldsPassword(absl::string_view connection) {
  return MaskPassword(connection, "a") != MaskPassword(connection, "b");
}

}  // namespace suggest

#endif  // SERVICE_COMMON_CONNECTION_STRING_H_
