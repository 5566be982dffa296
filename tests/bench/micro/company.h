// The posterior that the micro benchmarks choose from: the simulated company's, learnt from a year of its experts, with
// tests/bench/serve/suggest.textproto (16 + 16 components, d = 289).
//   kWarmStart   350 customers growing to 500: about 6,000 exposures
//   kYear        500 growing to 5,000, contacted twice as often: the year that follows
#ifndef TESTS_BENCH_MICRO_COMPANY_H_
#define TESTS_BENCH_MICRO_COMPANY_H_

#include <memory>

#include "absl/time/time.h"
#include "service/decision/catalogue.h"
#include "service/lab/simulation/company.h"
#include "service/lab/simulation/expert.h"
#include "service/lab/simulation/in_memory_service.h"
#include "service/lab/simulation/truth.h"
#include "storage/records.h"

namespace suggest::bench {

enum class Knowledge { kWarmStart, kYear };

// Owns the company and what was learnt from it. Aborts when the simulation fails.
class LearntCompany {
 public:
  LearntCompany(Knowledge knowledge, int recommendations);

  int64_t exposures() const { return exposures_; }
  int dim() const { return service_->dim(); }
  // What the warm start took, on one core.
  absl::Duration replay_time() const { return replay_time_; }
  // Of customer `index`, taken modulo their number, with the first `candidates` recommendations eligible; refers to
  // this object.
  bandit::DecisionProblem Problem(int index, int candidates);
  // What suggestd would decide with, all recommendations active; and what it would know of a customer.
  std::shared_ptr<const decision::Serving> Serving() const;
  storage::CustomerState Customer(int index) const;
  absl::Time now() const { return company_.Midnight(0); }

 private:
  simulation::Company company_;
  simulation::Truth truth_;
  int64_t exposures_ = 0;
  absl::Duration replay_time_;
  std::unique_ptr<simulation::InMemoryService> service_;
};

}  // namespace suggest::bench

#endif  // TESTS_BENCH_MICRO_COMPANY_H_
