#include "features/schema.h"

#include <cmath>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace suggest::features {
namespace {

using config::v1::Counter;
using config::v1::Pca;
using config::v1::SmoothedRate;

class Problems {
 public:
  explicit Problems(std::vector<std::string>* list) : list_(list) {}

  // Names what the following problems are about.
  void Within(std::string place) { place_ = std::move(place); }

  template <typename... Parts>
  void Require(bool condition, const Parts&... message) {
    if (!condition) list_->push_back(absl::StrCat(place_, ": ", message...));
  }

 private:
  std::vector<std::string>* list_;
  std::string place_;
};

template <typename Category>
void CheckVocabulary(const Category& category, Problems& problems) {
  problems.Require(category.max_vocabulary() >= 0, "max_vocabulary is ", category.max_vocabulary(), ", expected >= 1");
  absl::flat_hash_set<std::string> seen;
  for (const std::string& value : category.vocabulary()) {
    problems.Require(!value.empty(), "vocabulary has an empty value");
    problems.Require(seen.insert(value).second, "vocabulary has \"", value, "\" twice");
  }
}

void CheckNumeric(const config::v1::Numeric& numeric, Problems& problems) {
  problems.Require(std::isfinite(numeric.clip_min()), "clip_min is ", numeric.clip_min(), ", expected finite");
  problems.Require(std::isfinite(numeric.clip_max()), "clip_max is ", numeric.clip_max(), ", expected finite");
  if (numeric.has_clip_min() && numeric.has_clip_max()) {
    problems.Require(numeric.clip_min() < numeric.clip_max(), "clip_min ", numeric.clip_min(),
                     " is not below clip_max ", numeric.clip_max());
  }
}

bool PositiveFinite(double x) {
  return x > 0 && std::isfinite(x);
}

void CheckCount(const config::v1::CountInWindow& count, Problems& problems) {
  problems.Require(count.window_days() >= 0, "window_days is ", count.window_days(), ", expected >= 0");
  problems.Require(!count.has_clip_max() || PositiveFinite(count.clip_max()), "clip_max is ", count.clip_max(),
                   ", expected > 0");
  problems.Require(count.window_days() != 0 || count.has_clip_max() || count.transform() == config::v1::LOG1P,
                   "an unbounded raw count grows without end: set window_days, clip_max or transform: LOG1P");
}

void CheckRate(const SmoothedRate& rate, Problems& problems) {
  problems.Require(rate.prior_rate() > 0 && rate.prior_rate() < 1, "prior_rate is ", rate.prior_rate(),
                   ", expected within (0, 1)");
  problems.Require(PositiveFinite(rate.strength()), "strength is ", rate.strength(), ", expected > 0");
  problems.Require(rate.window_days() >= 0, "window_days is ", rate.window_days(), ", expected >= 0");
  problems.Require(SmoothedRate::Denominator_IsValid(rate.denominator()), "denominator is unknown");
}

void CheckCounter(const Feature& feature, Problems& problems) {
  const Counter& counter = feature.counter();
  problems.Require(Counter::Event_IsValid(counter.event()), "event is unknown");
  switch (counter.kind_case()) {
    case Counter::kCount:
      problems.Require(counter.event() != Counter::EVENT_UNSPECIFIED, "event is missing");
      CheckCount(counter.count(), problems);
      break;
    case Counter::kAgeSinceLast:
      problems.Require(counter.event() == Counter::EXPOSURES || counter.event() == Counter::PURCHASES,
                       "age_since_last needs event EXPOSURES or PURCHASES");
      problems.Require(PositiveFinite(counter.age_since_last().cap_days()), "cap_days is ",
                       counter.age_since_last().cap_days(), ", expected > 0");
      break;
    case Counter::kSmoothedRate:
      problems.Require(counter.event() == Counter::EVENT_UNSPECIFIED || counter.event() == Counter::CONVERSIONS,
                       "smoothed_rate counts CONVERSIONS, not ", Counter::Event_Name(counter.event()));
      CheckRate(counter.smoothed_rate(), problems);
      break;
    case Counter::KIND_NOT_SET:
      problems.Require(false, "counter has no kind: set count, age_since_last or smoothed_rate");
  }
  problems.Require(counter.same_attribute().empty() || feature.side() == Feature::PAIR, "same_attribute \"",
                   counter.same_attribute(), "\" is for side PAIR only");
}

void CheckKind(const Feature& feature, Problems& problems) {
  switch (feature.kind_case()) {
    case Feature::kNumeric:
      CheckNumeric(feature.numeric(), problems);
      break;
    case Feature::kCategorical:
      CheckVocabulary(feature.categorical(), problems);
      break;
    case Feature::kMultiValued:
      CheckVocabulary(feature.multi_valued(), problems);
      break;
    case Feature::kAge:
      problems.Require(!feature.age().has_clip_max() || PositiveFinite(feature.age().clip_max()), "clip_max is ",
                       feature.age().clip_max(), ", expected > 0");
      break;
    case Feature::kCounter:
      CheckCounter(feature, problems);
      break;
    case Feature::kBoolean:
      break;
    case Feature::KIND_NOT_SET:
      problems.Require(false, "kind is missing: set numeric, boolean, categorical, multi_valued, age or counter");
  }
}

void CheckFeature(const Feature& feature, Problems& problems) {
  const bool has_kind = feature.kind_case() != Feature::KIND_NOT_SET;
  const bool is_counter = feature.kind_case() == Feature::kCounter;
  problems.Require(Feature::Side_IsValid(feature.side()) && feature.side() != Feature::SIDE_UNSPECIFIED,
                   "side is missing: CUSTOMER, RECOMMENDATION or PAIR");
  problems.Require(feature.side() != Feature::PAIR || is_counter, "side PAIR takes counters only");
  problems.Require(!has_kind || is_counter || !ColumnOf(feature).empty(), "column is missing");
  CheckKind(feature, problems);
  const bool fillable = feature.kind_case() == Feature::kNumeric || feature.kind_case() == Feature::kBoolean ||
                        feature.kind_case() == Feature::kAge;
  problems.Require(
      !feature.has_missing() || !has_kind || fillable,
      "missing is for numeric, boolean and age (categories have a column for it, counters always a value)");
  problems.Require(config::v1::Missing::Policy_IsValid(feature.missing().policy()), "missing.policy is unknown");
  problems.Require(std::isfinite(feature.missing().constant()), "missing.constant is ", feature.missing().constant(),
                   ", expected finite");
  if (feature.has_scaling()) {
    problems.Require(std::isfinite(feature.scaling().center()), "scaling.center is ", feature.scaling().center(),
                     ", expected finite");
    problems.Require(feature.scaling().scale() >= 1e-12 && std::isfinite(feature.scaling().scale()),
                     "scaling.scale is ", feature.scaling().scale(), ", expected >= 1e-12");
  }
}

void CheckPca(const Pca& pca, Problems& problems) {
  switch (pca.size_case()) {
    case Pca::kComponents:
      problems.Require(pca.components() >= 1, "components is ", pca.components(), ", expected >= 1");
      break;
    case Pca::kVarianceShare:
      problems.Require(pca.variance_share() > 0 && pca.variance_share() <= 1, "variance_share is ",
                       pca.variance_share(), ", expected within (0, 1]");
      break;
    case Pca::SIZE_NOT_SET:
      problems.Require(false, "size is missing: set components or variance_share");
  }
}

}  // namespace

absl::Status ValidateSchema(const FeatureSchema& schema) {
  std::vector<std::string> list;
  Problems problems(&list);
  problems.Within("features");
  problems.Require(schema.features_size() > 0, "the schema has none");
  problems.Require(FeatureSchema::Interactions_IsValid(schema.interactions()), "interactions is unknown");
  absl::flat_hash_set<std::string> names;
  for (int i = 0; i < schema.features_size(); ++i) {
    const Feature& feature = schema.features(i);
    const bool named = !feature.name().empty();
    problems.Within(named ? absl::StrCat("feature \"", feature.name(), "\"") : absl::StrCat("features[", i, "]"));
    problems.Require(named, "name is missing");
    problems.Require(!named || names.insert(feature.name()).second, "name is used twice");
    CheckFeature(feature, problems);
  }
  problems.Within("customer_pca");
  if (schema.has_customer_pca()) CheckPca(schema.customer_pca(), problems);
  problems.Within("recommendation_pca");
  if (schema.has_recommendation_pca()) CheckPca(schema.recommendation_pca(), problems);
  return JoinProblems(list);
}

std::vector<Feature> FeaturesOfSide(const FeatureSchema& schema, Feature::Side side) {
  std::vector<Feature> features;
  for (const Feature& feature : schema.features()) {
    if (feature.side() == side) features.push_back(feature);
  }
  return features;
}

bool IsLabels(const Feature& feature) {
  return feature.kind_case() == Feature::kCategorical || feature.kind_case() == Feature::kMultiValued;
}

const std::string& ColumnOf(const Feature& feature) {
  static const std::string& none = *new std::string();
  switch (feature.kind_case()) {
    case Feature::kNumeric:
      return feature.numeric().column();
    case Feature::kBoolean:
      return feature.boolean().column();
    case Feature::kCategorical:
      return feature.categorical().column();
    case Feature::kMultiValued:
      return feature.multi_valued().column();
    case Feature::kAge:
      return feature.age().column();
    default:
      return none;
  }
}

absl::Status JoinProblems(const std::vector<std::string>& problems) {
  if (problems.empty()) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrJoin(problems, "; "));
}

}  // namespace suggest::features
