#include "service/lab/simulation/hourly_delay_laws.h"

#include <gtest/gtest.h>

#include <cmath>

#include "bandit/base/random.h"
#include "service/lab/simulation/purchase_delay.h"

namespace suggest::simulation {
namespace {

constexpr int kWindow = 24;

// Cohorts whose decisions buy with probability .5 after an exponential delay; a stratum's mean is .1 or .45 windows.
std::vector<Cohort> MakeCohorts(int hours, int size) {
  const PurchaseDelay fast = PurchaseDelay::Exponential(kWindow, 0.1);
  const PurchaseDelay slow = PurchaseDelay::Exponential(kWindow, 0.45);
  bandit::CounterRng rng(bandit::Seed{1}, 0);
  std::vector<Cohort> cohorts;
  for (int hour = 0; hour < hours; ++hour) {
    Eigen::MatrixXd contexts = Eigen::MatrixXd::Ones(2, size);
    std::vector<double> purchase;
    for (int i = 0; i < size; ++i) {
      contexts(1, i) = i % 2 == 0 ? 1.0 : -1.0;
      const bool bought = rng.NextUniform() < 0.5;
      const double delay = (i % 2 == 0 ? slow : fast).Quantile(rng.NextUniform());
      purchase.push_back(bought ? delay : DelayWorld::kNever);
    }
    cohorts.emplace_back(hour, contexts, purchase);
  }
  return cohorts;
}

// The learner's own bookkeeping: mature cohorts leave the queue.
bandit::DelayLaws Online(const std::vector<Cohort>& cohorts, double factor) {
  HourlyDelayLaws laws(kWindow, factor);
  std::deque<Cohort> pending;
  for (size_t hour = 1; hour <= cohorts.size(); ++hour) {
    pending.push_back(cohorts[hour - 1]);
    laws.PassHour();
    while (static_cast<int>(hour) - pending.front().hour() >= kWindow) {
      laws.AddMature(pending.front());
      pending.pop_front();
    }
  }
  return laws.Estimate(pending, static_cast<int>(cohorts.size()));
}

// Shares by the definition of the mean cumulative function, in one pass over all decisions.
std::vector<double> ByDefinition(const std::vector<Cohort>& cohorts, double factor) {
  const auto prior = PurchaseDelay::Exponential(kWindow, 1.0 / 3);
  std::vector<double> share;
  double sum = 0;
  for (int bin = 0; bin < kWindow; ++bin) {
    double lived = HourlyDelayLaws::kPriorStrength;
    double mass = lived * HourlyDelayLaws::kPriorReward * (prior.Cdf(bin + 1) - prior.Cdf(bin));
    for (const Cohort& cohort : cohorts) {
      const int age = static_cast<int>(cohorts.size()) - cohort.hour();
      if (age <= bin) continue;
      const double weight = std::pow(factor, std::min(age, 1000));
      for (int i = 0; i < cohort.size(); ++i) {
        lived += weight;
        if (cohort.BoughtBy(i, age) && static_cast<int>(cohort.hours_to_purchase(i)) == bin) mass += weight;
      }
    }
    share.push_back(sum += mass / lived);
  }
  for (double& value : share) value /= sum;
  return share;
}

TEST(HourlyDelayLawsTest, IsTheMeanCumulativeFunctionOfEverythingSeen) {
  const std::vector<Cohort> cohorts = MakeCohorts(60, 8);
  for (const double factor : {1.0, 0.97}) {
    const bandit::DelayLaws laws = Online(cohorts, factor);
    const std::vector<double> expected = ByDefinition(cohorts, factor);
    for (int age = 1; age <= kWindow; ++age) {
      EXPECT_NEAR(laws.global().Share(absl::Hours(age)), expected[age - 1], 1e-12) << factor << " " << age;
    }
  }
}

TEST(HourlyDelayLawsTest, BeforeAnyDecisionItIsThePrior) {
  const HourlyDelayLaws laws(kWindow, 1.0);
  const bandit::DelayLaws prior = laws.Estimate({}, 0);
  const auto expected = PurchaseDelay::Exponential(kWindow, 1.0 / 3);
  for (int age = 1; age <= kWindow; ++age) {
    EXPECT_NEAR(prior.global().Share(absl::Hours(age)), expected.Cdf(age), 1e-12);
  }
}

// 10,000 purchases of each stratum: F has a standard error below .006 at any age; five of them, false alarm below 1e-5.
TEST(HourlyDelayLawsTest, EachStratumFindsItsOwnLaw) {
  const bandit::DelayLaws laws = Online(MakeCohorts(400, 100), 1.0);
  for (int age = 2; age <= kWindow; age += 2) {
    EXPECT_NEAR(laws.Of("slow").Share(absl::Hours(age)), PurchaseDelay::Exponential(kWindow, 0.45).Cdf(age), 0.03);
    EXPECT_NEAR(laws.Of("fast").Share(absl::Hours(age)), PurchaseDelay::Exponential(kWindow, 0.1).Cdf(age), 0.03);
  }
}

// A purchase that is still to come must not be seen: cutting off the future changes nothing.
TEST(HourlyDelayLawsTest, SeesNoPurchaseBeforeItsTime) {
  std::vector<Cohort> cohorts = MakeCohorts(40, 20);
  std::vector<Cohort> blind;
  for (const Cohort& cohort : cohorts) {
    const int age = 40 - cohort.hour();
    std::vector<double> purchase;
    for (int i = 0; i < cohort.size(); ++i) {
      purchase.push_back(cohort.BoughtBy(i, age) ? cohort.hours_to_purchase(i) : DelayWorld::kNever);
    }
    blind.emplace_back(cohort.hour(), cohort.contexts(), purchase);
  }
  for (int age = 1; age <= kWindow; ++age) {
    EXPECT_EQ(Online(cohorts, 0.99).global().Share(absl::Hours(age)),
              Online(blind, 0.99).global().Share(absl::Hours(age)));
  }
}

}  // namespace
}  // namespace suggest::simulation
