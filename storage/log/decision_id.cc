#include "storage/log/decision_id.h"

#include <cstddef>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "bandit/base/check.h"
#include "bandit/base/status_macros.h"

namespace suggest::storage {
namespace {

constexpr size_t kUuidSize = 36;

bool IsDash(size_t position) {
  return position == 8 || position == 13 || position == 18 || position == 23;
}

bool IsLowerHex(char c) {
  return absl::ascii_isdigit(c) || (c >= 'a' && c <= 'f');
}

bool IsUuidV7(absl::string_view id) {
  if (id.size() != kUuidSize) return false;
  for (size_t i = 0; i < kUuidSize; ++i) {
    if (IsDash(i) ? id[i] != '-' : !IsLowerHex(id[i])) return false;
  }
  return id[14] == '7' && absl::string_view("89ab").find(id[19]) != absl::string_view::npos;
}

}  // namespace

std::string MakeDecisionId(absl::Time time, uint64_t random_high, uint64_t random_low) {
  const int64_t milliseconds = absl::ToUnixMillis(time);
  SUGGEST_CHECK(milliseconds >= 0 && milliseconds < (int64_t{1} << 48));
  const uint64_t variant_and_random = (uint64_t{2} << 62) | (random_low >> 2);
  const uint64_t high = static_cast<uint64_t>(milliseconds) << 16 | 0x7000 | (random_high & 0xfff);
  std::string id(kUuidSize, '-');
  size_t next = 0;
  for (const uint64_t half : {high, variant_and_random}) {
    for (int shift = 60; shift >= 0; shift -= 4) {
      if (IsDash(next)) ++next;
      id[next++] = "0123456789abcdef"[half >> shift & 0xf];
    }
  }
  return id;
}

absl::StatusOr<absl::Time> DecisionTime(absl::string_view decision_id) {
  uint64_t milliseconds = 0;
  if (!IsUuidV7(decision_id) ||
      !absl::SimpleHexAtoi(absl::StrCat(decision_id.substr(0, 8), decision_id.substr(9, 4)), &milliseconds)) {
    return absl::InvalidArgumentError(
        absl::StrCat("decision_id '", absl::CHexEscape(decision_id), "' is not a lower-case UUIDv7"));
  }
  return absl::FromUnixMillis(static_cast<int64_t>(milliseconds));
}

std::string MakeSuggestionId(absl::string_view decision_id, int rank) {
  std::string suggestion_id;
  MakeSuggestionId(decision_id, rank, &suggestion_id);
  return suggestion_id;
}

void MakeSuggestionId(absl::string_view decision_id, int rank, std::string* suggestion_id) {
  suggestion_id->assign(decision_id.data(), decision_id.size());
  absl::StrAppend(suggestion_id, ".", rank);
}

absl::StatusOr<SuggestionId> ParseSuggestionId(absl::string_view suggestion_id) {
  const absl::string_view decision_id = suggestion_id.substr(0, kUuidSize);
  const absl::string_view digits =
      suggestion_id.size() > kUuidSize + 1 ? suggestion_id.substr(kUuidSize + 1) : absl::string_view();
  int rank = 0;
  const bool shaped = suggestion_id.size() > kUuidSize && suggestion_id[kUuidSize] == '.' && IsUuidV7(decision_id);
  // The canonical spelling only, so that one suggestion has one id.
  if (!shaped || !absl::SimpleAtoi(digits, &rank) || rank < 1 || absl::StrCat(rank) != digits) {
    return absl::InvalidArgumentError(
        absl::StrCat("suggestion_id '", absl::CHexEscape(suggestion_id), "' is not '<decision_id>.<rank>'"));
  }
  return SuggestionId{std::string(decision_id), rank};
}

}  // namespace suggest::storage
