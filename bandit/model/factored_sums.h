// Sums of many contexts that share parts: sufficient statistics of exposures in blocks, from their factors (M6).
//
// With interactions b = z_c (x) z_r, so b b' = (z_c z_c') (x) (z_r z_r'), and the slots of one decision share z_c:
//   sum_j w_j b_j b_j' = (z_c z_c') (x) sum_j w_j z_j z_j'.
// Both factors are symmetric. Hence all decisions together are one matrix product over half of each:
//   T[(i >= j), (r >= s)] = sum_n c_i c_j (sum_j w_j z_r z_s),
// of C (C + 1) / 2 x R (R + 1) / 2 entries, where (i, j) index the customer's part and (r, s) the recommendation's; B
// is read off T at the end. Pair features and contexts without interactions go in as blocks of whole rows.
//
// Contexts of one decision must follow each other to share their work; in another order the sums are the same up to
// rounding. The order of Add decides the last bits, and nothing else does.
//
// Cost: C (C + 1) R (R + 1) / 4 multiply-adds a decision (for C = R = 17: 23,409, against 41,905 a slot one by one),
// R (R + 1) / 2 a slot. Memory: T and two blocks, half a megabyte at C = R = 17. Not
// thread-safe.
#ifndef BANDIT_MODEL_FACTORED_SUMS_H_
#define BANDIT_MODEL_FACTORED_SUMS_H_

#include <Eigen/Core>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "bandit/model/context.h"
#include "bandit/model/sufficient_statistics.h"

namespace suggest::bandit {

class FactoredSums {
 public:
  explicit FactoredSums(const ContextLayout& layout);

  // B += w b b', f += g b. For pending exposures.
  // Errors: INVALID_ARGUMENT for a context that does not fit the layout, anything not finite, or w < 0; then nothing
  // changes.
  absl::Status Add(const FactoredContext& context, double weight, double target);

  // w = 1, g = r, and it counts into n, sum r and sum r^2. Errors: as Add.
  absl::Status AddMature(const FactoredContext& context, double reward);

  // Everything added so far.
  SufficientStatistics Sums();

 private:
  static constexpr int kBlock = 128;

  void AddMoment(const FactoredContext& context, double target);
  void AddProducts(const FactoredContext& context, double weight);
  void AddRow(const FactoredContext& context, double weight);
  void CloseDecision();
  void Flush();
  void ExpandProducts(Eigen::MatrixXd& precision) const;

  ContextLayout layout_;
  bool factored_;  // with interactions
  // The decision that is open: its z_c, and sum w z z' of its slots.
  Eigen::VectorXd customer_;
  Eigen::VectorXd slots_;
  bool open_ = false;
  // Closed decisions of the block, one column each.
  Eigen::MatrixXd customer_products_;
  Eigen::MatrixXd slot_products_;
  int columns_ = 0;
  Eigen::MatrixXd products_;  // T
  // Contexts that are not factored, or the pair features of those that are: rows of the block, weighted and not.
  Eigen::MatrixXd rows_;
  Eigen::MatrixXd weighted_rows_;
  int row_count_ = 0;
  Eigen::MatrixXd row_sums_;  // all of b when not factored, else its last pair_dim rows of B
  Eigen::VectorXd moment_;
  double weight_ = 0;
  double count_ = 0;
  double reward_sum_ = 0;
  double reward_square_sum_ = 0;
};

}  // namespace suggest::bandit

#endif  // BANDIT_MODEL_FACTORED_SUMS_H_
