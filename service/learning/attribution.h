// Which exposure a purchase counts for, and what an exposure's reward is. Pure rules; time is an argument.
//
//   window    exposed_at <= purchased_at < exposed_at + W
//   which     the exposure that billing names by suggestion id, when the purchase lies in its window; else the newest
//             exposure of the same customer and recommendation in whose window it lies
//   skew      a purchase at most `skew` before an exposure counts for it with delay 0, if none has it in its window
//   repeats   a suggestion of the same customer and recommendation less than W away from a booked exposure continues
//             that one: no exposure of its own, and its suggestion id names the booked one
//   reward    clip(net / cap, 0, 1), net = sum of the exposure's purchases that are not cancelled, taken from the whole
//             set each time: two purchases of 0.8 caps make 1.0, not 1.6, and a refund restores what was
#ifndef SERVICE_LEARNING_ATTRIBUTION_H_
#define SERVICE_LEARNING_ATTRIBUTION_H_

#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "service/learning/settings.h"
#include "storage/ledger/learning_records.h"

namespace suggest::learning {

// A booked exposure; never a repeat.
struct KnownExposure {
  std::string suggestion_id;
  std::string recommendation_id;
  absl::Time exposed_at;
};

struct PurchaseFacts {
  std::string recommendation_id;
  std::string suggestion_id;  // of an exposure (a repeat's id already resolved to it), or empty
  absl::Time purchased_at;
};

struct Attribution {
  storage::PurchaseStatus status = storage::PurchaseStatus::kOrphan;
  std::string suggestion_id;  // of the exposure; empty unless kAttributed
  std::string reason;         // empty when kAttributed; else in words, for operators
  bool skewed = false;        // attributed to an exposure after it, within the clock skew
};

struct AttributionRules {
  absl::Duration window;
  absl::Duration skew;
};

// `exposures`: those of the purchase's customer, in any order; others than its own may be among them.
//   kFuture  purchased after the tick; kEarly: before the only exposure, by more than the skew: both are tried again
//   kLate    after the window of the last exposure before it;  kOrphan: no exposure at all
Attribution Attribute(const PurchaseFacts& purchase, absl::Span<const KnownExposure> exposures, absl::Time tick,
                      const AttributionRules& rules);

// The booked exposure that a suggestion exposed at `exposed_at` continues, or nullptr. `same_pair`: exposures of the
// same customer and recommendation. The nearest in time wins, the earlier one on a tie.
const KnownExposure* Continues(absl::Time exposed_at, absl::Span<const KnownExposure> same_pair, absl::Duration window);

// The amount in the declared currency. Errors: INVALID_ARGUMENT in words for an amount that is negative or no number,
// or a currency that is neither the declared one nor converted; the purchase is then refused and shown.
absl::StatusOr<double> DeclaredValue(double amount, absl::string_view currency, const MoneyRules& money);

// From 1900-01-01 to 9999-12-31, UTC. Other instants of a purchase or suggestion are dates that a source writes for
// none (0001-01-01 is a common one) or has misread: such a row is set aside.
bool PossibleInstant(absl::Time time);

// clip(net / cap, 0, 1). REQUIRES: cap > 0.
double RewardOf(double net, double cap);

}  // namespace suggest::learning

#endif  // SERVICE_LEARNING_ATTRIBUTION_H_
