// Reads the features of a schema from attributes and point-in-time histories. No I/O, no clock: the decision's instant
// and the tick are arguments (counters.h says what a tick is).
//
// Customer ages are taken at the decision, recommendation ages at the tick, so that a recommendation's features are
// constant within a model version; counters are read at the tick on every side. Ages count whole minutes: what is
// worked out from a customer's features then serves for more than one decision.
//
// Errors of all readings: INVALID_ARGUMENT naming feature, column and value. Attributes that no feature reads are
// passed over here (a company's table may have more columns than the model uses); ValidateRequestAttributes refuses
// them.
//
// Threads: const after creation.
#ifndef FEATURES_EXTRACTOR_H_
#define FEATURES_EXTRACTOR_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "features/attributes.h"
#include "features/counters.h"
#include "features/pair_extractor.h"
#include "features/raw_side.h"
#include "features/schema.h"

namespace suggest::features {

// The features of a side as read at a tick. Only the ages still wait for an instant.
struct SideReading {
  struct Age {
    size_t number = 0;   // which of raw.numbers it becomes
    size_t feature = 0;  // which feature of its side it is
    absl::Time since;
  };
  RawSide raw;  // NaN where an age belongs
  std::vector<Age> ages;
};

class FeatureExtractor {
 public:
  // Errors: INVALID_ARGUMENT for an invalid schema (all problems), for invalid settings, or for a delay-corrected rate
  // without a delay law.
  static absl::StatusOr<FeatureExtractor> Create(const FeatureSchema& schema, const CounterSettings& settings);

  // `unreadable`: when given, a value that cannot be read counts as missing, and what would have been the error is
  // appended.
  absl::StatusOr<RawSide> Customer(const Attributes& attributes, const CustomerHistory& history, absl::Time at,
                                   absl::Time tick, std::vector<std::string>* unreadable = nullptr) const;

  // The same in two steps, for customers that are asked for more than once: all but the ages, and the ages.
  absl::StatusOr<SideReading> ReadCustomer(const Attributes& attributes, const CustomerHistory& history,
                                           absl::Time tick, std::vector<std::string>* unreadable = nullptr) const;
  RawSide CustomerAt(const SideReading& reading, absl::Time at) const;
  // From `at` on until then CustomerAt is the same: when the next age is a minute further.
  static absl::Time NextChange(const SideReading& reading, absl::Time at);

  // `history`: all customers' events with this recommendation.
  absl::StatusOr<RawSide> Recommendation(const Attributes& attributes, const DayHistory& history, absl::Time tick,
                                         std::vector<std::string>* unreadable = nullptr) const;

  // The pair features of one customer, prepared for many candidates. `lookup` finds the attributes of the
  // recommendations in his history (nullptr = unknown: no part of any group); it is not kept.
  PairExtractor ForCustomer(const CustomerHistory& history, const RecommendationLookup& lookup, absl::Time tick) const;

  // Checks attributes that a request gives for a customer: each is a column of a customer feature and reads as its kind
  // (null is always right). Errors: INVALID_ARGUMENT listing all problems.
  absl::Status ValidateRequestAttributes(const Attributes& attributes) const;

  // The distinct columns that features of a side read, alphabetically: what a source must provide. For side
  // RECOMMENDATION this includes those that pair features compare.
  std::vector<std::string> Columns(Feature::Side side) const;

  const FeatureSchema& schema() const { return schema_; }
  const CounterSettings& settings() const { return settings_; }

 private:
  FeatureExtractor(const FeatureSchema& schema, const CounterSettings& settings);

  absl::StatusOr<SideReading> Extract(const std::vector<Feature>& features, const Attributes& attributes,
                                      const DayHistory& history, absl::Time tick,
                                      std::vector<std::string>* unreadable) const;

  FeatureSchema schema_;
  CounterSettings settings_;
  std::vector<Feature> customer_, recommendation_, pair_;
};

}  // namespace suggest::features

#endif  // FEATURES_EXTRACTOR_H_
