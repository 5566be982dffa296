// SHA-256 (FIPS 180-4) of a byte string: names catalogue versions, guards model versions.
#ifndef SERVICE_DECISION_SHA256_H_
#define SERVICE_DECISION_SHA256_H_

#include <string>

#include "absl/strings/string_view.h"

namespace suggest::decision {

// 32 bytes, not hexadecimal.
std::string Sha256(absl::string_view bytes);

}  // namespace suggest::decision

#endif  // SERVICE_DECISION_SHA256_H_
