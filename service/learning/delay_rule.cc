#include "service/learning/delay_rule.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "bandit/base/status_macros.h"

namespace suggest::learning {
namespace {

using bandit::DelayMode;

bandit::WeightForm FormOf(const EsDfmSettings& settings) {
  return settings.count_form ? bandit::WeightForm::kCount : bandit::WeightForm::kPublished;
}

Eigen::VectorXd ToVector(const google::protobuf::RepeatedField<double>& values) {
  return Eigen::Map<const Eigen::VectorXd>(values.data(), values.size());
}

void Assign(const Eigen::VectorXd& values, google::protobuf::RepeatedField<double>* out) {
  out->Assign(values.begin(), values.end());
}

absl::StatusOr<bandit::DelayLaw> LawOf(const model::v1::DelayLaw& law) {
  return bandit::DelayLaw::FromGrid({law.age_seconds().begin(), law.age_seconds().end()},
                                    {law.share().begin(), law.share().end()});
}

absl::Status AsDataLoss(const absl::Status& status) {
  return status.ok() ? status : absl::DataLossError(status.message());
}

absl::Status ReadNuisance(const model::v1::DelayNuisance& stored, DelayNuisance* nuisance) {
  nuisance->version = stored.version();
  nuisance->training_cut =
      absl::FromUnixSeconds(stored.training_cut().seconds()) + absl::Nanoseconds(stored.training_cut().nanos());
  nuisance->rows = stored.rows();
  if (stored.late_size() > 0) {
    ASSIGN_OR_RETURN(nuisance->late,
                     bandit::LateCorrector::FromWeights(ToVector(stored.late()), ToVector(stored.late_survival())));
  }
  if (stored.delayed_positive_size() > 0) {
    ASSIGN_OR_RETURN(nuisance->events, bandit::EsDfmModel::FromWeights(ToVector(stored.delayed_positive()),
                                                                       ToVector(stored.real_negative())));
  }
  return absl::OkStatus();
}

absl::StatusOr<DelayRule> ReadRule(const model::v1::ModelVersion& model) {
  ASSIGN_OR_RETURN(bandit::DelayLaw global, LawOf(model.delay_law()));
  bandit::DelayLaws::Strata strata;
  for (const model::v1::StratumDelay& stratum : model.delay().strata()) {
    ASSIGN_OR_RETURN(bandit::DelayLaw law, LawOf(stratum.law()));
    strata.emplace(stratum.stratum(), std::move(law));
  }
  ASSIGN_OR_RETURN(bandit::DelayLaws laws, bandit::DelayLaws::Create(std::move(global), std::move(strata)));
  DelayRule rule{.mode = DelayModeOf(model.delay().mode()), .laws = std::move(laws), .label_mean = {}, .nuisance = {}};
  if (model.delay().mean_purchase_reward() > 0) rule.mean_purchase_reward = model.delay().mean_purchase_reward();
  rule.label_mean = ToVector(model.delay().label_mean());
  RETURN_IF_ERROR(ReadNuisance(model.delay().nuisance(), &rule.nuisance));
  return rule;
}

}  // namespace

Eigen::VectorXd NuisanceContext(const bandit::FactoredContext& context) {
  const Eigen::Index c = context.customer.size(), r = context.recommendation.size();
  Eigen::VectorXd inputs(c + r - 1);
  inputs.head(c) = context.customer;
  inputs.tail(r - 1) = context.recommendation.tail(r - 1);
  return inputs;
}

bool DelayRule::NeedsLabelMean() const {
  return mode == DelayMode::kExpectedLabel || (mode == DelayMode::kEsDfmLabel && !nuisance.late.trained());
}

bandit::PendingTarget DelayRule::TargetOf(const LearnerSettings& settings, const bandit::ContextLayout& layout,
                                          const ExposureView& exposure, absl::Time tick) const {
  if (mode == DelayMode::kEsDfmIw) return EventTarget(settings, layout, exposure, tick);
  const absl::Duration age = tick - exposure.exposed_at;
  bandit::PendingFacts facts{.share = laws.Of(exposure.stratum).Share(age),
                             .reward_seen = exposure.reward,
                             .purchase_seen = exposure.bought_at.has_value(),
                             .mean_reward = mean_purchase_reward};
  if (NeedsLabelMean() && label_mean.size() > 0) {
    const double expected = bandit::AssembleContext(layout, exposure.context).dot(label_mean);
    facts.purchase_probability = bandit::PurchaseProbability(expected, mean_purchase_reward);
    facts.late_probability = bandit::LateProbability(facts.purchase_probability, facts.share);
  } else if (mode == DelayMode::kEsDfmLabel) {
    facts.late_probability = nuisance.late.LatePurchase(NuisanceContext(exposure.context), laws.global().Share(age));
  }
  return bandit::Target(mode, facts);
}

bandit::PendingTarget DelayRule::EventTarget(const LearnerSettings& settings, const bandit::ContextLayout&,
                                             const ExposureView& exposure, absl::Time tick) const {
  const absl::Time read_at = exposure.exposed_at + settings.es_dfm.waiting_time;
  if (tick < read_at) return {};
  const bandit::LabelWeights weights =
      nuisance.events.Weights(NuisanceContext(exposure.context), FormOf(settings.es_dfm));
  const bandit::PendingTarget positive{weights.positive, weights.positive * exposure.reward};
  if (!exposure.bought_at.has_value()) return {weights.negative, 0};
  if (*exposure.bought_at <= read_at) return positive;
  return {weights.negative + positive.weight, positive.target};
}

absl::Status TrainIfDue(const LearnerSettings& settings, const bandit::ContextLayout& layout, absl::Time tick,
                        MatureRows for_each, DelayRule* rule) {
  const bool label = rule->mode == DelayMode::kEsDfmLabel, events = rule->mode == DelayMode::kEsDfmIw;
  if (!label && !events) return absl::OkStatus();
  const bool trained = label ? rule->nuisance.late.trained() : rule->nuisance.events.trained();
  if (trained && tick - rule->nuisance.training_cut < settings.es_dfm.refresh_period) return absl::OkStatus();
  const int dim = layout.customer_dim + layout.recommendation_dim - 1;
  const bandit::TrainerOptions options{
      .maturity = settings.maturity(), .ridge = settings.es_dfm.ridge, .max_exposures = settings.es_dfm.max_rows};
  bandit::LateCorrectorTrainer late(dim, rule->laws.global(), options);
  bandit::EsDfmTrainer weights(dim, options);
  RETURN_IF_ERROR(for_each([&](const ExposureView& exposure) -> absl::Status {
    bandit::ObservedExposure row{.context = NuisanceContext(exposure.context), .age = tick - exposure.exposed_at};
    if (exposure.bought_at.has_value()) row.purchase_visible = *exposure.bought_at - exposure.exposed_at;
    return label ? late.Add(row) : weights.Add(row, settings.es_dfm.waiting_time);
  }));
  const int64_t rows = label ? late.size() : weights.size();
  if (rows == 0) return absl::OkStatus();
  if (label) {
    ASSIGN_OR_RETURN(rule->nuisance.late, late.Fit());
  } else {
    ASSIGN_OR_RETURN(rule->nuisance.events, weights.Fit());
  }
  ++rule->nuisance.version;
  rule->nuisance.training_cut = tick;
  rule->nuisance.rows = rows;
  return absl::OkStatus();
}

absl::StatusOr<bandit::Posterior> SolveWithPending(const bandit::Prior& prior, const bandit::NoiseModel& noise,
                                                   const bandit::SufficientStatistics& mature,
                                                   const bandit::SufficientStatistics& taught, PendingPass pass,
                                                   DelayRule* rule) {
  ASSIGN_OR_RETURN(const double variance, bandit::InferNoiseVariance(prior, mature, noise));
  const auto solve = [&](const DelayRule& under) -> absl::StatusOr<bandit::Posterior> {
    ASSIGN_OR_RETURN(const bandit::SufficientStatistics pending, pass(under));
    bandit::SufficientStatistics total = taught;
    total.AddScaled(pending, 1);
    return bandit::Posterior::Solve(prior, total, variance);
  };
  rule->label_mean.resize(0);
  if (!rule->NeedsLabelMean()) return solve(*rule);
  DelayRule first = *rule;
  first.mode = DelayMode::kExposure;
  ASSIGN_OR_RETURN(bandit::Posterior posterior, solve(first));
  for (int step = 0; step < kLabelSteps; ++step) {
    rule->label_mean = posterior.mean();
    ASSIGN_OR_RETURN(posterior, solve(*rule));
  }
  return posterior;
}

model::v1::DelayModel ToProto(const DelayRule& rule) {
  model::v1::DelayModel proto;
  proto.set_mode(ToConfig(rule.mode));
  for (const auto& [name, law] : rule.laws.strata()) {
    model::v1::StratumDelay* const stratum = proto.add_strata();
    stratum->set_stratum(name);
    *stratum->mutable_law()->mutable_age_seconds() = {law.age_seconds().begin(), law.age_seconds().end()};
    *stratum->mutable_law()->mutable_share() = {law.share().begin(), law.share().end()};
  }
  proto.set_mean_purchase_reward(rule.mean_purchase_reward);
  Assign(rule.label_mean, proto.mutable_label_mean());
  const auto& global = rule.laws.global();
  proto.set_tail_share(1 - global.Share(0.9 * global.window()));
  if (rule.nuisance.version == 0) return proto;
  model::v1::DelayNuisance* const nuisance = proto.mutable_nuisance();
  nuisance->set_version(rule.nuisance.version);
  const int64_t seconds = absl::ToUnixSeconds(rule.nuisance.training_cut);
  nuisance->mutable_training_cut()->set_seconds(seconds);
  nuisance->mutable_training_cut()->set_nanos(
      static_cast<int32_t>(absl::ToInt64Nanoseconds(rule.nuisance.training_cut - absl::FromUnixSeconds(seconds))));
  nuisance->set_rows(rule.nuisance.rows);
  Assign(rule.nuisance.late.beta(), nuisance->mutable_late());
  Assign(rule.nuisance.late.kappa(), nuisance->mutable_late_survival());
  Assign(rule.nuisance.events.delayed_positive_weights(), nuisance->mutable_delayed_positive());
  Assign(rule.nuisance.events.real_negative_weights(), nuisance->mutable_real_negative());
  return proto;
}

absl::StatusOr<DelayRule> DelayRuleOf(const model::v1::ModelVersion& model) {
  absl::StatusOr<DelayRule> rule = ReadRule(model);
  if (!rule.ok()) return AsDataLoss(rule.status());
  return rule;
}

}  // namespace suggest::learning
