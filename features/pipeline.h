// The fitted feature pipeline of a model version: raw features in, the parts of the context vector out.
//
//   z~_c = [1; z_c; passed-by_c]      z~_r = [1; z_r; passed-by_r]      p_cr, sparse
//   context (bandit/model/context.h): FULL  b = [z~_c (x) z~_r; p_cr];  NONE  b = [1; z~_c without its 1; z~_r without
//   its 1; p_cr]
//
// Encoded features are rounded to single precision here and nowhere else, so that serving, the decision log, replay and
// warm start all learn from the same numbers, and a log in single precision loses nothing.
//
// Immutable once made, and reproducible: the same raw features give the same bits on every x86-64 machine and after a
// round trip through its proto. Threads: const after creation.
#ifndef FEATURES_PIPELINE_H_
#define FEATURES_PIPELINE_H_

#include <Eigen/Core>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "bandit/model/context.h"
#include "features/extractor.h"
#include "features/pair_encoder.h"
#include "features/raw_side.h"
#include "features/schema.h"
#include "features/side_encoder.h"
#include "suggest/model/v1/pipeline.pb.h"

namespace suggest::features {

// Most terms in a context: the posterior holds this number squared.
inline constexpr int kMaxDimension = 4096;

// One entry per exposure of the training history in each list, read by the extractor at the exposure's decision and the
// tick before it. pairs: nullopt where the pair had no history.
struct TrainingRows {
  std::vector<RawSide> customers;
  std::vector<RawSide> recommendations;
  std::vector<std::optional<RawSide>> pairs;
};

class Pipeline {
 public:
  // Learns vocabularies, scales and PCA. Appends to *messages (may be nullptr) what was dropped or capped.
  // Errors: INVALID_ARGUMENT for an invalid schema or settings, for no rows, for features whose column no row has, or
  // for a context of more than kMaxDimension terms. REQUIRES: the lists are equally long.
  static absl::StatusOr<Pipeline> Fit(const FeatureSchema& schema, const CounterSettings& settings,
                                      const TrainingRows& rows, std::vector<std::string>* messages);

  // Without history: configured centres and scales, listed vocabularies, no PCA (every column passes by).
  // Errors: as Fit; and INVALID_ARGUMENT listing the numeric and age features without scaling and the categories
  // without a listed vocabulary. Defaults (center, scale): 0/1 columns and counts 0, 1; age since last: those of the
  // uniform distribution up to the cap (without transform; 0, 1 with it); smoothed rate: prior rate p and
  // sqrt(p (1 - p) / (strength + 1)), the deviation of the Beta prior that it amounts to.
  static absl::StatusOr<Pipeline> FromSchema(const FeatureSchema& schema, const CounterSettings& settings);

  // Errors: DATA_LOSS naming the part whose sizes or values do not fit its schema.
  static absl::StatusOr<Pipeline> FromProto(const model::v1::FittedPipeline& proto);
  model::v1::FittedPipeline ToProto() const;

  const FeatureExtractor& extractor() const { return extractor_; }

  // z~_c and z~_r, layout().customer_dim and layout().recommendation_dim numbers; p_cr, layout().pair_dim numbers.
  // All finite; values beyond their bounds count as the bound and are counted (bounds.h). REQUIRES: read by
  // extractor(), or one of the same schema.
  Eigen::VectorXd EncodeCustomer(const RawSide& raw) const;
  Eigen::VectorXd EncodeRecommendation(const RawSide& raw) const;
  Eigen::VectorXd EncodePair(const RawSide& raw) const;

  bandit::ContextLayout layout() const;

  // A name per term of the context, in its order: "intercept", "customer.pc1 * recommendation.price", ...
  std::vector<std::string> TermNames() const;

  // The principal components of both sides, named as in TermNames ("customer.pc1: pages, sections").
  std::vector<SideEncoder::Component> Components() const;

  // Exposures it was fitted on; 0 = from the schema alone.
  int64_t fitted_rows() const { return fitted_rows_; }

 private:
  Pipeline(FeatureExtractor extractor, SideEncoder customer, SideEncoder recommendation, PairEncoder pair,
           int64_t fitted_rows);

  absl::Status CheckDimension() const;

  FeatureExtractor extractor_;
  SideEncoder customer_, recommendation_;
  PairEncoder pair_;
  int64_t fitted_rows_;
};

}  // namespace suggest::features

#endif  // FEATURES_PIPELINE_H_
