// Ridge logistic regression by Newton's method (M24): a few dozen to a few hundred inputs, all rows in memory.
//
//   minimise  -sum_i m_i [y_i log p_i + (1 - y_i) log(1 - p_i)] + (ridge/2) |w - w_0|^2,   p_i = 1 / (1 + exp(-w'x_i)),
//   step      (X' diag(m p (1-p)) X + ridge I)^-1 (X' diag(m) (y - p) - ridge (w - w_0)),
// halved until the objective does not rise (iteratively reweighted least squares; McCullagh and Nelder, Generalized
// Linear Models, 1989, section 2.5). The ridge makes it strictly convex, so separable data have a finite answer, and no
// data give w_0. Deterministic: exponentials of our own, sums in a fixed order.
//
// Cost: n d^2 multiply-adds and a Cholesky a step, about ten steps. Thread-safe: no state.
#ifndef BANDIT_MODEL_LOGISTIC_H_
#define BANDIT_MODEL_LOGISTIC_H_

#include <Eigen/Core>

#include "absl/status/statusor.h"

namespace suggest::bandit {

// 1 / (1 + e^-x), without overflow.
double Sigmoid(double x);
// log(1 + e^x), without overflow.
double LogOnePlusExp(double x);

struct LogisticOptions {
  double ridge = 1;          // > 0
  int max_steps = 50;        // >= 1
  double tolerance = 1e-10;  // on the largest change of a weight
};

// The weights w. `labels` in [0, 1]; `weights` >= 0, or of length 0 for all 1; `center` = w_0 gives the number of
// inputs. Errors: INVALID_ARGUMENT for lengths that differ, a ridge that is not positive, a label or weight outside its
// range, or a number that is not finite; INTERNAL when max_steps did not suffice.
absl::StatusOr<Eigen::VectorXd> FitLogistic(const Eigen::MatrixXd& rows, const Eigen::VectorXd& labels,
                                            const Eigen::VectorXd& weights, const Eigen::VectorXd& center,
                                            const LogisticOptions& options = {});

// The rows of one regression, grown one at a time. Not thread-safe.
class LogisticRows {
 public:
  // REQUIRES: at most `capacity` rows are added.
  LogisticRows(Eigen::Index capacity, int dim) : inputs_(capacity, dim), labels_(capacity), weights_(capacity) {}

  void Add(const Eigen::VectorXd& input, bool label, double weight) {
    inputs_.row(count_) = input;
    labels_[count_] = label ? 1.0 : 0.0;
    weights_[count_++] = weight;
  }
  Eigen::Index size() const { return count_; }

  // Errors: those of FitLogistic.
  absl::StatusOr<Eigen::VectorXd> Fit(const Eigen::VectorXd& center, double ridge) const {
    return FitLogistic(inputs_.topRows(count_), labels_.head(count_), weights_.head(count_), center, {.ridge = ridge});
  }

 private:
  Eigen::MatrixXd inputs_;
  Eigen::VectorXd labels_;
  Eigen::VectorXd weights_;
  Eigen::Index count_ = 0;
};

}  // namespace suggest::bandit

#endif  // BANDIT_MODEL_LOGISTIC_H_
