// Checks a feature schema as written in the configuration. All other code of this folder takes a valid one.
#ifndef FEATURES_SCHEMA_H_
#define FEATURES_SCHEMA_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "suggest/config/v1/features.pb.h"

namespace suggest::features {

using config::v1::Feature;
using config::v1::FeatureSchema;

// Errors: INVALID_ARGUMENT that lists all problems, each naming feature, field and value, joined by "; ".
absl::Status ValidateSchema(const FeatureSchema& schema);

// The features of one side, in the schema's order.
std::vector<Feature> FeaturesOfSide(const FeatureSchema& schema, Feature::Side side);

// The attribute that a feature reads; "" for counters.
const std::string& ColumnOf(const Feature& feature);

// Whether a feature's raw value is a set of labels (categorical, multi-valued) and not a number.
bool IsLabels(const Feature& feature);

// INVALID_ARGUMENT with all problems joined by "; ", or OK if there are none.
absl::Status JoinProblems(const std::vector<std::string>& problems);

}  // namespace suggest::features

#endif  // FEATURES_SCHEMA_H_
