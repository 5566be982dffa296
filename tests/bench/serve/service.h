// A server under load: suggestd, or the floor beside it, as a process of its own with a client here.
#ifndef TESTS_BENCH_SERVE_SERVICE_H_
#define TESTS_BENCH_SERVE_SERVICE_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "suggest/config/v1/config.pb.h"
#include "suggest/v1/suggestion_service.pb.h"
#include "tests/bench/serve/company.h"
#include "tests/bench/serve/load.h"
#include "tests/integration/program.h"

namespace suggest::bench {

inline constexpr int kClients = 16;  // each with a connection of its own
inline constexpr int kSlate = 10;

class Service {
 public:
  // suggestd, or another program that is started like it, on the company's database and configuration, ready. Aborts
  // when it does not become ready. `name` tells its files and its request ids apart.
  static std::unique_ptr<Service> Suggestd(const Places& places, const Company& company, const std::string& name,
                                           const std::string& program = "suggestd");
  // The floor, with the same server settings, answering with `answers`.
  static std::unique_ptr<Service> Floor(const Places& places, const Company& company,
                                        const std::vector<v1::SuggestResponse>& answers, const std::string& name);

  LoadResult Run(const LoadOptions& options) { return load_->Run(options); }
  Program& program() { return *program_; }

  // Kills the process as it is and starts another one on the same port; the load of another thread finds it by itself.
  void KillAndRestart();
  // An idle process takes no processor time from the other one.
  void Pause();
  void Resume();

  // Sum over the label sets of a metric; 0 when there is none of that name.
  double Metric(absl::string_view name) const;

 private:
  Service(const Places& places, config::v1::Config config, const std::string& name)
      : places_(places), config_(std::move(config)), name_(name) {}

  void Start();
  void Connect(const std::vector<std::string>& customers);

  const Places places_;
  config::v1::Config config_;
  const std::string name_;
  std::vector<std::string> arguments_;  // but --config
  std::string ready_line_;
  int starts_ = 0;
  int grpc_port_ = 0;
  int http_port_ = 0;
  std::unique_ptr<Program> program_;
  std::unique_ptr<Load> load_;
};

// Sum over the label sets of metric `name` in Prometheus' text format.
double SumOfMetric(absl::string_view exposition, absl::string_view name);

}  // namespace suggest::bench

#endif  // TESTS_BENCH_SERVE_SERVICE_H_
