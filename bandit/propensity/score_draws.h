// Draws of many candidates' scores, kLanes at a time, as propensities are counted from (propensity_estimator.h).
#ifndef BANDIT_PROPENSITY_SCORE_DRAWS_H_
#define BANDIT_PROPENSITY_SCORE_DRAWS_H_

#include <Eigen/Core>
#include <cstdint>
#include <limits>
#include <vector>

#include "bandit/base/random.h"
#include "bandit/model/weight_space.h"
#include "bandit/propensity/normal_points.h"
#include "bandit/propensity/propensity_question.h"

namespace suggest::bandit {

inline constexpr float kNeverReached = -std::numeric_limits<float>::infinity();
using Lanes = float[kLanes];

// features * x, in a fixed order.
Eigen::VectorXd Product(const Eigen::MatrixXd& features, const Eigen::VectorXd& x);

// C a, with C = L L'.
Eigen::VectorXd TimesCovariance(const JointNormal& weights, const Eigen::VectorXd& a);

// A column per row, for the products with WeightDraws: its mean score above that of the `slate`-th best, then the row
// relative to `centre`. So the scores that compete for a slot are small numbers.
Eigen::MatrixXf Centred(const PropensityQuestion& q, const Eigen::MatrixXd& rows, const Eigen::VectorXd& centre);

// The blocks of points that one question uses: numbered, and other ones for another decision.
class Blocks {
 public:
  Blocks(int dim, CounterRng rng);

  const float* At(int index) const {
    return points_.block(static_cast<int>((first_ + static_cast<uint32_t>(index) * step_) % kNormalBlocks));
  }
  // Which dimensions are flipped: -1 or 1 each.
  const std::vector<double>& signs() const { return signs_; }

 private:
  const NormalPoints& points_;
  uint32_t first_ = 0;
  uint32_t step_ = 1;
  std::vector<double> signs_;
};

// Draws of w without its mean. Keeps a reference to `points`.
class WeightDraws {
 public:
  WeightDraws(const PropensityQuestion& q, const Blocks& points);

  // Rows of [.][lane] of a block: ones, then v L times its normals. Good until the next call.
  const float* At(int block);

 private:
  const Blocks& points_;
  const int dim_;
  std::vector<float> factor_;  // v L with the signs, dim x dim, row by row
  std::vector<float> w_;
};

}  // namespace suggest::bandit

#endif  // BANDIT_PROPENSITY_SCORE_DRAWS_H_
