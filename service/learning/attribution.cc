#include "service/learning/attribution.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"

namespace suggest::learning {
namespace {

using storage::PurchaseStatus;

bool InWindow(absl::Time purchased_at, const KnownExposure& exposure, absl::Duration window) {
  return exposure.exposed_at <= purchased_at && purchased_at < exposure.exposed_at + window;
}

// The later exposure; of two at the same instant the one with the greater id, so that the order of rows is no matter.
bool Newer(const KnownExposure& a, const KnownExposure& b) {
  if (a.exposed_at != b.exposed_at) return a.exposed_at > b.exposed_at;
  return a.suggestion_id > b.suggestion_id;
}

template <typename Accept>
const KnownExposure* Newest(absl::Span<const KnownExposure> exposures, Accept accept) {
  const KnownExposure* best = nullptr;
  for (const KnownExposure& exposure : exposures) {
    if (accept(exposure) && (best == nullptr || Newer(exposure, *best))) best = &exposure;
  }
  return best;
}

Attribution Unattributed(const PurchaseFacts& purchase, absl::Span<const KnownExposure> own) {
  if (own.empty()) return {PurchaseStatus::kOrphan, "", "no exposure of this customer and recommendation"};
  const KnownExposure* before =
      Newest(own, [&](const KnownExposure& exposure) { return exposure.exposed_at <= purchase.purchased_at; });
  if (before == nullptr) {
    return {PurchaseStatus::kEarly, "", absl::StrCat("purchased before exposure ", own.front().suggestion_id)};
  }
  return {PurchaseStatus::kLate, "", absl::StrCat("after the attribution window of ", before->suggestion_id)};
}

}  // namespace

Attribution Attribute(const PurchaseFacts& purchase, absl::Span<const KnownExposure> exposures, absl::Time tick,
                      const AttributionRules& rules) {
  if (purchase.purchased_at > tick) return {PurchaseStatus::kFuture, "", "dated in the future"};
  std::vector<KnownExposure> own;
  for (const KnownExposure& exposure : exposures) {
    const bool named = !purchase.suggestion_id.empty() && exposure.suggestion_id == purchase.suggestion_id;
    if (named && InWindow(purchase.purchased_at, exposure, rules.window)) {
      return {PurchaseStatus::kAttributed, exposure.suggestion_id, ""};
    }
    if (named || exposure.recommendation_id == purchase.recommendation_id) own.push_back(exposure);
  }
  const KnownExposure* chosen = Newest(
      own, [&](const KnownExposure& exposure) { return InWindow(purchase.purchased_at, exposure, rules.window); });
  if (chosen == nullptr) {
    chosen = Newest(own, [&](const KnownExposure& exposure) {
      return purchase.purchased_at < exposure.exposed_at && exposure.exposed_at <= purchase.purchased_at + rules.skew;
    });
  }
  if (chosen != nullptr) {
    return {PurchaseStatus::kAttributed, chosen->suggestion_id, "", purchase.purchased_at < chosen->exposed_at};
  }
  return Unattributed(purchase, own);
}

const KnownExposure* Continues(absl::Time exposed_at, absl::Span<const KnownExposure> same_pair,
                               absl::Duration window) {
  const KnownExposure* nearest = nullptr;
  const auto distance = [&](const KnownExposure& exposure) {
    return absl::AbsDuration(exposed_at - exposure.exposed_at);
  };
  for (const KnownExposure& exposure : same_pair) {
    if (distance(exposure) >= window) continue;
    if (nearest == nullptr || distance(exposure) < distance(*nearest) ||
        (distance(exposure) == distance(*nearest) && Newer(*nearest, exposure))) {
      nearest = &exposure;
    }
  }
  return nearest;
}

absl::StatusOr<double> DeclaredValue(double amount, absl::string_view currency, const MoneyRules& money) {
  if (!std::isfinite(amount)) return absl::InvalidArgumentError("amount is not a number");
  if (amount < 0) return absl::InvalidArgumentError(absl::StrCat("amount ", amount, " is negative"));
  if (currency.empty() || currency == absl::string_view(money.currency)) return amount;
  const auto rate = money.conversion.find(std::string(currency));
  if (rate == money.conversion.end()) {
    return absl::InvalidArgumentError(
        absl::StrCat("currency ", currency, " is neither ", money.currency, " nor in money.conversion"));
  }
  return amount * rate->second;
}

bool PossibleInstant(absl::Time time) {
  static const absl::Time first = absl::FromCivil(absl::CivilSecond(1900, 1, 1), absl::UTCTimeZone());
  static const absl::Time end = absl::FromCivil(absl::CivilSecond(10000, 1, 1), absl::UTCTimeZone());
  return first <= time && time < end;
}

double RewardOf(double net, double cap) {
  return std::clamp(net / cap, 0.0, 1.0);
}

}  // namespace suggest::learning
