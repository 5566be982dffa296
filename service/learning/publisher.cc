#include "service/learning/publisher.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "bandit/base/status_macros.h"
#include "features/counters.h"
#include "google/protobuf/timestamp.pb.h"
#include "service/common/timestamps.h"
#include "service/decision/model_codec.h"
#include "service/learning/ledger_sums.h"
#include "service/learning/posterior_sums.h"

namespace suggest::learning {
namespace {

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

void SetLineage(const BasisOf& basis, const Ledger::Mature& mature, int64_t pending_count, absl::Time tick,
                absl::Time created_at, model::v1::Lineage* lineage) {
  lineage->set_parent_version(basis.parent_version);
  lineage->set_basis_id(basis.basis_id);
  *lineage->mutable_data_cut() = ToProtoTimestamp(tick);
  *lineage->mutable_created_at() = ToProtoTimestamp(created_at);
  lineage->set_origin(basis.origin);
  lineage->set_code_version(SUGGEST_VERSION);
  lineage->set_exposures(mature.count);
  lineage->set_pending_exposures(pending_count);
  lineage->set_reward_sum(mature.sums.reward_sum());
  lineage->set_buckets_sha256(mature.sha256);
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

absl::StatusOr<storage::ModelRow> PublishVersion(storage::LearningTransaction& tx, const config::v1::Config& config,
                                                 const BasisOf& basis, absl::Time tick, absl::Time created_at,
                                                 suggest::v1::IngestCounts* counts, const Progress& progress,
                                                 model::v1::Ridge* ridge) {
  const LearnerSettings settings = LearnerSettingsOf(config);
  bandit::Prior prior = PriorOf(config, basis.base_rate);
  const bandit::NoiseModel noise = NoiseOf(config, basis.base_rate);
  ASSIGN_OR_RETURN(storage::LearnerState state, tx.State());
  state.first_live_day = std::max(state.first_live_day, FirstLiveDay(tick, settings.forgetting));
  RETURN_IF_ERROR(tx.DropBuckets(basis.basis_id, state.first_live_day));
  Ledger ledger(&tx, settings, MoneyRulesOf(config), basis.layout,
                {basis.basis_id, state.first_live_day, tick, config.learning().chunk_rows()});
  ASSIGN_OR_RETURN(DelayRule rule, ledger.EstimateRule(prior.base_rate, basis.nuisance));
  ASSIGN_OR_RETURN(const Ledger::Mature mature, ledger.SumBuckets());
  ASSIGN_OR_RETURN(const RidgeChoice choice, NextRidge(settings, prior, noise, mature.sums, basis.ridge));
  prior.ridge = choice.ridge;
  if (ridge != nullptr) {
    ASSIGN_OR_RETURN(*ridge, DescribeRidge(settings, prior, noise, mature.sums));
  }
  int64_t pending_count = 0;
  const auto pass = [&](const DelayRule& under) -> absl::StatusOr<bandit::SufficientStatistics> {
    ASSIGN_OR_RETURN(const Ledger::Pending pending, ledger.SumPending(under, progress));
    pending_count = pending.count;
    return pending.sums;
  };
  ASSIGN_OR_RETURN(const bandit::Posterior posterior, SolveWithPending(prior, noise, mature.sums, pass, &rule));

  model::v1::ModelVersion model;
  model.set_version(basis.version);
  *model.mutable_pipeline() = basis.pipeline;
  SetLineage(basis, mature, pending_count, tick, created_at, model.mutable_lineage());
  model.mutable_lineage()->set_ridge_exposures(choice.exposures);
  SetPosterior(posterior, prior, model.mutable_posterior());
  const bandit::DelayLaw& law = rule.laws.global();
  *model.mutable_delay_law()->mutable_age_seconds() = {law.age_seconds().begin(), law.age_seconds().end()};
  *model.mutable_delay_law()->mutable_share() = {law.share().begin(), law.share().end()};
  *model.mutable_delay() = ToProto(rule);
  ASSIGN_OR_RETURN(const double late_share, tx.LateValueShare(state.first_live_day));
  model.mutable_delay()->set_late_value_share(late_share);
  RETURN_IF_ERROR(SetCounters(tx, model));
  storage::ModelRow row = ToModelRow(model, posterior, tick, created_at);
  RETURN_IF_ERROR(tx.Publish(row));
  counts->set_exposures_pending(pending_count);
  counts->set_exposures_in_window(mature.count + pending_count);
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
