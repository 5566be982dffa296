#include "service/learning/delay_rule.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "bandit/base/status_macros.h"
#include "service/common/timestamps.h"

namespace suggest::learning {
namespace {

using bandit::DelayMode;

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
  nuisance->training_cut = ToAbslTime(stored.training_cut());
  nuisance->rows = stored.rows();
  if (stored.late_size() > 0) {
    ASSIGN_OR_RETURN(nuisance->late,
                     bandit::LateCorrector::FromWeights(ToVector(stored.late()), ToVector(stored.late_survival())));
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

bandit::PendingTarget DelayRule::TargetOf(const LearnerSettings&, const bandit::ContextLayout& layout,
                                          const ExposureView& exposure, absl::Time tick) const {
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

absl::Status TrainIfDue(const LearnerSettings& settings, const bandit::ContextLayout& layout, absl::Time tick,
                        MatureRows for_each, DelayRule* rule) {
  if (rule->mode != DelayMode::kEsDfmLabel) return absl::OkStatus();
  if (rule->nuisance.late.trained() && tick - rule->nuisance.training_cut < settings.es_dfm.refresh_period)
    return absl::OkStatus();
  const int dim = layout.customer_dim + layout.recommendation_dim - 1;
  const bandit::TrainerOptions options{
      .maturity = settings.maturity(), .ridge = settings.es_dfm.ridge, .max_exposures = settings.es_dfm.max_rows};
  bandit::LateCorrectorTrainer late(dim, rule->laws.global(), options);
  RETURN_IF_ERROR(for_each([&](const ExposureView& exposure) -> absl::Status {
    bandit::ObservedExposure row{.context = NuisanceContext(exposure.context), .age = tick - exposure.exposed_at};
    if (exposure.bought_at.has_value()) row.purchase_visible = *exposure.bought_at - exposure.exposed_at;
    return late.Add(row);
  }));
  if (late.size() == 0) return absl::OkStatus();
  ASSIGN_OR_RETURN(rule->nuisance.late, late.Fit());
  ++rule->nuisance.version;
  rule->nuisance.training_cut = tick;
  rule->nuisance.rows = late.size();
  return absl::OkStatus();
}

absl::StatusOr<bandit::Posterior> SolveWithPending(const bandit::Prior& prior, const bandit::NoiseModel& noise,
                                                   const bandit::SufficientStatistics& mature, PendingPass pass,
                                                   DelayRule* rule) {
  ASSIGN_OR_RETURN(const double variance, bandit::InferNoiseVariance(prior, mature, noise));
  const auto solve = [&](const DelayRule& under) -> absl::StatusOr<bandit::Posterior> {
    ASSIGN_OR_RETURN(const bandit::SufficientStatistics pending, pass(under));
    bandit::SufficientStatistics total = mature;
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
  *nuisance->mutable_training_cut() = ToProtoTimestamp(rule.nuisance.training_cut);
  nuisance->set_rows(rule.nuisance.rows);
  Assign(rule.nuisance.late.beta(), nuisance->mutable_late());
  Assign(rule.nuisance.late.kappa(), nuisance->mutable_late_survival());
  return proto;
}

absl::StatusOr<DelayRule> DelayRuleOf(const model::v1::ModelVersion& model) {
  absl::StatusOr<DelayRule> rule = ReadRule(model);
  if (!rule.ok()) return AsDataLoss(rule.status());
  return rule;
}

}  // namespace suggest::learning
