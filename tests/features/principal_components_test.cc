// The oracle here is power iteration with deflation in long double on a covariance computed by hand: slow, simple, and
// shares no code with the eigen-decomposition. tests/features/sklearn_test.cc compares with scikit-learn.
#include "features/principal_components.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <vector>

namespace suggest::features {
namespace {

using Matrix = std::vector<std::vector<long double>>;

config::v1::Pca Keep(int k) {
  config::v1::Pca pca;
  pca.set_components(k);
  return pca;
}

config::v1::Pca Share(double share) {
  config::v1::Pca pca;
  pca.set_variance_share(share);
  return pca;
}

struct Pair {
  long double value;
  std::vector<long double> vector;
};

Pair PowerIteration(const Matrix& a) {
  std::vector<long double> v(a.size());
  for (size_t i = 0; i < v.size(); ++i) v[i] = 1 + 0.1L * static_cast<long double>(i);
  long double norm = 0;
  for (int step = 0; step < 20000; ++step) {
    std::vector<long double> next(v.size(), 0);
    norm = 0;
    for (size_t i = 0; i < v.size(); ++i) {
      for (size_t j = 0; j < v.size(); ++j) next[i] += a[i][j] * v[j];
      norm += next[i] * next[i];
    }
    norm = std::sqrt(norm);
    for (size_t i = 0; i < v.size(); ++i) v[i] = next[i] / norm;
  }
  return {norm, v};
}

void Deflate(const Pair& pair, Matrix* a) {
  for (size_t i = 0; i < a->size(); ++i) {
    for (size_t j = 0; j < a->size(); ++j) (*a)[i][j] -= pair.value * pair.vector[i] * pair.vector[j];
  }
}

// A covariance with known eigenvalues and random eigenvectors.
Eigen::MatrixXd CovarianceOf(const Eigen::VectorXd& eigenvalues, unsigned seed) {
  std::mt19937 bits(seed);
  const int p = static_cast<int>(eigenvalues.size());
  std::vector<Eigen::VectorXd> basis;
  for (int j = 0; j < p; ++j) {  // Gram-Schmidt, twice for orthogonality to rounding
    Eigen::VectorXd v(p);
    for (int i = 0; i < p; ++i) v(i) = static_cast<double>(bits()) / 4294967296.0 - 0.5;
    for (int round = 0; round < 2; ++round) {
      for (const Eigen::VectorXd& other : basis) v -= other.dot(v) * other;
    }
    basis.push_back(v / v.norm());
  }
  Eigen::MatrixXd sum = Eigen::MatrixXd::Zero(p, p);
  for (int j = 0; j < p; ++j) sum += eigenvalues(j) * basis[j] * basis[j].transpose();
  return (sum + sum.transpose()) / 2;
}

Matrix ToLongDouble(const Eigen::MatrixXd& a) {
  Matrix result(a.rows(), std::vector<long double>(a.cols()));
  for (int i = 0; i < a.rows(); ++i) {
    for (int j = 0; j < a.cols(); ++j) result[i][j] = a(i, j);
  }
  return result;
}

TEST(PrincipalComponentsTest, AgreesWithPowerIterationUpToSign) {
  Eigen::VectorXd eigenvalues(6);
  eigenvalues << 5, 3, 2, 1, 0.5, 0.1;
  const Eigen::MatrixXd covariance = CovarianceOf(eigenvalues, 7);
  const PrincipalComponents found = FindPrincipalComponents(covariance, Keep(6));
  Matrix rest = ToLongDouble(covariance);
  ASSERT_EQ(found.loadings.rows(), 6);
  for (int j = 0; j < 6; ++j) {
    const Pair oracle = PowerIteration(rest);
    Deflate(oracle, &rest);
    EXPECT_NEAR(found.deviations(j), static_cast<double>(std::sqrt(oracle.value)), 1e-12);
    double dot = 0;
    for (int i = 0; i < 6; ++i) dot += found.loadings(j, i) * static_cast<double>(oracle.vector[i]);
    const double sign = dot < 0 ? -1 : 1;
    for (int i = 0; i < 6; ++i) {
      EXPECT_NEAR(found.loadings(j, i), sign * static_cast<double>(oracle.vector[i]), 1e-11) << j << " " << i;
    }
  }
}

TEST(PrincipalComponentsTest, LargestLoadingIsPositive) {
  Eigen::VectorXd eigenvalues(5);
  eigenvalues << 5, 4, 3, 2, 1;
  for (unsigned seed = 1; seed <= 20; ++seed) {
    const PrincipalComponents found = FindPrincipalComponents(CovarianceOf(eigenvalues, seed), Keep(5));
    for (int j = 0; j < 5; ++j) {
      Eigen::Index largest;
      found.loadings.row(j).cwiseAbs().maxCoeff(&largest);
      EXPECT_GT(found.loadings(j, largest), 0);
    }
  }
}

TEST(PrincipalComponentsTest, EqualLargestLoadingsTakeTheFirst) {
  Eigen::MatrixXd covariance(2, 2);
  covariance << 1, -0.5, -0.5, 1;  // components (1, -1) and (1, 1), both over sqrt(2)
  const PrincipalComponents found = FindPrincipalComponents(covariance, Keep(2));
  EXPECT_NEAR(found.loadings(0, 0), std::sqrt(0.5), 1e-15);
  EXPECT_NEAR(found.loadings(0, 1), -std::sqrt(0.5), 1e-15);
  EXPECT_NEAR(found.loadings(1, 0), std::sqrt(0.5), 1e-15);
}

TEST(PrincipalComponentsTest, CapsAtTheRank) {
  Eigen::VectorXd eigenvalues(6);
  eigenvalues << 5, 3, 2, 0, 0, 0;
  const PrincipalComponents found = FindPrincipalComponents(CovarianceOf(eigenvalues, 3), Keep(5));
  EXPECT_EQ(found.rank, 3);
  EXPECT_EQ(found.loadings.rows(), 3);
  EXPECT_EQ(found.variance_share, 1);
  EXPECT_EQ(FindPrincipalComponents(CovarianceOf(eigenvalues, 3), Share(1)).loadings.rows(), 3);
}

TEST(PrincipalComponentsTest, TakesTheFewestComponentsThatHoldTheShare) {
  Eigen::VectorXd eigenvalues(4);
  eigenvalues << 5, 3, 1.5, 0.5;
  const Eigen::MatrixXd covariance = CovarianceOf(eigenvalues, 5);
  EXPECT_EQ(FindPrincipalComponents(covariance, Share(1e-15)).loadings.rows(), 1);
  EXPECT_EQ(FindPrincipalComponents(covariance, Share(0.4)).loadings.rows(), 1);
  EXPECT_EQ(FindPrincipalComponents(covariance, Share(0.8)).loadings.rows(), 2);
  EXPECT_EQ(FindPrincipalComponents(covariance, Share(0.81)).loadings.rows(), 3);
  EXPECT_NEAR(FindPrincipalComponents(covariance, Share(0.7)).variance_share, 0.8, 1e-12);
}

}  // namespace
}  // namespace suggest::features
