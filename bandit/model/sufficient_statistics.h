// The sums that a linear-Gaussian posterior is made of, without its prior (M6, M8).
//
//   B = sum_i w_i b_i b_i',   f = sum_i g_i b_i,   and of mature exposures also  n = sum 1, sum r, s = sum r^2.
// A mature exposure has w = 1 and g = r; a pending one has (w, g) from its delay mode (pending.h). Sums are never
// down-dated: what is forgotten is left out when buckets are summed again (day_buckets.h).
//
// Cost: d^2 + d doubles; an update is d (d + 1) / 2 multiply-adds. Not thread-safe: one writer.
#ifndef BANDIT_MODEL_SUFFICIENT_STATISTICS_H_
#define BANDIT_MODEL_SUFFICIENT_STATISTICS_H_

#include <Eigen/Core>
#include <vector>

#include "absl/status/statusor.h"

namespace suggest::bandit {

class SufficientStatistics {
 public:
  // All sums zero. REQUIRES: dim >= 1.
  explicit SufficientStatistics(int dim);

  // From stored parts. `lower` holds the lower triangle of B row by row, dim (dim + 1) / 2 numbers.
  // Errors: DATA_LOSS when lengths do not fit or a number is not finite.
  struct Parts {
    std::vector<double> lower;
    std::vector<double> moment;
    double weight = 0;
    double count = 0;
    double reward_sum = 0;
    double reward_square_sum = 0;
  };
  static absl::StatusOr<SufficientStatistics> FromParts(const Parts& parts);
  Parts ToParts() const;

  // B += w b b', f += g b. For pending exposures.
  // Errors: INVALID_ARGUMENT when b has another length, or anything is not finite, or w < 0; then nothing changes.
  absl::Status Add(const Eigen::VectorXd& context, double weight, double target);

  // Rows of `contexts` at once (n x dim), as n calls of Add would up to rounding, several times as fast.
  // Errors: as Add; then nothing changes.
  absl::Status AddBatch(const Eigen::MatrixXd& contexts, const Eigen::VectorXd& weights,
                        const Eigen::VectorXd& targets);

  // One exposure whose reward is final: w = 1, g = r, and it counts into n, sum r and s. Errors: as Add.
  absl::Status AddMature(const Eigen::VectorXd& context, double reward);

  // The reward of an exposure that AddMature saw has changed: f += (r_new - r_old) b, s += r_new^2 - r_old^2.
  // Exact whatever the order of corrections; B does not change. Errors: as Add.
  absl::Status AdjustMature(const Eigen::VectorXd& context, double old_reward, double new_reward);

  // *this += factor * other, for every sum. REQUIRES: the same dim.
  void AddScaled(const SufficientStatistics& other, double factor);

  int dim() const { return static_cast<int>(moment_.size()); }
  // Symmetric dim x dim; built from the lower triangle, so O(dim^2).
  Eigen::MatrixXd precision() const;
  // Only the lower triangle means anything.
  const Eigen::MatrixXd& precision_lower() const { return precision_; }
  const Eigen::VectorXd& moment() const { return moment_; }
  double weight() const { return weight_; }                        // sum of w
  double count() const { return count_; }                          // n: mature exposures (discounted: not whole)
  double reward_sum() const { return reward_sum_; }                // of mature exposures
  double reward_square_sum() const { return reward_square_sum_; }  // s

 private:
  absl::Status Check(const Eigen::VectorXd& context, double weight, double target) const;
  void AddUnchecked(const Eigen::VectorXd& context, double weight, double target);

  Eigen::MatrixXd precision_;
  Eigen::VectorXd moment_;
  double weight_ = 0;
  double count_ = 0;
  double reward_sum_ = 0;
  double reward_square_sum_ = 0;
};

}  // namespace suggest::bandit

#endif  // BANDIT_MODEL_SUFFICIENT_STATISTICS_H_
