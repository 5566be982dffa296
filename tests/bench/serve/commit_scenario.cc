// Scenario commit: decisions that are in PostgreSQL before they are answered.
#include <algorithm>

#include "absl/strings/str_cat.h"
#include "tests/bench/measurement.h"
#include "tests/bench/serve/row_writers.h"
#include "tests/bench/serve/scenarios.h"
#include "tests/support/raw_sql.h"

namespace suggest::bench {
namespace {

constexpr int kRowsKept = 30'000;
constexpr double kLightShare = 0.2;
constexpr int kManyClients = 128;  // over the same connections

// Transactions that wrote something, so far: only these take a transaction id.
double WritingTransactions(const Company& company) {
  const auto rows =
      suggest::testing::RunSql(company.connection, "SELECT pg_snapshot_xmax(pg_current_snapshot())::text");
  return std::stod(rows[0][0]);
}

struct Peers {
  double one = 0;  // rows a second
  double sixteen = 0;
  double median_insert_us = 0;  // with one writer
};

Peers MeasurePeers(const Company& company, const Effort& effort) {
  RowWriters writers(company.connection, kRowsKept);
  std::vector<double> one, sixteen, insert;
  for (int i = 0; i < effort.repetitions; ++i) {
    const WriterResult single = writers.Run(1, effort.length);
    one.push_back(single.rows_per_second);
    insert.push_back(absl::ToDoubleMicroseconds(single.latency.Percentile(0.5)));
    sixteen.push_back(writers.Run(kClients, effort.length).rows_per_second);
  }
  return {Median(one), Median(sixteen), Median(insert)};
}

double DecisionsPerCommit(Contest& contest, const Company& company, const Effort& effort) {
  const double before = WritingTransactions(company);
  const LoadResult load = contest.suggestd().Run({.length = effort.length});
  return load.latency.count() / std::max(1.0, WritingTransactions(company) - before);
}

}  // namespace

void RunCommit(Bench& bench) {
  const Company company = bench.Fresh(Stage::kWarmStart, bench.effort().recommendations, "commit");
  Contest contest(bench.places(), company, bench.effort(), "commit");
  const Comparison closed = contest.Closed();
  Print({"commit", "sync/throughput", Median(closed.RateRatios()), "ratio", Target{0.45, Better::kMore},
         closed.Describe()});

  const Comparison saturated = contest.Closed(kManyClients);
  Print({"commit",
         absl::StrCat("sync_at_", kManyClients, "/throughput"),
         Median(saturated.RateRatios()),
         "ratio",
         {},
         saturated.Describe()});

  Print({"commit",
         "sync/decisions_per_commit",
         DecisionsPerCommit(contest, company, bench.effort()),
         "decisions",
         Target{4, Better::kMore},
         {}});

  contest.suggestd().Pause();
  const Peers peers = MeasurePeers(company, bench.effort());
  contest.suggestd().Resume();
  const double rate = closed.MedianRate(closed.suggestd);
  Print({"commit",
         "sync/over_one_writer",
         rate / peers.one,
         "ratio",
         Target{2, Better::kMore},
         {{"decisions_per_s", rate},
          {"one_writer_per_s", peers.one},
          {"sixteen_writers_per_s", peers.sixteen},
          {"over_sixteen_writers", rate / peers.sixteen}}});

  const double offered = kLightShare * std::min(rate, closed.MedianRate(closed.floor));
  const Comparison open = contest.Open(offered);
  const double suggestd_us = open.MedianLatency(open.suggestd, 0.5);
  const double floor_us = open.MedianLatency(open.floor, 0.5);
  Print({"commit",
         "sync/p50_above_floor",
         (suggestd_us - floor_us) / peers.median_insert_us,
         "inserts",
         Target{3, Better::kLess},
         {{"offered_per_s", offered},
          {"p50_us", suggestd_us},
          {"floor_p50_us", floor_us},
          {"median_insert_us", peers.median_insert_us}}});
}

}  // namespace suggest::bench
