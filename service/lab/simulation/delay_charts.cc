#include "service/lab/simulation/delay_charts.h"

#include <limits>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace suggest::simulation {
namespace {

constexpr int kRatioWidth = 1200;  // the names of ten modes side by side

}  // namespace

chart::Chart RegretChart(const model::v1::DelayStudy& study) {
  chart::Chart chart;
  chart.title = absl::StrCat(study.scenario(), ": cumulative regret, mean of ", study.replicates(), " replicates");
  chart.x = {.label = "day", .minimum = 0, .maximum = study.days()};
  chart.y = {.label = "regret", .minimum = 0};
  for (const auto& mode : study.modes()) {
    if (absl::EndsWith(mode.name(), "_true")) continue;
    chart::Series& series = chart.series.emplace_back();
    series.name = mode.name();
    series.points.emplace_back(0, 0);
    for (int day = 0; day < mode.regret_by_day_size(); ++day) {
      series.points.emplace_back(day + 1, mode.regret_by_day(day).mean());
    }
  }
  return chart;
}

chart::Chart RatioChart(const model::v1::DelayStudy& study) {
  chart::Chart chart;
  chart.width = kRatioWidth;
  chart.title = absl::StrCat(study.scenario(), ": regret relative to the oracle without delay, ", study.replicates(),
                             " replicates");
  chart.x = {.label = "mode", .minimum = 0, .maximum = study.modes_size()};
  chart.y = {.label = "ratio"};
  chart::Series& ratios = chart.series.emplace_back();
  ratios.name = "± 1 standard error";
  ratios.markers = true;
  for (int i = 1; i < study.modes_size(); ++i) {
    const auto& mode = study.modes(i);
    chart.x.ticks.emplace_back(i, mode.name());
    ratios.points.emplace_back(i, mode.ratio_to_oracle().mean());
    ratios.error.push_back(mode.ratio_to_oracle().standard_error());
    // A gap, so that nothing joins one mode to the next.
    ratios.points.emplace_back(i, std::numeric_limits<double>::quiet_NaN());
    ratios.error.push_back(0);
  }
  chart.series.push_back({.name = study.modes(0).name(), .points = {{0, 1}, {study.modes_size(), 1}}});
  return chart;
}

}  // namespace suggest::simulation
