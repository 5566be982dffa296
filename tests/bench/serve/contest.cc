#include "tests/bench/serve/contest.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <fstream>

#include "absl/time/clock.h"
#include "bandit/base/check.h"
#include "tests/bench/serve/usage.h"

namespace suggest::bench {
namespace {

constexpr size_t kAnswersKept = 256;

template <typename Value>
double MedianOf(const std::vector<Sample>& samples, const Value& value) {
  std::vector<double> values;
  for (const Sample& sample : samples) values.push_back(value(sample));
  return Median(values);
}

}  // namespace

pid_t PostgresPid(const Places& places) {
  std::ifstream file(places.server_folder + "/data/postmaster.pid");
  pid_t pid = 0;
  file >> pid;
  SUGGEST_CHECK(pid > 0);
  return pid;
}

double Sample::MicrosecondsPerCall(absl::Duration time) const {
  return load.latency.count() > 0 ? absl::ToDoubleMicroseconds(time) / load.latency.count() : 0;
}

double Comparison::MedianRate(const std::vector<Sample>& samples) const {
  return MedianOf(samples, [](const Sample& sample) { return sample.load.Rate(); });
}

double Comparison::MedianLatency(const std::vector<Sample>& samples, double percentile) const {
  return MedianOf(samples, [percentile](const Sample& sample) {
    return absl::ToDoubleMicroseconds(sample.load.latency.Percentile(percentile));
  });
}

std::vector<double> Comparison::RateRatios() const {
  std::vector<double> ratios;
  for (size_t i = 0; i < suggestd.size(); ++i) ratios.push_back(suggestd[i].load.Rate() / floor[i].load.Rate());
  return ratios;
}

double Comparison::MedianLatencyRatio(double percentile) const {
  std::vector<double> ratios;
  for (size_t i = 0; i < suggestd.size(); ++i) {
    ratios.push_back(absl::FDivDuration(suggestd[i].load.latency.Percentile(percentile),
                                        floor[i].load.latency.Percentile(percentile)));
  }
  return Median(ratios);
}

Detail Comparison::Describe() const {
  const auto cpu = [](const std::vector<Sample>& samples, absl::Duration Sample::*time) {
    return MedianOf(samples, [time](const Sample& sample) { return sample.MicrosecondsPerCall(sample.*time); });
  };
  const auto idle = [](const Sample& sample) { return sample.idle_share; };
  const std::vector<double> ratios = RateRatios();
  int64_t failed = 0;
  for (const Sample& sample : suggestd) failed += sample.load.Failed();
  return {{"calls_per_s", MedianRate(suggestd)},
          {"floor_calls_per_s", MedianRate(floor)},
          {"lowest_ratio", *std::min_element(ratios.begin(), ratios.end())},
          {"highest_ratio", *std::max_element(ratios.begin(), ratios.end())},
          {"p50_us", MedianLatency(suggestd, 0.5)},
          {"p99_us", MedianLatency(suggestd, 0.99)},
          {"floor_p50_us", MedianLatency(floor, 0.5)},
          {"floor_p99_us", MedianLatency(floor, 0.99)},
          {"server_cpu_us", cpu(suggestd, &Sample::server)},
          {"postgres_cpu_us", cpu(suggestd, &Sample::postgres)},
          {"client_cpu_us", cpu(suggestd, &Sample::client)},
          {"floor_server_cpu_us", cpu(floor, &Sample::server)},
          {"floor_client_cpu_us", cpu(floor, &Sample::client)},
          {"idle_share", MedianOf(suggestd, idle)},
          {"floor_idle_share", MedianOf(floor, idle)},
          {"failed", static_cast<double>(failed)}};
}

Contest::Contest(const Places& places, const Company& company, const Effort& effort, const std::string& name,
                 const std::string& program)
    : effort_(effort), postgres_(PostgresPid(places)) {
  suggestd_ = Service::Suggestd(places, company, name, program);
  LoadOptions warm_up{.length = effort.warm_up};
  std::string refusal;
  warm_up.on_answer = [&](const Answer& answer) {
    if (!answer.status.ok()) refusal = answer.status.error_message();
    if (answer.status.ok() && answers_.size() < kAnswersKept) answers_.push_back(Parse(answer.response));
  };
  // A large catalogue is encoded after the model came into service.
  const absl::Time until = absl::Now() + absl::Minutes(2);
  do {
    suggestd_->Run(warm_up);
  } while (answers_.empty() && absl::Now() < until);
  if (!refusal.empty()) std::fprintf(stderr, "%s: %s\n", name.c_str(), refusal.c_str());
  SUGGEST_CHECK(!answers_.empty());
  floor_ = Service::Floor(places, company, answers_, name + ".floor");
  floor_->Run({.length = effort.warm_up});
}

Comparison Contest::Closed(int clients) {
  return Compare({.length = effort_.length, .clients = clients});
}

Comparison Contest::Open(double rate) {
  return Compare({.length = effort_.length, .rate = rate});
}

Comparison Contest::Compare(const LoadOptions& options) {
  Comparison comparison;
  for (int i = 0; i < effort_.repetitions; ++i) {
    suggestd_->Pause();
    comparison.floor.push_back(Measure(*floor_, options));
    suggestd_->Resume();
    comparison.suggestd.push_back(Measure(*suggestd_, options));
  }
  return comparison;
}

Sample Contest::Measure(Service& service, const LoadOptions& options) {
  // What a pause left to do, and the connections' way back to speed.
  LoadOptions settle = options;
  settle.length = std::min(options.length, absl::Milliseconds(500));
  service.Run(settle);
  const pid_t pid = service.program().pid();
  const absl::Duration server = CpuTime(pid);
  const absl::Duration postgres = CpuTimeOfFamily(postgres_);
  const absl::Duration client = OwnCpuTime();
  const absl::Duration idle = IdleTime();
  const absl::Time begin = absl::Now();
  Sample sample;
  sample.load = service.Run(options);
  const absl::Duration machine = (absl::Now() - begin) * sysconf(_SC_NPROCESSORS_ONLN);
  sample.idle_share = absl::FDivDuration(IdleTime() - idle, machine);
  sample.server = CpuTime(pid) - server;
  sample.postgres = CpuTimeOfFamily(postgres_) - postgres;
  sample.client = OwnCpuTime() - client;
  return sample;
}

}  // namespace suggest::bench
