// suggestlab evaluate delay and evaluate delay-data: how methods of learning from late conversions do on a click log.
#include <algorithm>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "bandit/base/status_macros.h"
#include "service/chart/svg_chart.h"
#include "service/lab/program/commands.h"
#include "service/lab/streams/conversion_generator.h"
#include "service/lab/streams/delay_study.h"
#include "service/lab/streams/stream_waiting.h"

namespace suggest::lab {
namespace {

using streams::DelayStudy;
using streams::Estimate;
using streams::LogFacts;
using streams::Method;
using streams::MethodSummary;
using streams::SweepPoint;

constexpr int64_t kDay = 86400;

streams::GeneratorOptions GeneratorOf(const Flags& flags) {
  streams::GeneratorOptions options;
  options.seed = static_cast<uint64_t>(flags.Integer("seed", 1));
  options.days = static_cast<int>(flags.Integer("days", options.days));
  options.clicks_per_hour = static_cast<int>(flags.Integer("clicks-per-hour", options.clicks_per_hour));
  options.drift_days = flags.Real("drift-days", options.drift_days);
  return options;
}

// --- reading the line

absl::StatusOr<std::vector<Method>> MethodsOf(const Flags& flags) {
  const std::vector<std::string> names = flags.List("method");
  if (names.empty()) return streams::AllMethods();
  std::vector<Method> methods;
  for (const std::string& name : names) {
    const auto& all = streams::AllMethods();
    const auto found =
        std::find_if(all.begin(), all.end(), [&](Method method) { return streams::MethodName(method) == name; });
    if (found == all.end()) {
      return UsageError(absl::StrCat(
          "--method: \"", name, "\" is not one of: ", absl::StrJoin(all, ", ", [](std::string* out, Method method) {
            absl::StrAppend(out, streams::MethodName(method));
          })));
    }
    methods.push_back(*found);
  }
  return methods;
}

absl::StatusOr<std::vector<int64_t>> WaitingsOf(const Flags& flags) {
  std::vector<int64_t> waitings;
  for (const std::string& text : flags.List("sweep-waiting")) {
    absl::Duration waiting;
    if (!absl::ParseDuration(text, &waiting) || waiting < absl::Seconds(1)) {
      return UsageError(absl::StrCat("--sweep-waiting: \"", text, "\" is no duration of at least 1s"));
    }
    waitings.push_back(absl::ToInt64Seconds(waiting));
  }
  std::sort(waitings.begin(), waitings.end());
  return waitings;
}

absl::StatusOr<std::vector<double>> SharesOf(const Flags& flags, absl::string_view flag) {
  std::vector<double> shares;
  for (const std::string& text : flags.List(flag)) {
    double share = -1;
    if (!absl::SimpleAtod(text, &share) || !(share >= 0 && share <= 1)) {
      return UsageError(absl::StrCat("--", flag, ": \"", text, "\" is no share between 0 and 1"));
    }
    shares.push_back(share);
  }
  std::sort(shares.begin(), shares.end());
  return shares;
}

absl::Status ReadWaitingBy(const Flags& flags, streams::DelayStudyOptions& options) {
  ASSIGN_OR_RETURN(options.waiting_shares, SharesOf(flags, "waiting-share"));
  if (!flags.Has("waiting-by")) {
    return flags.Has("waiting-share") ? UsageError("--waiting-share: only with --waiting-by") : absl::OkStatus();
  }
  if (flags.Has("sweep-waiting")) return UsageError("--sweep-waiting: not with --waiting-by");
  const absl::StatusOr<int> column = streams::FeatureColumn(flags.Text("waiting-by"));
  if (!column.ok()) return UsageError(absl::StrCat("--waiting-by: ", column.status().message()));
  options.waiting_column = *column;
  return absl::OkStatus();
}

absl::StatusOr<streams::DelayStudyOptions> StudyOptionsOf(const Flags& flags) {
  streams::DelayStudyOptions options;
  ASSIGN_OR_RETURN(options.methods, MethodsOf(flags));
  ASSIGN_OR_RETURN(options.waitings, WaitingsOf(flags));
  ASSIGN_OR_RETURN(options.noises, SharesOf(flags, "sweep-noise"));
  RETURN_IF_ERROR(ReadWaitingBy(flags, options));
  options.noise_seed = static_cast<uint64_t>(flags.Integer("seed", 1));
  streams::StreamOptions& stream = options.stream;
  stream.pretrain_until = kDay * flags.Integer("pretrain-days", stream.pretrain_until / kDay);
  stream.waiting = absl::ToInt64Seconds(flags.Duration("waiting", absl::Seconds(stream.waiting)));
  stream.mature_after = absl::ToInt64Seconds(flags.Duration("mature-after", absl::Seconds(stream.mature_after)));
  stream.epochs = static_cast<int>(flags.Integer("epochs", stream.epochs));
  stream.rate = flags.Real("rate", stream.rate);
  return options;
}

// --- printing

Json EstimateJson(const Estimate& estimate) {
  return Json::object({{"mean", estimate.mean}, {"standard_error", estimate.standard_error}});
}

Json MethodsJson(const std::vector<MethodSummary>& methods) {
  Json array = Json::array();
  for (const MethodSummary& method : methods) {
    array.push_back(Json::object({{"name", streams::MethodName(method.method)},
                                  {"auc", EstimateJson(method.auc)},
                                  {"pr_auc", EstimateJson(method.pr_auc)},
                                  {"nll", EstimateJson(method.nll)},
                                  {"predicted_over_actual", EstimateJson(method.predicted_over_actual)},
                                  {"ri_auc", EstimateJson(method.ri_auc)},
                                  {"ri_pr_auc", EstimateJson(method.ri_pr_auc)},
                                  {"ri_nll", EstimateJson(method.ri_nll)},
                                  {"published_ri_auc", EstimateJson(method.published_ri_auc)},
                                  {"published_ri_pr_auc", EstimateJson(method.published_ri_pr_auc)},
                                  {"published_ri_nll", EstimateJson(method.published_ri_nll)}}));
  }
  return array;
}

Json SweepJson(const std::vector<SweepPoint>& sweep, absl::string_view name) {
  Json array = Json::array();
  for (const SweepPoint& point : sweep) {
    Json entry = Json::object({{std::string(name), point.value}});
    if (name == "waiting_seconds") entry["seen_share"] = point.seen_share;
    entry["methods"] = MethodsJson(point.methods);
    array.push_back(std::move(entry));
  }
  return array;
}

Json LogsJson(const std::vector<LogFacts>& facts) {
  Json array = Json::array();
  for (const LogFacts& log : facts) {
    array.push_back(Json::object({{"clicks", log.clicks},
                                  {"conversions", log.conversions},
                                  {"days", static_cast<double>(log.seconds) / kDay},
                                  {"seen_in_waiting", log.seen_in_waiting},
                                  {"seen_in_hour", log.seen_in_hour},
                                  {"seen_in_day", log.seen_in_day}}));
  }
  return array;
}

std::string Fixed(const Estimate& estimate, int digits) {
  if (estimate.mean != estimate.mean) return "-";
  if (estimate.standard_error == 0) return absl::StrFormat("%.*f", digits, estimate.mean);
  return absl::StrFormat("%.*f (%.*f)", digits, estimate.mean, digits, estimate.standard_error);
}

std::string MethodsText(const std::vector<MethodSummary>& methods) {
  Table table(
      {"method", ">AUC", ">PR-AUC", ">NLL", ">predicted/actual", ">RI-AUC", ">RI-PR-AUC", ">RI-NLL", ">RI-NLL*"});
  for (const MethodSummary& method : methods) {
    table.AddRow({std::string(streams::MethodName(method.method)), Fixed(method.auc, 4), Fixed(method.pr_auc, 4),
                  Fixed(method.nll, 4), Fixed(method.predicted_over_actual, 3), Fixed(method.ri_auc, 2),
                  Fixed(method.ri_pr_auc, 2), Fixed(method.ri_nll, 2), Fixed(method.published_ri_nll, 2)});
  }
  return table.Print();
}

std::string SweepText(const std::vector<SweepPoint>& sweep, bool waiting) {
  Table table(
      {waiting ? "waiting" : "swapped", ">seen by then", "method", ">AUC", ">PR-AUC", ">NLL", ">predicted/actual"});
  for (const SweepPoint& point : sweep) {
    for (const MethodSummary& method : point.methods) {
      table.AddRow({waiting ? absl::FormatDuration(absl::Seconds(point.value)) : absl::StrFormat("%.2f", point.value),
                    waiting ? absl::StrFormat("%.3f", point.seen_share) : "",
                    std::string(streams::MethodName(method.method)), Fixed(method.auc, 4), Fixed(method.pr_auc, 4),
                    Fixed(method.nll, 4), Fixed(method.predicted_over_actual, 3)});
    }
  }
  return table.Print();
}

std::string StudyText(const DelayStudy& study) {
  std::string text;
  for (const LogFacts& log : study.facts) {
    absl::StrAppendFormat(
        &text,
        "%s clicks in %.1f days, %s conversions (%.1f %%): %.1f %% of them by the waiting time, %.1f %% "
        "in an hour, %.1f %% in a day\n",
        GroupDigits(log.clicks), static_cast<double>(log.seconds) / kDay, GroupDigits(log.conversions),
        100.0 * static_cast<double>(log.conversions) / static_cast<double>(log.clicks), 100 * log.seen_in_waiting,
        100 * log.seen_in_hour, 100 * log.seen_in_day);
  }
  absl::StrAppend(&text, "\n", MethodsText(study.table),
                  "RI: (method - vanilla) / (oracle - vanilla). RI*: against vanilla_duplicates, as published.\n");
  if (study.facts.size() > 1) absl::StrAppend(&text, "In brackets: standard errors over the logs.\n");
  if (!study.waiting_sweep.empty()) absl::StrAppend(&text, "\n", SweepText(study.waiting_sweep, true));
  if (!study.noise_sweep.empty()) absl::StrAppend(&text, "\n", SweepText(study.noise_sweep, false));
  return text;
}

// The files written.
absl::StatusOr<std::vector<std::string>> DrawStudy(const DelayStudy& study, const std::string& directory) {
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  if (error) return absl::UnavailableError(absl::StrCat(directory, ": ", error.message()));
  std::vector<std::pair<std::string, chart::Chart>> charts = {
      {"delay_calibration.svg", streams::CalibrationChart(study)}};
  if (!study.waiting_sweep.empty()) charts.emplace_back("delay_waiting.svg", streams::WaitingChart(study));
  if (!study.noise_sweep.empty()) charts.emplace_back("delay_noise.svg", streams::NoiseChart(study));
  std::vector<std::string> files;
  for (const auto& [name, chart] : charts) {
    files.push_back((std::filesystem::path(directory) / name).string());
    RETURN_IF_ERROR(chart::WriteSvg(chart, files.back()));
  }
  return files;
}

// --- evaluate delay

absl::StatusOr<Outcome> RunDelay(const Invocation& invocation) {
  const Flags& flags = invocation.flags;
  if (flags.Has("data") == flags.Switch("generate")) return UsageError("either --data FILE or --generate is required");
  if (flags.Has("data") && flags.Has("seeds")) return UsageError("--seeds: only with --generate");
  ASSIGN_OR_RETURN(const streams::DelayStudyOptions options, StudyOptionsOf(flags));
  const int bits = static_cast<int>(flags.Integer("bits", 18));
  const int logs = flags.Has("data") ? 1 : static_cast<int>(flags.Integer("seeds", 6));
  const auto source = [&](int log) -> absl::StatusOr<streams::ConversionLog> {
    if (flags.Has("data")) {
      return streams::ReadConversionLog(flags.Text("data"), bits, [&](int64_t done, int64_t total) {
        invocation.progress.Update("evaluate: bytes read", done, total);
      });
    }
    streams::GeneratorOptions generator = GeneratorOf(flags);
    generator.seed += log;
    return streams::GenerateLog(generator, bits);
  };
  ASSIGN_OR_RETURN(const DelayStudy study,
                   streams::RunDelayStudy(source, logs, options, [&](int64_t done, int64_t total) {
                     invocation.progress.Update("evaluate: runs", done, total);
                   }));
  std::vector<std::string> files;
  if (flags.Has("svg")) {
    ASSIGN_OR_RETURN(files, DrawStudy(study, flags.Text("svg")));
  }
  Json charts = Json::array();
  for (const std::string& file : files) charts.push_back(file);
  Json document = Json::object({{"data", flags.Has("data") ? Json(flags.Text("data")) : Json()},
                                {"seed", flags.Integer("seed", 1)},
                                {"pretrain_days", options.stream.pretrain_until / kDay},
                                {"waiting_seconds", options.stream.waiting},
                                {"waiting_by", flags.Has("waiting-by") ? Json(flags.Text("waiting-by")) : Json()},
                                {"mature_after_seconds", options.stream.mature_after},
                                {"logs", LogsJson(study.facts)},
                                {"methods", MethodsJson(study.table)},
                                {"waiting_sweep", SweepJson(study.waiting_sweep, "waiting_seconds")},
                                {"noise_sweep", SweepJson(study.noise_sweep, "swapped_share")},
                                {"charts", std::move(charts)}});
  return Outcome{std::move(document), StudyText(study)};
}

// --- evaluate delay-data

absl::StatusOr<Outcome> RunDelayData(const Invocation& invocation) {
  const std::string file = invocation.flags.Text("write");
  const streams::GeneratorOptions options = GeneratorOf(invocation.flags);
  ASSIGN_OR_RETURN(const int64_t clicks, streams::WriteGeneratedLog(options, file, [&](int64_t done, int64_t total) {
                     invocation.progress.Update("generate: hours", done, total);
                   }));
  return Outcome{Json::object({{"file", file}, {"seed", static_cast<int64_t>(options.seed)}, {"clicks", clicks}}),
                 absl::StrCat(file, ": ", GroupDigits(clicks), " clicks of ", options.days, " days\n")};
}

FlagSpec IntegerFlag(absl::string_view name, absl::string_view help, double minimum, double maximum) {
  return {.name = std::string(name),
          .kind = FlagKind::kInteger,
          .value_name = "N",
          .help = std::string(help),
          .minimum = minimum,
          .maximum = maximum};
}

std::vector<FlagSpec> GeneratorFlags() {
  return {IntegerFlag("seed", "Of the generated log (the first of several) and of the noise; 1 by default.", 0, 1e15),
          IntegerFlag("days", "Days of a generated log; 60 by default.", 2, 3650),
          IntegerFlag("clicks-per-hour", "Of a generated log; 300 by default.", 1, 1000000),
          {.name = "drift-days",
           .kind = FlagKind::kReal,
           .value_name = "X",
           .help = "Time constant with which the generated truth drifts; 150 by default, 0 = it stands still.",
           .minimum = 0,
           .maximum = 1e6}};
}

}  // namespace

Command EvaluateDelayCommand() {
  std::vector<FlagSpec> flags = {
      {.name = "data", .value_name = "FILE", .help = "Click log in the layout of the Criteo Conversion Logs."},
      {.name = "generate", .kind = FlagKind::kSwitch, .help = "Make the log up, with a truth that is known."},
      IntegerFlag("seeds", "How many logs to generate and average over; 6 by default.", 1, 1000)};
  for (FlagSpec& flag : GeneratorFlags()) flags.push_back(std::move(flag));
  const std::vector<FlagSpec> more = {
      IntegerFlag("pretrain-days", "The stream begins after these days; 30 by default.", 1, 3650),
      {.name = "waiting",
       .kind = FlagKind::kDuration,
       .value_name = "DURATION",
       .help = "How long a click waits before its label is read; 15m by default."},
      {.name = "waiting-by",
       .value_name = "COLUMN",
       .help = "Wait by the level of this column, int1 to int8 or cat1 to cat9: until the share of the level's "
               "conversions has come that --waiting shows of all."},
      {.name = "waiting-share",
       .kind = FlagKind::kList,
       .value_name = "SHARE",
       .help = "With --waiting-by: until this share has come, drawn evenly for each click where there are several."},
      {.name = "mature-after",
       .kind = FlagKind::kDuration,
       .value_name = "DURATION",
       .help = "Age from which a click teaches the history's model, f_dp and f_rn; 168h by default."},
      {.name = "method",
       .kind = FlagKind::kList,
       .value_name = "NAME",
       .help = "Only this method, the oracle and both vanillas. Several times."},
      {.name = "sweep-waiting",
       .kind = FlagKind::kList,
       .value_name = "DURATION",
       .help = "Also compare at this waiting time. Several times."},
      {.name = "sweep-noise",
       .kind = FlagKind::kList,
       .value_name = "SHARE",
       .help = "Also compare with this share of the stream's labels swapped. Several times."},
      IntegerFlag("epochs", "Passes over the history; 5 by default.", 1, 1000),
      {.name = "rate",
       .kind = FlagKind::kReal,
       .value_name = "X",
       .help = "Learning rate in the stream; 0.005 by default.",
       .minimum = 1e-6,
       .maximum = 1},
      IntegerFlag("bits", "Features are hashed into 2^N weights; 18 by default.", 8, 28),
      {.name = "svg", .value_name = "DIR", .help = "Draw the results into this directory."}};
  flags.insert(flags.end(), more.begin(), more.end());
  return {.name = "evaluate delay",
          .summary = "Compares ways to learn from late conversions on a click log.",
          .details =
              "Learns the history, then hour by hour: the rows of hour t are learned, the clicks of hour t + 1 judged\n"
              "by their final labels. No label is visible before its conversion, except to the oracle.",
          .flags = std::move(flags),
          .config = ConfigUse::kOptional,
          .run = RunDelay};
}

Command EvaluateDelayDataCommand() {
  std::vector<FlagSpec> flags = {
      {.name = "write", .value_name = "FILE", .help = "Where to write the log, replaced whole.", .required = true}};
  for (FlagSpec& flag : GeneratorFlags()) flags.push_back(std::move(flag));
  return {.name = "evaluate delay-data",
          .summary = "Writes a made-up click log with late conversions, for evaluate delay.",
          .flags = std::move(flags),
          .config = ConfigUse::kOptional,
          .run = RunDelayData};
}

}  // namespace suggest::lab
