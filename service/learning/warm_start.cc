#include "service/learning/warm_start.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "bandit/base/status_macros.h"
#include "features/bounds.h"
#include "features/counters.h"
#include "service/common/config.h"
#include "service/common/timestamps.h"
#include "service/learning/booking.h"
#include "service/learning/held_out.h"
#include "service/learning/history_review.h"
#include "service/learning/posterior_sums.h"
#include "service/learning/publisher.h"
#include "service/learning/touched_buckets.h"
#include "service/learning/training.h"
#include "storage/ledger/learning_store.h"

namespace suggest::learning {
namespace {

using model::v1::WarmStartReport;
using storage::LearningTransaction;

absl::Status CheckOptions(const WarmStartOptions& options) {
  if (options.cut_share > 0 && options.cut_share < 1) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("cut_share is ", options.cut_share, ", but must lie within (0, 1)"));
}

void DescribeHistory(const Timeline& timeline, WarmStartReport* report) {
  const ReplayCounts& counts = timeline.counts;
  report->set_exposures(static_cast<int64_t>(timeline.exposures.size()));
  report->set_purchases(counts.attributed);
  report->set_repeated(static_cast<int64_t>(timeline.repeats.size()));
  report->set_purchases_orphaned(counts.orphaned);
  report->set_purchases_late(counts.late);
  report->set_purchases_early(counts.early);
  report->set_purchases_refused(counts.refused);
  report->set_has_propensities(counts.has_propensities);
  if (!counts.has_propensities) {
    report->add_messages("the history has no propensities: it teaches, but policies cannot be evaluated on it");
  }
  report->set_not_exposed(counts.not_exposed);
}

void AddMessages(const std::vector<std::string>& messages, absl::string_view prefix, WarmStartReport* report) {
  for (const std::string& message : messages) report->add_messages(absl::StrCat(prefix, message));
}

absl::Status AddHeldOut(const History& history, const Timeline& timeline, const config::v1::Config& config,
                        const WarmStartOptions& options, absl::Time data_end, const Progress& progress,
                        WarmStartReport* report) {
  const absl::Time cut = CutInstant(timeline, options.cut_share);
  if (cut == absl::InfiniteFuture()) {
    report->add_messages("no held-out report: too few instants of decision to cut between");
    return absl::OkStatus();
  }
  report->set_cut(FormatInstant(cut));
  ASSIGN_OR_RETURN(const Training training, TrainAt(history, timeline, config, cut, nullptr, progress));
  ASSIGN_OR_RETURN(const Learned learned, PosteriorAt(training, timeline, config, cut, progress));
  ASSIGN_OR_RETURN(*report->mutable_held_out(),
                   EvaluateHeldOut(history, timeline, training, learned, config, cut, data_end,
                                   {options.bootstrap_resamples, options.bootstrap_seed}, options.truth));
  return absl::OkStatus();
}

// The ledger rows that history before the data cut becomes: exposures with their contexts, and repeats.
std::vector<storage::LedgerExposure> LedgerRows(const Timeline& timeline, const Training& training, int64_t basis_id,
                                                absl::Time data_cut) {
  std::vector<storage::LedgerExposure> rows;
  rows.reserve(timeline.exposures.size() + timeline.repeats.size());
  for (size_t i = 0; i < timeline.exposures.size(); ++i) {
    const ReplayedExposure& exposure = timeline.exposures[i];
    if (exposure.exposed_at >= data_cut) continue;
    rows.push_back({.customer_id = exposure.customer_id,
                    .suggestion_id = exposure.suggestion_id,
                    .recommendation_id = exposure.recommendation_id,
                    .exposed_at = exposure.exposed_at,
                    .day = features::UtcDay(exposure.exposed_at),
                    .basis_id = basis_id,
                    .continues = "",
                    .historical = true,
                    .bought_at = std::nullopt,
                    .stratum = exposure.stratum,
                    .context = ToStored(training.contexts[i])});
  }
  for (const Repeat& repeat : timeline.repeats) {
    if (repeat.exposed_at >= data_cut) continue;
    rows.push_back({.customer_id = repeat.customer_id,
                    .suggestion_id = repeat.suggestion_id,
                    .recommendation_id = repeat.recommendation_id,
                    .exposed_at = repeat.exposed_at,
                    .day = features::UtcDay(repeat.exposed_at),
                    .basis_id = 0,
                    .continues = repeat.continues,
                    .historical = true,
                    .bought_at = std::nullopt,
                    .stratum = "",
                    .context = {}});
  }
  return rows;
}

absl::Status BookHistory(LearningTransaction& tx, const std::vector<storage::LedgerExposure>& rows, int chunk_rows,
                         const Progress& progress) {
  for (size_t begin = 0; begin < rows.size(); begin += static_cast<size_t>(chunk_rows)) {
    const size_t end = std::min(rows.size(), begin + static_cast<size_t>(chunk_rows));
    const std::vector<storage::LedgerExposure> chunk(rows.begin() + static_cast<std::ptrdiff_t>(begin),
                                                     rows.begin() + static_cast<std::ptrdiff_t>(end));
    std::vector<storage::HistoryKey> histories;
    for (const storage::LedgerExposure& row : chunk) {
      if (row.continues.empty()) histories.push_back({row.customer_id, row.recommendation_id, row.day});
    }
    RETURN_IF_ERROR(tx.InsertExposures(chunk));
    RETURN_IF_ERROR(tx.RefreshHistory(histories));
    Report(progress, "book exposures", static_cast<int64_t>(end), static_cast<int64_t>(rows.size()));
  }
  return absl::OkStatus();
}

// A version to be made: what it starts from, and the history to book under it.
struct Plan {
  BasisOf basis;
  absl::Time data_cut;
  const Timeline* timeline = nullptr;  // null with `empty`
  const Training* training = nullptr;
};

absl::Status PublishPlan(LearningTransaction& tx, const config::v1::Config& config, const WarmStartOptions& options,
                         Plan plan, absl::Time now, const Progress& progress, WarmStartReport* report) {
  ASSIGN_OR_RETURN(storage::LearnerState state, tx.State());
  ASSIGN_OR_RETURN(const auto highest, tx.HighestVersionAndBasis());
  if (highest.first > 0 && !options.replace) {
    return absl::FailedPreconditionError(
        absl::StrCat("there is a model already, up to version ", highest.first, "; replacing it must be asked for"));
  }
  ASSIGN_OR_RETURN(const int64_t live, tx.CountLiveExposures());
  if (live > 0 && !options.forget) {
    return absl::FailedPreconditionError(absl::StrCat(
        "replacing the model would forget ", live, " live exposures, which the source views do not show: show them in ",
        "source.suggestions first (their status and time), or say --forget to lose what they taught"));
  }
  RETURN_IF_ERROR(tx.ClearLedger());
  plan.basis.basis_id = highest.second + 1;
  plan.basis.version = highest.first + 1;
  plan.basis.parent_version = 0;
  const MoneyRules money = MoneyRulesOf(config);
  state = {.basis_id = plan.basis.basis_id,
           .currency = money.currency,
           .reward_cap = money.reward_cap,
           .unpublished = true,
           .last_tick = plan.data_cut};
  RETURN_IF_ERROR(tx.SaveState(state));
  if (plan.timeline != nullptr) {
    RETURN_IF_ERROR(BookHistory(tx, LedgerRows(*plan.timeline, *plan.training, plan.basis.basis_id, plan.data_cut),
                                config.learning().chunk_rows(), progress));
  }
  suggest::v1::IngestCounts counts;
  // All exposures are booked, so that histories are whole; their purchases must be too.
  Booking booking(config, {.layout = plan.basis.layout, .strata = {}}, plan.data_cut, &counts, nullptr,
                  Booking::Reach::kAllHistory);
  Booking::Chunk chunk;
  do {
    ASSIGN_OR_RETURN(chunk, booking.BookPurchases(tx));
  } while (chunk.more);
  do {
    ASSIGN_OR_RETURN(chunk, booking.MatureDue(tx));
    Report(progress, "mature", counts.exposures_matured(), 0);
  } while (chunk.more);
  ASSIGN_OR_RETURN(const storage::ModelRow row, PublishVersion(tx, config, plan.basis, plan.data_cut, now, &counts,
                                                               progress, report->mutable_ridge()));
  report->set_model_version(options.dry_run ? 0 : row.version);
  report->set_basis_id(row.basis_id);
  report->set_dimension(row.dimension);
  report->set_noise_sd(std::sqrt(row.noise_variance));
  report->set_condition_number(row.condition_number);
  report->set_exposures_in_window(counts.exposures_in_window());
  report->set_data_cut(FormatInstant(plan.data_cut));
  report->set_base_rate(PriorOf(config, plan.basis.base_rate).base_rate);
  return absl::OkStatus();
}

absl::Status Publish(storage::Database& db, const config::v1::Config& config, const WarmStartOptions& options,
                     const Plan& plan, absl::Time now, const Progress& progress, WarmStartReport* report) {
  storage::LearningStore store(&db);
  return store.WithLock(!options.dry_run, [&](LearningTransaction& tx) {
    return PublishPlan(tx, config, options, plan, now, progress, report);
  });
}

absl::StatusOr<WarmStartReport> StartEmpty(storage::Database& db, const config::v1::Config& config,
                                           const WarmStartOptions& options, absl::Time now, const Progress& progress) {
  if (config.learning().base_rate() <= 0) {
    return absl::FailedPreconditionError("learning.base_rate must be set when there is no history to take it from");
  }
  ASSIGN_OR_RETURN(const features::Pipeline pipeline,
                   features::Pipeline::FromSchema(config.features(),
                                                  CounterSettingsOf(config, PriorDelayLaw(LearnerSettingsOf(config)))));
  const Plan plan{.basis = {.pipeline = pipeline.ToProto(),
                            .layout = pipeline.layout(),
                            .base_rate = config.learning().base_rate(),
                            .origin = "warm-start --empty"},
                  .data_cut = options.data_cut.value_or(now)};
  WarmStartReport report;
  RETURN_IF_ERROR(Publish(db, config, options, plan, now, progress, &report));
  return report;
}

absl::Time DataEnd(const Timeline& timeline, const config::v1::Config& config, const WarmStartOptions& options,
                   absl::Time now) {
  const absl::Duration period = ToAbslDuration(config.learning().ingest_period());
  return options.data_cut.value_or(std::min(TickOf(timeline.last, period) + period, now));
}

absl::StatusOr<WarmStartReport> StartFromHistory(storage::Database& db, const History& history,
                                                 const config::v1::Config& config, const WarmStartOptions& options,
                                                 absl::Time now, const Progress& progress) {
  ASSIGN_OR_RETURN(const Timeline timeline, BuildTimeline(history, config, now));
  if (timeline.exposures.empty()) {
    return absl::FailedPreconditionError(
        "the history has no exposure: import suggestions, or start from the schema alone");
  }
  WarmStartReport report;
  DescribeHistory(timeline, &report);
  const absl::Time data_end = DataEnd(timeline, config, options, now);
  RETURN_IF_ERROR(AddHeldOut(history, timeline, config, options, data_end, progress, &report));
  std::vector<std::string> messages;
  const int64_t clipped_before = features::ClippedValues();
  ASSIGN_OR_RETURN(const Training training, TrainAt(history, timeline, config, data_end, &messages, progress));
  report.set_values_clipped(features::ClippedValues() - clipped_before);
  AddMessages(messages, "features: ", &report);
  const Plan plan{.basis = {.pipeline = training.pipeline.ToProto(),
                            .layout = training.pipeline.layout(),
                            .base_rate = training.base_rate,
                            .origin = "warm-start"},
                  .data_cut = data_end,
                  .timeline = &timeline,
                  .training = &training};
  RETURN_IF_ERROR(Publish(db, config, options, plan, now, progress, &report));
  return report;
}

}  // namespace

absl::Time CutInstant(const Timeline& timeline, double share) {
  const std::vector<ReplayedExposure>& exposures = timeline.exposures;
  const double wanted = share * static_cast<double>(exposures.size());
  for (size_t i = 1; i < exposures.size(); ++i) {
    if (exposures[i].exposed_at != exposures[i - 1].exposed_at && static_cast<double>(i) >= wanted) {
      return exposures[i].exposed_at;
    }
  }
  return absl::InfiniteFuture();
}

absl::StatusOr<WarmStartReport> EvaluateHistory(const History& history, const config::v1::Config& config,
                                                const WarmStartOptions& options, const Progress& progress) {
  RETURN_IF_ERROR(CheckOptions(options));
  ASSIGN_OR_RETURN(const Timeline timeline, BuildTimeline(history, config, absl::InfiniteFuture()));
  WarmStartReport report;
  DescribeHistory(timeline, &report);
  const absl::Time data_end = DataEnd(timeline, config, options, absl::InfiniteFuture());
  RETURN_IF_ERROR(AddHeldOut(history, timeline, config, options, data_end, progress, &report));
  return report;
}

namespace {

absl::StatusOr<WarmStartReport> Start(storage::Database& db, History history, SetAsideRows set_aside,
                                      const config::v1::Config& config, const WarmStartOptions& options, absl::Time now,
                                      const Progress& progress) {
  RETURN_IF_ERROR(CheckOptions(options));
  const auto started = std::chrono::steady_clock::now();
  if (!options.empty) {
    RETURN_IF_ERROR(ReviewHistory(config, &history, &set_aside));
    RETURN_IF_ERROR(set_aside.CheckShare(config.learning().max_set_aside_share()));
  }
  ASSIGN_OR_RETURN(WarmStartReport report, options.empty
                                               ? StartEmpty(db, config, options, now, progress)
                                               : StartFromHistory(db, history, config, options, now, progress));
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - started;
  report.set_seconds(seconds.count());
  set_aside.WriteTo(&report);
  return report;
}

}  // namespace

absl::StatusOr<WarmStartReport> RunWarmStart(storage::Database& db, History history, const config::v1::Config& config,
                                             const WarmStartOptions& options, absl::Time now,
                                             const Progress& progress) {
  return Start(db, std::move(history), SetAsideRows(), config, options, now, progress);
}

absl::StatusOr<WarmStartReport> RunWarmStart(storage::Database& db, const config::v1::Config& config,
                                             const WarmStartOptions& options, absl::Time now,
                                             const Progress& progress) {
  History history;
  SetAsideRows set_aside;
  if (!options.empty) {
    ASSIGN_OR_RETURN(const std::unique_ptr<storage::HistorySource> source, storage::HistorySource::Open(db));
    ASSIGN_OR_RETURN(history, LoadHistory(*source, progress, &set_aside));
  }
  return Start(db, std::move(history), std::move(set_aside), config, options, now, progress);
}

}  // namespace suggest::learning
