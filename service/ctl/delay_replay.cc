// suggestctl evaluate delay-replay: the delay modes on the company's own history.
#include "service/learning/delay_replay.h"

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "bandit/base/status_macros.h"
#include "service/chart/svg_chart.h"
#include "service/common/timestamps.h"
#include "service/ctl/commands.h"
#include "storage/source/history_source.h"

namespace suggest::ctl {
namespace {

using learning::DelayReplayMethod;
using learning::DelayReplayReport;

std::string TextOf(const DelayReplayReport& report) {
  std::string text = absl::StrFormat(
      "first tick %s, learned from %s exposures before it; %s predicted after it, %s bought; %s left out (outcome not\n"
      "complete); %.0f %% of what a learner knew was pending\n\n",
      absl::FormatTime("%Y-%m-%d", report.first_tick, absl::UTCTimeZone()), GroupDigits(report.training_exposures),
      GroupDigits(report.exposures), GroupDigits(report.purchases), GroupDigits(report.left_out),
      100 * report.pending_share);
  Table table({"mode", ">log loss", ">over oracle", ">AUC", ">predicted/observed", ">deciles within"});
  for (const DelayReplayMethod& method : report.methods) {
    table.AddRow({method.name, absl::StrFormat("%.5f", method.log_loss),
                  absl::StrFormat("%+.5f ± %.5f", method.excess, method.excess_se), absl::StrFormat("%.3f", method.auc),
                  absl::StrFormat("%.3f", method.predicted_over_observed),
                  absl::StrCat(method.deciles_within, " of ", method.deciles)});
  }
  return absl::StrCat(text, table.Print());
}

Json JsonOf(const DelayReplayReport& report) {
  Json methods = Json::array();
  for (const DelayReplayMethod& method : report.methods) {
    Json ticks = Json::array();
    for (const learning::DelayReplayTick& tick : method.ticks) {
      ticks.push_back(Json::object({{"tick", FormatInstant(tick.tick)},
                                    {"exposures", tick.exposures},
                                    {"log_loss", tick.log_loss},
                                    {"predicted", tick.predicted},
                                    {"observed", tick.observed}}));
    }
    methods.push_back(Json::object({{"name", method.name},
                                    {"log_loss", method.log_loss},
                                    {"excess", method.excess},
                                    {"excess_se", method.excess_se},
                                    {"auc", method.auc},
                                    {"predicted_over_observed", method.predicted_over_observed},
                                    {"deciles_within", static_cast<int64_t>(method.deciles_within)},
                                    {"deciles", static_cast<int64_t>(method.deciles)},
                                    {"ticks", std::move(ticks)}}));
  }
  return Json::object({{"first_tick", FormatInstant(report.first_tick)},
                       {"training_exposures", report.training_exposures},
                       {"exposures", report.exposures},
                       {"purchases", report.purchases},
                       {"left_out", report.left_out},
                       {"pending_share", report.pending_share},
                       {"methods", std::move(methods)}});
}

chart::Chart ChartOf(const DelayReplayReport& report) {
  chart::Chart chart;
  chart.title = "Mean reward of the exposures after each tick: predicted by each mode, and observed";
  chart.x.label = "days since the first tick";
  chart.y.label = "mean reward";
  chart.y.minimum = 0;
  chart::Series observed{.name = "observed", .points = {}, .markers = true};
  for (const DelayReplayMethod& method : report.methods) {
    chart::Series series{.name = method.name, .points = {}};
    for (const learning::DelayReplayTick& tick : method.ticks) {
      const double day = absl::ToDoubleHours(tick.tick - report.first_tick) / 24;
      series.points.emplace_back(day, tick.predicted);
      if (&method == &report.methods.front()) observed.points.emplace_back(day, tick.observed);
    }
    chart.series.push_back(std::move(series));
  }
  chart.series.push_back(std::move(observed));
  return chart;
}

absl::StatusOr<Outcome> RunDelayReplay(const Invocation& invocation) {
  ASSIGN_OR_RETURN(const Session session, OpenSession(invocation));
  const learning::Progress progress = [&line = invocation.progress](absl::string_view phase, int64_t done,
                                                                    int64_t total) { line.Update(phase, done, total); };
  ASSIGN_OR_RETURN(const std::unique_ptr<storage::HistorySource> source,
                   storage::HistorySource::Open(*session.database));
  ASSIGN_OR_RETURN(const learning::History history, learning::LoadHistory(*source, progress));
  learning::DelayReplayOptions options;
  options.cut_share = invocation.flags.Real("cut-share", options.cut_share);
  options.period = absl::Hours(24) * invocation.flags.Integer("period-days", 7);
  ASSIGN_OR_RETURN(const DelayReplayReport report, learning::ReplayDelays(history, session.config, options, progress));
  if (invocation.flags.Has("svg")) {
    RETURN_IF_ERROR(chart::WriteSvg(ChartOf(report), invocation.flags.Text("svg")));
  }
  return Outcome{JsonOf(report), TextOf(report)};
}

}  // namespace

Command EvaluateDelayReplayCommand() {
  return {
      .name = "evaluate delay-replay",
      .summary = "Replays the history with its real delays under every delay mode, beside an oracle.",
      .details =
          "At each tick a learner of each mode knows what was visible by then, and predicts the exposures of the\n"
          "period after it. The oracle knows every outcome at once. Reads the source views; stores nothing.",
      .flags = {{.name = "cut-share",
                 .kind = FlagKind::kReal,
                 .value_name = "X",
                 .help = "Share of the exposures that lie before the first tick, about; 0.3 by default.",
                 .minimum = 0.01,
                 .maximum = 0.99},
                {.name = "period-days",
                 .kind = FlagKind::kInteger,
                 .value_name = "N",
                 .help = "Days from tick to tick; 7 by default.",
                 .minimum = 1,
                 .maximum = 365},
                {.name = "svg", .value_name = "FILE", .help = "Draw the predictions, tick by tick, into this file."}},
      .run = RunDelayReplay};
}

}  // namespace suggest::ctl
