#include "service/learning/purchase_booking.h"

#include <algorithm>
#include <utility>

#include "bandit/base/status_macros.h"
#include "features/counters.h"
#include "service/common/config.h"
#include "service/learning/touched_buckets.h"

namespace suggest::learning {
namespace {

using storage::LedgerExposure;
using storage::LedgerKey;
using storage::PurchaseState;
using storage::PurchaseStatus;

KnownExposure ToKnown(const LedgerExposure& exposure) {
  return {exposure.suggestion_id, exposure.recommendation_id, exposure.exposed_at};
}

storage::HistoryKey ExposureDay(const LedgerExposure& exposure) {
  return {exposure.customer_id, exposure.recommendation_id, exposure.day};
}

// Only a purchase that counts in histories has a day there; that of another may not even be a date.
void AppendPurchaseDay(const PurchaseState& state, std::vector<storage::HistoryKey>& histories) {
  if (state.status == PurchaseStatus::kFuture || state.status == PurchaseStatus::kRefused) return;
  histories.push_back({state.customer_id, state.recommendation_id, features::UtcDay(state.purchased_at)});
}

// So few purchases of a small company are no sign of a broken view.
constexpr int64_t kAlwaysTakenBack = 5;

// What a purchase adds to its exposure's net value, and to which.
struct Contribution {
  std::string suggestion_id;
  double value = 0;
  bool operator==(const Contribution&) const = default;
};

Contribution ContributionOf(const PurchaseState& state) {
  return state.counts() ? Contribution{state.suggestion_id, state.value} : Contribution{};
}

// Ledger entries that lead from `before` to `after`: one when the exposure stays, two when it changes.
void AppendEntries(const PurchaseState& state, const Contribution& before, const Contribution& after,
                   std::vector<storage::RewardEntry>& entries, absl::btree_map<LedgerKey, int64_t>& touched) {
  const auto add = [&](const std::string& suggestion_id, double change) {
    if (suggestion_id.empty()) return;
    touched.try_emplace({state.customer_id, suggestion_id}, 0);
    if (change != 0) entries.push_back({state.customer_id, suggestion_id, state.purchase_id, change});
  };
  if (before == after) return;
  if (before.suggestion_id == after.suggestion_id) return add(after.suggestion_id, after.value - before.value);
  add(before.suggestion_id, -before.value);
  add(after.suggestion_id, after.value);
}

}  // namespace

PurchaseBooking::PurchaseBooking(const config::v1::Config& config, const bandit::ContextLayout& layout, absl::Time tick,
                                 suggest::v1::IngestCounts* counts, bool accept_vanished)
    : money_(MoneyRulesOf(config)),
      rules_{LearnerSettingsOf(config).window, ToAbslDuration(config.learning().clock_skew_tolerance())},
      chunk_rows_(config.learning().chunk_rows()),
      max_vanished_share_(config.learning().max_vanished_share()),
      accept_vanished_(accept_vanished),
      layout_(layout),
      tick_(tick),
      counts_(counts) {}

// The exposures that the purchases of a chunk could belong to.
struct PurchaseBooking::Known {
  absl::btree_map<std::string, std::vector<KnownExposure>> of_customer;
  absl::btree_map<LedgerKey, std::string> continued;  // (customer_id, repeat's id) -> the booked exposure's id
};

absl::StatusOr<PurchaseBooking::Known> PurchaseBooking::FindExposures(
    storage::LearningTransaction& tx, const std::vector<storage::PurchaseChange>& changes) const {
  std::vector<LedgerKey> pairs, names, roots;
  for (const storage::PurchaseChange& change : changes) {
    pairs.push_back({change.purchase.customer_id, change.purchase.recommendation_id});
    if (!change.purchase.suggestion_id.empty()) {
      names.push_back({change.purchase.customer_id, change.purchase.suggestion_id});
    }
  }
  Known known;
  absl::btree_map<LedgerKey, KnownExposure> found;
  ASSIGN_OR_RETURN(const std::vector<LedgerExposure> named, tx.ExposuresByName(names));
  for (const LedgerExposure& row : named) {
    if (row.continues.empty()) {
      found[{row.customer_id, row.suggestion_id}] = ToKnown(row);
    } else {
      known.continued[{row.customer_id, row.suggestion_id}] = row.continues;
      roots.push_back({row.customer_id, row.continues});
    }
  }
  ASSIGN_OR_RETURN(const std::vector<LedgerExposure> continued, tx.ExposuresByName(roots));
  ASSIGN_OR_RETURN(const std::vector<LedgerExposure> of_pairs, tx.ExposuresOfPairs(pairs));
  for (const std::vector<LedgerExposure>* rows : {&continued, &of_pairs}) {
    for (const LedgerExposure& row : *rows) found[{row.customer_id, row.suggestion_id}] = ToKnown(row);
  }
  for (auto& [key, exposure] : found) known.of_customer[key.customer_id].push_back(std::move(exposure));
  return known;
}

PurchaseState PurchaseBooking::Judge(const storage::PurchaseChange& change, const Known& known, bool* skewed) const {
  const storage::PurchaseRecord& purchase = change.purchase;
  PurchaseState state{.customer_id = purchase.customer_id,
                      .purchase_id = purchase.purchase_id,
                      .recommendation_id = purchase.recommendation_id,
                      .purchased_at = purchase.purchased_at,
                      .visible_at = *purchase.visible_at,
                      .amount = purchase.amount,
                      .currency = purchase.currency,
                      .named_suggestion_id = purchase.suggestion_id,
                      .cancelled_at = purchase.cancelled_at,
                      .suggestion_id = "",
                      .reason = ""};
  if (!change.fault.empty()) {
    state.status = PurchaseStatus::kRefused;
    state.reason = change.fault;
    return state;
  }
  const absl::StatusOr<double> value = DeclaredValue(purchase.amount, purchase.currency, money_);
  if (!value.ok()) {
    state.status = PurchaseStatus::kRefused;
    state.reason = std::string(value.status().message());
    return state;
  }
  state.value = *value;
  const auto repeat = known.continued.find({purchase.customer_id, purchase.suggestion_id});
  const PurchaseFacts facts{
      purchase.recommendation_id,
      repeat == known.continued.end() ? purchase.suggestion_id : repeat->second,
      purchase.purchased_at,
  };
  const auto exposures = known.of_customer.find(purchase.customer_id);
  Attribution attribution = Attribute(
      facts, exposures == known.of_customer.end() ? std::vector<KnownExposure>() : exposures->second, tick_, rules_);
  state.status = attribution.status;
  *skewed = attribution.skewed;
  state.suggestion_id = std::move(attribution.suggestion_id);
  state.reason = std::move(attribution.reason);
  return state;
}

void PurchaseBooking::Count(const PurchaseState* before, const PurchaseState& after) {
  suggest::v1::IngestCounts& counts = *counts_;
  const Contribution old = before == nullptr ? Contribution{} : ContributionOf(*before);
  const Contribution now = ContributionOf(after);
  const bool was = before != nullptr && before->counts();
  if (was && !after.counts() && after.cancelled_at.has_value()) counts.set_refunds(counts.refunds() + 1);
  if (was && after.counts() && old.suggestion_id != now.suggestion_id)
    counts.set_reattributed(counts.reattributed() + 1);
  if (was && after.counts() && old.value != now.value) counts.set_amounts_changed(counts.amounts_changed() + 1);
  if (before != nullptr && before->status == after.status) return;
  switch (after.status) {
    case PurchaseStatus::kAttributed:
      return counts.set_purchases_attributed(counts.purchases_attributed() + 1);
    case PurchaseStatus::kOrphan:
      return counts.set_purchases_orphaned(counts.purchases_orphaned() + 1);
    case PurchaseStatus::kLate:
      return counts.set_purchases_late(counts.purchases_late() + 1);
    case PurchaseStatus::kEarly:
    case PurchaseStatus::kFuture:
      return counts.set_purchases_early(counts.purchases_early() + 1);
    case PurchaseStatus::kRefused:
      return counts.set_purchases_refused(counts.purchases_refused() + 1);
  }
}

std::vector<std::string> PurchaseBooking::Currencies() const {
  std::vector<std::string> currencies = {"", money_.currency};
  for (const auto& [currency, rate] : money_.conversion) currencies.push_back(currency);
  return currencies;
}

absl::StatusOr<int> PurchaseBooking::BookChanged(storage::LearningTransaction& tx, const storage::SourceWindow& window,
                                                 LedgerKey* cursor) {
  ASSIGN_OR_RETURN(const std::vector<storage::PurchaseChange> changes,
                   tx.ChangedPurchases(window, Currencies(), *cursor, chunk_rows_));
  if (changes.empty()) return 0;
  RETURN_IF_ERROR(BookChanges(tx, changes));
  *cursor = {changes.back().purchase.customer_id, changes.back().purchase.purchase_id};
  return static_cast<int>(changes.size());
}

absl::StatusOr<bool> PurchaseBooking::VanishingIsCredible(storage::LearningTransaction& tx,
                                                          const storage::SourceWindow& window) {
  if (accept_vanished_) return true;
  ASSIGN_OR_RETURN(const storage::VanishedCount count, tx.CountVanishedPurchases(window));
  if (count.vanished <= kAlwaysTakenBack) return true;
  if (static_cast<double>(count.vanished) <= max_vanished_share_ * static_cast<double>(count.booked)) return true;
  counts_->set_purchases_vanished(count.vanished);
  counts_->set_purchases_booked(count.booked);
  return false;
}

absl::StatusOr<int> PurchaseBooking::BookVanished(storage::LearningTransaction& tx, const storage::SourceWindow& window,
                                                  LedgerKey* cursor) {
  if (*cursor == LedgerKey()) {
    ASSIGN_OR_RETURN(const bool credible, VanishingIsCredible(tx, window));
    if (!credible) return 0;
  }
  ASSIGN_OR_RETURN(const std::vector<PurchaseState> vanished, tx.VanishedPurchases(window, *cursor, chunk_rows_));
  if (vanished.empty()) return 0;
  std::vector<storage::PurchaseChange> changes;
  for (const PurchaseState& booked : vanished) {
    changes.push_back({.purchase = {.purchase_id = booked.purchase_id,
                                    .customer_id = booked.customer_id,
                                    .recommendation_id = booked.recommendation_id,
                                    .purchased_at = booked.purchased_at,
                                    .amount = booked.amount,
                                    .currency = booked.currency,
                                    .suggestion_id = booked.named_suggestion_id,
                                    .visible_at = booked.visible_at,
                                    .cancelled_at = tick_},
                       .booked = booked});
  }
  RETURN_IF_ERROR(BookChanges(tx, changes));
  *cursor = {vanished.back().customer_id, vanished.back().purchase_id};
  return static_cast<int>(vanished.size());
}

absl::Status PurchaseBooking::BookChanges(storage::LearningTransaction& tx,
                                          const std::vector<storage::PurchaseChange>& changes) {
  ASSIGN_OR_RETURN(storage::LearnerState state, tx.State());
  ASSIGN_OR_RETURN(const Known known, FindExposures(tx, changes));
  std::vector<PurchaseState> states;
  std::vector<storage::RewardEntry> entries;
  std::vector<storage::HistoryKey> histories;
  absl::btree_map<LedgerKey, int64_t> touched;
  for (const storage::PurchaseChange& change : changes) {
    bool skewed = false;
    const PurchaseState& after = states.emplace_back(Judge(change, known, &skewed));
    const PurchaseState* const before = change.booked.has_value() ? &*change.booked : nullptr;
    Count(before, after);
    counts_->set_purchases_duplicated(counts_->purchases_duplicated() + change.copies - 1);
    if (skewed && (before == nullptr || before->status != after.status)) {
      counts_->set_purchases_skewed(counts_->purchases_skewed() + 1);
    }
    // Also one that was refunded before it was booked: it shows when people buy.
    if (after.status == PurchaseStatus::kAttributed) touched.try_emplace({after.customer_id, after.suggestion_id}, 0);
    if (after.counts() && (before == nullptr || !before->counts())) {
      ++touched[{after.customer_id, after.suggestion_id}];
    }
    AppendEntries(after, before == nullptr ? Contribution{} : ContributionOf(*before), ContributionOf(after), entries,
                  touched);
    if (before != nullptr) AppendPurchaseDay(*before, histories);
    AppendPurchaseDay(after, histories);
  }
  RETURN_IF_ERROR(tx.SavePurchases(states, tick_));
  RETURN_IF_ERROR(tx.AppendRewards(entries, tick_));
  RETURN_IF_ERROR(UpdateRewards(tx, state, touched, histories));
  RETURN_IF_ERROR(tx.RefreshHistory(histories));
  state.unpublished = true;
  return tx.SaveState(state);
}

static std::optional<absl::Time> FirstVisible(const LedgerExposure& exposure,
                                              const std::vector<PurchaseState>& purchases) {
  std::optional<absl::Time> first;
  for (const PurchaseState& purchase : purchases) {
    // Within the clock skew a purchase may be visible before its exposure.
    const absl::Time at = std::max(purchase.visible_at, exposure.exposed_at);
    first = std::min(at, first.value_or(at));
  }
  return first;
}

double PurchaseBooking::NetReward(const LedgerExposure& exposure, const std::vector<PurchaseState>& purchases,
                                  int64_t fresh) {
  double net = 0;
  int64_t counted = 0;
  for (const PurchaseState& purchase : purchases) {
    if (!purchase.counts()) continue;
    net += purchase.value;
    ++counted;
  }
  const int64_t repeated = counted > fresh ? fresh : std::max<int64_t>(fresh - 1, 0);
  counts_->set_purchases_repeated(counts_->purchases_repeated() + repeated);
  const bool clipped = net > money_.reward_cap && exposure.reward < 1;
  counts_->set_rewards_clipped(counts_->rewards_clipped() + (clipped ? 1 : 0));
  return RewardOf(net, money_.reward_cap);
}

absl::Status PurchaseBooking::UpdateRewards(storage::LearningTransaction& tx, const storage::LearnerState& state,
                                            const absl::btree_map<LedgerKey, int64_t>& touched,
                                            std::vector<storage::HistoryKey>& histories) {
  std::vector<LedgerKey> keys;
  for (const auto& [key, fresh] : touched) keys.push_back(key);
  ASSIGN_OR_RETURN(std::vector<LedgerExposure> exposures, tx.ExposuresWithContext(keys));
  ASSIGN_OR_RETURN(const std::vector<PurchaseState> purchases, tx.PurchasesOf(keys));
  absl::btree_map<LedgerKey, std::vector<PurchaseState>> of_exposure;
  for (const PurchaseState& purchase : purchases) {
    of_exposure[{purchase.customer_id, purchase.suggestion_id}].push_back(purchase);
  }
  TouchedBuckets buckets(&tx, state.basis_id, layout_);
  for (LedgerExposure& exposure : exposures) {
    const std::vector<PurchaseState>& own = of_exposure[{exposure.customer_id, exposure.suggestion_id}];
    const int64_t fresh = touched.at({exposure.customer_id, exposure.suggestion_id});
    const double reward = NetReward(exposure, own, fresh);
    exposure.bought_at = FirstVisible(exposure, own);
    if (exposure.day < state.first_live_day) {
      counts_->set_purchases_forgotten(counts_->purchases_forgotten() + fresh);
    }
    if (reward == exposure.reward) continue;
    if (exposure.mature && exposure.basis_id == state.basis_id && exposure.day >= state.first_live_day) {
      RETURN_IF_ERROR(buckets.AdjustMature(exposure, reward));
    }
    exposure.reward = reward;
    histories.push_back(ExposureDay(exposure));
  }
  RETURN_IF_ERROR(buckets.Save());
  return tx.SetRewards(exposures);
}

}  // namespace suggest::learning
