// suggestd against the floor: the same load on both, turn about, in one run.
//
// The floor answers with answers that this suggestd gave, over a server with the same settings, so that the two differ
// in what suggestd does and in nothing else. While one is measured the other one is stopped (SIGSTOP). Client, server
// and PostgreSQL share the machine's processors. Figures are medians over the repetitions, ratios medians of the
// repetitions' ratios.
#ifndef TESTS_BENCH_SERVE_CONTEST_H_
#define TESTS_BENCH_SERVE_CONTEST_H_

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "tests/bench/measurement.h"
#include "tests/bench/serve/company.h"
#include "tests/bench/serve/load.h"
#include "tests/bench/serve/service.h"

namespace suggest::bench {

// How large, how long and how often.
struct Effort {
  int recommendations = 1'000;
  int large_catalogue = 100'000;
  int customers_after_a_year = 5'000;
  absl::Duration warm_up = absl::Seconds(2);
  absl::Duration length = absl::Seconds(4);
  int repetitions = 5;
  int soak_decisions = 500'000;
  int kills = 30;
  int restarts = 3;
};

struct Sample {
  LoadResult load;
  // Processor time.
  absl::Duration server;
  absl::Duration postgres;
  absl::Duration client;
  double idle_share = 0;  // of the machine's processors

  double MicrosecondsPerCall(absl::Duration time) const;
};

using Detail = std::vector<std::pair<std::string, double>>;

struct Comparison {
  std::vector<Sample> suggestd;
  std::vector<Sample> floor;

  double MedianRate(const std::vector<Sample>& samples) const;
  double MedianLatency(const std::vector<Sample>& samples, double percentile) const;  // microseconds
  std::vector<double> RateRatios() const;
  // suggestd's over the floor's.
  double MedianLatencyRatio(double percentile) const;
  Detail Describe() const;
};

class Contest {
 public:
  // `program`: as in Service::Suggestd.
  Contest(const Places& places, const Company& company, const Effort& effort, const std::string& name,
          const std::string& program = "suggestd");

  Comparison Closed(int clients = kClients);
  Comparison Open(double rate);

  Service& suggestd() { return *suggestd_; }
  // Some of suggestd's own answers.
  const std::vector<v1::SuggestResponse>& answers() const { return answers_; }

 private:
  Comparison Compare(const LoadOptions& options);
  Sample Measure(Service& service, const LoadOptions& options);

  const Effort effort_;
  pid_t postgres_;
  std::unique_ptr<Service> suggestd_;
  std::unique_ptr<Service> floor_;
  std::vector<v1::SuggestResponse> answers_;
};

// The process that the other PostgreSQL processes are children of.
pid_t PostgresPid(const Places& places);

}  // namespace suggest::bench

#endif  // TESTS_BENCH_SERVE_CONTEST_H_
