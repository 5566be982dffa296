// The first report of made-up companies (service/learning/warm_start.h), with the truth beside it: what a warm start on
// the year before tells, what the truth itself would score on the same exposures, and whether the rewards that the
// model promises for its best candidates come true.
#ifndef SERVICE_LAB_SIMULATION_FIRST_REPORT_H_
#define SERVICE_LAB_SIMULATION_FIRST_REPORT_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "service/lab/simulation/company.h"
#include "service/lab/simulation/expert.h"
#include "service/lab/simulation/truth.h"
#include "service/learning/replay.h"
#include "suggest/config/v1/config.pb.h"
#include "suggest/model/v1/simulation.pb.h"

namespace suggest::simulation {

// The history as a warm start reads it after an import of HistoryFiles (csv_writer.h).
learning::History ToLearningHistory(const Company& company, const History& history);

// Of one company. Errors: those of the warm start.
absl::StatusOr<model::v1::FirstReport> MakeFirstReport(const CompanyOptions& options, const config::v1::Config& config);

struct FirstReportOptions {
  std::vector<uint64_t> seeds;
  int jobs = 1;                                    // threads
  std::function<void(int64_t, int64_t)> progress;  // (companies done, companies in all), one call at a time
};
// Errors: INVALID_ARGUMENT without a seed; those of MakeFirstReport.
absl::StatusOr<model::v1::FirstReports> MakeFirstReports(const FirstReportOptions& options,
                                                         const config::v1::Config& config);

// For the screen: a line per company and the totals.
std::string FormatFirstReports(const model::v1::FirstReports& reports);

}  // namespace suggest::simulation

#endif  // SERVICE_LAB_SIMULATION_FIRST_REPORT_H_
