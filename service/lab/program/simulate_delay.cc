// suggestlab simulate-delay: ways of learning from late purchases, compared in a closed loop or by calibration alone.

#include <algorithm>
#include <string>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "bandit/base/status_macros.h"
#include "service/chart/svg_chart.h"
#include "service/lab/program/commands.h"
#include "service/lab/simulation/delay_calibration.h"
#include "service/lab/simulation/delay_charts.h"
#include "service/lab/simulation/delay_study.h"

namespace suggest::lab {
namespace {

constexpr char kCalibration[] = "calibration";

// What the calibration does not read.
constexpr const char* kOfTheLoop[] = {"modes",        "days", "scale", "forget", "drift", "ridge", "decisions-per-hour",
                                      "window-hours", "plots"};

FlagSpec Number(const char* name, const char* value_name, FlagKind kind, double minimum, double maximum,
                const char* help) {
  return {.name = name, .kind = kind, .value_name = value_name, .help = help, .minimum = minimum, .maximum = maximum};
}

std::vector<std::string> Scenarios() {
  std::vector<std::string> names;
  for (const auto& scenario : simulation::DelayScenarios()) names.push_back(scenario.name);
  names.push_back(kCalibration);
  return names;
}

int Jobs(const Flags& flags) {
  return static_cast<int>(flags.Integer("jobs", std::max(1u, std::thread::hardware_concurrency())));
}

// Options are outside their ranges by the line alone.
template <typename Result>
absl::StatusOr<Result> UsageIfInvalid(absl::StatusOr<Result> result) {
  if (result.ok() || !absl::IsInvalidArgument(result.status())) return result;
  return WithExitCode(result.status(), ExitCode::kUsage);
}

absl::StatusOr<std::vector<simulation::DelayModeSpec>> ChooseModes(const Flags& flags) {
  std::vector<std::string> names;
  for (const std::string& list : flags.List("modes")) {
    for (const auto name : absl::StrSplit(list, ',', absl::SkipWhitespace())) names.emplace_back(name);
  }
  auto modes = simulation::FindDelayModes(names);
  if (!modes.ok()) return UsageError(absl::StrCat("--modes: ", modes.status().message()));
  return modes;
}

absl::StatusOr<simulation::DelayStudyOptions> OptionsOf(const Flags& flags) {
  simulation::DelayStudyOptions options;
  simulation::DelayWorldOptions& world = options.world;
  ASSIGN_OR_RETURN(world.scenario, simulation::FindDelayScenario(flags.Text("scenario")));
  world.scenario.drift_days = flags.Real("drift", world.scenario.drift_days);
  world.scenario.forget_days = flags.Real("forget", world.scenario.forget_days);
  world.days = static_cast<int>(flags.Integer("days", world.days));
  world.decisions_per_hour = static_cast<int>(flags.Integer("decisions-per-hour", world.decisions_per_hour));
  world.window_hours = static_cast<int>(flags.Integer("window-hours", world.window_hours));
  options.learner.ridge = flags.Real("ridge", options.learner.ridge);
  // As in the note's setting, F is .19 there: W / 12.
  options.learner.elapsed_hours =
      static_cast<int>(flags.Integer("elapsed-hours", std::max(1, world.window_hours / 12)));
  options.scale = flags.Real("scale", options.scale);
  options.replicates = static_cast<int>(flags.Integer("replicates", options.replicates));
  options.seed = static_cast<uint64_t>(flags.Integer("seed", static_cast<int64_t>(options.seed)));
  options.jobs = Jobs(flags);
  ASSIGN_OR_RETURN(options.modes, ChooseModes(flags));
  return options;
}

absl::StatusOr<Outcome> Calibrate(const Invocation& invocation) {
  const Flags& flags = invocation.flags;
  simulation::DelayCalibrationOptions options;
  options.repetitions = static_cast<int>(flags.Integer("replicates", options.repetitions));
  options.elapsed_hours = static_cast<int>(flags.Integer("elapsed-hours", options.elapsed_hours));
  options.seed = static_cast<uint64_t>(flags.Integer("seed", static_cast<int64_t>(options.seed)));
  options.jobs = Jobs(flags);
  options.progress = [&](int64_t done, int64_t all) {
    invocation.progress.Update("simulate-delay: repetitions", done, all);
  };
  ASSIGN_OR_RETURN(const auto calibration, UsageIfInvalid(simulation::RunDelayCalibration(options)));
  return Outcome{ProtoToJson(calibration), simulation::FormatDelayCalibration(calibration)};
}

absl::Status WritePlots(const model::v1::DelayStudy& study, const std::string& directory) {
  RETURN_IF_ERROR(
      chart::WriteSvg(simulation::RegretChart(study), absl::StrCat(directory, "/regret_", study.scenario(), ".svg")));
  return chart::WriteSvg(simulation::RatioChart(study), absl::StrCat(directory, "/ratio_", study.scenario(), ".svg"));
}

absl::Status CheckCalibrationFlags(const Flags& flags) {
  if (flags.Text("scenario") != kCalibration) return absl::OkStatus();
  for (const char* name : kOfTheLoop) {
    if (flags.Has(name)) return UsageError(absl::StrCat("--", name, ": not with --scenario ", kCalibration));
  }
  return absl::OkStatus();
}

absl::StatusOr<Outcome> RunSimulateDelay(const Invocation& invocation) {
  const Flags& flags = invocation.flags;
  RETURN_IF_ERROR(CheckCalibrationFlags(flags));
  if (flags.Text("scenario") == kCalibration) return Calibrate(invocation);
  ASSIGN_OR_RETURN(simulation::DelayStudyOptions options, OptionsOf(flags));
  options.progress = [&](int64_t done, int64_t all) { invocation.progress.Update("simulate-delay: runs", done, all); };
  ASSIGN_OR_RETURN(const model::v1::DelayStudy study, UsageIfInvalid(simulation::RunDelayStudy(options)));
  if (flags.Has("plots")) RETURN_IF_ERROR(WritePlots(study, flags.Text("plots")));
  return Outcome{ProtoToJson(study), simulation::FormatDelayStudy(study)};
}

std::vector<FlagSpec> SimulateDelayFlags() {
  return {
      {.name = "scenario",
       .kind = FlagKind::kChoice,
       .value_name = "NAME",
       .help = "Compare ways of learning from late purchases in a closed loop, or by calibration alone.",
       .choices = Scenarios(),
       .required = true},
      Number("replicates", "N", FlagKind::kInteger, 1, 100000,
             "Worlds to compare on; 32 by default, 600 for calibration."),
      Number("seed", "N", FlagKind::kInteger, 1, 1e15, "Of the worlds; 1 by default."),
      Number("jobs", "N", FlagKind::kInteger, 1, 1024, "Threads; as many as processors by default."),
      Number("days", "N", FlagKind::kInteger, 1, 3650, "Days to play; 45 by default."),
      {.name = "modes",
       .kind = FlagKind::kList,
       .value_name = "NAME,...",
       .help = "Compare only these modes, the oracle and exposure; all by default."},
      Number("scale", "V", FlagKind::kReal, 0, 1000, "Exploration scale v; 0.25 by default."),
      Number("forget", "DAYS", FlagKind::kReal, 0, 36500,
             "Learners weigh a decision by e^(-age / DAYS); by the scenario, 0 = they forget nothing."),
      Number("drift", "DAYS", FlagKind::kReal, 0, 36500,
             "Correlation time of the truth; by the scenario, 0 = it stays."),
      Number("ridge", "X", FlagKind::kReal, 1e-9, 1e9, "Prior precision of every weight; 1 by default."),
      Number("decisions-per-hour", "N", FlagKind::kInteger, 1, 1000, "20 by default."),
      Number("window-hours", "N", FlagKind::kInteger, 2, 10000, "Attribution window W; 168 by default."),
      Number("elapsed-hours", "N", FlagKind::kInteger, 1, 10000,
             "When ES-DFM reads a label; a twelfth of the window by default."),
      {.name = "plots", .value_name = "DIR", .help = "Write the charts of the study there, as SVG."},
  };
}

}  // namespace

Command SimulateDelayCommand() {
  return {.name = "simulate-delay",
          .summary = "Compares ways of learning from late purchases in a made-up closed loop.",
          .details =
              "Plays the same worlds once for every way of learning (docs/simulation.md), and prints regret with\n"
              "standard errors over the worlds. --scenario calibration has pending exposures without a loop.",
          .flags = SimulateDelayFlags(),
          .config = ConfigUse::kOptional,
          .run = RunSimulateDelay};
}

}  // namespace suggest::lab
