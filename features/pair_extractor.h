// Pair features of one customer with many candidates. Sparse: most candidates have no common history with the customer,
// and their pair part is zero. Made by FeatureExtractor::ForCustomer; holds values only.
//
// Cost: building is O(history), a candidate is a hash look-up per feature.
#ifndef FEATURES_PAIR_EXTRACTOR_H_
#define FEATURES_PAIR_EXTRACTOR_H_

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "features/attributes.h"
#include "features/counters.h"
#include "features/raw_side.h"
#include "features/schema.h"

namespace suggest::features {

// recommendation_id -> its attributes, or nullptr if unknown.
using RecommendationLookup = std::function<const Attributes*(absl::string_view)>;

class PairExtractor {
 public:
  PairExtractor(const std::vector<Feature>& features, const CounterSettings& settings, const CustomerHistory& history,
                const RecommendationLookup& lookup, absl::Time tick);

  // The pair features with this candidate; nullopt if all have their value without a history.
  std::optional<RawSide> Candidate(absl::string_view recommendation_id, const Attributes& attributes) const;

  // True if Candidate is nullopt for every candidate: spares the walk over the catalogue.
  bool empty() const { return empty_; }

 private:
  struct CounterValues {
    std::string same_attribute;  // "" = by recommendation_id
    double without_history;
    absl::flat_hash_map<std::string, double> by_key;  // recommendation_id or the attribute's value
  };
  bool empty_ = true;
  std::vector<CounterValues> counters_;
};

// The pair features of a customer without any history.
RawSide PairWithoutHistory(const std::vector<Feature>& features, const CounterSettings& settings);

}  // namespace suggest::features

#endif  // FEATURES_PAIR_EXTRACTOR_H_
