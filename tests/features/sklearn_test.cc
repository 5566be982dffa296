// Equality with scikit-learn's StandardScaler and PCA (svd_solver="full") on the same matrix to 1e-8: up to sign, and
// up to a rotation within eigenspaces whose eigenvalues are tied. Skipped, and says so, where python3-sklearn is not
// installed (deploy/install_packages brings it).
#include <gtest/gtest.h>
#include <unistd.h>

#include <Eigen/Core>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <random>

#include "features/side_encoder.h"
#include "tests/features/feature_test_support.h"

namespace suggest::features {
namespace {

constexpr char kPython[] = "/usr/bin/python3";
constexpr double kTolerance = 1e-8;

using RowMajor = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

bool HasSklearn() {
  return std::system(absl::StrCat(kPython, " -c 'import sklearn' > /dev/null 2>&1").c_str()) == 0;
}

struct Case {
  const char* name;
  RowMajor matrix;
  int components;  // asked for
  bool whiten;
};

void PrintTo(const Case& c, std::ostream* out) {
  *out << c.name;
}

RowMajor RandomMatrix(int rows, int columns, unsigned seed) {
  std::mt19937 bits(seed);
  RowMajor matrix(rows, columns);
  for (int i = 0; i < rows; ++i) {
    for (int j = 0; j < columns; ++j) matrix(i, j) = static_cast<double>(bits()) / 4294967296.0;
  }
  return matrix;
}

// Columns of very different units, mixed so that they are correlated.
RowMajor Generic() {
  RowMajor matrix = RandomMatrix(300, 12, 1) * RandomMatrix(12, 12, 2);
  for (int j = 0; j < 12; ++j) matrix.col(j) = matrix.col(j).array() * std::pow(10.0, j - 4) + 3 * j;
  return matrix;
}

// Five free columns, a copy, a sum of two, and an exhaustive set of 0/1 columns: rank 5 + 2.
RowMajor RankDeficient() {
  RowMajor matrix(240, 10);
  matrix.leftCols(5) = RandomMatrix(240, 5, 3);
  matrix.col(5) = 7 * matrix.col(0);
  matrix.col(6) = matrix.col(1) + matrix.col(2);
  for (int i = 0; i < 240; ++i) {
    for (int j = 0; j < 3; ++j) matrix(i, 7 + j) = i % 3 == j ? 1 : 0;
  }
  return matrix;
}

// A full factorial design: four uncorrelated columns, all eigenvalues tied, beside two that are correlated.
RowMajor Tied() {
  RowMajor matrix(64, 6);
  for (int i = 0; i < 64; ++i) {
    for (int j = 0; j < 6; ++j) matrix(i, j) = (i >> j) & 1;
    matrix(i, 5) = 2 * matrix(i, 5) + matrix(i, 4);
  }
  return matrix;
}

// More columns than rows.
RowMajor Wide() {
  return RandomMatrix(9, 20, 5);
}

FeatureSchema SchemaFor(const Case& c) {
  FeatureSchema schema;
  for (int j = 0; j < c.matrix.cols(); ++j) {
    Feature* feature = schema.add_features();
    feature->set_name(absl::StrCat("x", j));
    feature->set_side(Feature::CUSTOMER);
    feature->mutable_numeric()->set_column(absl::StrCat("x", j));
  }
  schema.mutable_customer_pca()->set_components(c.components);
  schema.mutable_customer_pca()->set_whiten(c.whiten);
  return schema;
}

// Our encodings of the matrix, a row each, without the leading 1.
// As the encoder has them: the pipeline rounds to single precision after it.
RowMajor Ours(const Case& c) {
  std::vector<RawSide> rows;
  for (int i = 0; i < c.matrix.rows(); ++i) rows.push_back({{c.matrix.row(i).begin(), c.matrix.row(i).end()}, {}});
  const FeatureSchema schema = SchemaFor(c);
  std::vector<std::string> messages;
  const SideEncoder encoder =
      *SideEncoder::Fit(FeaturesOfSide(schema, Feature::CUSTOMER), rows, &schema.customer_pca(), &messages);
  RowMajor encoded(c.matrix.rows(), encoder.dim());
  for (int i = 0; i < c.matrix.rows(); ++i) encoded.row(i) = encoder.Encode(rows[i]);
  return encoded;
}

struct Theirs {
  Eigen::VectorXd variances;  // of the components
  RowMajor encoded;
};

// Runs scikit-learn in a process of its own; matrices pass through files as raw doubles.
Theirs Sklearn(const Case& c, int components) {
  const std::string stem = absl::StrCat(testing::TempDir(), "/sklearn_", getpid(), "_", c.name);
  std::ofstream(stem + ".in", std::ios::binary)
      .write(reinterpret_cast<const char*>(c.matrix.data()), c.matrix.size() * sizeof(double));
  const std::string script = absl::StrCat(
      "import numpy, sklearn.preprocessing, sklearn.decomposition\n"
      "x = numpy.fromfile('",
      stem, ".in').reshape(", c.matrix.rows(), ", ", c.matrix.cols(), ")\n",
      "x = sklearn.preprocessing.StandardScaler().fit_transform(x)\n"
      "pca = sklearn.decomposition.PCA(",
      components, ", whiten=", c.whiten ? "True" : "False",
      ", svd_solver='full').fit(x)\n"
      "pca.explained_variance_.tofile('",
      stem, ".variances')\n", "numpy.ascontiguousarray(pca.transform(x)).tofile('", stem, ".encoded')\n");
  std::ofstream(stem + ".py") << script;
  SUGGEST_CHECK(std::system(absl::StrCat(kPython, " ", stem, ".py").c_str()) == 0);
  Theirs theirs{Eigen::VectorXd(components), RowMajor(c.matrix.rows(), components)};
  const auto read = [](const std::string& file, double* out, size_t count) {
    std::ifstream stream(file, std::ios::binary);
    stream.read(reinterpret_cast<char*>(out), count * sizeof(double));
    SUGGEST_CHECK(stream.gcount() == static_cast<std::streamsize>(count * sizeof(double)));
  };
  read(stem + ".variances", theirs.variances.data(), components);
  read(stem + ".encoded", theirs.encoded.data(), theirs.encoded.size());
  for (const char* ending : {".in", ".py", ".variances", ".encoded"}) std::remove((stem + ending).c_str());
  return theirs;
}

// Ends of the groups of tied variances.
std::vector<int> GroupEnds(const Eigen::VectorXd& variances) {
  std::vector<int> ends;
  for (int j = 1; j <= variances.size(); ++j) {
    if (j == variances.size() || variances(j) < variances(j - 1) * (1 - 1e-9)) ends.push_back(j);
  }
  return ends;
}

class SklearnTest : public ::testing::TestWithParam<Case> {};

TEST_P(SklearnTest, EncodingsAgreeUpToSignAndWithinTiedEigenspaces) {
  if (!HasSklearn()) GTEST_SKIP() << "python3-sklearn is not installed: " << kPython << " cannot import sklearn";
  const Case& c = GetParam();
  const RowMajor ours = Ours(c);
  const Theirs theirs = Sklearn(c, static_cast<int>(ours.cols()));
  int begin = 0;
  for (const int end : GroupEnds(theirs.variances)) {
    const RowMajor a = ours.middleCols(begin, end - begin), b = theirs.encoded.middleCols(begin, end - begin);
    // a = b R with R orthogonal exactly if a a^T = b b^T; for one column R is a sign.
    const double scale = c.whiten ? 1 : theirs.variances(begin);
    EXPECT_LT((a * a.transpose() - b * b.transpose()).cwiseAbs().maxCoeff(), kTolerance * std::max(1.0, scale))
        << "components " << begin << " to " << end - 1;
    if (end - begin == 1) {
      const double sign = (a.transpose() * b)(0) < 0 ? -1 : 1;
      EXPECT_LT((a - sign * b).cwiseAbs().maxCoeff(), kTolerance) << "component " << begin;
    }
    begin = end;
  }
}

INSTANTIATE_TEST_SUITE_P(All, SklearnTest,
                         ::testing::Values(Case{"generic", Generic(), 12, false}, Case{"few", Generic(), 4, false},
                                           Case{"whitened", Generic(), 12, true},
                                           Case{"rank_deficient", RankDeficient(), 10, false},
                                           Case{"rank_deficient_whitened", RankDeficient(), 10, true},
                                           Case{"tied", Tied(), 6, false}, Case{"tied_whitened", Tied(), 6, true},
                                           Case{"wide", Wide(), 20, false}),
                         [](const auto& info) { return std::string(info.param.name); });

TEST(SklearnCasesTest, TheRankIsFoundAndTheComponentsCappedAtIt) {
  EXPECT_EQ(Ours({"", RankDeficient(), 10, false}).cols(), 7);
  EXPECT_EQ(Ours({"", Wide(), 20, false}).cols(), 8);
  EXPECT_EQ(Ours({"", Generic(), 12, false}).cols(), 12);
}

}  // namespace
}  // namespace suggest::features
