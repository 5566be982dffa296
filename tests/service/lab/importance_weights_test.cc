// Numbers "test N" are those of the list of acceptance tests for delayed feedback (docs/delays.md).
#include "service/lab/importance_weights.h"

#include <cmath>

#include "bandit/delay/pending.h"
#include "tests/bandit/fixture.h"

namespace suggest::lab {
namespace {

struct WeightRow {
  double p, late_share, q1, q0, p_dp, p_rn, positive, negative;
};

// Worked out by hand from the definitions, to six places.
const WeightRow kTable[] = {{0.20, 0.50, 0.181818, 0.818182, 0.100, 0.888889, 1.100, 0.977778},
                            {0.10, 0.50, 0.095238, 0.904762, 0.050, 0.947368, 1.050, 0.994737},
                            {0.02, 0.75, 0.019704, 0.980296, 0.015, 0.984925, 1.015, 0.999698},
                            {0.30, 0.25, 0.279070, 0.720930, 0.075, 0.903226, 1.075, 0.970968},
                            {0.16, 0.90, 0.139860, 0.860140, 0.144, 0.853659, 1.144, 0.976585}};

TEST(ImportanceWeights, Test1_EsDfmTable) {
  for (const WeightRow& row : kTable) {
    const double p_dp = DelayedPositiveProbability(row.p, row.late_share);
    const double p_rn = RealNegativeProbability(row.p, row.late_share);
    EXPECT_NEAR(p_dp, row.p_dp, 1e-6);
    EXPECT_NEAR(p_rn, row.p_rn, 1e-6);
    const LabelWeights weights = EsDfmWeights(p_dp, p_rn);
    EXPECT_NEAR(weights.positive, row.positive, 1e-6);
    EXPECT_NEAR(weights.negative, row.negative, 1e-6);
    const double q1 = row.p / (1 + row.p * row.late_share);
    EXPECT_NEAR(q1, row.q1, 1e-6);
    EXPECT_NEAR(1 - q1, row.q0, 1e-6);
    EXPECT_NEAR(q1 * weights.positive, row.p, 1e-15);
    EXPECT_NEAR((1 - q1) * weights.negative, 1 - row.p, 1e-15);
  }
}

// Per exposure: p (1 - S) seen at once, 1 - p + p S seen as negative, p S inserted again.
TEST(ImportanceWeights, Test1_CountFormGivesEachExposureTheMassOne) {
  for (const WeightRow& row : kTable) {
    const auto mass = [&](WeightForm form) {
      const LabelWeights weights =
          EsDfmWeights(row.p * row.late_share, RealNegativeProbability(row.p, row.late_share), form);
      return row.p * weights.positive + (1 - row.p + row.p * row.late_share) * weights.negative;
    };
    EXPECT_NEAR(mass(WeightForm::kCount), 1.0, 1e-15);
    EXPECT_NEAR(mass(WeightForm::kPublished), 1 + row.p_dp, 1e-12);
  }
}

TEST(ImportanceWeights, Test1_FnwIsEsDfmThatDoesNotWait) {
  for (const WeightRow& row : kTable) {
    const LabelWeights fnw = FnwWeights(row.p);
    const LabelWeights es_dfm = EsDfmWeights(row.p, RealNegativeProbability(row.p, 1));
    EXPECT_NEAR(fnw.positive, es_dfm.positive, 1e-15);
    EXPECT_NEAR(fnw.negative, es_dfm.negative, 1e-15);
    EXPECT_NEAR(FncPrediction(row.p / (1 + row.p)), row.p, 1e-15);
  }
}

TEST(ImportanceWeights, Test1_DeferFsiwAndDfm) {
  const LabelWeights defer = DeferWeights(0.2, 0.5);
  EXPECT_NEAR(defer.positive, 1.333333, 1e-6);
  EXPECT_NEAR(defer.negative, 0.941176, 1e-6);
  EXPECT_NEAR(0.2 * (1 - 0.25) * defer.positive, 0.2, 1e-15);
  EXPECT_NEAR((0.8 + 0.2 * 0.25) * defer.negative, 0.8, 1e-15);
  const LabelWeights fsiw = FsiwWeights(0.2, 0.5);
  EXPECT_NEAR(fsiw.positive, 2.0, 1e-6);
  EXPECT_NEAR(fsiw.negative, 0.888889, 1e-6);
  EXPECT_NEAR(DfmPosterior(0.2, 0.1, 10), 0.084224, 1e-6);
  EXPECT_NEAR(DfmPosterior(0.2, 0.1, 10), bandit::LateProbability(0.2, 1 - std::exp(-1.0)), 1e-15);
}

TEST(ImportanceWeights, AreCappedAndClipped) {
  EXPECT_EQ(FsiwWeights(0.2, 0.01).positive, 10);
  EXPECT_EQ(FsiwWeights(0.2, 0).positive, 10);
  EXPECT_EQ(EsDfmWeights(5, -1),
            (LabelWeights{2 - bandit::kMinProbability, (2 - bandit::kMinProbability) * bandit::kMinProbability}));
  EXPECT_EQ(EsDfmWeights(0, 1), (LabelWeights{1, 1})) << "an untrained model: plain fake negatives";
  EXPECT_LT(FncPrediction(0.7), 1.0);
  EXPECT_EQ(FncPrediction(-0.1), 0.0);
}

TEST(ImportanceWeights, Test4_FixedPointsWithAWrongRealNegativeModel) {
  EXPECT_NEAR(FixedPoint(0.2, 0.5, 1), 0.181818, 1e-6);
  EXPECT_NEAR(FixedPoint(0.2, 0.5, 0.95), 0.189573, 1e-6);
  EXPECT_NEAR(FixedPoint(0.2, 0.5, RealNegativeProbability(0.2, 0.5)), 0.2, 1e-15);
  EXPECT_NEAR(FixedPoint(0.2, 0.5, 0.8), 0.217391, 1e-6);
}

// The weighted cross-entropy of the stream's expectation, minimised numerically: the fixed point, whatever f_dp.
TEST(ImportanceWeights, Test4_AnyDelayedPositiveModelGivesTheSameFixedPoint) {
  const double p = 0.2;
  const double late = 0.5;
  for (const double f_rn : {1.0, 0.95, 0.8}) {
    for (const double f_dp : {0.0, 0.1, 0.5}) {
      const LabelWeights weights = EsDfmWeights(f_dp, f_rn);
      double logit = 0;
      for (int step = 0; step < 2000; ++step) {
        const double f = 1 / (1 + std::exp(-logit));
        logit += p * weights.positive * (1 - f) - (1 - p + p * late) * weights.negative * f;
      }
      EXPECT_NEAR(1 / (1 + std::exp(-logit)), FixedPoint(p, late, f_rn), 1e-9) << f_rn << " " << f_dp;
    }
  }
}

TEST(ImportanceWeights, DfmDerivativesAreThoseOfItsLikelihood) {
  const double step = 1e-6;
  for (const bool converted : {true, false}) {
    for (const double delay : {0.01, 1.0, 7.0}) {
      const DfmTerm term = DfmLikelihood(-1.2, 0.3, delay, converted);
      const auto value = [&](double u, double v) { return DfmLikelihood(u, v, delay, converted).log_likelihood; };
      EXPECT_NEAR(term.by_u, (value(-1.2 + step, 0.3) - value(-1.2 - step, 0.3)) / (2 * step), 1e-8);
      EXPECT_NEAR(term.by_v, (value(-1.2, 0.3 + step) - value(-1.2, 0.3 - step)) / (2 * step), 1e-8);
    }
  }
}

}  // namespace
}  // namespace suggest::lab
