// Numbers "test N" are those of the list of acceptance tests for delayed feedback (docs/delays.md).
#include "bandit/delay/delay_laws.h"

#include "tests/bandit/fixture.h"
#include "tests/support/instants.h"

namespace suggest::bandit {
namespace {

constexpr absl::Duration kMonth = absl::Hours(24 * 30);
const absl::Time kStart = absl::FromUnixSeconds(1700000000);

DelayLaw PriorLaw() {
  return DelayLaw::TruncatedExponential(kMonth / 4, kMonth);
}

void ExpectALawOfAMonth(const DelayLaw& law) {
  double last = 0;
  for (int hour = 1; hour < 24 * 33; ++hour) {
    const double share = law.Share(absl::Hours(hour));
    ASSERT_TRUE(std::isfinite(share));
    EXPECT_GE(share, std::max(last, DelayLaw::kMinShare));
    EXPECT_LE(share, 1.0);
    last = share;
  }
  EXPECT_EQ(law.Share(law.window()), 1.0);
}

TEST(DelayLaws, AnUnknownStratumHasTheGlobalLaw) {
  const DelayLaw fast = DelayLaw::TruncatedExponential(kDay, kMonth);
  const DelayLaws laws = *DelayLaws::Create(PriorLaw(), {{"fast", fast}});
  EXPECT_EQ(laws.Of("fast").share(), fast.share());
  EXPECT_EQ(laws.Of("new").share(), PriorLaw().share());
  EXPECT_EQ(laws.Of("").share(), PriorLaw().share());
}

TEST(DelayLaws, RefusesANamelessStratumAndAnotherWindow) {
  const auto invalid = absl::StatusCode::kInvalidArgument;
  EXPECT_THAT(DelayLaws::Create(PriorLaw(), {{"", PriorLaw()}}).status(), IsError(invalid, "a stratum has no name"));
  EXPECT_THAT(DelayLaws::Create(PriorLaw(), {{"a", DelayLaw::TruncatedExponential(kDay, 2 * kDay)}}).status(),
              IsError(invalid, "stratum \"a\" has the window 48h, the global law 720h"));
}

// Test 10, by stratum: the hand example as one stratum, and nothing in the other.
TEST(DelayLawsEstimator, Test10_HandExampleByStratum) {
  DelayLawsEstimator estimator(absl::Hours(2), {}, 2);
  const absl::Time now = kStart + absl::Hours(2);
  for (int i = 0; i < 4; ++i) estimator.AddExposure("a", kStart, now);
  for (int i = 0; i < 4; ++i) estimator.AddExposure("a", kStart + absl::Hours(1), now);
  estimator.AddReward("a", kStart, kStart + absl::Minutes(20), 1);
  estimator.AddReward("a", kStart, kStart + absl::Minutes(90), 1);
  estimator.AddReward("a", kStart + absl::Hours(1), kStart + absl::Minutes(100), 1);
  const DelayLaws laws = estimator.Estimate(DelayLaw::TruncatedExponential(absl::Hours(1), absl::Hours(2), 2), 0, 0);
  EXPECT_NEAR(laws.Of("a").Share(absl::Hours(1)), 0.5, 1e-15);
  EXPECT_NEAR(laws.global().Share(absl::Hours(1)), 0.5, 1e-15);
}

// By hand, W = 2 bins, n0 = 10, r0 = .2, F0 = (.6, 1). Stratum a: 40 exposures, 8 buy in bin 1. b: 10 exposures, 2 buy
// in bin 2. Global: dA = (8 + 1.2) / 60, (2 + .8) / 60. b: (0 + 10 dA_1) / 20, (2 + 10 dA_2) / 20.
TEST(DelayLawsEstimator, ShrinksAStratumToTheGlobalLawAndThatToThePrior) {
  DelayLawsEstimator estimator(absl::Hours(2), {}, 2);
  const absl::Time now = kStart + absl::Hours(5);
  estimator.AddExposure("a", kStart, now, 40);
  estimator.AddReward("a", kStart, kStart + absl::Minutes(30), 8);
  estimator.AddExposure("b", kStart, now, 10);
  estimator.AddReward("b", kStart, kStart + absl::Minutes(90), 2);
  const DelayLaw prior = *DelayLaw::FromGrid({3600, 7200}, {0.6, 1});
  const DelayLaws laws = estimator.Estimate(prior, 10, 0.2);
  const double first = 9.2 / 60;
  const double second = 2.8 / 60;
  EXPECT_NEAR(laws.global().Share(absl::Hours(1)), first / (first + second), 1e-15);
  const double b_first = 10 * first / 20;
  const double b_second = (2 + 10 * second) / 20;
  EXPECT_NEAR(laws.Of("b").Share(absl::Hours(1)), b_first / (b_first + b_second), 1e-15);
}

TEST(DelayLawsEstimator, TheGlobalLawIsThatOfAllStrataTogether) {
  CounterRng rng(Seed{5}, 0);
  DelayLawsEstimator estimator(kMonth);
  DelayLawEstimator plain(kMonth);
  for (int i = 0; i < 500; ++i) {
    const absl::Time exposed = kStart + kMonth * rng.NextUniform();
    const absl::Duration age = kStart + kMonth - exposed;
    const char* stratum = i % 3 == 0 ? "a" : i % 3 == 1 ? "b" : "";
    estimator.AddExposure(stratum, exposed, kStart + kMonth, 0.5);
    plain.AddExposure(age, 0.5);
    estimator.AddReward(stratum, exposed, exposed + age / 2, 0.5);
    plain.AddReward(age / 2, 0.5);
  }
  const DelayLaws laws = estimator.Estimate(PriorLaw(), 20, 0.1);
  EXPECT_EQ(laws.global().share(), plain.Estimate(PriorLaw(), 20, 0.1).share());
  EXPECT_EQ(laws.strata().size(), 2u);
}

// Test 15: an all-bought stratum of one exposure, a stratum without purchases, one whose purchase was refunded.
TEST(DelayLawsEstimator, Test15_TinyAndEmptyStrataGiveLaws) {
  for (const double strength : {0.0, 100.0}) {
    DelayLawsEstimator estimator(kMonth);
    estimator.AddExposure("bought", kStart, kStart + kDay);
    estimator.AddReward("bought", kStart, kStart + kDay / 2, 1);
    estimator.AddExposure("none", kStart, kStart + 40 * kDay);
    estimator.AddExposure("refunded", kStart, kStart + 40 * kDay);
    estimator.AddReward("refunded", kStart, kStart + 2 * kDay, 1);
    estimator.AddReward("refunded", kStart, kStart + 5 * kDay, -1);
    const DelayLaws laws = estimator.Estimate(PriorLaw(), strength, 0.1);
    ExpectALawOfAMonth(laws.global());
    for (const auto& [name, law] : laws.strata()) ExpectALawOfAMonth(law);
    EXPECT_EQ(laws.strata().size(), 3u);
  }
  const DelayLaws empty = DelayLawsEstimator(kMonth).Estimate(PriorLaw(), 0, 0);
  EXPECT_EQ(empty.global().share(), PriorLaw().share());
}

// A poller that is down for three days shows the backlog at once, at ages that say nothing of when people buy. All
// exposures of one instant, one purchase a day for ten days; the pipeline is down from day 2 to day 5.
TEST(DelayLawsEstimator, LeavesAnOutageAndItsBacklogOut) {
  const absl::Duration window = 10 * kDay;
  const std::vector<Outage> outages = {{kStart + 3 * kDay, kStart + 5 * kDay}, {kStart + 2 * kDay, kStart + 4 * kDay}};
  const auto estimate = [&](const std::vector<Outage>& known) {
    DelayLawsEstimator estimator(window, known, 10);
    // Exposures of two instants, ten days apart, so that what the outage hides of the one is seen of the other.
    for (const absl::Time exposed : {kStart, kStart + 10 * kDay}) {
      estimator.AddExposure("s", exposed, kStart + 30 * kDay, 50);
      for (int day = 0; day < 10; ++day) {
        const absl::Time bought = exposed + (day + 0.5) * kDay;
        const bool hidden = bought > kStart + 2 * kDay && bought <= kStart + 5 * kDay;
        estimator.AddReward("s", exposed, hidden ? kStart + 5 * kDay : bought, 1);
      }
    }
    return estimator.Estimate(DelayLaw::TruncatedExponential(kDay, window, 10), 0, 0);
  };
  const DelayLaws aware = estimate(outages);
  const DelayLaws naive = estimate({});
  for (int day = 1; day < 10; ++day) {
    EXPECT_NEAR(aware.Of("s").Share(day * kDay), day / 10.0, 1e-12) << day;
    EXPECT_NEAR(aware.global().Share(day * kDay), day / 10.0, 1e-12) << day;
  }
  EXPECT_NEAR(naive.global().Share(5 * kDay), 0.35, 1e-12) << "the law that the backlog would have made";
}

TEST(DelayLawsEstimator, AnOutageThatStillLastsCutsTheLivesShort) {
  DelayLawsEstimator estimator(2 * kDay, {{kStart + kDay, absl::InfiniteFuture()}}, 2);
  DelayLawsEstimator shorter(2 * kDay, {}, 2);
  const absl::Time now = kStart + 4 * kDay;
  estimator.AddExposure("", kStart, now, 10);
  shorter.AddExposure("", kStart, kStart + kDay, 10);
  for (DelayLawsEstimator* e : {&estimator, &shorter}) e->AddReward("", kStart, kStart + kDay / 2, 2);
  const DelayLaw prior = DelayLaw::TruncatedExponential(kDay, 2 * kDay, 2);
  EXPECT_EQ(estimator.Estimate(prior, 5, 0.1).global().share(), shorter.Estimate(prior, 5, 0.1).global().share());
}

TEST(DelayLaw, QuantileIsTheInverseOfShare) {
  const DelayLaw law = PriorLaw();
  for (const double share : {0.01, 0.1, 0.25, 0.5, 0.9, 0.99}) {
    EXPECT_NEAR(law.Share(law.Quantile(share)), share, 1e-9);
  }
  EXPECT_EQ(law.Quantile(0), absl::ZeroDuration());
  EXPECT_EQ(law.Quantile(1), kMonth);
  const DelayLaw flat = *DelayLaw::FromGrid({1, 2, 3}, {0.5, 0.5, 1});
  EXPECT_EQ(flat.Quantile(0.5), absl::Seconds(1)) << "the least such age";
  EXPECT_EQ(flat.Quantile(0.75), absl::Seconds(2.5));
}

}  // namespace
}  // namespace suggest::bandit
