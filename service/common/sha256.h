// SHA-256 (FIPS 180-4) of a byte string: names catalogue versions, guards model versions.
#ifndef SERVICE_COMMON_SHA256_H_
#define SERVICE_COMMON_SHA256_H_

#include <string>

#include "absl/strings/string_view.h"

namespace suggest {

// 32 bytes, not hexadecimal.
std::string Sha256(absl::string_view bytes);

}  // namespace suggest

#endif  // SERVICE_COMMON_SHA256_H_
