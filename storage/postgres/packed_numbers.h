// Numbers as bytes of a bytea column: little-endian, bit for bit.
//
//   numbers   doubles, 8 bytes each
//   context   three 32-bit counts (customer, recommendation, pair), then the three parts as floats, 4 bytes each
#ifndef STORAGE_POSTGRES_PACKED_NUMBERS_H_
#define STORAGE_POSTGRES_PACKED_NUMBERS_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "storage/ledger/learning_records.h"

namespace suggest::storage {

std::string PackNumbers(const std::vector<double>& numbers);
// Errors: DATA_LOSS when the length is no multiple of 8.
absl::StatusOr<std::vector<double>> UnpackNumbers(absl::string_view bytes);

std::string PackContext(const StoredContext& context);
// Errors: DATA_LOSS when the length does not fit the counts.
absl::StatusOr<StoredContext> UnpackContext(absl::string_view bytes);

}  // namespace suggest::storage

#endif  // STORAGE_POSTGRES_PACKED_NUMBERS_H_
