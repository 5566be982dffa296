// Principal component analysis, exact, from the second moments of the columns.
//
// With X the n x p matrix of rows less the column means, C = X^T X / (n - 1) = V diag(lambda) V^T (symmetric
// eigen-decomposition), component j is v_j with lambda_j the j-th largest; z = V_k^T x, divided by sqrt(lambda_j) when
// whitened. This is scikit-learn's PCA with svd_solver="full". Made unique: descending lambda, ties in the order of the
// decomposition; in each v_j the entry of largest magnitude (the first of equal ones, to 1e-12) is positive.
//
// The rank is the number of lambda_j > 8 p eps lambda_1; components past it hold rounding only and are cut off.
// Cost: O(p^3) once; the caller's accumulation of C is O(n p^2).
#ifndef FEATURES_PRINCIPAL_COMPONENTS_H_
#define FEATURES_PRINCIPAL_COMPONENTS_H_

#include <Eigen/Core>

#include "suggest/config/v1/features.pb.h"

namespace suggest::features {

struct PrincipalComponents {
  Eigen::MatrixXd loadings;    // k x p: row j is v_j
  Eigen::VectorXd deviations;  // k: sqrt(lambda_j), descending, > 0
  double variance_share = 0;   // of the k components, [0, 1]
  int rank = 0;
};

// As many components as `size` asks for, at most the rank. REQUIRES: covariance symmetric p x p and finite, p >= 1;
// `size` from a valid schema.
PrincipalComponents FindPrincipalComponents(const Eigen::MatrixXd& covariance, const config::v1::Pca& size);

}  // namespace suggest::features

#endif  // FEATURES_PRINCIPAL_COMPONENTS_H_
