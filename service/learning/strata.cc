#include "service/learning/strata.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "features/attributes.h"

namespace suggest::learning {
namespace {

constexpr char kOther[] = "other";

}  // namespace

Strata::Strata(const config::v1::DelayStrata& config) : config_(config) {
  names_.assign(config.values().begin(), config.values().end());
  for (int i = 0; i <= config.bounds_size() && config.bounds_size() > 0; ++i) {
    if (i == 0) {
      names_.push_back(absl::StrCat("below ", config.bounds(0)));
    } else if (i == config.bounds_size()) {
      names_.push_back(absl::StrCat(config.bounds(i - 1), " and above"));
    } else {
      names_.push_back(absl::StrCat(config.bounds(i - 1), " to ", config.bounds(i)));
    }
  }
  if (!names_.empty()) names_.push_back(kOther);
}

std::string Strata::Of(const storage::Attributes& attributes) const {
  if (!configured()) return "";
  const features::AttributeValue* const value = features::FindAttribute(attributes, config_.attribute());
  if (value == nullptr) return kOther;
  if (config_.bounds_size() > 0) {
    const absl::StatusOr<double> number = features::ReadNumber(*value);
    if (!number.ok()) return kOther;
    const auto band = std::upper_bound(config_.bounds().begin(), config_.bounds().end(), *number);
    return names_[static_cast<size_t>(band - config_.bounds().begin())];
  }
  const absl::StatusOr<std::optional<std::string>> label = features::ReadLabel(*value);
  if (!label.ok() || !label->has_value()) return kOther;
  const bool listed = std::find(config_.values().begin(), config_.values().end(), **label) != config_.values().end();
  return listed ? **label : kOther;
}

StratumOfRecommendation::StratumOfRecommendation(const Strata& strata,
                                                 const std::vector<storage::RecommendationRecord>& catalogue)
    : configured_(strata.configured()) {
  if (!configured_) return;
  for (const storage::RecommendationRecord& record : catalogue) {
    strata_[record.recommendation_id] = strata.Of(record.attributes);
  }
}

std::string StratumOfRecommendation::Of(absl::string_view recommendation_id) const {
  if (!configured_) return "";
  const auto found = strata_.find(recommendation_id);
  return found == strata_.end() ? kOther : found->second;
}

}  // namespace suggest::learning
