#include "features/vocabulary.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "bandit/base/check.h"

namespace suggest::features {

Vocabulary::Vocabulary(std::vector<std::string> values) : values_(std::move(values)) {
  for (size_t i = 0; i < values_.size(); ++i) {
    SUGGEST_CHECK(index_.emplace(values_[i], static_cast<int>(i)).second);
  }
}

Vocabulary Vocabulary::Learn(const absl::flat_hash_map<std::string, int64_t>& frequency, int max_size) {
  std::vector<std::pair<int64_t, std::string>> ranked;
  for (const auto& [value, count] : frequency) ranked.emplace_back(-count, value);
  std::sort(ranked.begin(), ranked.end());
  if (ranked.size() > static_cast<size_t>(max_size)) ranked.resize(max_size);
  std::vector<std::string> values;
  for (auto& [negative_count, value] : ranked) values.push_back(std::move(value));
  return Vocabulary(std::move(values));
}

void Vocabulary::Encode(const RawLabels& labels, absl::Span<double> slots) const {
  SUGGEST_CHECK(slots.size() == static_cast<size_t>(size()));
  std::fill(slots.begin(), slots.end(), 0.0);
  const size_t other = values_.size(), missing = values_.size() + 1;
  if (labels.missing) slots[missing] = 1;
  for (const std::string& value : labels.values) {
    const auto found = index_.find(value);
    slots[found == index_.end() ? other : found->second] = 1;
  }
}

std::vector<std::string> Vocabulary::SlotNames(const std::string& feature) const {
  std::vector<std::string> names;
  for (const std::string& value : values_) names.push_back(absl::StrCat(feature, "=", value));
  names.push_back(absl::StrCat(feature, "=(other)"));
  names.push_back(absl::StrCat(feature, "=(missing)"));
  return names;
}

}  // namespace suggest::features
