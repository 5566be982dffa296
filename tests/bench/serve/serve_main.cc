// suggest_bench_serve: the benchmark of the whole. tests/bench/run starts it.
#include <cstdio>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "service/cli/flags.h"
#include "tests/bench/serve/scenarios.h"

namespace suggest::bench {
namespace {

using Scenario = void (*)(Bench&);

const std::vector<std::pair<std::string, Scenario>>& Scenarios() {
  static const auto* const kScenarios =
      new std::vector<std::pair<std::string, Scenario>>{{"serve", RunServe},
                                                        {"serve_large", RunServeLarge},
                                                        {"propensity", RunPropensity},
                                                        {"commit", RunCommit},
                                                        {"soak", RunSoak},
                                                        {"kill", RunKill},
                                                        {"restart", RunRestart}};
  return *kScenarios;
}

Effort SmokeEffort() {
  return {.recommendations = 60,
          .large_catalogue = 200,
          .customers_after_a_year = 600,
          .warm_up = absl::Milliseconds(200),
          .length = absl::Milliseconds(300),
          .repetitions = 1,
          .soak_decisions = 300,
          .kills = 1,
          .restarts = 1};
}

int Usage(absl::string_view problem) {
  std::fprintf(stderr,
               "suggest_bench_serve: %s\nusage: suggest_bench_serve --postgres FOLDER --server CONNECTION --work "
               "FOLDER [--smoke] "
               "SCENARIO...\n  FOLDER and CONNECTION of deploy/private_postgres; scenarios: %s\n",
               std::string(problem).c_str(),
               absl::StrJoin(Scenarios(), " ", [](std::string* out, const auto& scenario) {
                 absl::StrAppend(out, scenario.first);
               }).c_str());
  return 2;
}

int Main(int argc, char** argv) {
  // Debian's Abseil looks for deadlocks at each lock, gRPC's too; the client shall cost as little as it can.
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
  Places places;
  places.programs = std::filesystem::read_symlink("/proc/self/exe").parent_path();  // beside this one
  places.source = SUGGEST_SOURCE_DIR;
  Effort effort;
  std::vector<Scenario> chosen;
  const absl::StatusOr<cli::Flags> flags =
      cli::Flags::Parse(std::vector<cli::FlagSpec>{{.name = "postgres", .value_name = "FOLDER", .required = true},
                                                   {.name = "server", .value_name = "CONNECTION", .required = true},
                                                   {.name = "work", .value_name = "FOLDER", .required = true},
                                                   {.name = "smoke", .kind = cli::FlagKind::kSwitch}},
                        std::vector<std::string>(argv + 1, argv + argc));
  if (!flags.ok()) return Usage(flags.status().message());
  places.server_folder = flags->Text("postgres");
  places.server = flags->Text("server");
  places.work = flags->Text("work");
  if (flags->Switch("smoke")) effort = SmokeEffort();
  for (const std::string& wanted : flags->positionals()) {
    const size_t before = chosen.size();
    for (const auto& [name, scenario] : Scenarios()) {
      if (wanted == name) chosen.push_back(scenario);
    }
    if (chosen.size() == before) return Usage(absl::StrCat("there is no scenario \"", wanted, "\""));
  }
  if (chosen.empty()) return Usage("no scenario is named");
  Bench bench(places, effort);
  for (const Scenario scenario : chosen) scenario(bench);
  return 0;
}

}  // namespace
}  // namespace suggest::bench

int main(int argc, char** argv) {
  return suggest::bench::Main(argc, argv);
}
