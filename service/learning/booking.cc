#include "service/learning/booking.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "bandit/base/status_macros.h"
#include "features/counters.h"
#include "google/protobuf/repeated_field.h"
#include "service/decision/config.h"
#include "service/learning/posterior_sums.h"
#include "suggest/v1/suggestion_service.pb.h"

namespace suggest::learning {
namespace {

using storage::LedgerExposure;
using storage::LedgerKey;
using storage::PurchaseState;
using storage::PurchaseStatus;
using suggest::v1::RecordFeedbackRequest;

// A later event shows that an earlier one took place, even where nobody recorded it.
storage::ExposureRule RuleOf(config::v1::Learning::ExposureEvent event) {
  std::vector<int> kinds = {RecordFeedbackRequest::SENT, RecordFeedbackRequest::VIEWED, RecordFeedbackRequest::CLICKED};
  if (event == config::v1::Learning::SUGGESTED) return {.feedback_kinds = {}, .by_decision = true};
  if (event == config::v1::Learning::SENT) return {.feedback_kinds = kinds};
  kinds.insert(kinds.end(), {RecordFeedbackRequest::KEPT, RecordFeedbackRequest::EDITED});
  return {.feedback_kinds = kinds};
}

Eigen::VectorXd ToVector(const std::vector<double>& values) {
  return Eigen::Map<const Eigen::VectorXd>(values.data(), static_cast<Eigen::Index>(values.size()));
}

std::vector<double> ToDoubles(const Eigen::VectorXd& values) {
  return {values.begin(), values.end()};
}

// Part `i` of `parts` equally long ones that stand one after the other.
std::vector<double> Part(const google::protobuf::RepeatedField<float>& values, int i, int parts) {
  const int length = values.size() / parts;
  const auto begin = values.begin() + static_cast<ptrdiff_t>(i) * length;
  return {begin, begin + length};
}

// The slot's context out of the decision's logged inputs; empty where they do not hold it.
storage::StoredContext LoggedContext(const storage::NewExposure& exposure) {
  storage::StoredContext context;
  const model::v1::DecisionInputs& inputs = exposure.inputs;
  if (exposure.rank < 1 || exposure.rank > inputs.slate_size()) return context;
  context.customer = {inputs.customer().begin(), inputs.customer().end()};
  context.recommendation = Part(inputs.recommendations(), exposure.rank - 1, inputs.slate_size());
  const auto& candidates = inputs.pair_candidates();
  const auto pair = std::find(candidates.begin(), candidates.end(), inputs.slate(exposure.rank - 1));
  if (pair != candidates.end()) {
    context.pair = Part(inputs.pair_values(), static_cast<int>(pair - candidates.begin()), candidates.size());
  }
  return context;
}

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
                   std::vector<storage::RewardEntry>& entries, absl::btree_set<LedgerKey>& touched) {
  const auto add = [&](const std::string& suggestion_id, double change) {
    if (suggestion_id.empty()) return;
    touched.insert({state.customer_id, suggestion_id});
    if (change != 0) entries.push_back({state.customer_id, suggestion_id, state.purchase_id, change});
  };
  if (before == after) return;
  if (before.suggestion_id == after.suggestion_id) return add(after.suggestion_id, after.value - before.value);
  add(before.suggestion_id, -before.value);
  add(after.suggestion_id, after.value);
}

}  // namespace

bandit::FactoredContext ToFactored(const storage::StoredContext& stored) {
  return {ToVector(stored.customer), ToVector(stored.recommendation), ToVector(stored.pair)};
}

storage::StoredContext ToStored(const bandit::FactoredContext& context) {
  return {ToDoubles(context.customer), ToDoubles(context.recommendation), ToDoubles(context.pair)};
}

absl::StatusOr<bandit::SufficientStatistics> ToSums(const storage::BucketRow& row) {
  return bandit::SufficientStatistics::FromParts({.lower = row.lower,
                                                  .moment = row.moment,
                                                  .weight = row.weight,
                                                  .count = row.count,
                                                  .reward_sum = row.reward_sum,
                                                  .reward_square_sum = row.reward_square_sum});
}

storage::BucketRow ToRow(int64_t day, const bandit::SufficientStatistics& sums) {
  bandit::SufficientStatistics::Parts parts = sums.ToParts();
  return {.day = day,
          .lower = std::move(parts.lower),
          .moment = std::move(parts.moment),
          .weight = parts.weight,
          .count = parts.count,
          .reward_sum = parts.reward_sum,
          .reward_square_sum = parts.reward_square_sum};
}

absl::StatusOr<bandit::SufficientStatistics*> TouchedBuckets::At(int64_t day) {
  if (const auto found = buckets_.find(day); found != buckets_.end()) return &found->second;
  ASSIGN_OR_RETURN(const std::vector<storage::BucketRow> rows, tx_->Buckets(basis_id_, {day}));
  bandit::SufficientStatistics sums(layout_.dim());
  if (!rows.empty()) {
    ASSIGN_OR_RETURN(sums, ToSums(rows.front()));
    if (sums.dim() != layout_.dim()) {
      return absl::DataLossError(
          absl::StrCat("the bucket of day ", day, " has dimension ", sums.dim(), ", the basis has ", layout_.dim()));
    }
  }
  return &buckets_.emplace(day, std::move(sums)).first->second;
}

absl::Status TouchedBuckets::AddMature(const LedgerExposure& exposure) {
  const bandit::FactoredContext context = ToFactored(exposure.context);
  RETURN_IF_ERROR(bandit::ValidateContext(layout_, context));
  ASSIGN_OR_RETURN(bandit::SufficientStatistics* const bucket, At(exposure.day));
  return bucket->AddMature(bandit::AssembleContext(layout_, context), exposure.reward);
}

absl::Status TouchedBuckets::AdjustMature(const LedgerExposure& exposure, double new_reward) {
  const bandit::FactoredContext context = ToFactored(exposure.context);
  RETURN_IF_ERROR(bandit::ValidateContext(layout_, context));
  ASSIGN_OR_RETURN(bandit::SufficientStatistics* const bucket, At(exposure.day));
  return bucket->AdjustMature(bandit::AssembleContext(layout_, context), exposure.reward, new_reward);
}

absl::Status TouchedBuckets::Save() {
  for (const auto& [day, sums] : buckets_) RETURN_IF_ERROR(tx_->SaveBucket(basis_id_, ToRow(day, sums)));
  return absl::OkStatus();
}

Booking::Booking(const config::v1::Config& config, const bandit::ContextLayout& layout, absl::Time tick,
                 suggest::v1::IngestCounts* counts, Reach reach)
    : settings_(LearnerSettingsOf(config)),
      money_(MoneyRulesOf(config)),
      rules_{settings_.window, ToAbslDuration(config.learning().clock_skew_tolerance())},
      exposure_rule_(RuleOf(config.learning().exposure_event())),
      visibility_lag_(ToAbslDuration(config.learning().visibility_lag())),
      chunk_rows_(config.learning().chunk_rows()),
      layout_(layout),
      tick_(tick),
      counts_(counts),
      reach_(reach) {}

storage::SourceWindow Booking::WindowFor(absl::Duration earlier) const {
  absl::Time since = absl::InfinitePast();
  if (settings_.forgetting.window_days > 0 && reach_ == Reach::kLearningWindow) {
    const int64_t day = FirstLiveDay(tick_, settings_.forgetting);
    since = absl::UnixEpoch() + day * absl::Hours(24) - earlier;
  }
  return {.since = since, .tick = tick_, .visibility_lag = visibility_lag_};
}

std::vector<std::string> Booking::Currencies() const {
  std::vector<std::string> currencies = {"", money_.currency};
  for (const auto& [currency, rate] : money_.conversion) currencies.push_back(currency);
  return currencies;
}

// A suggestion that was discarded before it was sent never reached the customer: it must not teach, also when it was
// booked before the discard.
absl::Status Booking::HeedDiscards(storage::LearningTransaction& tx, storage::LearnerState& state) {
  ASSIGN_OR_RETURN(const int64_t changed, tx.HeedDiscards(state.basis_id, WindowFor(absl::ZeroDuration())));
  if (changed == 0) return absl::OkStatus();
  state.unpublished = true;
  return tx.SaveState(state);
}

absl::StatusOr<int> Booking::BookExposures(storage::LearningTransaction& tx) {
  ASSIGN_OR_RETURN(storage::LearnerState state, tx.State());
  RETURN_IF_ERROR(HeedDiscards(tx, state));
  ASSIGN_OR_RETURN(const std::vector<storage::NewExposure> found,
                   tx.NewExposures(exposure_rule_, WindowFor(absl::ZeroDuration()), chunk_rows_));
  if (found.empty()) return 0;
  std::vector<LedgerKey> pairs, names;
  for (const storage::NewExposure& row : found) {
    pairs.push_back({row.customer_id, row.recommendation_id});
    names.push_back({row.customer_id, row.suggestion_id});
  }
  ASSIGN_OR_RETURN(const std::vector<LedgerExposure> booked, tx.ExposuresOfPairs(pairs));
  absl::btree_map<LedgerKey, std::vector<KnownExposure>> known;
  for (const LedgerExposure& row : booked) known[{row.customer_id, row.recommendation_id}].push_back(ToKnown(row));

  std::vector<LedgerExposure> rows;
  std::vector<storage::HistoryKey> histories;
  for (const storage::NewExposure& fresh : found) {
    LedgerExposure row{.customer_id = fresh.customer_id,
                       .suggestion_id = fresh.suggestion_id,
                       .recommendation_id = fresh.recommendation_id,
                       .exposed_at = fresh.exposed_at,
                       .day = features::UtcDay(fresh.exposed_at),
                       .basis_id = 0,
                       .continues = "",
                       .context = {}};
    std::vector<KnownExposure>& same_pair = known[{fresh.customer_id, fresh.recommendation_id}];
    if (const KnownExposure* open = Continues(fresh.exposed_at, same_pair, settings_.window); open != nullptr) {
      row.continues = open->suggestion_id;
      counts_->set_exposures_repeated(counts_->exposures_repeated() + 1);
    } else {
      if (fresh.basis_id == state.basis_id) row.context = LoggedContext(fresh);
      row.basis_id = row.context.empty() ? 0 : state.basis_id;
      same_pair.push_back(ToKnown(row));
      histories.push_back(ExposureDay(row));
      counts_->set_exposures_booked(counts_->exposures_booked() + 1);
    }
    rows.push_back(std::move(row));
  }
  RETURN_IF_ERROR(tx.InsertExposures(rows));
  RETURN_IF_ERROR(tx.MarkForAnotherLook(pairs, names));
  RETURN_IF_ERROR(tx.RefreshHistory(histories));
  state.unpublished = true;
  RETURN_IF_ERROR(tx.SaveState(state));
  return static_cast<int>(found.size());
}

// The exposures that the purchases of a chunk could belong to.
struct Booking::Known {
  absl::btree_map<std::string, std::vector<KnownExposure>> of_customer;
  absl::btree_map<LedgerKey, std::string> continued;  // (customer_id, repeat's id) -> the booked exposure's id
};

absl::StatusOr<Booking::Known> Booking::FindExposures(storage::LearningTransaction& tx,
                                                      const std::vector<storage::PurchaseChange>& changes) const {
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

PurchaseState Booking::Judge(const storage::PurchaseRecord& purchase, const Known& known) const {
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
  if (purchase.purchased_at == absl::InfinitePast()) {
    state.status = PurchaseStatus::kRefused;
    state.reason = "purchased_at is -infinity";
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
  state.suggestion_id = std::move(attribution.suggestion_id);
  state.reason = std::move(attribution.reason);
  return state;
}

void Booking::Count(const PurchaseState* before, const PurchaseState& after) {
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

absl::StatusOr<int> Booking::BookPurchases(storage::LearningTransaction& tx, LedgerKey* cursor) {
  ASSIGN_OR_RETURN(const std::vector<storage::PurchaseChange> changes,
                   tx.ChangedPurchases(WindowFor(rules_.skew), Currencies(), *cursor, chunk_rows_));
  if (changes.empty()) return 0;
  RETURN_IF_ERROR(BookChanges(tx, changes));
  *cursor = {changes.back().purchase.customer_id, changes.back().purchase.purchase_id};
  return static_cast<int>(changes.size());
}

absl::StatusOr<int> Booking::BookVanished(storage::LearningTransaction& tx, LedgerKey* cursor) {
  ASSIGN_OR_RETURN(const std::vector<PurchaseState> vanished,
                   tx.VanishedPurchases(WindowFor(rules_.skew), *cursor, chunk_rows_));
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

absl::Status Booking::BookChanges(storage::LearningTransaction& tx,
                                  const std::vector<storage::PurchaseChange>& changes) {
  ASSIGN_OR_RETURN(storage::LearnerState state, tx.State());
  ASSIGN_OR_RETURN(const Known known, FindExposures(tx, changes));
  std::vector<PurchaseState> states;
  std::vector<storage::RewardEntry> entries;
  std::vector<storage::HistoryKey> histories;
  absl::btree_set<LedgerKey> touched;
  for (const storage::PurchaseChange& change : changes) {
    const PurchaseState& after = states.emplace_back(Judge(change.purchase, known));
    const PurchaseState* const before = change.booked.has_value() ? &*change.booked : nullptr;
    Count(before, after);
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

absl::Status Booking::UpdateRewards(storage::LearningTransaction& tx, const storage::LearnerState& state,
                                    const absl::btree_set<LedgerKey>& touched,
                                    std::vector<storage::HistoryKey>& histories) {
  const std::vector<LedgerKey> keys(touched.begin(), touched.end());
  ASSIGN_OR_RETURN(std::vector<LedgerExposure> exposures, tx.ExposuresWithContext(keys));
  ASSIGN_OR_RETURN(const std::vector<PurchaseState> purchases, tx.PurchasesOf(keys));
  absl::btree_map<LedgerKey, double> net;
  for (const PurchaseState& purchase : purchases) {
    if (purchase.counts()) net[{purchase.customer_id, purchase.suggestion_id}] += purchase.value;
  }
  TouchedBuckets buckets(&tx, state.basis_id, layout_);
  for (LedgerExposure& exposure : exposures) {
    const double reward = RewardOf(net[{exposure.customer_id, exposure.suggestion_id}], money_.reward_cap);
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

absl::StatusOr<int> Booking::MatureDue(storage::LearningTransaction& tx) {
  ASSIGN_OR_RETURN(storage::LearnerState state, tx.State());
  const int64_t first_day = std::max(state.first_live_day, FirstLiveDay(tick_, settings_.forgetting));
  ASSIGN_OR_RETURN(const std::vector<LedgerExposure> due,
                   tx.Pending(state.basis_id, first_day, tick_ - settings_.maturity(), LedgerKey(), chunk_rows_));
  if (due.empty()) return 0;
  TouchedBuckets buckets(&tx, state.basis_id, layout_);
  std::vector<LedgerKey> keys;
  for (const LedgerExposure& exposure : due) {
    RETURN_IF_ERROR(buckets.AddMature(exposure));
    keys.push_back({exposure.customer_id, exposure.suggestion_id});
  }
  RETURN_IF_ERROR(buckets.Save());
  RETURN_IF_ERROR(tx.MarkMature(keys));
  counts_->set_exposures_matured(counts_->exposures_matured() + static_cast<int64_t>(due.size()));
  state.unpublished = true;
  RETURN_IF_ERROR(tx.SaveState(state));
  return static_cast<int>(due.size());
}

}  // namespace suggest::learning
