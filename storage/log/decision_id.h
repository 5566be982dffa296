// Names of decisions and suggestions.
//
// A decision_id is a UUIDv7 (RFC 9562, 5.7): 48 bits of milliseconds since the epoch, then 74 random bits. Its
// millisecond is the decision's decided_at, so the id alone finds the month's partition.
// A suggestion_id is "<decision_id>.<rank>", rank from 1.
#ifndef STORAGE_LOG_DECISION_ID_H_
#define STORAGE_LOG_DECISION_ID_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace suggest::storage {

// `time` counts down to its millisecond. REQUIRES: 1970 <= time < year 10000. 74 bits of the 128 random ones are used.
std::string MakeDecisionId(absl::Time time, uint64_t random_high, uint64_t random_low);

// The decided_at of a decision id. Errors: INVALID_ARGUMENT when it is not a lower-case UUIDv7.
absl::StatusOr<absl::Time> DecisionTime(absl::string_view decision_id);

struct SuggestionId {
  std::string decision_id;
  int rank = 0;
};

std::string MakeSuggestionId(absl::string_view decision_id, int rank);
// The same into a string, whose memory is used again.
void MakeSuggestionId(absl::string_view decision_id, int rank, std::string* suggestion_id);
// Errors: INVALID_ARGUMENT when it is not "<UUIDv7>.<rank from 1>".
absl::StatusOr<SuggestionId> ParseSuggestionId(absl::string_view suggestion_id);

}  // namespace suggest::storage

#endif  // STORAGE_LOG_DECISION_ID_H_
