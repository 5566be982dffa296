#include "bandit/measure/evaluation.h"

#include "tests/bandit/fixture.h"

namespace suggest::bandit {
namespace {

TEST(Auc, CountsPairsAndHalvesTies) {
  // Pairs (positive, negative): (.9,.5) wins, (.9,.5) wins, (.5,.5) ties twice: 3 of 4.
  EXPECT_DOUBLE_EQ(*Auc({.9, .5, .5, .5}, {1, 1, 0, 0}), 0.75);
  EXPECT_DOUBLE_EQ(*Auc({1, 2, 3, 4}, {0, 0, 1, 1}), 1.0);
  EXPECT_DOUBLE_EQ(*Auc({1, 2, 3, 4}, {1, 1, 0, 0}), 0.0);
  EXPECT_DOUBLE_EQ(*Auc({7, 7, 7}, {1, 0, 0}), 0.5);
}

TEST(Auc, EqualsTheCountOverAllPairs) {
  CounterRng rng(Seed{91}, 0);
  std::vector<double> scores, labels;
  for (int i = 0; i < 300; ++i) {
    scores.push_back(rng.Below(40));
    labels.push_back(rng.NextUniform() < 0.2);
  }
  double wins = 0, pairs = 0;
  for (int i = 0; i < 300; ++i) {
    for (int j = 0; j < 300; ++j) {
      if (labels[i] == 0 || labels[j] == 1) continue;
      pairs += 1;
      wins += scores[i] > scores[j] ? 1 : scores[i] == scores[j] ? 0.5 : 0;
    }
  }
  EXPECT_NEAR(*Auc(scores, labels), wins / pairs, 1e-14);
}

TEST(Auc, AWeightOfTwoIsTheRowTwice) {
  EXPECT_DOUBLE_EQ(*Auc({1, 2, 3}, {0, 1, 0}, {2, 1, 1}), *Auc({1, 1, 2, 3}, {0, 0, 1, 0}));
}

TEST(Auc, SaysWhatIsMissing) {
  EXPECT_THAT(Auc({1, 2}, {1, 1}).status(), IsError(absl::StatusCode::kFailedPrecondition, "a negative"));
  EXPECT_THAT(Auc({}, {}).status(), IsError(absl::StatusCode::kFailedPrecondition, "AUC needs"));
  EXPECT_THAT(Auc({1}, {1, 0}).status(), IsError(absl::StatusCode::kInvalidArgument, "1 scores and 2 labels"));
  EXPECT_THAT(Auc({1, NAN}, {1, 0}).status(), IsError(absl::StatusCode::kInvalidArgument, "score 1 is nan"));
  EXPECT_THAT(Auc({1, 2}, {1, 0}, {1}).status(), IsError(absl::StatusCode::kInvalidArgument, "1 weights"));
}

// DeLong's variance (1988): of the share of negatives below each positive, and of positives above each negative.
double DeLongStandardError(const std::vector<double>& positives, const std::vector<double>& negatives) {
  const auto variance = [](const std::vector<double>& from, const std::vector<double>& to, bool above) {
    double sum = 0, square_sum = 0;
    for (const double x : from) {
      double wins = 0;
      for (const double y : to) wins += above ? x > y : y > x;
      sum += wins / to.size();
      square_sum += std::pow(wins / to.size(), 2);
    }
    const double n = static_cast<double>(from.size());
    return (square_sum / n - std::pow(sum / n, 2)) / (n - 1);
  };
  return std::sqrt(variance(positives, negatives, true) + variance(negatives, positives, false));
}

// 1,000 resamples: the bootstrap's own error is about 2.3 %, so 12 % is passed by chance in less than 1e-6 of seeds.
TEST(AucStandardError, AgreesWithDeLongOnIndependentRows) {
  CounterRng rng(Seed{92}, 0);
  std::vector<double> scores, labels, by_label[2];
  std::vector<int64_t> ids;
  for (int i = 0; i < 1000; ++i) {
    labels.push_back(i % 5 == 0);
    scores.push_back(rng.NextNormal() + labels.back());
    by_label[i % 5 == 0].push_back(scores.back());
    ids.push_back(i * 1000003);
  }
  const double bootstrap = *AucStandardErrorByCluster(scores, labels, ids, 1000, 1);
  EXPECT_NEAR(bootstrap / DeLongStandardError(by_label[1], by_label[0]), 1.0, 0.12);
}

TEST(AucStandardError, RowsRepeatedWithinAClusterAddNoCertainty) {
  CounterRng rng(Seed{93}, 0);
  std::vector<double> scores, labels, scores10, labels10;
  std::vector<int64_t> ids, ids10;
  for (int i = 0; i < 200; ++i) {
    labels.push_back(i % 4 == 0);
    scores.push_back(rng.NextNormal() + labels.back());
    ids.push_back(i);
    for (int copy = 0; copy < 10; ++copy) {
      labels10.push_back(labels.back());
      scores10.push_back(scores.back());
      ids10.push_back(i);
    }
  }
  EXPECT_NEAR(*AucStandardErrorByCluster(scores, labels, ids, 100, 1),
              *AucStandardErrorByCluster(scores10, labels10, ids10, 100, 1), 1e-12);
}

TEST(AucStandardError, NeedsTwoUsableSamples) {
  EXPECT_THAT(AucStandardErrorByCluster({1, 2}, {1, 1}, {1, 2}, 50, 1).status(),
              IsError(absl::StatusCode::kFailedPrecondition, "only 0 bootstrap samples"));
  EXPECT_THAT(AucStandardErrorByCluster({1, 2}, {1, 1}, {1}, 50, 1).status(),
              IsError(absl::StatusCode::kInvalidArgument, "1 cluster ids"));
}

TEST(LogLoss, IsItsFormulaAndClips) {
  EXPECT_NEAR(LogLoss({.8, .3}, {1, 0}), -(std::log(.8) + std::log(.7)) / 2, 1e-15);
  EXPECT_NEAR(LogLoss({-1, 2}, {1, 0}, 1e-3), -std::log(1e-3), 1e-12);
  EXPECT_TRUE(std::isnan(LogLoss({}, {})));
}

// Values of statsmodels' proportion_confint(method="wilson"), as printed in Newcombe 1998, table I (n = 263, r = 81;
// n = 148, r = 15; n = 20, r = 0; n = 29, r = 29).
TEST(Wilson, GivesNewcombesTable) {
  EXPECT_NEAR(WilsonInterval(81, 263).lower, 0.2553, 5e-5);
  EXPECT_NEAR(WilsonInterval(81, 263).upper, 0.3662, 5e-5);
  EXPECT_NEAR(WilsonInterval(15, 148).lower, 0.0624, 5e-5);
  EXPECT_NEAR(WilsonInterval(15, 148).upper, 0.1605, 5e-5);
  EXPECT_NEAR(WilsonInterval(0, 20).lower, 0.0, 1e-15);
  EXPECT_NEAR(WilsonInterval(0, 20).upper, 0.1611, 5e-5);
  EXPECT_NEAR(WilsonInterval(29, 29).lower, 0.8830, 5e-5);
  EXPECT_EQ(WilsonInterval(0, 0).upper, 1.0);
}

TEST(Calibration, CutsIntoGroupsOfEqualSizeByPrediction) {
  const auto bins = Calibration({.9, .1, .2, .8, .5}, {1, 0, 1, 1, 0}, 2);
  ASSERT_EQ(bins.size(), 2u);
  EXPECT_EQ(bins[0].n, 2);
  EXPECT_NEAR(bins[0].mean_predicted, 0.15, 1e-15);
  EXPECT_EQ(bins[0].observed, 0.5);
  EXPECT_EQ(bins[1].n, 3);
  EXPECT_NEAR(bins[1].mean_predicted, 2.2 / 3, 1e-15);
  EXPECT_NEAR(bins[1].observed, 2.0 / 3, 1e-15);
  EXPECT_NEAR(bins[1].lower, WilsonInterval(2, 3).lower, 1e-15);
}

TEST(Calibration, FewerRowsThanBinsMakeOneGroupEach) {
  EXPECT_EQ(Calibration({.1, .2}, {0, 1}, 10).size(), 2u);
  EXPECT_TRUE(Calibration({}, {}, 10).empty());
}

TEST(RewardInterval, OfPurchasesThatAreAllWorthTheSameIsWilsonsInUnitsOfThatWorth) {
  const Interval wilson = WilsonInterval(15, 148);
  const Interval scaled = RewardInterval(0.4 * 15 / 148, 148, 0.4);
  EXPECT_NEAR(scaled.lower, 0.4 * wilson.lower, 1e-15);
  EXPECT_NEAR(scaled.upper, 0.4 * wilson.upper, 1e-15);
}

// Deciles of 250 rewards: one in 12 is a purchase worth .29 to 1. 4,000 intervals of 95 %: the share that covers lies
// within .95 +- .02 unless something is wrong (6 standard errors); Wilson's interval for the share of 1 covers 99 %.
TEST(RewardCalibration, IntervalsCoverTheExpectedRewardNineteenTimesInTwenty) {
  CounterRng rng(Seed{17}, 0);
  const double mean = (0.29 + 1) / 2 / 12;
  int covered = 0, wilson = 0, bins = 0;
  for (int round = 0; round < 400; ++round) {
    std::vector<double> predictions, rewards;
    for (int i = 0; i < 2500; ++i) {
      predictions.push_back(rng.NextUniform());
      const double worth = 0.29 + 0.71 * rng.NextUniform();
      rewards.push_back(rng.Below(12) == 0 ? worth : 0);
    }
    for (const CalibrationBin& bin : RewardCalibration(predictions, rewards)) {
      const Interval share = WilsonInterval(bin.observed * 250, 250);
      covered += bin.lower <= mean && mean <= bin.upper ? 1 : 0;
      wilson += share.lower <= mean && mean <= share.upper ? 1 : 0;
      ++bins;
    }
  }
  EXPECT_EQ(bins, 4000);
  EXPECT_NEAR(covered / 4000.0, 0.95, 0.02);
  EXPECT_GT(wilson / 4000.0, 0.97);
}

TEST(RewardCalibration, AGroupWithoutAPurchaseTakesTheWorthOfTheOthers) {
  const auto bins = RewardCalibration({.1, .2, .8, .9}, {0, 0, .5, 0}, 2);
  EXPECT_EQ(bins[0].lower, 0);
  EXPECT_NEAR(bins[0].upper, RewardInterval(0, 2, 0.5).upper, 1e-15);
  EXPECT_TRUE(std::isnan(RewardCalibration({.1}, {0})[0].upper));
}

TEST(ProbabilityBounds, AreAQuarterOfTheBaseRateAndAsMuchBelowOne) {
  EXPECT_DOUBLE_EQ(BoundsOf(0.08).lower, 0.02);
  EXPECT_DOUBLE_EQ(BoundsOf(0.08).upper, 0.77);
  EXPECT_GT(BoundsOf(0).lower, 0);
  EXPECT_LT(BoundsOf(1).upper, 1);
  int64_t floored = 0;
  EXPECT_THAT(Bounded({-1, 0.02, 0.5, 2}, BoundsOf(0.08), &floored), testing::ElementsAre(0.02, 0.02, 0.5, 0.77));
  EXPECT_EQ(floored, 1);
}

TEST(MeanSquaredError, IsItsFormula) {
  EXPECT_NEAR(MeanSquaredError({.2, .6}, {0, 1}), (0.04 + 0.16) / 2, 1e-15);
  EXPECT_TRUE(std::isnan(MeanSquaredError({}, {})));
}

TEST(MeanOf, WithACustomerEachHasTheTextbooksStandardError) {
  const Measured mean = MeanOf({1, 0, 0, 1, 1}, {1, 2, 3, 4, 5});
  EXPECT_NEAR(mean.value, 0.6, 1e-15);
  EXPECT_NEAR(mean.standard_error, std::sqrt(0.3 / 5), 1e-15);  // sample variance .3
  EXPECT_TRUE(std::isnan(MeanOf({1, 0}, {7, 7}).standard_error));
}

TEST(MeanOf, ACustomerWhoIsThereTwiceCountsAsOne) {
  EXPECT_NEAR(MeanOf({1, 1, 0, 0, 1, 1}, {1, 1, 2, 2, 3, 3}).standard_error,
              MeanOf({1, 0, 1}, {1, 2, 3}).standard_error, 1e-15);
}

TEST(ObservedOnPredicted, IsTheLeastSquaresSlope) {
  const Measured line = ObservedOnPredicted({.1, .2, .3}, {0.1, 0.5, 0.3}, {1, 2, 3});
  EXPECT_NEAR(line.value, 1.0, 1e-12);  // (-.1)(-.2) + 0 + (.1)(0) = .02 over .02
  EXPECT_GT(line.standard_error, 0);
  EXPECT_NEAR(ObservedOnPredicted({.1, .2, .4}, {.2, .4, .8}, {1, 2, 3}).value, 2, 1e-12);
  EXPECT_NEAR(ObservedOnPredicted({.1, .2, .4}, {.2, .4, .8}, {1, 2, 3}).standard_error, 0, 1e-12);
  EXPECT_TRUE(std::isnan(ObservedOnPredicted({.1, .1, .1}, {0, 1, 0}, {1, 2, 3}).value));
}

TEST(PrAuc, IsAveragePrecisionByHand) {
  // From the top: 1, 0, 1, 0. Precision 1 at recall 1/2, 2/3 at recall 1.
  EXPECT_NEAR(*PrAuc({.9, .8, .7, .1}, {1, 0, 1, 0}), 0.5 * (1 + 2.0 / 3), 1e-15);
  EXPECT_NEAR(*PrAuc({1, 2, 3, 4}, {0, 0, 1, 1}), 1.0, 1e-15);
  EXPECT_NEAR(*PrAuc({7, 7, 7, 7}, {1, 0, 0, 0}), 0.25, 1e-15) << "ties are one step: the share of the positives";
}

TEST(PrAuc, RefusesWhatAucRefuses) {
  const auto invalid = absl::StatusCode::kInvalidArgument;
  const auto precondition = absl::StatusCode::kFailedPrecondition;
  EXPECT_THAT(PrAuc({1}, {1, 0}).status(), IsError(invalid, "1 scores and 2 labels"));
  EXPECT_THAT(PrAuc({NAN, 1}, {1, 0}).status(), IsError(invalid, "score 0 is nan"));
  EXPECT_THAT(PrAuc({1, 2}, {0, 0}).status(), IsError(precondition, "a positive and a negative"));
  EXPECT_THAT(PrAuc({1, 2}, {1, 1}).status(), IsError(precondition, "a positive and a negative"));
}

TEST(MeanPredictedOverObserved, IsTheRatioOfMeans) {
  EXPECT_NEAR(MeanPredictedOverObserved({.2, .4}, {1, 0}), 0.6, 1e-15);
  EXPECT_TRUE(std::isnan(MeanPredictedOverObserved({.2}, {0})));
}

}  // namespace
}  // namespace suggest::bandit
