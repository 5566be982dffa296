// Scenarios that look for what is lost: soak, kill, restart.
#include <algorithm>
#include <random>
#include <string>
#include <thread>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "bandit/base/check.h"
#include "tests/bench/measurement.h"
#include "tests/bench/serve/scenarios.h"
#include "tests/bench/serve/usage.h"
#include "tests/integration/program.h"
#include "tests/support/raw_sql.h"

namespace suggest::bench {
namespace {

using suggest::testing::RunSql;

constexpr int64_t kSoakChunk = 10'000;
constexpr double kSoakWarmUp = 0.2;

// The decisions that were answered, and how they compare with the log.
class Ledger {
 public:
  // For LoadOptions::on_answer.
  void Add(const Answer& answer) {
    if (answer.status.ok()) answered_.insert(Parse(answer.response).decision_id());
  }

  // Prints answered decisions that are missing and ids that are there twice; both must be none.
  void Compare(const Company& company, const std::string& bench, Detail detail) const {
    absl::flat_hash_map<std::string, int> logged;
    for (const auto& row : RunSql(company.connection, "SELECT decision_id::text FROM suggest.decisions")) {
      ++logged[row[0]];
    }
    int missing = 0;
    for (const std::string& id : answered_) missing += logged.contains(id) ? 0 : 1;
    const auto twice = std::count_if(logged.begin(), logged.end(), [](const auto& entry) { return entry.second > 1; });
    detail.insert(detail.begin(), {{"answered", static_cast<double>(answered_.size())},
                                   {"logged", static_cast<double>(logged.size())}});
    Print({bench, "answered_but_not_logged", static_cast<double>(missing), "decisions", Target{0, Better::kLess},
           std::move(detail)});
    Print({bench, "logged_twice", static_cast<double>(twice), "decisions", Target{0, Better::kLess}, {}});
  }

 private:
  absl::flat_hash_set<std::string> answered_;
};

void PrintBytesPerDecision(const Company& company, const std::string& bench) {
  const auto rows = RunSql(company.connection,
                           "SELECT (SELECT sum(pg_total_relation_size(c.oid)) FROM pg_class c "
                           "        JOIN pg_namespace n ON n.oid = c.relnamespace "
                           "        WHERE n.nspname = 'suggest' AND c.relkind = 'r' "
                           "        AND (c.relname LIKE 'decisions%' OR c.relname LIKE 'request_ids%')), "
                           "       (SELECT count(*) FROM suggest.decisions)");
  const double decisions = std::stod(rows[0][1]);
  Print({bench, "bytes_per_decision", std::stod(rows[0][0]) / decisions, "bytes", {}, {{"decisions", decisions}}});
}

absl::Duration Random(std::mt19937_64& random, absl::Duration low, absl::Duration high) {
  return low + (high - low) * std::uniform_real_distribution<double>(0, 1)(random);
}

void WarmUp(const Bench& bench, Service& service, Ledger& ledger) {
  service.Run({.length = bench.effort().warm_up, .on_answer = [&ledger](const Answer& answer) { ledger.Add(answer); }});
}

// A load in a thread of its own while something happens to the servers.
template <typename Happening>
LoadResult UnderLoad(Service& service, Ledger& ledger, absl::Duration length, const Happening& happening) {
  LoadResult result;
  std::thread load([&] {
    result = service.Run({.length = length, .on_answer = [&ledger](const Answer& answer) { ledger.Add(answer); }});
  });
  happening();
  load.join();
  return result;
}

void RunScript(const Places& places, std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), places.source + "/deploy/private_postgres");
  SUGGEST_CHECK(RunProgram(arguments, places.work, "private_postgres").exit_code == 0);
}

struct Disturbance {
  std::string bench;
  std::string plural;
  int times = 0;
  absl::Duration load;  // around each
  bool spool = false;
};

// Until what the spool took is in PostgreSQL. Aborts when that takes longer than a minute.
void WaitForDrain(const Service& service) {
  const absl::Time until = absl::Now() + absl::Minutes(1);
  while (service.Metric("suggest_spool_decisions") > 0) {
    SUGGEST_CHECK(absl::Now() < until);
    absl::SleepFor(absl::Milliseconds(100));
  }
}

// A suggestd under load that is disturbed; afterwards every answered decision is looked for in the log.
template <typename Disturber>
void Disturb(Bench& bench, const std::string& name, const Disturbance& disturbance, Disturber disturb) {
  Company company = bench.Fresh(Stage::kWarmStart, bench.effort().recommendations, name);
  if (disturbance.spool) company.config.mutable_database()->set_spool(bench.places().work + "/" + name + ".spool");
  const auto service = Service::Suggestd(bench.places(), company, name);
  Ledger ledger;
  WarmUp(bench, *service, ledger);
  int64_t sent = 0;
  int64_t failed = 0;
  for (int i = 0; i < disturbance.times; ++i) {
    const LoadResult load = UnderLoad(*service, ledger, disturbance.load, [&] { disturb(*service); });
    sent += load.sent;
    failed += load.Failed();
  }
  Detail detail = {{disturbance.plural, static_cast<double>(disturbance.times)},
                   {"sent", static_cast<double>(sent)},
                   {"failed", static_cast<double>(failed)}};
  if (disturbance.spool) {
    WaitForDrain(*service);
    detail.push_back({"spooled", service->Metric("suggest_spool_drained_total")});
    Print({disturbance.bench, "failed", static_cast<double>(failed), "calls", Target{0, Better::kLess}, {}});
  }
  ledger.Compare(company, disturbance.bench, std::move(detail));
}

}  // namespace

void RunSoak(Bench& bench) {
  const Company company = bench.Fresh(Stage::kWarmStart, bench.effort().recommendations, "soak");
  const auto service = Service::Suggestd(bench.places(), company, "soak");
  Ledger ledger;
  std::vector<double> resident, files;
  double seconds = 0;
  int64_t done = 0;
  while (done < bench.effort().soak_decisions) {
    const LoadResult load =
        service->Run({.length = absl::Hours(1),
                      .most_calls = std::min<int64_t>(kSoakChunk, bench.effort().soak_decisions - done),
                      .on_answer = [&ledger](const Answer& answer) { ledger.Add(answer); }});
    done += load.sent;
    seconds += load.seconds;
    resident.push_back(static_cast<double>(ResidentBytes(service->program().pid())));
    files.push_back(OpenFiles(service->program().pid()));
  }
  const size_t warm = static_cast<size_t>(kSoakWarmUp * resident.size());
  Print({"soak",
         "resident_growth",
         resident.back() / resident[warm] - 1,
         "share",
         Target{0.05, Better::kLess},
         {{"resident_after_warm_up_mib", resident[warm] / (1 << 20)},
          {"resident_at_end_mib", resident.back() / (1 << 20)},
          {"decisions", static_cast<double>(done)},
          {"decisions_per_s", done / seconds}}});
  Print({"soak",
         "open_files_growth",
         files.back() - files[warm],
         "files",
         Target{0, Better::kLess},
         {{"open_files", files.back()}}});
  ledger.Compare(company, "soak", {});
  PrintBytesPerDecision(company, "soak");
}

void RunKill(Bench& bench) {
  std::mt19937_64 random(1);
  Disturb(bench, "killed", {"kill", "kills", bench.effort().kills, absl::Seconds(2)}, [&](Service& service) {
    absl::SleepFor(Random(random, absl::Milliseconds(200), absl::Milliseconds(1200)));
    service.KillAndRestart();
  });
}

void RunRestart(Bench& bench) {
  std::mt19937_64 random(2);
  const auto restart = [&](Service&) {
    absl::SleepFor(Random(random, absl::Seconds(1), absl::Seconds(2)));
    RunScript(bench.places(), {"stop", "--immediate", bench.places().server_folder});
    absl::SleepFor(absl::Seconds(1));
    RunScript(bench.places(), {"start", bench.places().server_folder});
  };
  const Disturbance refusing{"restart", "restarts", bench.effort().restarts, absl::Seconds(8)};
  Disturb(bench, "restarted", refusing, restart);
  Disturbance spooling = refusing;
  spooling.bench = "restart_with_spool";
  spooling.spool = true;
  Disturb(bench, "spooled", spooling, restart);
}

}  // namespace suggest::bench
