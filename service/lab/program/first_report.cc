// suggestlab first-report: what a warm start tells made-up companies, with the truth beside it.
#include "service/lab/simulation/first_report.h"

#include <algorithm>
#include <cstdint>
#include <thread>

#include "bandit/base/status_macros.h"
#include "service/lab/program/commands.h"
#include "service/lab/simulation/simulator_config.h"

namespace suggest::lab {
namespace {

absl::StatusOr<Outcome> RunFirstReport(const Invocation& invocation) {
  const Flags& flags = invocation.flags;
  config::v1::Config config = simulation::SimulatorConfig();
  if (flags.Has("config")) {
    ASSIGN_OR_RETURN(config, ReadConfig(invocation));
  }
  if (flags.Has("ridge")) config.mutable_learning()->set_ridge(flags.Real("ridge", 0));
  simulation::FirstReportOptions options;
  const auto first = static_cast<uint64_t>(flags.Integer("seed", 1));
  const auto seeds = static_cast<uint64_t>(flags.Integer("seeds", 1));
  for (uint64_t i = 0; i < seeds; ++i) options.seeds.push_back(first + i);
  options.jobs = static_cast<int>(flags.Integer("jobs", std::max(1u, std::thread::hardware_concurrency())));
  options.progress = [&](int64_t done, int64_t total) { invocation.progress.Update("first reports", done, total); };
  ASSIGN_OR_RETURN(const model::v1::FirstReports reports, simulation::MakeFirstReports(options, config));
  return Outcome{ProtoToJson(reports), simulation::FormatFirstReports(reports)};
}

}  // namespace

Command FirstReportCommand() {
  return {.name = "first-report",
          .summary = "Makes the first report of made-up companies, with the truth beside it.",
          .details =
              "Each company's history of a year is learned from and predicted as warm-start does it; beside it stand\n"
              "what the truth would score on the same exposures, and what the best three suggestions bring.\n"
              "--config gives features, learning and money; by default those of deploy/simulator.",
          .flags = {{.name = "seed",
                     .kind = FlagKind::kInteger,
                     .value_name = "N",
                     .help = "The company, or the first of them; 1 by default.",
                     .minimum = 1,
                     .maximum = 1e15},
                    {.name = "seeds",
                     .kind = FlagKind::kInteger,
                     .value_name = "N",
                     .help = "How many companies; 1 by default.",
                     .minimum = 1,
                     .maximum = 10000},
                    {.name = "ridge",
                     .kind = FlagKind::kReal,
                     .value_name = "X",
                     .help = "In place of learning.ridge; 0 chooses it by evidence.",
                     .minimum = 0,
                     .maximum = 1e12},
                    {.name = "jobs",
                     .kind = FlagKind::kInteger,
                     .value_name = "N",
                     .help = "Threads; as many as processors by default.",
                     .minimum = 1,
                     .maximum = 1024}},
          .config = ConfigUse::kOptional,
          .run = RunFirstReport};
}

}  // namespace suggest::lab
