#include "tests/bench/serve/company.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "bandit/base/check.h"
#include "google/protobuf/struct.pb.h"
#include "google/protobuf/util/json_util.h"
#include "service/common/config.h"
#include "service/lab/simulation/csv_writer.h"
#include "service/lab/simulation/expert.h"
#include "service/lab/simulation/truth.h"
#include "tests/integration/program.h"
#include "tests/support/raw_sql.h"

namespace suggest::bench {
namespace {

using suggest::testing::RunSql;

std::string ReadFile(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  SUGGEST_CHECK(in.good());
  return std::string(std::istreambuf_iterator<char>(in), {});
}

simulation::CompanyOptions SimulatorOptions(const CompanyOptions& options) {
  simulation::CompanyOptions simulated;
  simulated.recommendations = options.recommendations;
  simulated.late_recommendations = 0;
  if (options.stage == Stage::kYear) {
    simulated.customers_before = 500;
    simulated.customers_at_start = options.customers_after_a_year;
    simulated.customers_at_end = std::max(simulated.customers_at_end, simulated.customers_at_start);
    simulated.contact_interval_days = 14;  // the history has twice that
  }
  return simulated;
}

void WriteHistory(const CompanyOptions& options, const std::string& folder) {
  const simulation::Company company(SimulatorOptions(options));
  const simulation::Truth truth(company);
  SUGGEST_CHECK(simulation::WriteHistory(company, simulation::PlayHistory(company, truth), folder).ok());
  const std::string path = folder + "/recommendations.csv";
  const std::string more = MoreRecommendations(ReadFile(path), options.catalogue - options.recommendations);
  std::ofstream(path, std::ios::app | std::ios::binary) << more;
}

google::protobuf::Struct MustRunCtl(const Places& places, const Company& company, const std::string& config_path,
                                    std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), places.programs + "/suggestctl");
  arguments.insert(arguments.end(), {"--config", config_path, "--clock", company.clock, "--format", "json"});
  const RunResult result = RunProgram(arguments, places.work, "ctl");
  if (result.exit_code != 0) {
    std::fprintf(stderr, "%s\n%s%s\n", absl::StrJoin(arguments, " ").c_str(), result.output.c_str(),
                 result.errors.c_str());
    std::abort();
  }
  google::protobuf::Struct parsed;
  SUGGEST_CHECK(google::protobuf::util::JsonStringToMessage(result.output, &parsed).ok());
  return parsed;
}

std::string ClockFromNow(absl::Time start) {
  return absl::StrCat(absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", absl::Now(), absl::UTCTimeZone()), ",",
                      absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", start, absl::UTCTimeZone()), ",1");
}

std::string InDatabase(const Places& places, const std::string& name) {
  return absl::StrCat(places.server, " dbname=", name);
}

}  // namespace

std::string WriteFile(const Places& places, const std::string& name, const std::string& text) {
  const std::string path = absl::StrCat(places.work, "/", name);
  std::ofstream(path, std::ios::binary | std::ios::trunc) << text;
  return path;
}

std::string MoreRecommendations(const std::string& csv, int count) {
  std::vector<absl::string_view> lines = absl::StrSplit(csv, '\n', absl::SkipEmpty());
  SUGGEST_CHECK(lines.size() > 1);
  std::string more;
  for (int i = 0; i < count; ++i) {
    const absl::string_view line = lines[1 + i % (lines.size() - 1)];
    absl::StrAppend(&more, "x", i + 1, line.substr(line.find(',')), "\n");
  }
  return more;
}

Company MakeCompany(const Places& places, const CompanyOptions& options) {
  std::fprintf(stderr, "making %s: %d recommendations, a year of history, warm start\n", options.name.c_str(),
               options.catalogue);
  Company company;
  company.clock = ClockFromNow(simulation::CompanyOptions().year_start + absl::Hours(1));
  company.connection = InDatabase(places, options.name);
  RunSql(places.server, absl::StrCat("CREATE DATABASE ", options.name));
  const std::string folder = absl::StrCat(places.work, "/", options.name);
  WriteHistory(options, folder);

  absl::StatusOr<config::v1::Config> config = LoadConfig(places.source + "/tests/bench/serve/suggest.textproto");
  if (!config.ok()) std::fprintf(stderr, "%s\n", config.status().ToString().c_str());
  SUGGEST_CHECK(config.ok());
  company.config = *std::move(config);
  company.config.mutable_database()->set_connection(company.connection);
  const std::string config_path = WriteFile(places, options.name + ".textproto", PrintConfig(company.config));
  MustRunCtl(places, company, config_path, {"migrate"});
  MustRunCtl(places, company, config_path, {"import", "--data", folder});
  const google::protobuf::Struct report = MustRunCtl(places, company, config_path, {"warm-start"});
  company.exposures = static_cast<int64_t>(report.fields().at("exposures_in_window").number_value());
  company.dimension = static_cast<int64_t>(report.fields().at("dimension").number_value());
  for (const auto& row : RunSql(company.connection, "SELECT DISTINCT customer_id FROM source.customers ORDER BY 1")) {
    company.customers.push_back(row[0]);
  }
  return company;
}

Company CopyOf(const Places& places, const Company& company, const std::string& name) {
  Company copy = company;
  copy.connection = InDatabase(places, name);
  copy.config.mutable_database()->set_connection(copy.connection);
  const std::string original = company.connection.substr(company.connection.rfind('=') + 1);
  RunSql(places.server, absl::StrCat("CREATE DATABASE ", name, " TEMPLATE ", original));
  return copy;
}

}  // namespace suggest::bench
