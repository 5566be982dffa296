#include "features/side_encoder.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "absl/strings/str_cat.h"
#include "bandit/base/check.h"
#include "bandit/base/status_macros.h"
#include "features/principal_components.h"

namespace suggest::features {
namespace {

using config::v1::Pca;
using model::v1::FittedColumn;

struct CenterScale {
  double center, scale;
};

bool IsCounter(const Feature& feature) {
  return feature.kind_case() == Feature::kCounter;
}

// Centre and scale of a smoothed rate are those of its Beta prior, of an age those of the uniform distribution.
CenterScale CounterDefaults(const config::v1::Counter& counter) {
  if (counter.has_smoothed_rate()) {
    const double p = counter.smoothed_rate().prior_rate();
    return {p, std::sqrt(p * (1 - p) / (counter.smoothed_rate().strength() + 1))};
  }
  if (counter.has_age_since_last() && counter.age_since_last().transform() == config::v1::NONE) {
    const double cap = counter.age_since_last().cap_days();
    return {cap / 2, cap / std::sqrt(12.0)};
  }
  return {0, 1};
}

CenterScale ConfiguredScale(const Feature& feature, bool is_value) {
  if (feature.has_scaling() && is_value) return {feature.scaling().center(), feature.scaling().scale()};
  if (IsCounter(feature)) return CounterDefaults(feature.counter());
  return {0, 1};
}

std::string ColumnPlace(const Feature& feature, const ColumnInfo& column) {
  if (column.name == feature.name()) return absl::StrCat("feature \"", feature.name(), "\"");
  return absl::StrCat("feature \"", feature.name(), "\", column \"", column.name, "\"");
}

}  // namespace

absl::StatusOr<SideEncoder> SideEncoder::Fit(std::vector<Feature> features, absl::Span<const RawSide> rows,
                                             const Pca* pca, std::vector<std::string>* messages) {
  ASSIGN_OR_RETURN(ColumnExpander columns, ColumnExpander::Learn(std::move(features), rows, messages));
  SideEncoder encoder(std::move(columns));
  encoder.FitScales(rows, pca != nullptr, messages);
  encoder.IndexRoles();
  if (pca != nullptr && !encoder.rotated_.empty()) encoder.FitRotation(rows, *pca, messages);
  return encoder;
}

void SideEncoder::FitScales(absl::Span<const RawSide> rows, bool rotate, std::vector<std::string>* messages) {
  const double n = static_cast<double>(rows.size());
  std::vector<double> row(columns_.size());
  columns_.Expand(rows[0], absl::MakeSpan(row));
  const std::vector<double> first = row;
  std::vector<double> mean(columns_.size()), square_sum(columns_.size());  // of differences to the first row
  for (const RawSide& raw : rows) {
    columns_.Expand(raw, absl::MakeSpan(row));
    for (size_t i = 0; i < row.size(); ++i) mean[i] += (row[i] - first[i]) / n;
  }
  for (const RawSide& raw : rows) {
    columns_.Expand(raw, absl::MakeSpan(row));
    for (size_t i = 0; i < row.size(); ++i) {
      const double deviation = row[i] - first[i] - mean[i];
      square_sum[i] += deviation * deviation;
    }
  }
  for (size_t i = 0; i < row.size(); ++i) {
    const ColumnInfo& column = columns_.columns()[i];
    const Feature& feature = columns_.features()[column.feature];
    const double center = first[i] + mean[i], deviation = std::sqrt(square_sum[i] / n);
    if (deviation <= 1e-12 * std::abs(center)) {
      messages->push_back(
          absl::StrCat(ColumnPlace(feature, column), ": does not vary in the training history; dropped"));
      scales_.push_back({FittedColumn::DROPPED, center, 1});
      continue;
    }
    const bool passes_by = feature.passes_by() || !rotate;
    scales_.push_back({passes_by ? FittedColumn::PASSES_BY : FittedColumn::ROTATED, center, deviation});
  }
}

void SideEncoder::FitRotation(absl::Span<const RawSide> rows, const Pca& pca, std::vector<std::string>* messages) {
  const PrincipalComponents found = FindPrincipalComponents(Covariance(rows), pca);
  loadings_ = found.loadings;
  deviations_.assign(found.deviations.data(), found.deviations.data() + found.deviations.size());
  variance_share_ = found.variance_share;
  whiten_ = pca.whiten();
  FitComponentBounds(rows);
  if (pca.components() > found.rank) {
    messages->push_back(absl::StrCat("PCA: ", pca.components(), " components asked for, but ", rotated_.size(),
                                     " columns of rank ", found.rank, "; capped at ", found.rank));
  }
}

// From at most kBoundRows rows, evenly spread: quantiles need no more.
void SideEncoder::FitComponentBounds(absl::Span<const RawSide> rows) {
  constexpr size_t kBoundRows = 50'000;
  const size_t step = (rows.size() + kBoundRows - 1) / kBoundRows;
  std::vector<std::vector<double>> values(deviations_.size());
  std::vector<double> components(deviations_.size());
  for (size_t r = 0; r < rows.size(); r += step) {
    Rotate(Standardise(rows[r]), absl::MakeSpan(components));
    for (size_t j = 0; j < components.size(); ++j) values[j].push_back(components[j]);
  }
  for (std::vector<double>& of_component : values) component_bounds_.push_back(WidenedSpan(std::move(of_component)));
}

Eigen::MatrixXd SideEncoder::Covariance(absl::Span<const RawSide> rows) const {
  constexpr size_t kBlock = 256;
  const Eigen::Index p = static_cast<Eigen::Index>(rotated_.size());
  Eigen::MatrixXd sum = Eigen::MatrixXd::Zero(p, p);
  for (size_t begin = 0; begin < rows.size(); begin += kBlock) {
    const size_t size = std::min(kBlock, rows.size() - begin);
    Eigen::MatrixXd block(p, size);
    for (size_t r = 0; r < size; ++r) {
      const Eigen::VectorXd x = Standardise(rows[begin + r]);
      for (Eigen::Index i = 0; i < p; ++i) block(i, r) = x(rotated_[i]);
    }
    sum.selfadjointView<Eigen::Lower>().rankUpdate(block);
  }
  sum.triangularView<Eigen::StrictlyUpper>() = sum.transpose();
  return sum / static_cast<double>(rows.size() - 1);
}

SideEncoder SideEncoder::FromSchema(std::vector<Feature> features) {
  SideEncoder encoder(ColumnExpander::FromSchema(std::move(features)));
  for (const ColumnInfo& column : encoder.columns_.columns()) {
    const Feature& feature = encoder.columns_.features()[column.feature];
    const CenterScale scale = ConfiguredScale(feature, column.name == feature.name());
    encoder.scales_.push_back({FittedColumn::PASSES_BY, scale.center, scale.scale});
  }
  encoder.IndexRoles();
  return encoder;
}

void SideEncoder::IndexRoles() {
  for (size_t i = 0; i < scales_.size(); ++i) {
    if (scales_[i].role == FittedColumn::ROTATED) rotated_.push_back(static_cast<int>(i));
    if (scales_[i].role == FittedColumn::PASSES_BY) passed_by_.push_back(static_cast<int>(i));
  }
}

Eigen::VectorXd SideEncoder::Standardise(const RawSide& raw) const {
  Eigen::VectorXd x(columns_.size());
  columns_.Expand(raw, absl::MakeSpan(x.data(), x.size()));
  for (Eigen::Index i = 0; i < x.size(); ++i) x(i) = (x(i) - scales_[i].center) / scales_[i].scale;
  return x;
}

void SideEncoder::Rotate(const Eigen::VectorXd& standardised, absl::Span<double> components) const {
  std::fill(components.begin(), components.end(), 0.0);
  for (size_t i = 0; i < rotated_.size(); ++i) {  // each sum in a fixed order; Eigen's would depend on the vector width
    const double value = standardised(rotated_[i]);
    for (size_t j = 0; j < components.size(); ++j) components[j] += loadings_(j, i) * value;
  }
}

Eigen::VectorXd SideEncoder::Encode(const RawSide& raw) const {
  const Eigen::VectorXd x = Standardise(raw);
  Eigen::VectorXd encoded(dim());
  const int components = static_cast<int>(deviations_.size());
  Rotate(x, absl::MakeSpan(encoded.data(), components));
  for (size_t j = 0; j < component_bounds_.size(); ++j) encoded(j) = component_bounds_[j].Clip(encoded(j));
  for (int j = 0; whiten_ && j < components; ++j) encoded(j) /= deviations_[j];
  for (size_t i = 0; i < passed_by_.size(); ++i) encoded(components + i) = x(passed_by_[i]);
  return encoded;
}

std::string SideEncoder::ComponentName(size_t component) const {
  constexpr int kMostNamed = 3;
  std::vector<double> weights(columns_.features().size(), 0.0);
  for (size_t i = 0; i < rotated_.size(); ++i) {
    const double loading = loadings_(static_cast<Eigen::Index>(component), static_cast<Eigen::Index>(i));
    weights[columns_.columns()[rotated_[i]].feature] += loading * loading;
  }
  std::string name = absl::StrCat("pc", component + 1);
  double held = 0;
  for (int named = 0; named < kMostNamed && held < 0.5; ++named) {
    const auto heaviest = std::max_element(weights.begin(), weights.end());
    absl::StrAppend(&name, named == 0 ? ": " : ", ", columns_.features()[heaviest - weights.begin()].name());
    held += *heaviest;
    *heaviest = 0;
  }
  return name;
}

std::vector<SideEncoder::Component> SideEncoder::Components() const {
  std::vector<Component> components;
  for (size_t j = 0; j < deviations_.size(); ++j) {
    Component component{.name = ComponentName(j), .deviation = deviations_[j], .loadings = {}};
    for (size_t i = 0; i < rotated_.size(); ++i) {
      component.loadings.emplace_back(columns_.columns()[rotated_[i]].name,
                                      loadings_(static_cast<Eigen::Index>(j), static_cast<Eigen::Index>(i)));
    }
    std::stable_sort(component.loadings.begin(), component.loadings.end(),
                     [](const auto& a, const auto& b) { return std::abs(a.second) > std::abs(b.second); });
    components.push_back(std::move(component));
  }
  return components;
}

std::vector<std::string> SideEncoder::TermNames() const {
  std::vector<std::string> names;
  for (size_t j = 0; j < deviations_.size(); ++j) names.push_back(ComponentName(j));
  for (const int column : passed_by_) names.push_back(columns_.columns()[column].name);
  return names;
}

model::v1::FittedSide SideEncoder::ToProto() const {
  model::v1::FittedSide proto;
  columns_.ToProto(&proto);
  for (const Scale& scale : scales_) {
    FittedColumn* out = proto.add_columns();
    out->set_role(scale.role);
    out->set_center(scale.center);
    out->set_scale(scale.scale);
  }
  if (rotated_.empty()) return proto;
  model::v1::Rotation* rotation = proto.mutable_rotation();
  rotation->set_components(static_cast<int>(deviations_.size()));
  for (const double loading : loadings_.reshaped<Eigen::RowMajor>()) rotation->add_loadings(loading);
  for (const double deviation : deviations_) rotation->add_deviations(deviation);
  rotation->set_variance_share(variance_share_);
  for (const Bounds& bounds : component_bounds_) {
    rotation->add_lower(bounds.lower);
    rotation->add_upper(bounds.upper);
  }
  return proto;
}

absl::StatusOr<SideEncoder> SideEncoder::FromProto(std::vector<Feature> features, const Pca* pca,
                                                   const model::v1::FittedSide& proto) {
  ASSIGN_OR_RETURN(ColumnExpander columns, ColumnExpander::FromProto(std::move(features), proto));
  SideEncoder encoder(std::move(columns));
  if (proto.columns_size() != encoder.columns_.size()) {
    return absl::DataLossError(
        absl::StrCat("has ", proto.columns_size(), " scaled columns, its features make ", encoder.columns_.size()));
  }
  for (int i = 0; i < proto.columns_size(); ++i) {
    const FittedColumn& column = proto.columns(i);
    const bool sound = std::isfinite(column.center()) && std::isfinite(column.scale()) && column.scale() > 0 &&
                       FittedColumn::Role_IsValid(column.role());
    if (!sound) {
      return absl::DataLossError(absl::StrCat("column \"", encoder.columns_.columns()[i].name, "\": role ",
                                              static_cast<int>(column.role()), ", center ", column.center(), ", scale ",
                                              column.scale(), " are not usable"));
    }
    encoder.scales_.push_back({column.role(), column.center(), column.scale()});
  }
  encoder.IndexRoles();
  encoder.whiten_ = pca != nullptr && pca->whiten();
  RETURN_IF_ERROR(encoder.ReadRotation(proto));
  return encoder;
}

absl::Status SideEncoder::ReadRotation(const model::v1::FittedSide& proto) {
  const model::v1::Rotation& rotation = proto.rotation();
  const int64_t k = rotation.components(), p = static_cast<int64_t>(rotated_.size());
  if (k < 0 || k > p || (p > 0 && k == 0) || rotation.loadings_size() != k * p || rotation.deviations_size() != k) {
    return absl::DataLossError(absl::StrCat("rotation has ", k, " components, ", rotation.loadings_size(),
                                            " loadings and ", rotation.deviations_size(), " deviations for ", p,
                                            " columns"));
  }
  for (const double loading : rotation.loadings()) {
    if (!std::isfinite(loading)) return absl::DataLossError("rotation has a loading that is not finite");
  }
  for (const double deviation : rotation.deviations()) {
    if (!(deviation > 0) || !std::isfinite(deviation)) {
      return absl::DataLossError(absl::StrCat("rotation has the deviation ", deviation, ", expected > 0"));
    }
  }
  if (rotation.lower_size() != rotation.upper_size() || (rotation.lower_size() != 0 && rotation.lower_size() != k)) {
    return absl::DataLossError(absl::StrCat("rotation has ", rotation.lower_size(), " lower and ",
                                            rotation.upper_size(), " upper bounds for ", k, " components"));
  }
  for (int j = 0; j < rotation.lower_size(); ++j) {
    if (!(rotation.lower(j) <= rotation.upper(j))) {
      return absl::DataLossError(absl::StrCat("rotation has the bounds ", rotation.lower(j), " to ", rotation.upper(j),
                                              ", which are not usable"));
    }
    component_bounds_.push_back({rotation.lower(j), rotation.upper(j)});
  }
  using RowMajor = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  loadings_ = Eigen::Map<const RowMajor>(rotation.loadings().data(), k, p);
  deviations_.assign(rotation.deviations().begin(), rotation.deviations().end());
  variance_share_ = rotation.variance_share();
  return absl::OkStatus();
}

}  // namespace suggest::features
