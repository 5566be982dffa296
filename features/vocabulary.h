// The known values of one categorical or multi-valued feature, each a column, followed by a column for all unknown
// values and one for the missing value.
#ifndef FEATURES_VOCABULARY_H_
#define FEATURES_VOCABULARY_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/types/span.h"
#include "features/raw_side.h"

namespace suggest::features {

class Vocabulary {
 public:
  // REQUIRES: values unique.
  explicit Vocabulary(std::vector<std::string> values);

  // The `max_size` most frequent values, ties alphabetically.
  static Vocabulary Learn(const absl::flat_hash_map<std::string, int64_t>& frequency, int max_size);

  const std::vector<std::string>& values() const { return values_; }

  // Number of columns: values, "(other)", "(missing)".
  int size() const { return static_cast<int>(values_.size()) + 2; }

  // Writes 0 and 1 to `slots`. REQUIRES: slots.size() == size().
  void Encode(const RawLabels& labels, absl::Span<double> slots) const;

  // The columns' names: "<feature>=<value>".
  std::vector<std::string> SlotNames(const std::string& feature) const;

 private:
  std::vector<std::string> values_;
  absl::flat_hash_map<std::string, int> index_;
};

}  // namespace suggest::features

#endif  // FEATURES_VOCABULARY_H_
