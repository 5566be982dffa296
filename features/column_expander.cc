#include "features/column_expander.h"

#include <cmath>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "bandit/base/check.h"
#include "bandit/base/status_macros.h"
#include "features/transform.h"

namespace suggest::features {
namespace {

using config::v1::Missing;

constexpr int kDefaultMaxVocabulary = 50;

std::vector<std::string> ListedVocabulary(const Feature& feature) {
  const auto& listed = feature.kind_case() == Feature::kCategorical ? feature.categorical().vocabulary()
                                                                    : feature.multi_valued().vocabulary();
  return {listed.begin(), listed.end()};
}

int MaxVocabulary(const Feature& feature) {
  const int size = feature.kind_case() == Feature::kCategorical ? feature.categorical().max_vocabulary()
                                                                : feature.multi_valued().max_vocabulary();
  return size == 0 ? kDefaultMaxVocabulary : size;
}

Bounds BoundsOfRows(absl::Span<const RawSide> rows, size_t number) {
  std::vector<double> values;
  values.reserve(rows.size());
  for (const RawSide& row : rows) values.push_back(row.numbers[number]);
  return WidenedSpan(std::move(values));
}

void ReportClipped(const Feature& feature, absl::Span<const RawSide> rows, size_t number, const Bounds& bounds,
                   std::vector<std::string>* messages) {
  int64_t clipped = 0;
  for (const RawSide& row : rows) clipped += bounds.Exceeded(row.numbers[number]) ? 1 : 0;
  if (clipped == 0 || messages == nullptr) return;
  messages->push_back(absl::StrCat("feature \"", feature.name(), "\": ", clipped, " of ", rows.size(),
                                   " training rows lie beyond ", bounds.lower, " to ", bounds.upper,
                                   " and count as the bound"));
}

// Present values only, within bounds; NaN if there are none. Shifted by the first value: a constant column has exactly
// its mean.
double MeanOfPresent(absl::Span<const RawSide> rows, size_t number, const Bounds& bounds) {
  double first = std::nan(""), sum = 0;
  int64_t present = 0;
  for (const RawSide& row : rows) {
    const double value = bounds.Clip(row.numbers[number]);
    if (std::isnan(value)) continue;
    if (present++ == 0) first = value;
    sum += value - first;
  }
  return present == 0 ? first : first + sum / static_cast<double>(present);
}

double MissingValue(const Feature& feature, double mean) {
  switch (feature.missing().policy()) {
    case Missing::ZERO:
      return ShapeValue(feature, 0);
    case Missing::CONSTANT:
      return ShapeValue(feature, feature.missing().constant());
    default:
      return mean;
  }
}

absl::flat_hash_map<std::string, int64_t> Frequencies(absl::Span<const RawSide> rows, size_t label, bool* any) {
  absl::flat_hash_map<std::string, int64_t> frequency;
  for (const RawSide& row : rows) {
    *any = *any || !row.labels[label].missing;
    for (const std::string& value : row.labels[label].values) ++frequency[value];
  }
  return frequency;
}

Vocabulary LearnVocabulary(const Feature& feature, const absl::flat_hash_map<std::string, int64_t>& frequency) {
  std::vector<std::string> listed = ListedVocabulary(feature);
  if (!listed.empty()) return Vocabulary(std::move(listed));
  return Vocabulary::Learn(frequency, MaxVocabulary(feature));
}

}  // namespace

ColumnExpander::ColumnExpander(std::vector<Feature> features, std::vector<Fitted> fitted)
    : features_(std::move(features)), fitted_(std::move(fitted)) {
  SUGGEST_CHECK(features_.size() == fitted_.size());
  for (size_t i = 0; i < features_.size(); ++i) {
    const Feature& feature = features_[i];
    const int index = static_cast<int>(i);
    if (IsLabels(feature)) {
      for (std::string& name : fitted_[i].vocabulary.SlotNames(feature.name())) {
        columns_.push_back({std::move(name), index});
      }
      ++labels_;
      continue;
    }
    columns_.push_back({feature.name(), index});
    if (feature.missing().indicator()) columns_.push_back({absl::StrCat(feature.name(), ".missing"), index});
    ++numbers_;
  }
}

absl::StatusOr<ColumnExpander> ColumnExpander::Learn(std::vector<Feature> features, absl::Span<const RawSide> rows,
                                                     std::vector<std::string>* messages) {
  SUGGEST_CHECK(!rows.empty());
  std::vector<std::string> problems;
  std::vector<Fitted> fitted;
  size_t number = 0, label = 0;
  for (const Feature& feature : features) {
    bool any = false;
    if (IsLabels(feature)) {
      const auto frequency = Frequencies(rows, label++, &any);
      fitted.push_back({0, LearnVocabulary(feature, frequency)});
    } else {
      const Bounds bounds = BoundsOfRows(rows, number);
      ReportClipped(feature, rows, number, bounds, messages);
      const double mean = MeanOfPresent(rows, number++, bounds);
      any = !std::isnan(mean);
      fitted.push_back({MissingValue(feature, mean), Vocabulary({}), bounds});
    }
    if (!any) {
      problems.push_back(absl::StrCat("feature \"", feature.name(), "\": no training row has a value in column \"",
                                      ColumnOf(feature), "\""));
    }
  }
  RETURN_IF_ERROR(JoinProblems(problems));
  return ColumnExpander(std::move(features), std::move(fitted));
}

ColumnExpander ColumnExpander::FromSchema(std::vector<Feature> features) {
  std::vector<Fitted> fitted;
  for (const Feature& feature : features) {
    if (IsLabels(feature)) {
      fitted.push_back({0, Vocabulary(ListedVocabulary(feature))});
    } else {
      const config::v1::Scaling& scaling = feature.scaling();
      const Bounds bounds = feature.has_scaling() ? WidenedScale(scaling.center(), scaling.scale()) : Bounds();
      fitted.push_back({MissingValue(feature, scaling.center()), Vocabulary({}), bounds});
    }
  }
  return ColumnExpander(std::move(features), std::move(fitted));
}

absl::StatusOr<ColumnExpander> ColumnExpander::FromProto(std::vector<Feature> features,
                                                         const model::v1::FittedSide& proto) {
  if (static_cast<size_t>(proto.features_size()) != features.size()) {
    return absl::DataLossError(
        absl::StrCat("has ", proto.features_size(), " fitted features, its schema ", features.size()));
  }
  std::vector<Fitted> fitted;
  for (size_t i = 0; i < features.size(); ++i) {
    const model::v1::FittedFeature& stored = proto.features(static_cast<int>(i));
    if (stored.name() != features[i].name()) {
      return absl::DataLossError(absl::StrCat("fitted feature ", i, " is \"", stored.name(), "\", in its schema \"",
                                              features[i].name(), "\""));
    }
    if (!std::isfinite(stored.missing_value())) {
      return absl::DataLossError(absl::StrCat("feature \"", stored.name(), "\": missing value is not finite"));
    }
    std::vector<std::string> values(stored.vocabulary().begin(), stored.vocabulary().end());
    if (absl::flat_hash_set<std::string>(values.begin(), values.end()).size() != values.size()) {
      return absl::DataLossError(absl::StrCat("feature \"", stored.name(), "\": vocabulary has a value twice"));
    }
    Bounds bounds;
    if (stored.has_lower() || stored.has_upper()) bounds = {stored.lower(), stored.upper()};
    if (bounds.bounded() && !(std::isfinite(bounds.lower) && bounds.lower <= bounds.upper)) {
      return absl::DataLossError(absl::StrCat("feature \"", stored.name(), "\": the bounds ", bounds.lower, " to ",
                                              bounds.upper, " are not usable"));
    }
    fitted.push_back({stored.missing_value(), Vocabulary(std::move(values)), bounds});
  }
  return ColumnExpander(std::move(features), std::move(fitted));
}

void ColumnExpander::ToProto(model::v1::FittedSide* proto) const {
  for (size_t i = 0; i < features_.size(); ++i) {
    model::v1::FittedFeature* out = proto->add_features();
    out->set_name(features_[i].name());
    out->set_missing_value(fitted_[i].missing_value);
    for (const std::string& value : fitted_[i].vocabulary.values()) out->add_vocabulary(value);
    if (!fitted_[i].bounds.bounded()) continue;
    out->set_lower(fitted_[i].bounds.lower);
    out->set_upper(fitted_[i].bounds.upper);
  }
}

void ColumnExpander::Expand(const RawSide& raw, absl::Span<double> out) const {
  SUGGEST_CHECK(raw.numbers.size() == numbers_ && raw.labels.size() == labels_);
  SUGGEST_CHECK(out.size() == columns_.size());
  size_t column = 0, number = 0, label = 0;
  for (size_t i = 0; i < features_.size(); ++i) {
    if (IsLabels(features_[i])) {
      const Vocabulary& vocabulary = fitted_[i].vocabulary;
      vocabulary.Encode(raw.labels[label++], out.subspan(column, vocabulary.size()));
      column += vocabulary.size();
      continue;
    }
    const double value = raw.numbers[number++];
    const bool missing = std::isnan(value);
    out[column++] = missing ? fitted_[i].missing_value : fitted_[i].bounds.Clip(value);
    if (features_[i].missing().indicator()) out[column++] = missing ? 1 : 0;
  }
}

int ColumnExpander::CountClipped(const RawSide& raw) const {
  int clipped = 0;
  size_t number = 0;
  for (size_t i = 0; i < features_.size(); ++i) {
    if (!IsLabels(features_[i])) clipped += fitted_[i].bounds.Exceeded(raw.numbers[number++]) ? 1 : 0;
  }
  return clipped;
}

}  // namespace suggest::features
