// The benchmark's data: the simulator's company in a database of its own, with a model that learnt from its history.
//
// Everything goes the way that a company's data goes: the simulator's experts make a year of history, written as CSV;
// `suggestctl migrate`, `import` and `warm-start` do the rest. So the posterior is what that history teaches, no wider
// and no narrower.
//   kWarmStart   350 customers growing to 500, contacted every 56 days: about 6,000 exposures
//   kYear        500 growing to 5,000, contacted every 28 days: the year that follows
// Candidates beyond the history's are copies of its kinds, prices and efforts under new ids: never shown, as the larger
// part of a large catalogue is.
#ifndef TESTS_BENCH_SERVE_COMPANY_H_
#define TESTS_BENCH_SERVE_COMPANY_H_

#include <cstdint>
#include <string>
#include <vector>

#include "suggest/config/v1/config.pb.h"

namespace suggest::bench {

// Where things are. `server` is the libpq connection string of a superuser.
struct Places {
  std::string programs;       // folder of suggestd, suggestctl and suggest_bench_floor
  std::string source;         // the source tree
  std::string work;           // folder for files of this run
  std::string server;         // PostgreSQL
  std::string server_folder;  // of deploy/private_postgres
};

enum class Stage { kWarmStart, kYear };

struct CompanyOptions {
  std::string name;  // of the database
  Stage stage = Stage::kWarmStart;
  int recommendations = 1'000;  // that the history is about
  int catalogue = 1'000;        // at least `recommendations`
  int customers_after_a_year = 5'000;
};

struct Company {
  std::string connection;
  std::string clock;  // for --clock: starts one hour after the history's end, at normal speed
  config::v1::Config config;
  std::vector<std::string> customers;
  int64_t exposures = 0;
  int64_t dimension = 0;
};

// Makes it. Aborts, with what the failing program said, when a step fails.
Company MakeCompany(const Places& places, const CompanyOptions& options);

// The same data in a database of its own, untouched by what was served from the other one.
Company CopyOf(const Places& places, const Company& company, const std::string& name);

// `count` more lines for a recommendations.csv of the import format: its own lines over and over, with new ids.
std::string MoreRecommendations(const std::string& csv, int count);

// `text` in a file of that name in the work folder; returns its path.
std::string WriteFile(const Places& places, const std::string& name, const std::string& text);

}  // namespace suggest::bench

#endif  // TESTS_BENCH_SERVE_COMPANY_H_
