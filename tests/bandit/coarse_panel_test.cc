#include "bandit/coarse_panel.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "bandit/score_kernel.h"
#include "bandit/weight_space.h"
#include "tests/bandit/fixture.h"

namespace suggest::bandit {
namespace {

using Eigen::VectorXd;

// The whole-number scores of the rows, by this kernel.
std::vector<int32_t> Scores(const CoarsePanel& panel, const CoarsePanel::Weights& weights, NextHit kernel) {
  const std::vector<uint64_t> everyone(panel.blocks(), ~uint64_t{0});
  const ScorePass pass{panel.data(), panel.pairs(), panel.blocks(), weights.pairs.data(), everyone.data()};
  std::vector<int32_t> scores(static_cast<size_t>(panel.blocks()) * kPanelRows);
  for (int block = 0; block < panel.blocks(); ++block) {
    uint64_t hits = 0;
    EXPECT_EQ(kernel(pass, block, INT32_MIN, &scores[static_cast<size_t>(block) * kPanelRows], &hits), block);
    EXPECT_EQ(hits, ~uint64_t{0});
  }
  return scores;
}

// Many magnitudes of weights and columns: no score is further off than the bound says, and it says little.
TEST(CoarsePanel, StaysWithinTheProvenBound) {
  CounterRng rng(Seed{45}, 0);
  NextHit kernels[3];
  const int available = AvailableNextHit(kernels);
  for (int repeat = 0; repeat < 100; ++repeat) {
    const int cols = 2 + static_cast<int>(rng.Below(60));
    const CandidateMatrix catalogue = RandomCatalogue(100, cols, rng);
    VectorXd w = std::exp(10 * rng.NextNormal()) * RandomVector(cols, rng);
    if (repeat % 3 == 0) w[1] *= 1e4;
    const CoarsePanel::Weights weights = catalogue.coarse().Quantise(w);
    ASSERT_EQ(static_cast<int>(weights.pairs.size()), cols / 2);
    EXPECT_LT(weights.bound, 0.002 * 0x1p31) << "of the largest score";
    const std::vector<int32_t> scores = Scores(catalogue.coarse(), weights, kernels[0]);
    for (int k = 1; k < available; ++k) EXPECT_EQ(Scores(catalogue.coarse(), weights, kernels[k]), scores);
    std::vector<double> errors;
    for (int j = 0; j < 100; ++j) {
      errors.push_back(FixedOrderScore(catalogue.row(j), {}, w) / weights.unit - scores[j]);
    }
    // The constant is not known, so twice the bound at most is between any two.
    const auto [lowest, highest] = std::minmax_element(errors.begin(), errors.end());
    EXPECT_LE(*highest - *lowest, 2 * weights.bound) << repeat;
    EXPECT_GT(*highest - *lowest, 1e-3 * weights.bound) << repeat;
    for (size_t j = 100; j < scores.size(); ++j) EXPECT_EQ(scores[j], 0) << "padding";
  }
}

// The largest sum that there can be: all weights alike, all numbers at the end of their range.
TEST(CoarsePanel, ScoresDoNotOverflow) {
  for (const int cols : {1, 2, 7, 64}) {
    std::vector<double> values;
    for (int j = 0; j < 64; ++j) values.insert(values.end(), cols, j % 2 == 0 ? 1.0 : -1.0);
    const CoarsePanel panel(values, cols);
    const CoarsePanel::Weights weights = panel.Quantise(VectorXd::Ones(cols));
    NextHit kernels[3];
    for (int k = AvailableNextHit(kernels); k-- > 0;) {
      const std::vector<int32_t> scores = Scores(panel, weights, kernels[k]);
      EXPECT_NEAR(scores[0] * weights.unit, cols, 1e-3 * cols);
      EXPECT_EQ(scores[1], -scores[0]);
    }
  }
}

TEST(CoarsePanel, ColumnsThatDoNotVaryAreLeftOut) {
  const CoarsePanel panel({1.0, 5.0, 2.0, 1.0, 5.0, 3.0}, 3);
  EXPECT_EQ(panel.pairs(), 1);
  EXPECT_EQ(CoarsePanel({1.0, 5.0, 1.0, 5.0}, 2).pairs(), 0);
}

TEST(CoarsePanel, SaysWhatItIsOfNoUseFor) {
  const CoarsePanel panel({1.0, 2.0, 1.0, 3.0}, 2);
  EXPECT_FALSE(panel.Quantise(VectorXd::Ones(2)).pairs.empty());
  EXPECT_FALSE(panel.Quantise(VectorXd::Zero(2)).pairs.empty());
  EXPECT_TRUE(panel.Quantise(VectorXd::Constant(2, 1e30)).pairs.empty());
  EXPECT_TRUE(panel.Quantise(VectorXd::Constant(2, 1e-300)).pairs.empty());
  EXPECT_TRUE(panel.Quantise(VectorXd::Constant(2, std::nan(""))).pairs.empty());
  const CoarsePanel huge({1.0, -1e200, 2.0, 1e200}, 2);
  EXPECT_TRUE(huge.Quantise(Eigen::Vector2d(1, 1)).pairs.empty());
  EXPECT_TRUE(huge.Quantise(Eigen::Vector2d(1, 1e-190)).pairs.empty());
}

// Every kernel stops at exactly the blocks in which an eligible lane reaches the threshold.
TEST(ScoreKernel, FindsEveryEligibleLaneAtTheThreshold) {
  std::vector<double> values(1000, -1.0);
  for (const int row : {5, 255, 960, 991}) values[row] = 1.0;
  const CoarsePanel panel(values, 1);
  const CoarsePanel::Weights weights = panel.Quantise(VectorXd::Ones(1));
  NextHit kernels[3];
  const int available = AvailableNextHit(kernels);
  std::vector<uint64_t> eligible(16, 0);
  eligible[3] = uint64_t{1} << 63;
  eligible[15] = 0x80000001;
  const ScorePass pass{panel.data(), 1, 16, weights.pairs.data(), eligible.data()};
  for (int k = 0; k < available; ++k) {
    int32_t scores[kPanelRows];
    uint64_t hits = 0;
    EXPECT_EQ(kernels[k](pass, 0, INT32_MIN, scores, &hits), 3);
    const int32_t most = scores[63];
    EXPECT_EQ(kernels[k](pass, 0, most, scores, &hits), 3);
    EXPECT_EQ(hits, eligible[3]);
    EXPECT_EQ(scores[0], -most);
    EXPECT_EQ(kernels[k](pass, 4, most, scores, &hits), 15);
    EXPECT_EQ(hits, eligible[15]);
    EXPECT_EQ(kernels[k](pass, 0, most + 1, scores, &hits), 16);
  }
}

}  // namespace
}  // namespace suggest::bandit
