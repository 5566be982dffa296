// From the raw features of the customer or of the recommendation to its part of the context, [z; passed-by]:
//
//   x_i = (column_i - center_i) / scale_i       center and scale: mean and standard deviation (n in the denominator)
//   z   = V_k^T x over the columns that do not pass by (principal_components.h), whitened if the schema says so
//
// Numbers are within bounds before they are standardised, and components before they are whitened (bounds.h): their
// centres, scales and loadings are those of the bounded training rows.
// Columns that do not vary in the training history are dropped, with a message. Without history (FromSchema) centre and
// scale come from the schema and every column passes by: that keeps all information, where any rotation or choice of
// columns without data would be arbitrary. Sums run in a fixed order: the same bits on every machine.
//
// Cost: O(k p) per encoding. Threads: const after creation.
#ifndef FEATURES_SIDE_ENCODER_H_
#define FEATURES_SIDE_ENCODER_H_

#include <Eigen/Core>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "features/column_expander.h"
#include "features/raw_side.h"
#include "features/schema.h"
#include "suggest/model/v1/pipeline.pb.h"

namespace suggest::features {

class SideEncoder {
 public:
  // `pca` nullptr: all columns pass by. Appends to *messages what was dropped or capped.
  // Errors: those of ColumnExpander::Learn. Cost: O(n p^2 + p^3) time, O(p^2) memory beside the rows.
  static absl::StatusOr<SideEncoder> Fit(std::vector<Feature> features, absl::Span<const RawSide> rows,
                                         const config::v1::Pca* pca, std::vector<std::string>* messages);

  // REQUIRES: numeric and age features have scaling, categories a listed vocabulary.
  static SideEncoder FromSchema(std::vector<Feature> features);

  // Errors: DATA_LOSS naming the sizes or values that do not fit each other.
  static absl::StatusOr<SideEncoder> FromProto(std::vector<Feature> features, const config::v1::Pca* pca,
                                               const model::v1::FittedSide& fitted);

  model::v1::FittedSide ToProto() const;

  int dim() const { return static_cast<int>(deviations_.size() + passed_by_.size()); }

  // dim() numbers.
  Eigen::VectorXd Encode(const RawSide& raw) const;

  // How many values of `raw` are beyond their bounds.
  int CountClipped(const RawSide& raw) const { return columns_.CountClipped(raw); }

  // dim() names: the components', each with its heaviest features ("pc2: pages, sections"), then the columns' that pass
  // by. The heaviest features are those that hold half of a component's squared loadings, three at most.
  std::vector<std::string> TermNames() const;

  // What a component is made of.
  struct Component {
    std::string name;                                      // as in TermNames
    double deviation = 0;                                  // standard deviation on the training history
    std::vector<std::pair<std::string, double>> loadings;  // by column, largest magnitude first
  };
  std::vector<Component> Components() const;

 private:
  using Role = model::v1::FittedColumn::Role;
  struct Scale {
    Role role;
    double center, scale;
  };
  explicit SideEncoder(ColumnExpander columns) : columns_(std::move(columns)) {}

  void FitScales(absl::Span<const RawSide> rows, bool rotate, std::vector<std::string>* messages);
  void FitRotation(absl::Span<const RawSide> rows, const config::v1::Pca& pca, std::vector<std::string>* messages);
  Eigen::MatrixXd Covariance(absl::Span<const RawSide> rows) const;
  void FitComponentBounds(absl::Span<const RawSide> rows);
  // The rotated columns' components, as they are. `standardised`: of Standardise.
  void Rotate(const Eigen::VectorXd& standardised, absl::Span<double> components) const;
  Eigen::VectorXd Standardise(const RawSide& raw) const;
  void IndexRoles();
  std::string ComponentName(size_t component) const;
  absl::Status ReadRotation(const model::v1::FittedSide& fitted);

  ColumnExpander columns_;
  std::vector<Scale> scales_;             // by column
  std::vector<int> rotated_, passed_by_;  // columns by role, ascending
  Eigen::MatrixXd loadings_;              // k x rotated
  std::vector<double> deviations_;        // k
  std::vector<Bounds> component_bounds_;  // k, or none
  double variance_share_ = 0;
  bool whiten_ = false;
};

}  // namespace suggest::features

#endif  // FEATURES_SIDE_ENCODER_H_
