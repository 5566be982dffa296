#include "features/pipeline.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "bandit/base/check.h"
#include "bandit/base/status_macros.h"
#include "features/bounds.h"

namespace suggest::features {
namespace {

using config::v1::Pca;

const Pca* CustomerPca(const FeatureSchema& schema) {
  return schema.has_customer_pca() ? &schema.customer_pca() : nullptr;
}

const Pca* RecommendationPca(const FeatureSchema& schema) {
  return schema.has_recommendation_pca() ? &schema.recommendation_pca() : nullptr;
}

absl::Status CheckUsableWithoutHistory(const FeatureSchema& schema) {
  std::vector<std::string> problems;
  for (const Feature& feature : schema.features()) {
    const bool needs_scaling = feature.kind_case() == Feature::kNumeric || feature.kind_case() == Feature::kAge;
    const bool needs_vocabulary = feature.kind_case() == Feature::kCategorical
                                      ? feature.categorical().vocabulary().empty()
                                      : feature.has_multi_valued() && feature.multi_valued().vocabulary().empty();
    if (needs_scaling && !feature.has_scaling()) {
      problems.push_back(absl::StrCat("feature \"", feature.name(), "\": without history it needs scaling"));
    }
    if (needs_vocabulary) {
      problems.push_back(absl::StrCat("feature \"", feature.name(), "\": without history it needs a vocabulary"));
    }
  }
  return JoinProblems(problems);
}

absl::Status Within(absl::string_view part, const absl::Status& status) {
  return absl::DataLossError(absl::StrCat("fitted pipeline, ", part, ": ", status.message()));
}

void WriteSettings(const CounterSettings& settings, model::v1::CounterSettings* proto) {
  proto->set_maturity_micros(absl::ToInt64Microseconds(settings.maturity));
  for (const double age : settings.delay_age_seconds) proto->mutable_delay_law()->add_age_seconds(age);
  for (const double share : settings.delay_share) proto->mutable_delay_law()->add_share(share);
}

CounterSettings ReadSettings(const model::v1::CounterSettings& proto) {
  const model::v1::DelayLaw& law = proto.delay_law();
  return {absl::Microseconds(proto.maturity_micros()),
          {law.age_seconds().begin(), law.age_seconds().end()},
          {law.share().begin(), law.share().end()}};
}

// The nearest single-precision number; beyond their range, the last one.
double ToSingle(double value) {
  constexpr double kLargest = std::numeric_limits<float>::max();
  return static_cast<float>(std::clamp(value, -kLargest, kLargest));
}

Eigen::VectorXd WithIntercept(const Eigen::VectorXd& encoded) {
  Eigen::VectorXd with(1 + encoded.size());
  with << 1, encoded.unaryExpr(&ToSingle);
  return with;
}

std::vector<std::string> SideTerms(absl::string_view side, const SideEncoder& encoder) {
  std::vector<std::string> terms = {""};
  for (const std::string& name : encoder.TermNames()) terms.push_back(absl::StrCat(side, ".", name));
  return terms;
}

std::string Product(const std::string& customer, const std::string& recommendation) {
  if (customer.empty()) return recommendation.empty() ? "intercept" : recommendation;
  return recommendation.empty() ? customer : absl::StrCat(customer, " * ", recommendation);
}

}  // namespace

Pipeline::Pipeline(FeatureExtractor extractor, SideEncoder customer, SideEncoder recommendation, PairEncoder pair,
                   int64_t fitted_rows)
    : extractor_(std::move(extractor)),
      customer_(std::move(customer)),
      recommendation_(std::move(recommendation)),
      pair_(std::move(pair)),
      fitted_rows_(fitted_rows) {}

absl::StatusOr<Pipeline> Pipeline::Fit(const FeatureSchema& schema, const CounterSettings& settings,
                                       const TrainingRows& rows, std::vector<std::string>* messages) {
  SUGGEST_CHECK(rows.customers.size() == rows.recommendations.size() && rows.customers.size() == rows.pairs.size());
  ASSIGN_OR_RETURN(FeatureExtractor extractor, FeatureExtractor::Create(schema, settings));
  if (rows.customers.empty()) return absl::InvalidArgumentError("the training history has no exposures");
  std::vector<std::string> unread;
  if (messages == nullptr) messages = &unread;
  absl::StatusOr<SideEncoder> customer =
      SideEncoder::Fit(FeaturesOfSide(schema, Feature::CUSTOMER), rows.customers, CustomerPca(schema), messages);
  absl::StatusOr<SideEncoder> recommendation = SideEncoder::Fit(
      FeaturesOfSide(schema, Feature::RECOMMENDATION), rows.recommendations, RecommendationPca(schema), messages);
  std::vector<std::string> problems;
  for (const absl::Status& status : {customer.status(), recommendation.status()}) {
    if (!status.ok()) problems.emplace_back(status.message());
  }
  RETURN_IF_ERROR(JoinProblems(problems));
  PairEncoder pair = PairEncoder::Fit(FeaturesOfSide(schema, Feature::PAIR), settings, rows.pairs, messages);
  Pipeline pipeline(std::move(extractor), *std::move(customer), *std::move(recommendation), std::move(pair),
                    static_cast<int64_t>(rows.customers.size()));
  RETURN_IF_ERROR(pipeline.CheckDimension());
  return pipeline;
}

absl::StatusOr<Pipeline> Pipeline::FromSchema(const FeatureSchema& schema, const CounterSettings& settings) {
  ASSIGN_OR_RETURN(FeatureExtractor extractor, FeatureExtractor::Create(schema, settings));
  RETURN_IF_ERROR(CheckUsableWithoutHistory(schema));
  Pipeline pipeline(std::move(extractor), SideEncoder::FromSchema(FeaturesOfSide(schema, Feature::CUSTOMER)),
                    SideEncoder::FromSchema(FeaturesOfSide(schema, Feature::RECOMMENDATION)),
                    PairEncoder::FromSchema(FeaturesOfSide(schema, Feature::PAIR), settings), 0);
  RETURN_IF_ERROR(pipeline.CheckDimension());
  return pipeline;
}

absl::Status Pipeline::CheckDimension() const {
  const bandit::ContextLayout parts = layout();
  const int64_t dim = parts.interactions == bandit::Interactions::kFull
                          ? int64_t{parts.customer_dim} * parts.recommendation_dim + parts.pair_dim
                          : int64_t{parts.customer_dim} + parts.recommendation_dim - 1 + parts.pair_dim;
  if (dim <= kMaxDimension) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("the context would have ", dim, " terms (customer ",
                                                 parts.customer_dim, ", recommendation ", parts.recommendation_dim,
                                                 ", pair ", parts.pair_dim, "), at most ", kMaxDimension,
                                                 " are possible: use fewer features or PCA components"));
}

absl::StatusOr<Pipeline> Pipeline::FromProto(const model::v1::FittedPipeline& proto) {
  const FeatureSchema& schema = proto.schema();
  const CounterSettings settings = ReadSettings(proto.counters());
  absl::StatusOr<FeatureExtractor> extractor = FeatureExtractor::Create(schema, settings);
  if (!extractor.ok()) return Within("schema and settings", extractor.status());
  absl::StatusOr<SideEncoder> customer =
      SideEncoder::FromProto(FeaturesOfSide(schema, Feature::CUSTOMER), CustomerPca(schema), proto.customer());
  if (!customer.ok()) return Within("customer", customer.status());
  absl::StatusOr<SideEncoder> recommendation = SideEncoder::FromProto(
      FeaturesOfSide(schema, Feature::RECOMMENDATION), RecommendationPca(schema), proto.recommendation());
  if (!recommendation.ok()) return Within("recommendation", recommendation.status());
  absl::StatusOr<PairEncoder> pair = PairEncoder::FromProto(FeaturesOfSide(schema, Feature::PAIR), proto.pair());
  if (!pair.ok()) return Within("pair", pair.status());
  Pipeline pipeline(*std::move(extractor), *std::move(customer), *std::move(recommendation), *std::move(pair),
                    proto.fitted_rows());
  if (absl::Status status = pipeline.CheckDimension(); !status.ok()) return Within("layout", status);
  return pipeline;
}

model::v1::FittedPipeline Pipeline::ToProto() const {
  model::v1::FittedPipeline proto;
  *proto.mutable_schema() = extractor_.schema();
  WriteSettings(extractor_.settings(), proto.mutable_counters());
  *proto.mutable_customer() = customer_.ToProto();
  *proto.mutable_recommendation() = recommendation_.ToProto();
  *proto.mutable_pair() = pair_.ToProto();
  proto.set_fitted_rows(fitted_rows_);
  return proto;
}

Eigen::VectorXd Pipeline::EncodeCustomer(const RawSide& raw) const {
  CountClippedValues(customer_.CountClipped(raw));
  return WithIntercept(customer_.Encode(raw));
}

Eigen::VectorXd Pipeline::EncodeRecommendation(const RawSide& raw) const {
  CountClippedValues(recommendation_.CountClipped(raw));
  return WithIntercept(recommendation_.Encode(raw));
}

Eigen::VectorXd Pipeline::EncodePair(const RawSide& raw) const {
  CountClippedValues(pair_.CountClipped(raw));
  return pair_.Encode(raw).unaryExpr(&ToSingle);
}

bandit::ContextLayout Pipeline::layout() const {
  bandit::ContextLayout layout;
  layout.customer_dim = 1 + customer_.dim();
  layout.recommendation_dim = 1 + recommendation_.dim();
  layout.pair_dim = pair_.dim();
  layout.interactions = extractor_.schema().interactions() == FeatureSchema::NONE ? bandit::Interactions::kNone
                                                                                  : bandit::Interactions::kFull;
  return layout;
}

std::vector<SideEncoder::Component> Pipeline::Components() const {
  std::vector<SideEncoder::Component> components;
  const auto add = [&](absl::string_view side, const SideEncoder& encoder) {
    for (SideEncoder::Component& component : encoder.Components()) {
      component.name = absl::StrCat(side, ".", component.name);
      components.push_back(std::move(component));
    }
  };
  add("customer", customer_);
  add("recommendation", recommendation_);
  return components;
}

std::vector<std::string> Pipeline::TermNames() const {
  const std::vector<std::string> customers = SideTerms("customer", customer_);
  const std::vector<std::string> recommendations = SideTerms("recommendation", recommendation_);
  std::vector<std::string> names;
  if (layout().interactions == bandit::Interactions::kFull) {
    for (const std::string& customer : customers) {
      for (const std::string& recommendation : recommendations) names.push_back(Product(customer, recommendation));
    }
  } else {
    names.push_back("intercept");
    names.insert(names.end(), customers.begin() + 1, customers.end());
    names.insert(names.end(), recommendations.begin() + 1, recommendations.end());
  }
  for (const std::string& name : pair_.TermNames()) names.push_back(absl::StrCat("pair.", name));
  return names;
}

}  // namespace suggest::features
