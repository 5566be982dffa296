// What a stored decision is checked by: damaged or edited bytes are reported instead of being answered or learned from.
//
// 64-bit FNV-1a, each field preceded by its length, so that no two different records are written alike. It finds
// damage; whoever can write the row can also write its checksum.
#ifndef STORAGE_LOG_CHECKSUM_H_
#define STORAGE_LOG_CHECKSUM_H_

#include <cstdint>

#include "absl/strings/string_view.h"
#include "storage/records.h"

namespace suggest::storage {

// Of some bytes.
int64_t ChecksumOf(absl::string_view bytes);

// Of all that a decision logs, without `delivered`, which changes afterwards. `inputs` are the bytes of
// decision.inputs as they are stored.
int64_t ChecksumOf(const DecisionRecord& decision, absl::string_view inputs);

}  // namespace suggest::storage

#endif  // STORAGE_LOG_CHECKSUM_H_
