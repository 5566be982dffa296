#include "service/learning/publisher.h"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "bandit/base/status_macros.h"
#include "features/counters.h"
#include "google/protobuf/timestamp.pb.h"
#include "service/decision/model_codec.h"
#include "service/decision/sha256.h"
#include "service/learning/booking.h"
#include "service/learning/posterior_sums.h"

namespace suggest::learning {
namespace {

// Buckets held in memory at once while they are summed.
constexpr size_t kBucketPage = 16;

google::protobuf::Timestamp ToTimestamp(absl::Time time) {
  google::protobuf::Timestamp timestamp;
  const int64_t seconds = absl::ToUnixSeconds(time);
  timestamp.set_seconds(seconds);
  timestamp.set_nanos(static_cast<int32_t>(absl::ToInt64Nanoseconds(time - absl::FromUnixSeconds(seconds))));
  return timestamp;
}

absl::Status AddBuckets(storage::LearningTransaction& tx, int64_t basis_id, int64_t first_day, absl::Time tick,
                        const bandit::Forgetting& forgetting, LedgerSums& sums) {
  ASSIGN_OR_RETURN(std::vector<int64_t> days, tx.BucketDays(basis_id));
  std::erase_if(days, [&](int64_t day) { return day < first_day; });
  std::string checksums;
  for (size_t begin = 0; begin < days.size(); begin += kBucketPage) {
    const absl::Span<const int64_t> page =
        absl::MakeConstSpan(days).subspan(begin, std::min(kBucketPage, days.size() - begin));
    ASSIGN_OR_RETURN(const std::vector<storage::BucketRow> rows, tx.Buckets(basis_id, page));
    for (const storage::BucketRow& row : rows) {
      ASSIGN_OR_RETURN(const bandit::SufficientStatistics bucket, ToSums(row));
      if (bucket.dim() != sums.mature.dim()) {
        return absl::DataLossError(absl::StrCat("the bucket of day ", row.day, " has dimension ", bucket.dim(),
                                                ", the basis has ", sums.mature.dim()));
      }
      sums.mature.AddScaled(bucket, forgetting.Factor(row.day, features::UtcDay(tick)));
      sums.mature_count += std::llround(row.count);
      checksums += decision::Sha256(absl::StrCat(
          row.day, ":",
          absl::string_view(reinterpret_cast<const char*>(row.lower.data()), row.lower.size() * sizeof(double)),
          absl::string_view(reinterpret_cast<const char*>(row.moment.data()), row.moment.size() * sizeof(double))));
    }
  }
  sums.buckets_sha256 = decision::Sha256(checksums);
  return absl::OkStatus();
}

absl::Status AddPending(storage::LearningTransaction& tx, int64_t basis_id, int64_t first_day, int page_rows,
                        PendingSums& pending, int64_t& count) {
  storage::LedgerKey cursor;
  while (true) {
    ASSIGN_OR_RETURN(const std::vector<storage::LedgerExposure> page,
                     tx.Pending(basis_id, first_day, absl::InfiniteFuture(), cursor, page_rows));
    for (const storage::LedgerExposure& exposure : page) {
      RETURN_IF_ERROR(pending.Add(exposure.exposed_at, exposure.reward, ToFactored(exposure.context)));
    }
    count += static_cast<int64_t>(page.size());
    if (page.size() < static_cast<size_t>(page_rows)) return absl::OkStatus();
    cursor = {page.back().customer_id, page.back().suggestion_id};
  }
}

void SetPosterior(const bandit::Posterior& posterior, const bandit::Prior& prior, model::v1::PosteriorState* state) {
  const int dim = posterior.dim();
  state->set_dimension(dim);
  state->mutable_precision()->Reserve(dim * (dim + 1) / 2);
  for (int i = 0; i < dim; ++i) {
    for (int j = 0; j <= i; ++j) state->add_precision(posterior.precision()(i, j));
  }
  for (int i = 0; i < dim; ++i) state->add_moment(posterior.moment()[i]);
  state->set_noise_variance(posterior.noise_variance());
  state->set_ridge(prior.ridge);
  state->set_intercept_ridge(prior.intercept_ridge);
  state->set_base_rate(prior.base_rate);
}

absl::Status SetCounters(storage::LearningTransaction& tx, model::v1::ModelVersion& model) {
  ASSIGN_OR_RETURN(const std::vector<storage::HistoryDay> days, tx.RecommendationDays());
  for (size_t begin = 0; begin < days.size();) {
    features::DayHistory history;
    size_t end = begin;
    for (; end < days.size() && days[end].recommendation_id == days[begin].recommendation_id; ++end) {
      const storage::HistoryDay& day = days[end];
      history.days[day.day] = {day.exposures, day.conversions, day.purchases};
      history.last_exposed_at = std::max(history.last_exposed_at, day.last_exposed_at);
      history.last_purchased_at = std::max(history.last_purchased_at, day.last_purchased_at);
    }
    model::v1::RecommendationCounters* const counters = model.add_recommendation_counters();
    counters->set_recommendation_id(days[begin].recommendation_id);
    *counters->mutable_history() = history.ToProto();
    begin = end;
  }
  return absl::OkStatus();
}

void SetLineage(const BasisOf& basis, const LedgerSums& sums, absl::Time tick, absl::Time created_at,
                model::v1::Lineage* lineage) {
  lineage->set_parent_version(basis.parent_version);
  lineage->set_basis_id(basis.basis_id);
  *lineage->mutable_data_cut() = ToTimestamp(tick);
  *lineage->mutable_created_at() = ToTimestamp(created_at);
  lineage->set_origin(basis.origin);
  lineage->set_code_version(SUGGEST_VERSION);
  lineage->set_exposures(sums.mature_count);
  lineage->set_pending_exposures(sums.pending_count);
  lineage->set_reward_sum(sums.mature.reward_sum());
  lineage->set_buckets_sha256(sums.buckets_sha256);
}

storage::ModelRow ToModelRow(const model::v1::ModelVersion& model, const bandit::Posterior& posterior, absl::Time tick,
                             absl::Time created_at) {
  decision::EncodedModel encoded = decision::EncodeModel(model);
  return {.version = model.version(),
          .parent_version = model.lineage().parent_version(),
          .basis_id = model.lineage().basis_id(),
          .format = encoded.format,
          .created_at = created_at,
          .data_cut = tick,
          .origin = model.lineage().origin(),
          .dimension = posterior.dim(),
          .exposures = model.lineage().exposures(),
          .pending_exposures = model.lineage().pending_exposures(),
          .reward_sum = model.lineage().reward_sum(),
          .noise_variance = posterior.noise_variance(),
          .condition_number = posterior.condition_number(),
          .sha256 = std::move(encoded.sha256),
          .bytes = std::move(encoded.bytes)};
}

}  // namespace

absl::StatusOr<bandit::DelayLaw> LedgerDelayLaw(storage::LearningTransaction& tx, int64_t basis_id, int64_t first_day,
                                                absl::Time tick, const LearnerSettings& settings,
                                                const MoneyRules& money, double base_rate) {
  bandit::DelayLawEstimator estimator(settings.window);
  ASSIGN_OR_RETURN(const auto times, tx.ExposureTimes(basis_id, first_day));
  for (const auto& [exposed_at, count] : times) {
    estimator.AddExposure(tick - exposed_at, static_cast<double>(count));
  }
  ASSIGN_OR_RETURN(const std::vector<storage::VisibleValue> values, tx.VisibleValues(basis_id, first_day));
  double net = 0;
  for (size_t i = 0; i < values.size(); ++i) {
    if (i == 0 || values[i].exposure != values[i - 1].exposure) net = 0;
    const double before = RewardOf(net, money.reward_cap);
    net += values[i].value;
    estimator.AddReward(values[i].visible_at - values[i].exposed_at, RewardOf(net, money.reward_cap) - before);
  }
  return estimator.Estimate(PriorDelayLaw(settings), settings.prior_delay_strength, base_rate);
}

absl::StatusOr<LedgerSums> SumLedger(storage::LearningTransaction& tx, int64_t basis_id, int64_t first_day,
                                     absl::Time tick, const LearnerSettings& settings,
                                     const bandit::ContextLayout& layout, bandit::DelayLaw law, int page_rows) {
  LedgerSums sums{.mature = bandit::SufficientStatistics(layout.dim()),
                  .pending = bandit::SufficientStatistics(layout.dim()),
                  .law = std::move(law),
                  .buckets_sha256 = ""};
  RETURN_IF_ERROR(AddBuckets(tx, basis_id, first_day, tick, settings.forgetting, sums));
  PendingSums pending(settings, layout, sums.law, tick);
  RETURN_IF_ERROR(AddPending(tx, basis_id, first_day, page_rows, pending, sums.pending_count));
  ASSIGN_OR_RETURN(sums.pending, pending.Finish());
  return sums;
}

absl::StatusOr<storage::ModelRow> PublishVersion(storage::LearningTransaction& tx, const config::v1::Config& config,
                                                 const BasisOf& basis, absl::Time tick, absl::Time created_at,
                                                 suggest::v1::IngestCounts* counts) {
  const LearnerSettings settings = LearnerSettingsOf(config);
  const bandit::Prior prior = PriorOf(config, basis.base_rate);
  ASSIGN_OR_RETURN(storage::LearnerState state, tx.State());
  state.first_live_day = std::max(state.first_live_day, FirstLiveDay(tick, settings.forgetting));
  RETURN_IF_ERROR(tx.DropBuckets(basis.basis_id, state.first_live_day));
  ASSIGN_OR_RETURN(bandit::DelayLaw law, LedgerDelayLaw(tx, basis.basis_id, state.first_live_day, tick, settings,
                                                        MoneyRulesOf(config), prior.base_rate));
  ASSIGN_OR_RETURN(const LedgerSums sums, SumLedger(tx, basis.basis_id, state.first_live_day, tick, settings,
                                                    basis.layout, std::move(law), config.learning().chunk_rows()));
  ASSIGN_OR_RETURN(const bandit::Posterior posterior,
                   SolvePosterior(prior, NoiseOf(config, basis.base_rate), sums.mature, sums.pending));

  model::v1::ModelVersion model;
  model.set_version(basis.version);
  *model.mutable_pipeline() = basis.pipeline;
  SetLineage(basis, sums, tick, created_at, model.mutable_lineage());
  SetPosterior(posterior, prior, model.mutable_posterior());
  *model.mutable_delay_law()->mutable_age_seconds() = {sums.law.age_seconds().begin(), sums.law.age_seconds().end()};
  *model.mutable_delay_law()->mutable_share() = {sums.law.share().begin(), sums.law.share().end()};
  RETURN_IF_ERROR(SetCounters(tx, model));
  storage::ModelRow row = ToModelRow(model, posterior, tick, created_at);
  RETURN_IF_ERROR(tx.Publish(row));
  counts->set_exposures_pending(sums.pending_count);
  counts->set_exposures_in_window(sums.mature_count + sums.pending_count);
  state.unpublished = false;
  RETURN_IF_ERROR(tx.SaveState(state));
  return row;
}

absl::StatusOr<model::v1::ModelVersion> CurrentModelVersion(storage::LearningTransaction& tx) {
  ASSIGN_OR_RETURN(const std::optional<storage::ModelRow> row, tx.CurrentModel());
  if (!row.has_value()) {
    return absl::FailedPreconditionError("there is no model version: run suggestctl warm-start first");
  }
  return decision::DecodeModel(row->bytes, row->sha256);
}

absl::Status CheckMoney(const storage::LearnerState& state, const MoneyRules& money) {
  if (state.currency == money.currency && state.reward_cap == money.reward_cap) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat(
      "the ledger counts rewards in ", state.currency, " with a cap of ", state.reward_cap, ", the configuration says ",
      money.currency, " and ", money.reward_cap, ": a new warm start is needed to change them"));
}

}  // namespace suggest::learning
