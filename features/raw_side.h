// The features of one side (customer, recommendation or pair) read from attributes and histories, before vocabularies
// and scaling. This is what the training history keeps per exposure and what the pipeline encodes.
#ifndef FEATURES_RAW_SIDE_H_
#define FEATURES_RAW_SIDE_H_

#include <string>
#include <vector>

namespace suggest::features {

struct RawLabels {
  bool missing = false;
  std::vector<std::string> values;  // one for a categorical; any number, without repeats, for a multi-valued

  friend bool operator==(const RawLabels&, const RawLabels&) = default;
};

struct RawSide {
  // Numeric, boolean, age and counter features in the schema's order: clipped and transformed. NaN = missing.
  std::vector<double> numbers;
  // Categorical and multi-valued features in the schema's order.
  std::vector<RawLabels> labels;

  // Bit for bit: two missing numbers are equal, 0 and -0 are not.
  friend bool operator==(const RawSide& a, const RawSide& b);
};

}  // namespace suggest::features

#endif  // FEATURES_RAW_SIDE_H_
