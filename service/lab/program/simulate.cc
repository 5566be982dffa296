// suggestlab simulate: the made-up company. Compares policies in process, writes its history as CSV, or plays it
// against a running suggestd.
#include <algorithm>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "bandit/base/status_macros.h"
#include "service/lab/program/commands.h"
#include "service/lab/simulation/csv_writer.h"
#include "service/lab/simulation/drive.h"
#include "service/lab/simulation/policy_runs.h"
#include "service/lab/simulation/simulator_config.h"

namespace suggest::lab {
namespace {

absl::StatusOr<config::v1::Config> SimulationConfig(const Invocation& invocation) {
  if (invocation.flags.Has("config")) return ReadConfig(invocation);
  return simulation::SimulatorConfig();
}

simulation::CompanyOptions CompanyOf(const Flags& flags) {
  simulation::CompanyOptions options;
  options.seed = static_cast<uint64_t>(flags.Integer("seed", 1));
  return options;
}

// --- --write-csv

absl::StatusOr<Outcome> WriteCsv(const Invocation& invocation) {
  const std::string directory = invocation.flags.Text("write-csv");
  const simulation::Company company(CompanyOf(invocation.flags));
  const simulation::Truth truth(company);
  const simulation::History history = simulation::PlayHistory(company, truth);
  RETURN_IF_ERROR(simulation::WriteHistory(company, history, directory));

  const auto exposures = static_cast<int64_t>(history.world.exposures().size());
  const auto suggestions = static_cast<int64_t>(history.choices.size());
  const int customers = company.CustomersOn(-1);
  return Outcome{Json::object({{"directory", directory},
                               {"seed", company.options().seed},
                               {"customers", customers},
                               {"recommendations", static_cast<int64_t>(company.recommendations().size())},
                               {"suggestions", suggestions},
                               {"exposures", exposures}}),
                 absl::StrCat(directory, ": a year of ", GroupDigits(customers), " customers, ",
                              company.recommendations().size(), " recommendations, ", GroupDigits(suggestions),
                              " suggestions of which ", GroupDigits(exposures), " were kept\n")};
}

// --- --drive

absl::StatusOr<Outcome> Drive(const Invocation& invocation) {
  const Flags& flags = invocation.flags;
  ASSIGN_OR_RETURN(const Session session, OpenSession(invocation));
  simulation::DriveOptions options;
  options.company = CompanyOf(flags);
  options.days = static_cast<int>(flags.Integer("days", options.days));
  options.ingest_every_days = static_cast<int>(flags.Integer("ingest-every-days", options.ingest_every_days));
  options.progress = [&](int64_t done, int64_t total) { invocation.progress.Update("drive: days", done, total); };
  const std::unique_ptr<simulation::DriveTarget> target = simulation::RunningService(
      flags.Text("drive"), flags.Duration("timeout", absl::Minutes(1)), *session.database, invocation.clock);
  ASSIGN_OR_RETURN(const model::v1::DriveReport report, simulation::Drive(options, *target));
  return Outcome{ProtoToJson(report), simulation::FormatDrive(report)};
}

// --- the policy table

// The standard policies, or those named, with the reference first and the oracle last, which every comparison needs.
absl::StatusOr<std::vector<simulation::PolicySpec>> ChoosePolicies(const Flags& flags,
                                                                   const config::v1::Config& config) {
  std::vector<simulation::PolicySpec> all = simulation::StandardPolicies(config);
  const std::vector<std::string> names = flags.List("policy");
  if (names.empty()) return all;
  std::vector<simulation::PolicySpec> chosen;
  for (const std::string& name : names) {
    const auto found = std::find_if(all.begin(), all.end(), [&](const auto& spec) { return spec.name == name; });
    if (found == all.end()) {
      return UsageError(absl::StrCat(
          "--policy: \"", name, "\" is not one of: ", absl::StrJoin(all, ", ", [](std::string* out, const auto& spec) {
            absl::StrAppend(out, "\"", spec.name, "\"");
          })));
    }
    chosen.push_back(*found);
  }
  const auto is_oracle = [](const auto& spec) { return spec.chooser == simulation::Chooser::kOracle; };
  if (std::none_of(chosen.begin(), chosen.end(), is_oracle)) {
    chosen.push_back(*std::find_if(all.begin(), all.end(), is_oracle));
  }
  return chosen;
}

absl::StatusOr<Outcome> ComparePolicies(const Invocation& invocation) {
  const Flags& flags = invocation.flags;
  ASSIGN_OR_RETURN(const config::v1::Config config, SimulationConfig(invocation));
  simulation::ComparisonOptions options;
  options.company = CompanyOf(flags);
  options.company.year_days = static_cast<int>(flags.Integer("days", options.company.year_days));
  options.seeds = static_cast<int>(flags.Integer("seeds", options.seeds));
  options.tick_days = static_cast<int>(flags.Integer("tick-days", options.tick_days));
  options.jobs = static_cast<int>(flags.Integer("jobs", std::max(1u, std::thread::hardware_concurrency())));
  ASSIGN_OR_RETURN(options.policies, ChoosePolicies(flags, config));
  options.progress = [&](int64_t done, int64_t total) { invocation.progress.Update("simulate: runs", done, total); };
  options.progress(0, 0);
  ASSIGN_OR_RETURN(const model::v1::PolicyComparison comparison, simulation::ComparePolicies(options, config));
  return Outcome{ProtoToJson(comparison), simulation::FormatTable(comparison)};
}

absl::StatusOr<Outcome> RunSimulate(const Invocation& invocation) {
  const Flags& flags = invocation.flags;
  if (flags.Has("write-csv") && flags.Has("drive")) return UsageError("--drive and --write-csv exclude each other");
  if (flags.Has("drive") && !flags.Has("config")) return UsageError("--drive: --config FILE is required with it");
  if (flags.Has("drive")) return Drive(invocation);
  if (flags.Has("write-csv")) return WriteCsv(invocation);
  return ComparePolicies(invocation);
}

FlagSpec NumberFlag(absl::string_view name, absl::string_view help, double maximum) {
  return {.name = std::string(name),
          .kind = FlagKind::kInteger,
          .value_name = "N",
          .help = std::string(help),
          .minimum = 1,
          .maximum = maximum};
}

std::vector<FlagSpec> SimulateFlags() {
  return {{.name = "write-csv",
           .value_name = "DIR",
           .help = "Write the year of history before the simulated one, in the import format."},
          {.name = "drive",
           .kind = FlagKind::kAddress,
           .value_name = "HOST:PORT",
           .help = "Play the company's customers, experts and billing against this suggestd and the database "
                   "of --config, on the time of --clock."},
          NumberFlag("seed", "The company; the first of them in a comparison. 1 by default.", 1e15),
          NumberFlag("seeds", "How many companies to compare the policies on; 20 by default.", 10000),
          NumberFlag("jobs", "Threads; as many as processors by default.", 1024),
          NumberFlag("days", "Days to play; 365 by default.", 3650),
          NumberFlag("tick-days", "Days from one ingest to the next in a comparison; 7 by default.", 365),
          {.name = "ingest-every-days",
           .kind = FlagKind::kInteger,
           .value_name = "N",
           .help = "Days from one ingest to the next in a drive; 1 by default, 0 = somebody else runs them.",
           .minimum = 0,
           .maximum = 365},
          TimeoutFlag("1m"),
          {.name = "policy",
           .kind = FlagKind::kList,
           .value_name = "NAME",
           .help = "Compare only this policy and the oracle; the first one named is the reference."}};
}

}  // namespace

Command SimulateCommand() {
  return {.name = "simulate",
          .summary = "Plays a made-up company: compares policies, writes its history, or drives a server.",
          .details =
              "Without --write-csv and --drive it plays a year in process with every policy, on\n"
              "companies that differ by their seed, and prints reward and regret with standard errors over the seeds.\n"
              "--config gives features, learning and money; by default those of deploy/simulator.",
          .flags = SimulateFlags(),
          .config = ConfigUse::kOptional,
          .run = RunSimulate};
}

}  // namespace suggest::lab
