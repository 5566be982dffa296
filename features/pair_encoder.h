// From raw pair features to p_cr: (value - value without history) / scale. Not centred, so that a pair without a
// history encodes to exactly 0 and most of the catalogue needs no pair part at all.
// The scale is the root mean square of (value - value without history) over the training rows where it is not 0.
// A value beyond what those rows span, widened, counts as the bound (bounds.h).
#ifndef FEATURES_PAIR_ENCODER_H_
#define FEATURES_PAIR_ENCODER_H_

#include <Eigen/Core>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "features/bounds.h"
#include "features/counters.h"
#include "features/raw_side.h"
#include "features/schema.h"
#include "suggest/model/v1/pipeline.pb.h"

namespace suggest::features {

class PairEncoder {
 public:
  // A feature that no training row shows takes its configured scale; without one it is dropped, with a message.
  static PairEncoder Fit(const std::vector<Feature>& features, const CounterSettings& settings,
                         absl::Span<const std::optional<RawSide>> rows, std::vector<std::string>* messages);

  // Configured scales, 1 where there is none.
  static PairEncoder FromSchema(const std::vector<Feature>& features, const CounterSettings& settings);

  // Errors: DATA_LOSS naming the sizes or values that do not fit each other.
  static absl::StatusOr<PairEncoder> FromProto(const std::vector<Feature>& features,
                                               const model::v1::FittedSide& fitted);

  model::v1::FittedSide ToProto() const;

  int dim() const;
  Eigen::VectorXd Encode(const RawSide& raw) const;
  // How many values of `raw` are beyond their bounds.
  int CountClipped(const RawSide& raw) const;
  std::vector<std::string> TermNames() const;

 private:
  struct Column {
    std::string name;
    bool dropped;
    double without_history, scale;
    Bounds bounds = {};
  };
  std::vector<Column> columns_;  // by feature
};

}  // namespace suggest::features

#endif  // FEATURES_PAIR_ENCODER_H_
