#include "bandit/choose/coarse_panel.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "bandit/choose/score_kernel.h"
#include "bandit/model/weight_space.h"
#include "tests/bandit/fixture.h"

namespace suggest::bandit {
namespace {

using Eigen::VectorXd;

// The whole-number score of one row, as score_kernel.h defines it.
int32_t PlainScore(const CoarsePanel& panel, const CoarsePanel::Weights& weights, int row) {
  int32_t score = 0;
  for (int f = 0; f < panel.fours(); ++f) {
    const size_t four = static_cast<size_t>(row / kPanelRows) * panel.fours() + f;
    const uint8_t* const q = panel.data() + (four * kPanelRows + row % kPanelRows) * 4;
    const FourWeights& v = weights.fours[f];
    score += q[0] * static_cast<int16_t>(v.even) + q[2] * static_cast<int16_t>(v.even >> 16);
    score += q[1] * static_cast<int16_t>(v.odd) + q[3] * static_cast<int16_t>(v.odd >> 16);
  }
  return score;
}

// The whole-number scores of the rows, by this kernel.
std::vector<int32_t> Scores(const CoarsePanel& panel, const CoarsePanel::Weights& weights, NextHit kernel) {
  const std::vector<uint64_t> everyone(panel.blocks(), ~uint64_t{0});
  const ScorePass pass = panel.PassOver(weights, everyone);
  std::vector<int32_t> scores(static_cast<size_t>(panel.blocks()) * kPanelRows);
  for (int block = 0; block < panel.blocks(); ++block) {
    uint64_t hits = 0;
    EXPECT_EQ(kernel(pass, block, INT32_MIN, &scores[static_cast<size_t>(block) * kPanelRows], &hits), block);
    EXPECT_EQ(hits, ~uint64_t{0});
  }
  return scores;
}

double HalfRange(const CandidateMatrix& catalogue, int column) {
  double lowest = catalogue.row(0)[column], highest = lowest;
  for (int j = 1; j < catalogue.rows(); ++j) {
    lowest = std::min(lowest, catalogue.row(j)[column]);
    highest = std::max(highest, catalogue.row(j)[column]);
  }
  return (highest - lowest) / 2;
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
    ASSERT_EQ(static_cast<int>(weights.fours.size()), (cols - 1 + 3) / 4) << "the first does not vary";
    double largest = 0;
    for (int c = 1; c < cols; ++c) largest += std::abs(w[c]) * HalfRange(catalogue, c);
    EXPECT_LT(weights.bound * weights.unit, 0.0045 * largest) << "of the largest score";
    const std::vector<int32_t> scores = Scores(catalogue.coarse(), weights, kernels[0]);
    for (int k = 1; k < available; ++k) EXPECT_EQ(Scores(catalogue.coarse(), weights, kernels[k]), scores);
    for (int j = 0; j < 100; ++j) EXPECT_EQ(PlainScore(catalogue.coarse(), weights, j), scores[j]);
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
  for (const int cols : {1, 2, 7, 64, 1000}) {
    std::vector<double> values;
    for (int j = 0; j < 64; ++j) values.insert(values.end(), cols, j % 2 == 0 ? 1.0 : -1.0);
    const CoarsePanel panel(values, cols);
    const CoarsePanel::Weights weights = panel.Quantise(VectorXd::Ones(cols));
    NextHit kernels[3];
    for (int k = AvailableNextHit(kernels); k-- > 0;) {
      const std::vector<int32_t> scores = Scores(panel, weights, kernels[k]);
      EXPECT_NEAR((scores[0] - static_cast<double>(scores[1])) * weights.unit, 2 * cols, 1e-3 * cols);
      EXPECT_NEAR(scores[0], 255.0 * scores[1], 1e-3 * scores[0]) << "bytes 255 and 1";
    }
  }
}

TEST(CoarsePanel, ColumnsThatDoNotVaryAreLeftOut) {
  const CoarsePanel panel({1.0, 5.0, 2.0, 1.0, 5.0, 3.0}, 3);
  EXPECT_EQ(panel.fours(), 1);
  EXPECT_EQ(panel.Quantise(Eigen::Vector3d(1, 1, 1)).fours[0].even & 0xffff, 32639U) << "the last is the only one";
  EXPECT_EQ(CoarsePanel({1.0, 5.0, 1.0, 5.0}, 2).fours(), 0);
}

TEST(CoarsePanel, SaysWhatItIsOfNoUseFor) {
  const CoarsePanel panel({1.0, 2.0, 1.0, 3.0}, 2);
  EXPECT_FALSE(panel.Quantise(VectorXd::Ones(2)).fours.empty());
  EXPECT_FALSE(panel.Quantise(VectorXd::Zero(2)).fours.empty());
  EXPECT_TRUE(panel.Quantise(VectorXd::Constant(2, 1e30)).fours.empty());
  EXPECT_TRUE(panel.Quantise(VectorXd::Constant(2, 1e-300)).fours.empty());
  EXPECT_TRUE(panel.Quantise(VectorXd::Constant(2, std::nan(""))).fours.empty());
  const CoarsePanel huge({1.0, -1e200, 2.0, 1e200}, 2);
  EXPECT_TRUE(huge.Quantise(Eigen::Vector2d(1, 1)).fours.empty());
  EXPECT_TRUE(huge.Quantise(Eigen::Vector2d(1, 1e-190)).fours.empty());
}

// Whatever digits the weights have and however rare a hit is, the kernels hand over what one candidate at a time finds.
TEST(ScoreKernel, FindsWhatSingleScoresFind) {
  CounterRng rng(Seed{46}, 0);
  NextHit kernels[3];
  const int available = AvailableNextHit(kernels);
  for (int repeat = 0; repeat < 60; ++repeat) {
    const int cols = 1 + static_cast<int>(rng.Below(40));
    const CandidateMatrix catalogue = RandomCatalogue(1000, cols, rng);
    const CoarsePanel& panel = catalogue.coarse();
    const CoarsePanel::Weights weights = panel.Quantise(RandomVector(cols, rng));
    std::vector<uint64_t> eligible(panel.blocks(), 0);
    std::vector<int32_t> single(1000);
    for (int j = 0; j < 1000; ++j) {
      single[j] = PlainScore(panel, weights, j);
      if (rng.Below(4) != 0) eligible[j / kPanelRows] |= uint64_t{1} << (j % kPanelRows);
    }
    const ScorePass pass = panel.PassOver(weights, eligible);
    std::vector<int32_t> sorted = single;
    std::sort(sorted.begin(), sorted.end());
    for (const int above : {1, 3, 30, 500}) {
      const int32_t threshold = sorted[1000 - above];
      for (int k = 0; k < available; ++k) {
        std::vector<uint64_t> found(panel.blocks(), 0), expected(panel.blocks(), 0);
        int32_t scores[kPanelRows];
        uint64_t hits = 0;
        for (int block = kernels[k](pass, 0, threshold, scores, &hits); block < panel.blocks();
             block = kernels[k](pass, block + 1, threshold, scores, &hits)) {
          found[block] = hits;
          for (int lane = 0; lane < kPanelRows && block * kPanelRows + lane < 1000; ++lane) {
            EXPECT_EQ(scores[lane], single[block * kPanelRows + lane]);
          }
        }
        for (int j = 0; j < 1000; ++j) {
          const uint64_t bit = uint64_t{1} << (j % kPanelRows);
          if (single[j] >= threshold) expected[j / kPanelRows] |= eligible[j / kPanelRows] & bit;
        }
        EXPECT_EQ(found, expected) << "kernel " << k << ", " << above << " at or above";
      }
    }
  }
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
  const ScorePass pass = panel.PassOver(weights, eligible);
  for (int k = 0; k < available; ++k) {
    int32_t scores[kPanelRows];
    uint64_t hits = 0;
    EXPECT_EQ(kernels[k](pass, 0, INT32_MIN, scores, &hits), 3);
    const int32_t most = scores[63];
    EXPECT_EQ(kernels[k](pass, 0, most, scores, &hits), 3);
    EXPECT_EQ(hits, eligible[3]);
    EXPECT_EQ(scores[0], most / 255);
    EXPECT_EQ(kernels[k](pass, 4, most, scores, &hits), 15);
    EXPECT_EQ(hits, eligible[15]);
    EXPECT_EQ(kernels[k](pass, 0, most + 1, scores, &hits), 16);
  }
}

}  // namespace
}  // namespace suggest::bandit
