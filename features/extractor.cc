#include "features/extractor.h"

#include <algorithm>
#include <limits>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "bandit/base/status_macros.h"
#include "features/transform.h"

namespace suggest::features {
namespace {

using config::v1::Counter;
using config::v1::SmoothedRate;

absl::Status Annotate(const absl::Status& status, const Feature& feature) {
  return absl::Status(status.code(), absl::StrCat("feature \"", feature.name(), "\", column \"", ColumnOf(feature),
                                                  "\": ", status.message()));
}

absl::StatusOr<double> ReadScalar(const Feature& feature, const AttributeValue* value) {
  if (value == nullptr) return std::numeric_limits<double>::quiet_NaN();
  ASSIGN_OR_RETURN(const double number,
                   feature.kind_case() == Feature::kBoolean ? ReadBoolean(*value) : ReadNumber(*value));
  return ShapeValue(feature, number);
}

absl::StatusOr<RawLabels> ReadRawLabels(const Feature& feature, const AttributeValue* value) {
  if (value == nullptr) return RawLabels{true, {}};
  if (feature.kind_case() == Feature::kMultiValued) {
    ASSIGN_OR_RETURN(std::vector<std::string> labels, ReadLabels(*value));
    return RawLabels{false, std::move(labels)};
  }
  ASSIGN_OR_RETURN(std::optional<std::string> label, ReadLabel(*value));
  if (!label.has_value()) return RawLabels{true, {}};
  return RawLabels{false, {*std::move(label)}};
}

// Appends what `value`, nullptr where it is missing, says of the feature; its errors without the feature's name.
absl::Status Append(const Feature& feature, size_t index, const AttributeValue* value, SideReading* reading) {
  RawSide& raw = reading->raw;
  if (IsLabels(feature)) {
    ASSIGN_OR_RETURN(RawLabels labels, ReadRawLabels(feature, value));
    raw.labels.push_back(std::move(labels));
  } else if (feature.kind_case() == Feature::kAge) {
    if (value != nullptr) {
      ASSIGN_OR_RETURN(const absl::Time since, ReadTime(*value));
      reading->ages.push_back({raw.numbers.size(), index, since});
    }
    raw.numbers.push_back(std::numeric_limits<double>::quiet_NaN());
  } else {
    ASSIGN_OR_RETURN(const double number, ReadScalar(feature, value));
    raw.numbers.push_back(number);
  }
  return absl::OkStatus();
}

absl::Status AppendFeature(const Feature& feature, size_t index, const Attributes& attributes, SideReading* reading) {
  const absl::Status status = Append(feature, index, FindAttribute(attributes, ColumnOf(feature)), reading);
  return status.ok() ? status : Annotate(status, feature);
}

// Ages move in steps, so that what is worked out from them stays the same for a while.
constexpr absl::Duration kAgeStep = absl::Minutes(1);

RawSide AtInstant(const std::vector<Feature>& features, const SideReading& reading, absl::Time at) {
  RawSide raw = reading.raw;
  for (const SideReading::Age& age : reading.ages) {
    const absl::Duration passed = absl::Floor(at - age.since, kAgeStep);
    raw.numbers[age.number] = ShapeValue(features[age.feature], absl::FDivDuration(passed, absl::Hours(24)));
  }
  return raw;
}

absl::Status CheckDelayLaw(const FeatureSchema& schema, const CounterSettings& settings) {
  for (const Feature& feature : schema.features()) {
    if (feature.kind_case() != Feature::kCounter || !feature.counter().has_smoothed_rate()) continue;
    if (feature.counter().smoothed_rate().denominator() == SmoothedRate::MATURE) continue;
    if (settings.delay_age_seconds.empty()) {
      return absl::InvalidArgumentError(
          absl::StrCat("feature \"", feature.name(), "\": a delay-corrected rate needs a delay law"));
    }
  }
  return absl::OkStatus();
}

}  // namespace

FeatureExtractor::FeatureExtractor(const FeatureSchema& schema, const CounterSettings& settings)
    : schema_(schema),
      settings_(settings),
      customer_(FeaturesOfSide(schema, Feature::CUSTOMER)),
      recommendation_(FeaturesOfSide(schema, Feature::RECOMMENDATION)),
      pair_(FeaturesOfSide(schema, Feature::PAIR)) {}

absl::StatusOr<FeatureExtractor> FeatureExtractor::Create(const FeatureSchema& schema,
                                                          const CounterSettings& settings) {
  RETURN_IF_ERROR(ValidateSchema(schema));
  RETURN_IF_ERROR(settings.Validate());
  RETURN_IF_ERROR(CheckDelayLaw(schema, settings));
  return FeatureExtractor(schema, settings);
}

absl::StatusOr<SideReading> FeatureExtractor::Extract(const std::vector<Feature>& features,
                                                      const Attributes& attributes, const DayHistory& history,
                                                      absl::Time tick, std::vector<std::string>* unreadable) const {
  SideReading reading;
  for (size_t i = 0; i < features.size(); ++i) {
    if (features[i].kind_case() == Feature::kCounter) {
      reading.raw.numbers.push_back(EvaluateCounter(features[i].counter(), settings_, history, tick));
      continue;
    }
    const absl::Status status = AppendFeature(features[i], i, attributes, &reading);
    if (status.ok()) continue;
    if (unreadable == nullptr) return status;
    unreadable->emplace_back(status.message());
    RETURN_IF_ERROR(Append(features[i], i, nullptr, &reading));
  }
  return reading;
}

absl::StatusOr<SideReading> FeatureExtractor::ReadCustomer(const Attributes& attributes, const CustomerHistory& history,
                                                           absl::Time tick,
                                                           std::vector<std::string>* unreadable) const {
  DayHistory sum;
  for (const auto& [recommendation_id, part] : history) sum.Merge(part);
  return Extract(customer_, attributes, sum, tick, unreadable);
}

RawSide FeatureExtractor::CustomerAt(const SideReading& reading, absl::Time at) const {
  return AtInstant(customer_, reading, at);
}

absl::Time FeatureExtractor::NextChange(const SideReading& reading, absl::Time at) {
  absl::Time next = absl::InfiniteFuture();
  for (const SideReading::Age& age : reading.ages) {
    const absl::Duration passed = absl::Floor(at - age.since, kAgeStep);
    next = std::min(next, age.since + passed + kAgeStep);
  }
  return next;
}

absl::StatusOr<RawSide> FeatureExtractor::Customer(const Attributes& attributes, const CustomerHistory& history,
                                                   absl::Time at, absl::Time tick,
                                                   std::vector<std::string>* unreadable) const {
  ASSIGN_OR_RETURN(const SideReading reading, ReadCustomer(attributes, history, tick, unreadable));
  return CustomerAt(reading, at);
}

absl::StatusOr<RawSide> FeatureExtractor::Recommendation(const Attributes& attributes, const DayHistory& history,
                                                         absl::Time tick, std::vector<std::string>* unreadable) const {
  ASSIGN_OR_RETURN(const SideReading reading, Extract(recommendation_, attributes, history, tick, unreadable));
  return AtInstant(recommendation_, reading, tick);
}

PairExtractor FeatureExtractor::ForCustomer(const CustomerHistory& history, const RecommendationLookup& lookup,
                                            absl::Time tick) const {
  return PairExtractor(pair_, settings_, history, lookup, tick);
}

absl::Status FeatureExtractor::ValidateRequestAttributes(const Attributes& attributes) const {
  std::vector<std::string> problems;
  const std::vector<std::string> known = Columns(Feature::CUSTOMER);
  const std::set<std::string> names = [&] {
    std::set<std::string> sorted;  // a protobuf map has no order; messages need one
    for (const auto& [name, value] : attributes.fields()) sorted.insert(name);
    return sorted;
  }();
  for (const std::string& name : names) {
    if (std::binary_search(known.begin(), known.end(), name)) continue;
    problems.push_back(absl::StrCat("unknown attribute \"", name, "\", expected one of: ", absl::StrJoin(known, ", ")));
  }
  SideReading unused;
  for (size_t i = 0; i < customer_.size(); ++i) {
    if (customer_[i].kind_case() == Feature::kCounter) continue;
    const absl::Status status = AppendFeature(customer_[i], i, attributes, &unused);
    if (!status.ok()) problems.emplace_back(status.message());
  }
  return JoinProblems(problems);
}

std::vector<std::string> FeatureExtractor::Columns(Feature::Side side) const {
  std::set<std::string> columns;
  for (const Feature& feature : schema_.features()) {
    if (feature.side() == side) columns.insert(ColumnOf(feature));
    if (side == Feature::RECOMMENDATION) columns.insert(feature.counter().same_attribute());
  }
  columns.erase("");
  return {columns.begin(), columns.end()};
}

}  // namespace suggest::features
