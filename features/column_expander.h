// From the raw features of a side to its columns: missing values filled, categories as 0/1 columns.
//
//   numeric, boolean, age   one column; with missing.indicator a second, "<name>.missing"
//   counter                 one column
//   categorical, multi      the slots of its vocabulary
//
// Numbers are encoded within the bounds that the training rows set (bounds.h); what stands for a missing value is not
// bounded.
//
// Threads: const after creation.
#ifndef FEATURES_COLUMN_EXPANDER_H_
#define FEATURES_COLUMN_EXPANDER_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "features/bounds.h"
#include "features/raw_side.h"
#include "features/schema.h"
#include "features/vocabulary.h"
#include "suggest/model/v1/pipeline.pb.h"

namespace suggest::features {

struct ColumnInfo {
  std::string name;
  int feature;  // index in features()
};

class ColumnExpander {
 public:
  // Learns vocabularies, bounds and means from the training rows. Appends to *messages where rows lie beyond bounds.
  // Errors: INVALID_ARGUMENT listing the features whose column no row has (a schema that names a missing column).
  // REQUIRES: rows read by an extractor with these features; at least one.
  static absl::StatusOr<ColumnExpander> Learn(std::vector<Feature> features, absl::Span<const RawSide> rows,
                                              std::vector<std::string>* messages);

  // Vocabularies as listed in the schema, missing values by the configured centre, bounds by centre and scale.
  static ColumnExpander FromSchema(std::vector<Feature> features);

  // Errors: DATA_LOSS if the fitted features are not those of the schema, or not usable.
  static absl::StatusOr<ColumnExpander> FromProto(std::vector<Feature> features, const model::v1::FittedSide& fitted);

  void ToProto(model::v1::FittedSide* fitted) const;

  const std::vector<Feature>& features() const { return features_; }
  const std::vector<ColumnInfo>& columns() const { return columns_; }
  int size() const { return static_cast<int>(columns_.size()); }

  // Writes the columns of one row. REQUIRES: out.size() == size(); raw of these features.
  void Expand(const RawSide& raw, absl::Span<double> out) const;

  // How many of its values are beyond their bounds.
  int CountClipped(const RawSide& raw) const;

 private:
  struct Fitted {
    double missing_value = 0;
    Vocabulary vocabulary{{}};
    Bounds bounds = {};
  };
  ColumnExpander(std::vector<Feature> features, std::vector<Fitted> fitted);

  std::vector<Feature> features_;
  std::vector<Fitted> fitted_;  // by feature
  std::vector<ColumnInfo> columns_;
  size_t numbers_ = 0, labels_ = 0;  // sizes of the RawSide it takes
};

}  // namespace suggest::features

#endif  // FEATURES_COLUMN_EXPANDER_H_
