#include "service/lab/simulation/delay_charts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

namespace suggest::simulation {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;

model::v1::DelayStudy TwoDays() {
  model::v1::DelayStudy study;
  study.set_scenario("exp_drift");
  study.set_replicates(32);
  study.set_days(2);
  double regret = 10;
  for (const char* name : {"oracle", "exposure", "exposure_true", "wait"}) {
    auto& mode = *study.add_modes();
    mode.set_name(name);
    mode.add_regret_by_day()->set_mean(regret);
    mode.add_regret_by_day()->set_mean(2 * regret);
    mode.mutable_ratio_to_oracle()->set_mean(regret / 10);
    mode.mutable_ratio_to_oracle()->set_standard_error(0.1);
    regret += 5;
  }
  return study;
}

TEST(DelayChartsTest, RegretHasALineForEachModeThatMustLearn) {
  const chart::Chart chart = RegretChart(TwoDays());
  ASSERT_EQ(chart.series.size(), 3);
  EXPECT_EQ(chart.series[2].name, "wait");
  EXPECT_THAT(chart.series[2].points, ElementsAre(Pair(0, 0), Pair(1, 25), Pair(2, 50)));
  EXPECT_EQ(chart.x.maximum, 2);
}

TEST(DelayChartsTest, RatioHasEveryModeWithItsErrorAndTheOracleAsALine) {
  const chart::Chart chart = RatioChart(TwoDays());
  ASSERT_EQ(chart.series.size(), 2);
  EXPECT_THAT(chart.x.ticks, ElementsAre(Pair(1, "exposure"), Pair(2, "exposure_true"), Pair(3, "wait")));
  const chart::Series& ratios = chart.series[0];
  ASSERT_EQ(ratios.points.size(), ratios.error.size());
  EXPECT_THAT(ratios.points[4], Pair(3, 2.5));
  EXPECT_EQ(ratios.error[4], 0.1);
  EXPECT_TRUE(std::isnan(ratios.points[1].second));  // nothing joins two modes
  EXPECT_THAT(chart.series[1].points, ElementsAre(Pair(0, 1), Pair(4, 1)));
}

}  // namespace
}  // namespace suggest::simulation
