#include "service/learning/ingester.h"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <utility>

#include "absl/functional/function_ref.h"
#include "absl/strings/str_cat.h"
#include "bandit/base/status_macros.h"
#include "features/counters.h"
#include "features/pipeline.h"
#include "google/protobuf/util/json_util.h"
#include "google/protobuf/util/time_util.h"
#include "service/common/config.h"
#include "service/common/timestamps.h"
#include "service/learning/booking.h"
#include "service/learning/heavy_exposures.h"
#include "service/learning/publisher.h"
#include "storage/ledger/learning_store.h"
#include "storage/source/catalogue_store.h"

namespace suggest::learning {
namespace {

using storage::LearningTransaction;

constexpr int kMostSettings = 3;  // how often the heaviest exposures are set aside before a run gives up
constexpr size_t kNamed = 3;

struct Run {
  const config::v1::Config& config;
  absl::Time now;
  bool dry_run;
  const Progress& progress;
  const Ingester::CommitHook& hook;
  bool accept_vanished = false;
  bool rebuild = false;
  LearningTransaction* only = nullptr;  // a dry run's one transaction
};

// Runs `body` in a transaction of its own, or, in a dry run, in the only one.
absl::Status Step(storage::LearningStore& store, const Run& run, absl::string_view phase,
                  absl::FunctionRef<absl::Status(LearningTransaction&)> body) {
  if (run.only != nullptr) return body(*run.only);
  return store.WithLock(true, [&](LearningTransaction& tx) -> absl::Status {
    RETURN_IF_ERROR(body(tx));
    return run.hook ? run.hook(phase) : absl::OkStatus();
  });
}

// Chunks until one says that nothing is left.
absl::Status Chunks(storage::LearningStore& store, const Run& run, absl::string_view phase,
                    absl::FunctionRef<absl::StatusOr<Booking::Chunk>(LearningTransaction&)> next) {
  int64_t done = 0;
  Booking::Chunk chunk;
  do {
    RETURN_IF_ERROR(Step(store, run, phase, [&](LearningTransaction& tx) -> absl::Status {
      ASSIGN_OR_RETURN(chunk, next(tx));
      return absl::OkStatus();
    }));
    done += chunk.rows;
    Report(run.progress, phase, done, 0);
  } while (chunk.more);
  return absl::OkStatus();
}

// Whether time alone has changed what a version made now would say.
bool HasAged(const model::v1::ModelVersion& model, const config::v1::Config& config, absl::Time now) {
  const absl::Time cut = DataCutOf(model);
  if (features::UtcDay(now) != features::UtcDay(cut)) return true;
  const auto mode = config.learning().delay_mode();
  const bool by_age = mode != config::v1::Learning::WAIT && mode != config::v1::Learning::FAKE_NEGATIVE;
  return model.lineage().pending_exposures() > 0 && (by_age || model.delay().mode() != mode) &&
         now - cut >= ToAbslDuration(config.learning().ingest_period()) / 4;
}

// What became visible since a run that is too long ago did so in one batch, now: its delays say nothing. Only a run
// that came to its end counts as one, so the purchases that a killed run booked are left out with the others.
absl::Status EndRun(LearningTransaction& tx, const Run& run, suggest::v1::IngestCounts& counts) {
  ASSIGN_OR_RETURN(storage::LearnerState state, tx.State());
  const bool known = state.last_tick != absl::InfinitePast();
  if (known && run.now - state.last_tick > ToAbslDuration(run.config.learning().outage_after())) {
    RETURN_IF_ERROR(tx.RecordOutage({state.last_tick, run.now}));
    counts.set_outages(1);
  }
  state.last_tick = run.now;
  return tx.SaveState(state);
}

absl::Status PublishNow(LearningTransaction& tx, const Run& run, const BasisOf& basis,
                        suggest::v1::IngestRewardsResponse& response) {
  return PublishVersion(tx, run.config, basis, run.now, run.now, response.mutable_counts(), run.progress).status();
}

// Takes all sums back and makes due what is mature, within one transaction.
absl::Status RebuildSums(LearningTransaction& tx, const Run& run, Booking& booking) {
  ASSIGN_OR_RETURN(storage::LearnerState state, tx.State());
  RETURN_IF_ERROR(tx.TakeBackSums(state.basis_id, run.now));
  state.first_live_day = INT32_MIN;  // what is booked again decides which days live
  state.last_tick = std::min(state.last_tick, run.now);
  state.unpublished = true;
  RETURN_IF_ERROR(tx.SaveState(state));
  Booking::Chunk chunk;
  do {
    ASSIGN_OR_RETURN(chunk, booking.MatureDue(tx));
  } while (chunk.more);
  return absl::OkStatus();
}

absl::Status SetHeavyAside(LearningTransaction& tx, const Run& run, Booking& booking, const absl::Status& refusal,
                           suggest::v1::IngestRewardsResponse& response) {
  ASSIGN_OR_RETURN(const storage::LearnerState state, tx.State());
  ASSIGN_OR_RETURN(const std::vector<storage::LedgerExposure> heavy,
                   FindHeavyExposures(tx, state.basis_id, state.first_live_day, run.config.learning().chunk_rows()));
  if (heavy.empty()) return refusal;
  std::vector<storage::LedgerKey> keys;
  std::string names;
  for (const storage::LedgerExposure& exposure : heavy) {
    keys.push_back({exposure.customer_id, exposure.suggestion_id});
    if (keys.size() > kNamed) continue;
    absl::StrAppend(&names, names.empty() ? "" : ", ", exposure.suggestion_id, " of customer ", exposure.customer_id,
                    " with recommendation ", exposure.recommendation_id);
  }
  RETURN_IF_ERROR(tx.SetAside(keys));
  suggest::v1::IngestCounts& counts = *response.mutable_counts();
  counts.set_exposures_set_aside(counts.exposures_set_aside() + static_cast<int64_t>(heavy.size()));
  response.add_warnings(absl::StrCat(heavy.size(), " exposures are set aside, because no posterior can be solved with ",
                                     "them (", refusal.message(), "): ", names, heavy.size() > kNamed ? ", ..." : "",
                                     ". Correct the attributes of these customers and recommendations; a warm start ",
                                     "with --replace reads them anew"));
  const int64_t matured = counts.exposures_matured();  // becoming mature again is no event
  RETURN_IF_ERROR(RebuildSums(tx, run, booking));
  counts.set_exposures_matured(matured);
  return absl::OkStatus();
}

absl::Status Publish(LearningTransaction& tx, const Run& run, Booking& booking,
                     std::chrono::steady_clock::time_point started, suggest::v1::IngestRewardsResponse& response) {
  RETURN_IF_ERROR(EndRun(tx, run, *response.mutable_counts()));
  ASSIGN_OR_RETURN(const storage::LearnerState state, tx.State());
  ASSIGN_OR_RETURN(const model::v1::ModelVersion current, CurrentModelVersion(tx));
  if (!state.unpublished && !HasAged(current, run.config, run.now)) {
    response.set_nothing_to_do(true);
    response.mutable_counts()->set_exposures_pending(current.lineage().pending_exposures());
    response.mutable_counts()->set_exposures_in_window(current.lineage().exposures() +
                                                       current.lineage().pending_exposures());
    return absl::OkStatus();
  }
  ASSIGN_OR_RETURN(const features::Pipeline pipeline, features::Pipeline::FromProto(current.pipeline()));
  ASSIGN_OR_RETURN(const auto highest, tx.HighestVersionAndBasis());
  ASSIGN_OR_RETURN(DelayRule rule, DelayRuleOf(current));
  const BasisOf basis{.pipeline = current.pipeline(),
                      .layout = pipeline.layout(),
                      .base_rate = current.posterior().base_rate(),
                      .basis_id = state.basis_id,
                      .parent_version = current.version(),
                      .version = highest.first + 1,
                      .origin = "ingest",
                      .nuisance = std::move(rule.nuisance),
                      .ridge = {current.posterior().ridge(), current.lineage().ridge_exposures()}};
  absl::Status published = PublishNow(tx, run, basis, response);
  for (int tries = 0; absl::IsInternal(published) && tries < kMostSettings; ++tries) {
    RETURN_IF_ERROR(SetHeavyAside(tx, run, booking, published, response));
    published = PublishNow(tx, run, basis, response);
  }
  RETURN_IF_ERROR(published);
  response.set_model_version(basis.version);
  std::string counts;
  google::protobuf::util::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  const auto printed = google::protobuf::util::MessageToJsonString(response.counts(), &counts, options);
  if (!printed.ok()) return absl::InternalError(absl::StrCat("counts: ", std::string(printed.message())));
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - started;
  return tx.RecordRun(run.now, basis.version, counts, seconds.count());
}

// Without strata nobody needs the catalogue.
absl::StatusOr<StratumOfRecommendation> LoadStrata(storage::Database* db, const config::v1::Config& config) {
  const Strata strata(config.learning().delay_strata());
  if (!strata.configured()) return StratumOfRecommendation();
  ASSIGN_OR_RETURN(const std::vector<storage::RecommendationRecord> catalogue, storage::CatalogueStore(db).All());
  return StratumOfRecommendation(strata, catalogue);
}

absl::Status RunAll(storage::LearningStore& store, const Run& run, StratumOfRecommendation strata,
                    decision::StoredServings& servings, suggest::v1::IngestRewardsResponse& response) {
  const auto started = std::chrono::steady_clock::now();
  Booking::Basis basis{.layout = {}, .strata = std::move(strata)};
  RETURN_IF_ERROR(Step(store, run, "start", [&](LearningTransaction& tx) -> absl::Status {
    ASSIGN_OR_RETURN(const model::v1::ModelVersion current, CurrentModelVersion(tx));
    ASSIGN_OR_RETURN(const storage::LearnerState state, tx.State());
    RETURN_IF_ERROR(CheckMoney(state, MoneyRulesOf(run.config)));
    if (current.lineage().basis_id() != state.basis_id) {
      return absl::FailedPreconditionError(absl::StrCat("model version ", current.version(), " is of basis ",
                                                        current.lineage().basis_id(), ", the ledger of basis ",
                                                        state.basis_id));
    }
    if (run.now < DataCutOf(current) && !run.rebuild) {
      return absl::FailedPreconditionError(absl::StrCat(
          "the clock says ", FormatInstant(run.now), ", before the data cut of model version ", current.version(), ", ",
          FormatInstant(DataCutOf(current)), ": correct the clock, or, if it was ahead when that version was ",
          "made, run suggestctl ingest-rewards --rebuild"));
    }
    ASSIGN_OR_RETURN(const features::Pipeline pipeline, features::Pipeline::FromProto(current.pipeline()));
    basis.layout = pipeline.layout();
    return absl::OkStatus();
  }));
  Booking booking(run.config, std::move(basis), run.now, response.mutable_counts(), &servings,
                  Booking::Reach::kLearningWindow, run.accept_vanished);
  if (run.rebuild) {
    RETURN_IF_ERROR(
        Step(store, run, "rebuild", [&](LearningTransaction& tx) { return RebuildSums(tx, run, booking); }));
  }
  RETURN_IF_ERROR(Chunks(store, run, "exposures", [&](LearningTransaction& tx) { return booking.BookExposures(tx); }));
  RETURN_IF_ERROR(Chunks(store, run, "purchases", [&](LearningTransaction& tx) { return booking.BookPurchases(tx); }));
  RETURN_IF_ERROR(Chunks(store, run, "purchases", [&](LearningTransaction& tx) { return booking.BookVanished(tx); }));
  if (const suggest::v1::IngestCounts& counts = response.counts(); counts.purchases_vanished() > 0) {
    response.add_warnings(absl::StrCat(
        counts.purchases_vanished(), " of ", counts.purchases_booked(), " booked purchases are no longer in ",
        "source.purchases, more than learning.max_vanished_share, ", run.config.learning().max_vanished_share(),
        ", allows: none is taken back. If the source is right, run suggestctl ingest-rewards --accept-vanished"));
  }
  RETURN_IF_ERROR(Chunks(store, run, "mature", [&](LearningTransaction& tx) { return booking.MatureDue(tx); }));
  return Step(store, run, "publish",
              [&](LearningTransaction& tx) { return Publish(tx, run, booking, started, response); });
}

}  // namespace

Ingester::Ingester(storage::Database* db, const config::v1::Config& config) : db_(db), config_(config) {}

absl::StatusOr<suggest::v1::IngestRewardsResponse> Ingester::Run(absl::Time now, bool dry_run,
                                                                 const Progress& progress) {
  const auto started = std::chrono::steady_clock::now();
  const double statements_before = storage::StatementSeconds();
  storage::LearningStore store(db_);
  decision::StoredServings servings(db_);
  suggest::v1::IngestRewardsResponse response;
  learning::Run run{.config = config_,
                    .now = now,
                    .dry_run = dry_run,
                    .progress = progress,
                    .hook = hook_,
                    .accept_vanished = accept_vanished_,
                    .rebuild = rebuild_};
  ASSIGN_OR_RETURN(StratumOfRecommendation strata, LoadStrata(db_, config_));
  if (dry_run) {
    RETURN_IF_ERROR(store.WithLock(false, [&](LearningTransaction& tx) {
      run.only = &tx;
      return RunAll(store, run, std::move(strata), servings, response);
    }));
  } else {
    RETURN_IF_ERROR(RunAll(store, run, std::move(strata), servings, response));
  }
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - started;
  response.set_seconds(seconds.count());
  response.set_statement_seconds(storage::StatementSeconds() - statements_before);
  if (dry_run) response.clear_model_version();
  return response;
}

}  // namespace suggest::learning
