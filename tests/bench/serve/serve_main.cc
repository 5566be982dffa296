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

int Usage() {
  std::fprintf(stderr,
               "usage: suggest_bench_serve --postgres FOLDER --server CONNECTION --work FOLDER [--smoke] "
               "SCENARIO...\n  FOLDER and CONNECTION of tests/private_postgres; scenarios: %s\n",
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
  for (int i = 1; i < argc; ++i) {
    const absl::string_view argument = argv[i];
    std::string* const value = argument == "--postgres" ? &places.server_folder
                               : argument == "--server" ? &places.server
                               : argument == "--work"   ? &places.work
                                                        : nullptr;
    if (value != nullptr && i + 1 < argc) {
      *value = argv[++i];
    } else if (argument == "--smoke") {
      effort = SmokeEffort();
    } else {
      const size_t before = chosen.size();
      for (const auto& [name, scenario] : Scenarios()) {
        if (argument == name) chosen.push_back(scenario);
      }
      if (chosen.size() == before) return Usage();
    }
  }
  if (places.server_folder.empty() || places.server.empty() || places.work.empty() || chosen.empty()) return Usage();
  Bench bench(places, effort);
  for (const Scenario scenario : chosen) scenario(bench);
  return 0;
}

}  // namespace
}  // namespace suggest::bench

int main(int argc, char** argv) {
  return suggest::bench::Main(argc, argv);
}
