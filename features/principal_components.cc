#include "features/principal_components.h"

#include <Eigen/Eigenvalues>
#include <algorithm>
#include <cmath>
#include <limits>

#include "bandit/base/check.h"

namespace suggest::features {
namespace {

int RankOf(const Eigen::VectorXd& descending) {
  const double threshold = 8.0 * static_cast<double>(descending.size()) * std::numeric_limits<double>::epsilon() *
                           std::max(descending(0), 0.0);
  int rank = 0;
  while (rank < descending.size() && descending(rank) > threshold) ++rank;
  return rank;
}

int ComponentsFor(const config::v1::Pca& size, const Eigen::VectorXd& descending, double total, int rank) {
  if (size.size_case() == config::v1::Pca::kComponents) return std::min(size.components(), rank);
  double held = 0;
  int k = 0;
  while (k < rank && held < (size.variance_share() - 1e-12) * total) held += descending(k++);
  return std::max(k, std::min(rank, 1));
}

// +1 or -1 such that the entry of largest magnitude becomes positive. Entries equal to 1e-12 count as equal, so that
// rounding does not choose between them.
double SignOf(const Eigen::VectorXd& loading) {
  const double largest = loading.cwiseAbs().maxCoeff();
  Eigen::Index i = 0;
  while (std::abs(loading(i)) < largest - 1e-12) ++i;
  return loading(i) < 0 ? -1.0 : 1.0;
}

}  // namespace

PrincipalComponents FindPrincipalComponents(const Eigen::MatrixXd& covariance, const config::v1::Pca& size) {
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> solver(covariance);
  SUGGEST_CHECK(solver.info() == Eigen::Success);
  const Eigen::VectorXd descending = solver.eigenvalues().reverse();
  PrincipalComponents result;
  result.rank = RankOf(descending);
  const double total = descending.head(result.rank).sum();
  const int k = ComponentsFor(size, descending, total, result.rank);
  result.loadings.resize(k, covariance.cols());
  for (int j = 0; j < k; ++j) {
    const Eigen::VectorXd v = solver.eigenvectors().col(covariance.cols() - 1 - j);
    result.loadings.row(j) = SignOf(v) * v.transpose();
  }
  result.deviations = descending.head(k).cwiseSqrt();
  result.variance_share = total > 0 ? std::min(1.0, descending.head(k).sum() / total) : 0;
  return result;
}

}  // namespace suggest::features
