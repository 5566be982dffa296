// The weights as one customer sees them (M12): w = A theta, of length m = recommendation_dim + pair_dim, so that the
// score of candidate j is a_j' w with a_j = [z~_j; p_j]. From theta ~ N(mu, sigma^2 Sigma) follows
//   w ~ N(A mu, sigma^2 A Sigma A'),
// exactly, pair weights jointly. FoldedPosterior makes it for a customer.
#ifndef BANDIT_MODEL_WEIGHT_SPACE_H_
#define BANDIT_MODEL_WEIGHT_SPACE_H_

#include <Eigen/Core>

#include "absl/types/span.h"
#include "bandit/base/random.h"

namespace suggest::bandit {

struct JointNormal {
  Eigen::VectorXd mean;
  Eigen::MatrixXd factor;  // lower triangular L, L L' = covariance (with sigma^2, without v^2)

  int dim() const { return static_cast<int>(mean.size()); }
};

// mean + scale * L e with e from the next dim() normals of the stream.
Eigen::VectorXd Draw(const JointNormal& weights, double scale, CounterRng& rng);

// sum_c row[c] w[c] + sum_p pair[p] w[row.size() + p], in this order. `pair` may be empty.
double FixedOrderScore(absl::Span<const double> row, absl::Span<const double> pair, const Eigen::VectorXd& w);

// sqrt(a' L L' a) for a = [row; pair]; an empty pair is zero.
double StandardDeviation(const JointNormal& weights, absl::Span<const double> row, absl::Span<const double> pair);

}  // namespace suggest::bandit

#endif  // BANDIT_MODEL_WEIGHT_SPACE_H_
