#include "features/pair_encoder.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "absl/strings/str_cat.h"
#include "bandit/base/check.h"
#include "features/pair_extractor.h"

namespace suggest::features {

using model::v1::FittedColumn;

PairEncoder PairEncoder::FromSchema(const std::vector<Feature>& features, const CounterSettings& settings) {
  const RawSide nothing = PairWithoutHistory(features, settings);
  PairEncoder encoder;
  for (size_t i = 0; i < features.size(); ++i) {
    const double scale = features[i].has_scaling() ? features[i].scaling().scale() : 1.0;
    encoder.columns_.push_back({features[i].name(), false, nothing.numbers[i], scale});
  }
  return encoder;
}

PairEncoder PairEncoder::Fit(const std::vector<Feature>& features, const CounterSettings& settings,
                             absl::Span<const std::optional<RawSide>> rows, std::vector<std::string>* messages) {
  PairEncoder encoder = FromSchema(features, settings);
  for (size_t i = 0; i < features.size(); ++i) {
    Column& column = encoder.columns_[i];
    std::vector<double> values = {column.without_history};
    for (const std::optional<RawSide>& row : rows) {
      if (!row.has_value()) continue;
      SUGGEST_CHECK(row->numbers.size() == features.size());
      if (row->numbers[i] != column.without_history) values.push_back(row->numbers[i]);
    }
    column.bounds = WidenedSpan(std::move(values));
    column.bounds.lower = std::min(column.bounds.lower, column.without_history);
    column.bounds.upper = std::max(column.bounds.upper, column.without_history);
    double square_sum = 0;
    int64_t shown = 0;
    for (const std::optional<RawSide>& row : rows) {
      if (!row.has_value()) continue;
      const double difference = column.bounds.Clip(row->numbers[i]) - column.without_history;
      square_sum += difference * difference;
      shown += difference != 0;
    }
    if (shown > 0) {
      column.scale = std::sqrt(square_sum / static_cast<double>(shown));
    } else if (!features[i].has_scaling()) {
      column.dropped = true;
      messages->push_back(
          absl::StrCat("feature \"", column.name, "\": no pair of the training history shows it; dropped"));
    }
  }
  return encoder;
}

absl::StatusOr<PairEncoder> PairEncoder::FromProto(const std::vector<Feature>& features,
                                                   const model::v1::FittedSide& proto) {
  const int size = static_cast<int>(features.size());
  if (proto.features_size() != size || proto.columns_size() != size) {
    return absl::DataLossError(absl::StrCat("has ", proto.features_size(), " fitted features and ",
                                            proto.columns_size(), " columns, its schema ", size));
  }
  PairEncoder encoder;
  for (int i = 0; i < size; ++i) {
    const FittedColumn& column = proto.columns(i);
    if (proto.features(i).name() != features[i].name()) {
      return absl::DataLossError(absl::StrCat("fitted feature ", i, " is \"", proto.features(i).name(),
                                              "\", in its schema \"", features[i].name(), "\""));
    }
    const bool role_fits = column.role() == FittedColumn::DROPPED || column.role() == FittedColumn::PASSES_BY;
    if (!role_fits || !std::isfinite(column.center()) || !std::isfinite(column.scale()) || !(column.scale() > 0)) {
      return absl::DataLossError(absl::StrCat("feature \"", features[i].name(), "\": role ",
                                              static_cast<int>(column.role()), ", center ", column.center(), ", scale ",
                                              column.scale(), " are not usable"));
    }
    const model::v1::FittedFeature& stored = proto.features(i);
    Bounds bounds;
    if (stored.has_lower() || stored.has_upper()) bounds = {stored.lower(), stored.upper()};
    if (bounds.bounded() && !(bounds.lower <= bounds.upper)) {
      return absl::DataLossError(absl::StrCat("feature \"", features[i].name(), "\": the bounds ", bounds.lower, " to ",
                                              bounds.upper, " are not usable"));
    }
    encoder.columns_.push_back(
        {features[i].name(), column.role() == FittedColumn::DROPPED, column.center(), column.scale(), bounds});
  }
  return encoder;
}

model::v1::FittedSide PairEncoder::ToProto() const {
  model::v1::FittedSide proto;
  for (const Column& column : columns_) {
    model::v1::FittedFeature* feature = proto.add_features();
    feature->set_name(column.name);
    if (column.bounds.bounded()) {
      feature->set_lower(column.bounds.lower);
      feature->set_upper(column.bounds.upper);
    }
    FittedColumn* out = proto.add_columns();
    out->set_role(column.dropped ? FittedColumn::DROPPED : FittedColumn::PASSES_BY);
    out->set_center(column.without_history);
    out->set_scale(column.scale);
  }
  return proto;
}

int PairEncoder::dim() const {
  int dim = 0;
  for (const Column& column : columns_) dim += !column.dropped;
  return dim;
}

Eigen::VectorXd PairEncoder::Encode(const RawSide& raw) const {
  SUGGEST_CHECK(raw.numbers.size() == columns_.size() && raw.labels.empty());
  Eigen::VectorXd encoded(dim());
  int term = 0;
  for (size_t i = 0; i < columns_.size(); ++i) {
    if (columns_[i].dropped) continue;
    encoded(term++) = (columns_[i].bounds.Clip(raw.numbers[i]) - columns_[i].without_history) / columns_[i].scale;
  }
  return encoded;
}

int PairEncoder::CountClipped(const RawSide& raw) const {
  int clipped = 0;
  for (size_t i = 0; i < columns_.size(); ++i) {
    clipped += !columns_[i].dropped && columns_[i].bounds.Exceeded(raw.numbers[i]) ? 1 : 0;
  }
  return clipped;
}

std::vector<std::string> PairEncoder::TermNames() const {
  std::vector<std::string> names;
  for (const Column& column : columns_) {
    if (!column.dropped) names.push_back(column.name);
  }
  return names;
}

}  // namespace suggest::features
