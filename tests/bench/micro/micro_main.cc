// suggest_bench_micro [--smoke]: what the pure path takes, one function at a time, on one core.
//
// Google Benchmark does the timing. Each figure is the best of several repetitions, since on a machine that does other
// things as well only the best repeats; scoring, which is bound by a memory that others use too, is measured by turns
// with the sum over its bytes, and the ratio is the median over the turns.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstdio>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "bandit/base/random.h"
#include "bandit/choose/scoring.h"
#include "bandit/choose/selector.h"
#include "bandit/model/context.h"
#include "bandit/model/factored_sums.h"
#include "bandit/model/posterior.h"
#include "bandit/model/sufficient_statistics.h"
#include "features/principal_components.h"
#include "service/cli/flags.h"
#include "service/common/config.h"
#include "service/decision/decider.h"
#include "service/decision/response.h"
#include "storage/log/decision_id.h"
#include "tests/bench/measurement.h"
#include "tests/bench/micro/company.h"
#include "tests/bench/micro/panel_sum.h"

namespace suggest::bench {
namespace {

using bandit::CandidateMatrix;
using bandit::CounterRng;
using bandit::Seed;
using Eigen::MatrixXd;
using Eigen::VectorXd;

constexpr int kColumns = 17;
constexpr int kDimension = kColumns * kColumns;
constexpr int kSlate = 10;

// Keeps the best real time of each benchmark, in microseconds per iteration; prints for people on standard error.
class BestTimes : public benchmark::BenchmarkReporter {
 public:
  bool ReportContext(const Context&) override { return true; }

  void ReportRuns(const std::vector<Run>& runs) override {
    for (const Run& run : runs) {
      if (run.run_type != Run::RT_Iteration) continue;
      const double micros = 1e6 * run.real_accumulated_time / static_cast<double>(run.iterations);
      const auto [best, fresh] = best_.try_emplace(run.run_name.function_name, micros);
      if (!fresh) best->second = std::min(best->second, micros);
    }
  }

  double Micros(const std::string& name) const { return best_.at(name); }

 private:
  std::map<std::string, double> best_;
};

struct MicrosOfTwo {
  double first = 0;
  double second = 0;
  double ratio = 0;  // median of the turns' second over first
};

// Times `work` now, under `name`.
class Timer {
 public:
  explicit Timer(bool smoke) : smoke_(smoke) {}

  template <typename Work>
  double Micros(const std::string& name, Work work) {
    return BestOf(5, name, work);
  }

  // Two things by turns, so that both meet the same minute of a machine whose memory others use too.
  template <typename First, typename Second>
  MicrosOfTwo ByTurns(const std::string& name, First first, Second second) {
    std::vector<double> firsts, seconds, ratios;
    for (int turn = 0; turn < (smoke_ ? 1 : 15); ++turn) {
      firsts.push_back(BestOf(1, name + "/first", first));
      seconds.push_back(BestOf(1, name + "/second", second));
      ratios.push_back(seconds.back() / firsts.back());
    }
    return {Median(firsts), Median(seconds), Median(ratios)};
  }

 private:
  template <typename Work>
  double BestOf(int repetitions, const std::string& name, Work work) {
    benchmark::ClearRegisteredBenchmarks();
    auto* timed = benchmark::RegisterBenchmark(name.c_str(), [&work](benchmark::State& state) {
      for (auto unused : state) work();
    });
    timed->UseRealTime();
    if (smoke_) {
      timed->Iterations(1);
    } else {
      timed->MinTime(0.1)->Repetitions(repetitions);
    }
    BestTimes times;
    benchmark::RunSpecifiedBenchmarks(&times);
    return times.Micros(name);
  }

  bool smoke_;
};

void PrintMicros(const std::string& name, double micros, std::vector<std::pair<std::string, double>> detail = {}) {
  Print({.bench = "micro", .name = name, .value = micros, .unit = "us", .target = {}, .detail = std::move(detail)});
}

VectorXd RandomVector(int n, CounterRng& rng) {
  VectorXd v(n);
  for (double& entry : v) entry = rng.NextNormal();
  v[0] = 1;
  return v;
}

CandidateMatrix RandomCatalogue(int rows, CounterRng& rng) {
  std::vector<double> values(static_cast<size_t>(rows) * kColumns);
  for (size_t i = 0; i < values.size(); ++i) {
    values[i] = i % kColumns == 0 ? 1.0 : static_cast<float>(rng.NextNormal());
  }
  return *CandidateMatrix::Create(std::move(values), kColumns);
}

// One draw's top 10 of the whole catalogue, against a sum over the bytes that it reads.
void Scoring(Timer& timer, int candidates, double target) {
  CounterRng rng(Seed{1}, 0);
  const CandidateMatrix catalogue = RandomCatalogue(candidates, rng);
  const bandit::CandidateSet eligible(bandit::CandidateMask::All(candidates));
  const VectorXd w = RandomVector(kColumns, rng);
  const bandit::CoarsePanel& panel = catalogue.coarse();
  const auto* const words = reinterpret_cast<const uint32_t*>(panel.data());
  const size_t numbers = static_cast<size_t>(panel.blocks()) * panel.fours() * bandit::kPanelRows;
  const std::string name = absl::StrCat("score_", candidates);
  const MicrosOfTwo micros = timer.ByTurns(
      name, [&] { benchmark::DoNotOptimize(PanelSum(words, numbers)); },
      [&] { benchmark::DoNotOptimize(SelectBest(catalogue, eligible, {}, w, kSlate, bandit::KernelWidth::kAuto)); });
  Print({.bench = "micro",
         .name = name + "/ratio",
         .value = micros.ratio,
         .unit = "ratio",
         .target = Target{target, Better::kLess},
         .detail = {{"us", micros.second},
                    {"sum_us", micros.first},
                    {"bytes", static_cast<double>(numbers * sizeof(uint32_t))}}});
}

// The plain way: every candidate's context in full, times theta.
void PlainScoring(Timer& timer, int candidates) {
  CounterRng rng(Seed{2}, 0);
  const Eigen::MatrixXf contexts = Eigen::MatrixXf::Random(kDimension, candidates);
  const Eigen::VectorXf theta = RandomVector(kDimension, rng).cast<float>();
  Eigen::VectorXf scores(candidates);
  const double micros = timer.Micros("plain", [&] {
    scores.noalias() = contexts.transpose() * theta;
    benchmark::DoNotOptimize(scores.data());
  });
  PrintMicros(absl::StrCat("score_", candidates, "/eigen_contexts"), micros, {{"d", kDimension}});
}

void Choosing(Timer& timer, LearntCompany& company, const std::string& stage) {
  bandit::DecisionProblem problem = company.Problem(7, 1'000);
  PrintMicros(stage + "/covariance_of_w",
              timer.Micros("fold", [&] { benchmark::DoNotOptimize(problem.posterior->Fold(problem.customer)); }),
              {{"d", company.dim()}});
  const bandit::JointNormal weights = *problem.posterior->Fold(problem.customer);
  PrintMicros(stage + "/draw", timer.Micros("draw", [&] {
    CounterRng rng(Seed{5}, 2);
    benchmark::DoNotOptimize(Draw(weights, 0.5, rng));
  }));
  for (const int candidates : {30, 1'000}) {
    problem = company.Problem(7, candidates);
    bandit::PolicySettings settings;
    uint64_t seed = 0;
    settings.propensity_draws = 0;
    const double deferred =
        timer.Micros("deferred", [&] { benchmark::DoNotOptimize(ChooseSlate(problem, settings, kSlate, ++seed)); });
    settings.propensity_draws = bandit::PolicySettings().propensity_draws;
    double contenders = 0, error = 0;
    int decisions = 0;
    const double estimated = timer.Micros("estimated", [&] {
      const bandit::Slate slate = *ChooseSlate(problem, settings, kSlate, ++seed);
      contenders += slate.contenders;
      for (const auto& item : slate.items) {
        error += item.propensity.in_slate.standard_error / item.propensity.in_slate.value / kSlate;
      }
      ++decisions;
    });
    PrintMicros(absl::StrCat(stage, "/choose_", candidates), deferred);
    PrintMicros(absl::StrCat(stage, "/propensity_", candidates), estimated - deferred,
                {{"exposures", static_cast<double>(company.exposures())},
                 {"v", settings.scale},
                 {"contenders", contenders / decisions},
                 {"draws", settings.propensity_draws},
                 {"relative_standard_error", error / decisions}});
    bandit::CustomerMemo memo;
    problem.memo = &memo;
    PrintMicros(absl::StrCat(stage, "/choose_with_propensity_", candidates, "_again"), timer.Micros("again", [&] {
      benchmark::DoNotOptimize(ChooseSlate(problem, settings, kSlate, ++seed));
    }));
  }
}

// A whole decision as suggestd takes it, and its answer: a customer at hand, propensities deferred.
void Deciding(Timer& timer, const LearntCompany& company, const std::string& stage) {
  const std::shared_ptr<const decision::Serving> serving = company.Serving();
  const decision::Customer customer = company.Customer(7);
  const config::v1::Choice choice = WithDefaults(config::v1::Config()).choice();
  v1::SuggestRequest request;
  request.set_customer_id("c7");
  request.set_request_id("r");
  request.set_count(kSlate);
  decision::Draw draw{.decision_id = storage::MakeDecisionId(company.now(), 1, 1), .decided_at = company.now()};
  const decision::TimeLeft none = [] { return false; };
  v1::SuggestResponse response;  // filled again and again, as suggestd's are
  const auto decide = [&](const decision::Customer& whom) {
    ++draw.seed;
    const decision::Decision decision = *Decide(*serving, whom, request, choice, draw, none);
    ToSuggestResponse(decision.record, serving->catalogue(), &response);
    benchmark::DoNotOptimize(&response);
  };
  PrintMicros(stage + "/decide_1000", timer.Micros("decide", [&] { decide(customer); }));
  PrintMicros(stage + "/decide_1000_first",
              timer.Micros("first", [&] { decide(decision::Customer(customer.state())); }));
}

// Microseconds per exposure of the sums that ingest and replay fill, in decisions of `slots` exposures.
double UpdateMicros(Timer& timer, int slots) {
  CounterRng rng(Seed{4}, slots);
  const bandit::ContextLayout layout{kColumns, kColumns, 0, bandit::Interactions::kFull};
  std::vector<bandit::FactoredContext> contexts;
  while (contexts.size() < 1'000) {
    const VectorXd customer = RandomVector(kColumns, rng);
    for (int slot = 0; slot < slots; ++slot) contexts.push_back({customer, RandomVector(kColumns, rng), {}});
  }
  bandit::FactoredSums sums(layout);
  const double micros = timer.Micros(absl::StrCat("update_", slots), [&] {
    for (const auto& context : contexts) benchmark::DoNotOptimize(sums.AddMature(context, 0.5).ok());
  });
  return micros / static_cast<double>(contexts.size());
}

// An exposure into the sums, against the bare symmetric rank-k update of Eigen (its dsyrk) at the same d, per exposure.
void Learning(Timer& timer) {
  CounterRng rng(Seed{3}, 0);
  constexpr int kBatch = 256;
  MatrixXd contexts(kDimension, kBatch);
  for (int i = 0; i < kBatch; ++i) contexts.col(i) = RandomVector(kDimension, rng);
  MatrixXd bare = MatrixXd::Zero(kDimension, kDimension);
  const double syrk = timer.Micros("syrk", [&] {
    bare.selfadjointView<Eigen::Lower>().rankUpdate(contexts);
    benchmark::DoNotOptimize(bare.data());
  }) / kBatch;
  const double update = UpdateMicros(timer, 1);
  Print({.bench = "micro",
         .name = "posterior_update/rate",
         .value = syrk / update,
         .unit = "ratio",
         .target = Target{0.4, Better::kMore},
         .detail = {{"us", update},
                    {"us_in_slates_of_5", UpdateMicros(timer, 5)},
                    {"eigen_rank_update_us", syrk},
                    {"d", kDimension},
                    {"per_second", 1e6 / update}}});
  bandit::SufficientStatistics sums(kDimension);
  for (int i = 0; i < kBatch; ++i) benchmark::DoNotOptimize(sums.AddMature(contexts.col(i), 0.5).ok());
  const bandit::ContextLayout layout{kColumns, kColumns, 0, bandit::Interactions::kFull};
  const bandit::FactoredContext context{RandomVector(kColumns, rng), RandomVector(kColumns, rng), {}};
  PrintMicros("context", timer.Micros("context", [&] { benchmark::DoNotOptimize(AssembleContext(layout, context)); }));
  PrintMicros("posterior_solve", timer.Micros("solve", [&] {
    benchmark::DoNotOptimize(bandit::Posterior::Solve(bandit::Prior{}, sums, 0.04));
  }));
  constexpr int kEncoded = 60;  // columns before the rotation
  const MatrixXd sample = MatrixXd::Random(kEncoded, 4 * kEncoded);
  const MatrixXd covariance = sample * sample.transpose();
  config::v1::Pca pca;
  pca.set_components(kColumns - 1);
  PrintMicros(
      "pca_fit",
      timer.Micros("pca", [&] { benchmark::DoNotOptimize(features::FindPrincipalComponents(covariance, pca)); }),
      {{"columns", kEncoded}, {"components", kColumns - 1}});
}

// The warm start's replay of the simulated company's history: features as of each decision, sums, posteriors.
void Replaying(const LearntCompany& company, const std::string& stage) {
  Print({.bench = "micro",
         .name = stage + "/replay",
         .value = static_cast<double>(company.exposures()) / absl::ToDoubleSeconds(company.replay_time()),
         .unit = "1/s",
         .target = {},
         .detail = {{"exposures", static_cast<double>(company.exposures())}, {"d", company.dim()}}});
}

int Run(bool smoke) {
  Timer timer(smoke);
  Scoring(timer, smoke ? 1'000 : 100'000, 1.5);
  if (!smoke) Scoring(timer, 1'000'000, 1.2);
  PlainScoring(timer, smoke ? 100 : 100'000);
  Learning(timer);
  LearntCompany warm(Knowledge::kWarmStart, 1'000);
  Replaying(warm, "warm_start");
  Deciding(timer, warm, "warm_start");
  Choosing(timer, warm, "warm_start");
  if (!smoke) {
    LearntCompany year(Knowledge::kYear, 1'000);
    Replaying(year, "year");
    Choosing(timer, year, "year");
  }
  return 0;
}

}  // namespace
}  // namespace suggest::bench

int main(int argc, char** argv) {
  const auto flags = suggest::cli::Flags::Parse(
      std::vector<suggest::cli::FlagSpec>{{.name = "smoke", .kind = suggest::cli::FlagKind::kSwitch}},
      std::vector<std::string>(argv + 1, argv + argc));
  if (!flags.ok() || !flags->positionals().empty()) {
    std::fprintf(stderr, "usage: suggest_bench_micro [--smoke]\n");
    return 2;
  }
  return suggest::bench::Run(flags->Switch("smoke"));
}
