// A posterior laid out so that one customer's weights come from it by two short, streaming passes (M12).
//
// w has a head that the customer folds and a tail that he leaves alone: w_head[r] = sum_c z_c theta[head(c, r)],
// w_tail[t] = theta[tail(t)]. kFull: the head is the R recommendation columns, the tail the pair features; kNone: the
// head is the intercept alone, of all customer columns, the tail the rest. Hence, with S = sigma^2 Sigma,
//   cov(w_r, w_r')  = sum_{c <= c'} z_c z_c' G_cc'[r, r'],  G_cc = S_cc,  G_cc' = S_cc' + S_c'c  (blocks of S),
//   cov(w_t, w_r)   = sum_c z_c S[tail(t), head(c, r)],      cov(w_t, w_t') = S[tail(t), tail(t')].
// All three are kept as packed rows, one per product or entry of z, and added up row by row in this order: each sum has
// one fixed order, so the bits do not depend on the width of the vectors (no fused multiply-add).
//
// Built once per model version, then immutable: any number of threads. Bytes: 8 x C(C+1)/2 x R(R+1)/2 for kFull, a
// quarter of Sigma's (187 kB at 17 x 17). Cost of one customer: as many multiply-adds (23,409), and (R + P)^3 / 6 for
// the Cholesky factor.
#ifndef BANDIT_MODEL_FOLDED_POSTERIOR_H_
#define BANDIT_MODEL_FOLDED_POSTERIOR_H_

#include <Eigen/Core>
#include <vector>

#include "absl/status/statusor.h"
#include "bandit/model/context.h"
#include "bandit/model/posterior.h"
#include "bandit/model/weight_space.h"

namespace suggest::bandit {

class FoldedPosterior {
 public:
  // REQUIRES: posterior.dim() == layout.dim().
  FoldedPosterior(const Posterior& posterior, const ContextLayout& layout);

  const ContextLayout& layout() const { return layout_; }

  // The customer's weights. REQUIRES: customer.size() == layout().customer_dim.
  // Errors: INTERNAL when the covariance has a number that is not finite or a pivot below zero by more than rounding.
  absl::StatusOr<JointNormal> Fold(const Eigen::VectorXd& customer) const;

 private:
  // Index in theta of a folded term, of an untouched one.
  int Head(int c, int r) const;
  int Tail(int t) const;
  void PackCovariance(const Posterior& posterior);

  ContextLayout layout_;
  int head_ = 0;
  int tail_ = 0;
  std::vector<double> mean_head_;  // C rows of head_
  std::vector<double> mean_tail_;  // tail_
  std::vector<double> quadratic_;  // C (C + 1) / 2 rows of head_ (head_ + 1) / 2, lower triangles by column
  std::vector<double> linear_;     // C rows of tail_ x head_, by column r
  std::vector<double> constant_;   // tail_ (tail_ + 1) / 2, a lower triangle by column
};

}  // namespace suggest::bandit

#endif  // BANDIT_MODEL_FOLDED_POSTERIOR_H_
