// What propensities are asked of (propensity_estimator.h).
#ifndef BANDIT_PROPENSITY_QUESTION_H_
#define BANDIT_PROPENSITY_QUESTION_H_

#include <Eigen/Core>
#include <functional>

#include "bandit/weight_space.h"

namespace suggest::bandit {

inline constexpr double kNeglected = 1e-3;
inline constexpr int kMaxPropensityDraws = 16384;

struct PropensityQuestion {
  const Eigen::MatrixXd& features;  // one row a_k' per eligible candidate, in the order that breaks ties
  const JointNormal& weights;
  double scale = 0.5;             // v > 0
  int slate = 1;                  // slots that the policy fills
  int draws = 128;                // rounded up to whole blocks, at least two; at most kMaxPropensityDraws
  double neglected = kNeglected;  // 0 <: expected slots that pruning may overlook; 0: prunes nothing
  // Asked before each block of draws; when it says false, nothing is estimated. Empty: no bound.
  std::function<bool()> time_left = {};
};

struct PropensityTarget {
  int row = 0;    // of features
  int rank = -1;  // whose probability at_rank is; -1: not asked for
};

}  // namespace suggest::bandit

#endif  // BANDIT_PROPENSITY_QUESTION_H_
