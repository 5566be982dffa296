#include "features/pair_extractor.h"

#include <utility>

#include "absl/strings/str_join.h"

namespace suggest::features {
namespace {

// What two recommendations must have in common: the attribute's names, or nothing if it is missing or has no name form.
std::optional<std::string> GroupKey(const Attributes& attributes, const std::string& column) {
  const AttributeValue* value = FindAttribute(attributes, column);
  if (value == nullptr) return std::nullopt;
  if (value->kind_case() == AttributeValue::kListValue) {
    const absl::StatusOr<std::vector<std::string>> labels = ReadLabels(*value);
    if (!labels.ok()) return std::nullopt;
    return absl::StrJoin(*labels, ";");
  }
  const absl::StatusOr<std::optional<std::string>> label = ReadLabel(*value);
  return label.ok() ? *label : std::nullopt;
}

using Groups = absl::flat_hash_map<std::string, DayHistory>;

Groups GroupBy(const std::string& column, const CustomerHistory& history, const RecommendationLookup& lookup) {
  Groups groups;
  for (const auto& [recommendation_id, part] : history) {
    if (column.empty()) {
      groups[recommendation_id].Merge(part);
      continue;
    }
    const Attributes* attributes = lookup(recommendation_id);
    if (attributes == nullptr) continue;
    if (const std::optional<std::string> key = GroupKey(*attributes, column)) groups[*key].Merge(part);
  }
  return groups;
}

}  // namespace

PairExtractor::PairExtractor(const std::vector<Feature>& features, const CounterSettings& settings,
                             const CustomerHistory& history, const RecommendationLookup& lookup, absl::Time tick) {
  const RawSide nothing = PairWithoutHistory(features, settings);
  for (size_t i = 0; i < features.size(); ++i) {
    const config::v1::Counter& counter = features[i].counter();
    CounterValues values{counter.same_attribute(), nothing.numbers[i], {}};
    for (const auto& [key, part] : GroupBy(values.same_attribute, history, lookup)) {
      const double value = EvaluateCounter(counter, settings, part, tick);
      if (value != values.without_history) values.by_key.emplace(key, value);
    }
    empty_ = empty_ && values.by_key.empty();
    counters_.push_back(std::move(values));
  }
}

std::optional<RawSide> PairExtractor::Candidate(absl::string_view recommendation_id,
                                                const Attributes& attributes) const {
  if (empty_) return std::nullopt;
  RawSide raw;
  bool any = false;
  for (const CounterValues& counter : counters_) {
    std::optional<std::string> key(recommendation_id);
    if (!counter.same_attribute.empty()) key = GroupKey(attributes, counter.same_attribute);
    const auto found = key.has_value() ? counter.by_key.find(*key) : counter.by_key.end();
    any = any || found != counter.by_key.end();
    raw.numbers.push_back(found == counter.by_key.end() ? counter.without_history : found->second);
  }
  if (!any) return std::nullopt;
  return raw;
}

RawSide PairWithoutHistory(const std::vector<Feature>& features, const CounterSettings& settings) {
  RawSide raw;
  for (const Feature& feature : features) {
    raw.numbers.push_back(EvaluateCounter(feature.counter(), settings, DayHistory(), absl::UnixEpoch()));
  }
  return raw;
}

}  // namespace suggest::features
