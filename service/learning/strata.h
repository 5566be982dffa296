// Which stratum of the delay laws an exposure belongs to, by an attribute of its recommendation.
//
// The names are few and known from the configuration, so they can be labels of metrics: the configured values and
// "other", or the bands "below 2", "2 to 5", "5 and above" of the bounds [2, 5], and "other" where the attribute is
// missing or of another kind.
#ifndef SERVICE_LEARNING_STRATA_H_
#define SERVICE_LEARNING_STRATA_H_

#include <string>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/strings/string_view.h"
#include "storage/records.h"
#include "suggest/config/v1/config.pb.h"

namespace suggest::learning {

class Strata {
 public:
  // REQUIRES: valid.
  explicit Strata(const config::v1::DelayStrata& config);

  // False: there is one law for all, and every exposure's stratum is "".
  bool configured() const { return !names_.empty(); }
  const std::vector<std::string>& names() const { return names_; }
  std::string Of(const storage::Attributes& attributes) const;

 private:
  const config::v1::DelayStrata config_;
  std::vector<std::string> names_;
};

// The strata of a catalogue's recommendations.
class StratumOfRecommendation {
 public:
  StratumOfRecommendation() = default;
  StratumOfRecommendation(const Strata& strata, const std::vector<storage::RecommendationRecord>& catalogue);

  // "other" for a recommendation that is not in the catalogue (any more); "" without strata.
  std::string Of(absl::string_view recommendation_id) const;

 private:
  bool configured_ = false;
  absl::btree_map<std::string, std::string> strata_;
};

}  // namespace suggest::learning

#endif  // SERVICE_LEARNING_STRATA_H_
