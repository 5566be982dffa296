// Statistical tests of delayed feedback. Seeded, so each either always passes or always fails; the stated false-alarm
// rate is the chance that a right program fails for a fresh seed. Numbers "test N" are those of the list of acceptance
// tests for delayed feedback (docs/delays.md).
#include <cmath>

#include "absl/time/time.h"
#include "bandit/base/random.h"
#include "bandit/delay/delay_laws.h"
#include "bandit/delay/es_dfm.h"
#include "gtest/gtest.h"
#include "service/lab/importance_weights.h"
#include "service/lab/streams/conversion_generator.h"
#include "service/lab/streams/delay_study.h"

namespace suggest {
namespace {

using bandit::CounterRng;
using bandit::Seed;

// p = .2, S = .5, two million exposures: standard error of the raw rate .00026, so .0008 is 3 of them (false alarm .3
// %); the weighted rate's .001 is 3.5.
TEST(DelayedFeedbackStatistics, Test2_StreamMonteCarlo) {
  CounterRng rng(Seed{2}, 0);
  const double p = 0.2, late_share = 0.5;
  const int n = 2000000;
  double rows = 0, positives = 0;
  double weight[2] = {}, positive_weight[2] = {};
  const double p_dp = lab::DelayedPositiveProbability(p, late_share);
  const double p_rn = lab::RealNegativeProbability(p, late_share);
  const lab::LabelWeights forms[2] = {lab::EsDfmWeights(p_dp, p_rn, lab::WeightForm::kPublished),
                                      lab::EsDfmWeights(p_dp, p_rn, lab::WeightForm::kCount)};
  const auto add = [&](bool label) {
    rows += 1;
    positives += label ? 1 : 0;
    for (int form = 0; form < 2; ++form) {
      weight[form] += label ? forms[form].positive : forms[form].negative;
      positive_weight[form] += label ? forms[form].positive : 0;
    }
  };
  for (int i = 0; i < n; ++i) {
    const bool bought = rng.NextUniform() < p;
    const bool late = bought && rng.NextUniform() < late_share;
    add(bought && !late);
    if (late) add(true);
  }
  EXPECT_NEAR(positives / rows, 0.1818, 0.0008);
  EXPECT_NEAR(positive_weight[0] / weight[0], 0.2, 0.0010);
  EXPECT_NEAR(positive_weight[1] / weight[1], 0.2, 0.0010);
  EXPECT_NEAR(weight[0] / n, 1.1, 0.001);
  EXPECT_NEAR(weight[1] / n, 1.0, 0.001);
}

// 20,000 exposures of constant features: f_dp = .100 (standard error .0021), f_rn = .889 (.0023). 4.5 standard errors,
// false alarm 1e-5. The traps would give .50 and .091; the latter is 4.3 standard errors off and is told apart by the
// exact counts of EsDfm.Test3_NuisanceTargetsAndTheTraps.
TEST(DelayedFeedbackStatistics, Test3_NuisanceTargets) {
  CounterRng rng(Seed{3}, 0);
  const absl::Duration day = absl::Hours(24);
  lab::EsDfmTrainer trainer(1, {.maturity = 11 * day, .ridge = 1e-3});
  for (int i = 0; i < 20000; ++i) {
    bandit::ObservedExposure exposure{.context = Eigen::VectorXd::Ones(1), .age = 12 * day};
    if (rng.NextUniform() < 0.2) exposure.purchase_visible = rng.NextUniform() < 0.5 ? day / 2 : 3 * day;
    ASSERT_TRUE(trainer.Add(exposure, day).ok());
  }
  const lab::EsDfmModel model = *trainer.Fit();
  EXPECT_NEAR(model.DelayedPositive(Eigen::VectorXd::Ones(1)), 0.100, 0.0095);
  EXPECT_NEAR(model.RealNegative(Eigen::VectorXd::Ones(1)), 0.8889, 0.0104);
}

// Two strata, exp(1) and exp(.25) cut at 3, exposures of uniform age, 30 % bought, 100 pseudo-exposures of another law.
// Standard errors of F are below .004: .02 is 5 of them. A histogram of the seen delays would be off by .12 at F(.5).
TEST(DelayedFeedbackStatistics, Test10_DelayLawsByStratum) {
  CounterRng rng(Seed{10}, 0);
  const absl::Time start = absl::FromUnixSeconds(1700000000);
  const absl::Time now = start + absl::Hours(3);
  bandit::DelayLawsEstimator estimator(absl::Hours(3), {}, 96);
  const double means[2] = {1, 0.25};
  const char* names[2] = {"slow", "fast"};
  double seen_early = 0, seen = 0;
  for (int i = 0; i < 120000; ++i) {
    const int s = i % 2;
    const absl::Time exposed = start + absl::Hours(3) * rng.NextUniform();
    const double delay = -means[s] * std::log(1 - rng.NextUniform() * (1 - std::exp(-3 / means[s])));
    estimator.AddExposure(names[s], exposed, now);
    if (rng.NextUniform() < 0.3 && exposed + absl::Hours(delay) <= now) {
      estimator.AddReward(names[s], exposed, exposed + absl::Hours(delay), 1);
      seen += s == 0 ? 1 : 0;
      seen_early += s == 0 && delay <= 0.5 ? 1 : 0;
    }
  }
  const bandit::DelayLaws laws =
      estimator.Estimate(bandit::DelayLaw::TruncatedExponential(absl::Hours(2), absl::Hours(3)), 100, 0.1);
  for (int s = 0; s < 2; ++s) {
    for (const double hours : {0.5, 1.0, 2.0}) {
      const double truth = (1 - std::exp(-hours / means[s])) / (1 - std::exp(-3 / means[s]));
      EXPECT_NEAR(laws.Of(names[s]).Share(absl::Hours(hours)), truth, 0.02) << names[s] << " " << hours;
    }
  }
  EXPECT_GT(seen_early / seen, 0.414 + 0.1) << "what the naive histogram says of F(.5) = .414";
}

// Six generated logs. Standard errors over the logs are about .01 (es_dfm), .008 (vanilla), .0002 (oracle) for
// predicted over actual, so the bounds are at least 3 of them away; false alarm below 1 %.
TEST(DelayedFeedbackStatistics, Test13_StreamingTable) {
  const auto source = [](int log) -> absl::StatusOr<streams::ConversionLog> {
    return streams::GenerateLog({.seed = static_cast<uint64_t>(1 + log)}, 18);
  };
  using streams::Method;
  streams::DelayStudyOptions options;
  options.methods = {Method::kEsDfm, Method::kEsDfmRefreshed, Method::kEsDfmNoCorrection, Method::kFnw};
  const streams::DelayStudy study = *streams::RunDelayStudy(source, 6, options);
  const auto of = [&](Method method) {
    for (const streams::MethodSummary& row : study.table) {
      if (row.method == method) return row;
    }
    ADD_FAILURE() << streams::MethodName(method);
    return streams::MethodSummary{};
  };
  const auto calibration = [&](Method method) { return of(method).predicted_over_actual.mean; };
  EXPECT_NEAR(calibration(Method::kOracle), 1.0, 0.02);
  for (const Method method : {Method::kEsDfm, Method::kEsDfmRefreshed}) {
    EXPECT_GT(calibration(method), 0.95);
    EXPECT_LT(calibration(method), 1.02);
    EXPECT_LT(of(Method::kOracle).nll.mean, of(method).nll.mean);
    EXPECT_LT(of(method).nll.mean, of(Method::kVanilla).nll.mean);
    EXPECT_LT(of(method).nll.mean, of(Method::kVanillaDuplicates).nll.mean);
  }
  EXPECT_LT(calibration(Method::kEsDfmNoCorrection), 0.85);
  EXPECT_LT(calibration(Method::kVanilla), 0.5);
}

}  // namespace
}  // namespace suggest
