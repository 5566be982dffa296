#include "service/chart/svg_chart.h"

#include <cmath>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace suggest::chart {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

Chart Small() {
  return {.title = "F(age) & more",
          .x = {.label = "age <h>", .minimum = 0, .maximum = 10},
          .y = {.label = "share", .minimum = 0, .maximum = 1},
          .series = {{.name = "all", .points = {{0, 0}, {5, 0.5}, {10, 1}}, .markers = true}}};
}

TEST(SvgChart, PutsPointsWhereTheAxesSay) {
  // The plot spans x 76..590 and y 346..40.
  EXPECT_THAT(RenderSvg(Small()), HasSubstr("d=\"M76.0 346.0L333.0 193.0L590.0 40.0\""));
}

TEST(SvgChart, EscapesText) {
  const std::string svg = RenderSvg(Small());
  EXPECT_THAT(svg, HasSubstr("F(age) &amp; more"));
  EXPECT_THAT(svg, HasSubstr("age &lt;h&gt;"));
}

TEST(SvgChart, WhatIsNotFiniteBreaksTheLine) {
  Chart chart = Small();
  chart.series[0].points = {{0, 0}, {5, std::nan("")}, {10, 1}};
  const std::string svg = RenderSvg(chart);
  EXPECT_THAT(svg, HasSubstr("d=\"M76.0 346.0M590.0 40.0\""));
  EXPECT_THAT(svg, Not(HasSubstr("nan")));
}

TEST(SvgChart, ALogarithmicAxisSpacesPowersEvenly) {
  Chart chart = Small();
  chart.x = {.label = "x", .logarithmic = true};
  chart.series[0].points = {{0, 0.1}, {1, 0}, {10, 0.5}, {100, 1}};
  EXPECT_THAT(RenderSvg(chart), HasSubstr("d=\"M76.0 346.0L333.0 193.0L590.0 40.0\""));
}

TEST(SvgChart, DegenerateDataStillMakeAChart) {
  Chart chart = Small();
  chart.x = {.label = "x"};
  chart.y = {.label = "y"};
  chart.series[0].points = {};
  EXPECT_THAT(RenderSvg(chart), Not(HasSubstr("nan")));
  chart.series[0].points = {{3, 7}};
  EXPECT_THAT(RenderSvg(chart), Not(HasSubstr("nan")));
  chart.series.clear();
  EXPECT_THAT(RenderSvg(chart), HasSubstr("</svg>\n"));
}

TEST(SvgChart, TicksAreRoundAndCoverTheRange) {
  EXPECT_THAT(RoundTicks(0, 1), ElementsAre(0, 0.2, ::testing::DoubleEq(0.4), ::testing::DoubleEq(0.6), 0.8, 1));
  EXPECT_THAT(RoundTicks(-3, 17), ElementsAre(-5, 0, 5, 10, 15, 20));
}

TEST(SvgChart, AFileThatCannotBeWrittenIsNamed) {
  const absl::Status status = WriteSvg(Small(), "/nonexistent/chart.svg");
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(status.message()), HasSubstr("/nonexistent/chart.svg"));
}

}  // namespace
}  // namespace suggest::chart
