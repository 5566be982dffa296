// What tests/bench/run can be asked for. Each scenario makes what it needs, measures, and prints its measurements.
#ifndef TESTS_BENCH_SERVE_SCENARIOS_H_
#define TESTS_BENCH_SERVE_SCENARIOS_H_

#include <map>
#include <string>

#include "tests/bench/serve/company.h"
#include "tests/bench/serve/contest.h"

namespace suggest::bench {

// Where and how long; and the companies, made at their first use.
class Bench {
 public:
  Bench(const Places& places, const Effort& effort) : places_(places), effort_(effort) {}

  const Places& places() const { return places_; }
  const Effort& effort() const { return effort_; }
  // A fresh copy of the company for the scenario of that name, with propensities deferred; the last one is dropped.
  // `catalogue`: at least effort().recommendations.
  Company Fresh(Stage stage, int catalogue, const std::string& scenario);

 private:
  const Places places_;
  const Effort effort_;
  std::map<std::string, Company> made_;
  std::string last_copy_;
};

void RunServe(Bench& bench);       // throughput and latency against the floor, 1,000 candidates
void RunServeLarge(Bench& bench);  // the same with 100,000
void RunPropensity(Bench& bench);  // propensities on: after the warm start, and after a year
void RunCommit(Bench& bench);      // group commit against the floor, and against a commit per decision
void RunSoak(Bench& bench);        // memory, files and the log over many decisions
void RunKill(Bench& bench);        // SIGKILL of suggestd under load
void RunRestart(Bench& bench);     // PostgreSQL stopped and restarted under load

}  // namespace suggest::bench

#endif  // TESTS_BENCH_SERVE_SCENARIOS_H_
