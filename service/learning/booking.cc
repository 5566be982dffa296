#include "service/learning/booking.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "absl/container/btree_map.h"
#include "absl/strings/str_cat.h"
#include "bandit/base/status_macros.h"
#include "features/counters.h"
#include "google/protobuf/repeated_field.h"
#include "service/common/config.h"
#include "service/learning/ledger_sums.h"
#include "service/learning/posterior_sums.h"
#include "service/learning/touched_buckets.h"
#include "suggest/v1/suggestion_service.pb.h"

namespace suggest::learning {
namespace {

using storage::LedgerExposure;
using storage::LedgerKey;
using suggest::v1::RecordFeedbackRequest;

// A later event shows that an earlier one took place, even where nobody recorded it.
storage::ExposureRule RuleOf(config::v1::Learning::ExposureEvent event) {
  std::vector<int> kinds = {RecordFeedbackRequest::SENT, RecordFeedbackRequest::VIEWED, RecordFeedbackRequest::CLICKED};
  if (event == config::v1::Learning::SUGGESTED) return {.feedback_kinds = {}, .by_decision = true};
  if (event == config::v1::Learning::SENT) return {.feedback_kinds = kinds};
  kinds.insert(kinds.end(), {RecordFeedbackRequest::KEPT, RecordFeedbackRequest::EDITED});
  return {.feedback_kinds = kinds};
}

// Part `i` of `parts` equally long ones that stand one after the other.
std::vector<float> Part(const google::protobuf::RepeatedField<float>& values, int i, int parts) {
  const int length = values.size() / parts;
  const auto begin = values.begin() + static_cast<ptrdiff_t>(i) * length;
  return {begin, begin + length};
}

// The slot's context, with z~_r; empty without one.
storage::StoredContext ContextOf(const storage::NewExposure& exposure, std::vector<float> recommendation) {
  storage::StoredContext context;
  if (recommendation.empty()) return context;
  const model::v1::DecisionInputs& inputs = exposure.inputs;
  context.customer = {inputs.customer().begin(), inputs.customer().end()};
  context.recommendation = std::move(recommendation);
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

}  // namespace

Booking::Booking(const config::v1::Config& config, Basis basis, absl::Time tick, suggest::v1::IngestCounts* counts,
                 decision::StoredServings* servings, Reach reach, bool accept_vanished)
    : settings_(LearnerSettingsOf(config)),
      rules_{settings_.window, ToAbslDuration(config.learning().clock_skew_tolerance())},
      exposure_rule_(RuleOf(config.learning().exposure_event())),
      visibility_lag_(ToAbslDuration(config.learning().visibility_lag())),
      chunk_rows_(config.learning().chunk_rows()),
      basis_(std::move(basis)),
      tick_(tick),
      counts_(counts),
      servings_(servings),
      reach_(reach),
      purchases_(config, basis_.layout, tick, counts, accept_vanished) {}

storage::SourceWindow Booking::WindowFor(absl::Duration earlier) const {
  absl::Time since = absl::InfinitePast();
  if (settings_.forgetting.window_days > 0 && reach_ == Reach::kLearningWindow) {
    const int64_t day = FirstLiveDay(tick_, settings_.forgetting);
    since = absl::UnixEpoch() + day * absl::Hours(24) - earlier;
  }
  // A history is booked long after it was visible; what comes later is visible when it is first seen.
  const bool first_seen = reach_ == Reach::kLearningWindow && visibility_lag_ == absl::ZeroDuration();
  return {.since = since, .tick = tick_, .until = tick_, .visibility_lag = visibility_lag_, .first_seen = first_seen};
}

// A suggestion that was discarded before it was sent never reached the customer: it must not teach, also when it was
// booked before the discard, nor count as made.
absl::Status Booking::HeedDiscards(storage::LearningTransaction& tx, storage::LearnerState& state) {
  if (discards_heeded_) return absl::OkStatus();
  ASSIGN_OR_RETURN(const std::vector<LedgerExposure> changed,
                   tx.HeedDiscards(state.basis_id, WindowFor(absl::ZeroDuration())));
  discards_heeded_ = true;
  if (changed.empty()) return absl::OkStatus();
  std::vector<storage::HistoryKey> histories;
  for (const LedgerExposure& exposure : changed) {
    histories.push_back(ExposureDay(exposure));
    counts_->set_exposures_discarded(counts_->exposures_discarded() + (exposure.basis_id == 0 ? 1 : 0));
  }
  RETURN_IF_ERROR(tx.RefreshHistory(histories));
  state.unpublished = true;
  return tx.SaveState(state);
}

// In a backlog a query over all that is left would make the run quadratic, so it is looked at in slices of time, each
// with about as many events as a chunk.
absl::StatusOr<std::vector<storage::NewExposure>> Booking::NextExposures(storage::LearningTransaction& tx, bool* more) {
  storage::SourceWindow window = WindowFor(absl::ZeroDuration());
  while (true) {
    window.since = std::max(window.since, exposures_seen_until_);
    if (backlog_) {
      ASSIGN_OR_RETURN(const absl::Time bound, tx.EventBound(exposure_rule_, window.since, chunk_rows_));
      window.until = std::min(bound, tick_);
    }
    ASSIGN_OR_RETURN(std::vector<storage::NewExposure> found, tx.NewExposures(exposure_rule_, window, chunk_rows_));
    const bool full = static_cast<int>(found.size()) >= chunk_rows_;
    *more = full || window.until < tick_;
    backlog_ = backlog_ || full;
    exposures_seen_until_ = full ? found.back().exposed_at : window.until + absl::Microseconds(1);
    if (!found.empty() || !*more) return found;
  }
}

absl::StatusOr<Booking::Chunk> Booking::BookExposures(storage::LearningTransaction& tx) {
  ASSIGN_OR_RETURN(storage::LearnerState state, tx.State());
  RETURN_IF_ERROR(HeedDiscards(tx, state));
  Chunk chunk;
  ASSIGN_OR_RETURN(const std::vector<storage::NewExposure> found, NextExposures(tx, &chunk.more));
  chunk.rows = static_cast<int>(found.size());
  if (!found.empty()) RETURN_IF_ERROR(Book(tx, found, state));
  return chunk;
}

// z~_r of each row's slot, in the rows' order: as logged, else of the versions that decided, each loaded once. Empty
// for a foreign basis.
absl::StatusOr<std::vector<std::vector<float>>> Booking::Encodings(const std::vector<storage::NewExposure>& found,
                                                                   int64_t basis_id) {
  std::vector<std::vector<float>> encodings(found.size());
  std::vector<size_t> not_logged;
  for (size_t i = 0; i < found.size(); ++i) {
    const model::v1::DecisionInputs& inputs = found[i].inputs;
    if (found[i].basis_id != basis_id || found[i].rank > inputs.slate_size()) continue;
    if (inputs.recommendations_size() == 0) {
      not_logged.push_back(i);
    } else {
      encodings[i] = Part(inputs.recommendations(), found[i].rank - 1, inputs.slate_size());
    }
  }
  const auto versions = [&](size_t i) { return std::tie(found[i].model_version, found[i].catalogue_version); };
  std::stable_sort(not_logged.begin(), not_logged.end(), [&](size_t a, size_t b) { return versions(a) < versions(b); });
  for (const size_t i : not_logged) {
    const storage::NewExposure& row = found[i];
    const auto serving = servings_->Get(row.model_version, row.catalogue_version);
    if (absl::IsNotFound(serving.status())) {
      return absl::DataLossError(absl::StrCat("what decided suggestion ", row.suggestion_id, " of customer ",
                                              row.customer_id, " is lost: ", serving.status().message()));
    }
    RETURN_IF_ERROR(serving.status());
    const uint32_t place = row.inputs.slate(row.rank - 1);
    if (place >= static_cast<uint32_t>((*serving)->catalogue().size())) {
      return absl::DataLossError(absl::StrCat("suggestion ", row.suggestion_id, " of customer ", row.customer_id,
                                              " logged the place ", place, ", outside its catalogue of ",
                                              (*serving)->catalogue().size()));
    }
    const auto encoding = (*serving)->candidates().row(static_cast<int>(place));
    encodings[i].assign(encoding.begin(), encoding.end());
  }
  return encodings;
}

LedgerExposure Booking::ToLedger(const storage::NewExposure& fresh, std::vector<float> recommendation, int64_t basis_id,
                                 std::vector<KnownExposure>& same_pair) {
  LedgerExposure row{.customer_id = fresh.customer_id,
                     .suggestion_id = fresh.suggestion_id,
                     .recommendation_id = fresh.recommendation_id,
                     .exposed_at = fresh.exposed_at,
                     .day = features::UtcDay(fresh.exposed_at),
                     .basis_id = 0,
                     .continues = "",
                     .bought_at = std::nullopt,
                     .stratum = basis_.strata.Of(fresh.recommendation_id),
                     .context = {}};
  if (const KnownExposure* open = Continues(fresh.exposed_at, same_pair, settings_.window); open != nullptr) {
    row.continues = open->suggestion_id;
    counts_->set_exposures_repeated(counts_->exposures_repeated() + 1);
    return row;
  }
  row.context = ContextOf(fresh, std::move(recommendation));
  row.basis_id = row.context.empty() ? 0 : basis_id;
  same_pair.push_back(ToKnown(row));
  counts_->set_exposures_booked(counts_->exposures_booked() + 1);
  counts_->set_exposures_foreign_basis(counts_->exposures_foreign_basis() + (row.basis_id == 0 ? 1 : 0));
  return row;
}

absl::Status Booking::Book(storage::LearningTransaction& tx, const std::vector<storage::NewExposure>& found,
                           storage::LearnerState& state) {
  std::vector<LedgerKey> pairs, names;
  for (const storage::NewExposure& row : found) {
    pairs.push_back({row.customer_id, row.recommendation_id});
    names.push_back({row.customer_id, row.suggestion_id});
  }
  ASSIGN_OR_RETURN(const std::vector<LedgerExposure> booked, tx.ExposuresOfPairs(pairs));
  absl::btree_map<LedgerKey, std::vector<KnownExposure>> known;
  for (const LedgerExposure& row : booked) known[{row.customer_id, row.recommendation_id}].push_back(ToKnown(row));

  ASSIGN_OR_RETURN(std::vector<std::vector<float>> encodings, Encodings(found, state.basis_id));
  std::vector<LedgerExposure> rows;
  std::vector<storage::HistoryKey> histories;
  for (size_t i = 0; i < found.size(); ++i) {
    const storage::NewExposure& fresh = found[i];
    const LedgerExposure& row = rows.emplace_back(
        ToLedger(fresh, std::move(encodings[i]), state.basis_id, known[{fresh.customer_id, fresh.recommendation_id}]));
    if (row.continues.empty()) histories.push_back(ExposureDay(row));
  }
  RETURN_IF_ERROR(tx.InsertExposures(rows));
  RETURN_IF_ERROR(tx.MarkForAnotherLook(pairs, names));
  RETURN_IF_ERROR(tx.RefreshHistory(histories));
  state.unpublished = true;
  return tx.SaveState(state);
}

absl::StatusOr<Booking::Chunk> Booking::BookPurchases(storage::LearningTransaction& tx) {
  ASSIGN_OR_RETURN(const int rows, purchases_.BookChanged(tx, WindowFor(rules_.skew), &purchases_seen_until_));
  return Chunk{rows, rows >= chunk_rows_};
}

absl::StatusOr<Booking::Chunk> Booking::BookVanished(storage::LearningTransaction& tx) {
  ASSIGN_OR_RETURN(const int rows, purchases_.BookVanished(tx, WindowFor(rules_.skew), &vanished_seen_until_));
  return Chunk{rows, rows >= chunk_rows_};
}

absl::StatusOr<Booking::Chunk> Booking::MatureDue(storage::LearningTransaction& tx) {
  ASSIGN_OR_RETURN(storage::LearnerState state, tx.State());
  const int64_t first_day = std::max(state.first_live_day, FirstLiveDay(tick_, settings_.forgetting));
  ASSIGN_OR_RETURN(const std::vector<LedgerExposure> due,
                   tx.Pending(state.basis_id, first_day, tick_ - settings_.maturity(), LedgerKey(), chunk_rows_));
  if (due.empty()) return Chunk{};
  TouchedBuckets buckets(&tx, state.basis_id, basis_.layout);
  RETURN_IF_ERROR(buckets.AddMature(due));
  RETURN_IF_ERROR(buckets.Save());
  std::vector<LedgerKey> keys;
  for (const LedgerExposure& exposure : due) keys.push_back({exposure.customer_id, exposure.suggestion_id});
  RETURN_IF_ERROR(tx.MarkMature(keys));
  counts_->set_exposures_matured(counts_->exposures_matured() + static_cast<int64_t>(due.size()));
  state.unpublished = true;
  RETURN_IF_ERROR(tx.SaveState(state));
  const int rows = static_cast<int>(due.size());
  return Chunk{rows, rows >= chunk_rows_};
}

}  // namespace suggest::learning
