// Plays the made-up company against a running suggestd: its customers, its experts and its billing.
//
// Day by day of the service's clock: the company's customer table gets those who joined and those whose attributes
// changed; at each contact the expert asks for a slate (what lies open with the customer is excluded) and keeps or
// discards each suggestion; billing gets each payment and refund once it has happened, 70 % of the payments with the
// suggestion's id; and, if wanted, rewards are ingested. What the answers are is truth.h: the same company as in
// process, so a drive can be compared with its tables.
//
// The service must have been given the company's history (csv_writer.h) and a model, and must run on the clock of the
// target. A drive starts on the clock's present day and knows of no earlier drive. Falling behind the clock delays
// contacts; it loses none.
#ifndef SERVICE_LAB_SIMULATION_DRIVE_H_
#define SERVICE_LAB_SIMULATION_DRIVE_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "service/common/clock.h"
#include "service/lab/simulation/company.h"
#include "storage/postgres/database.h"
#include "storage/source/importer.h"
#include "suggest/model/v1/simulation.pb.h"
#include "suggest/v1/learning_service.pb.h"
#include "suggest/v1/suggestion_service.pb.h"

namespace suggest::simulation {

// The service and the company's tables, as a drive sees them.
class DriveTarget {
 public:
  virtual ~DriveTarget() = default;
  virtual absl::StatusOr<v1::SuggestResponse> Suggest(const v1::SuggestRequest& request) = 0;
  virtual absl::Status RecordFeedback(const v1::RecordFeedbackRequest& request) = 0;
  virtual absl::Status IngestRewards() = 0;
  // Adds rows of the import format to the company's table, replacing those of the same key.
  virtual absl::Status Import(storage::ImportKind kind, std::string csv) = 0;
  virtual absl::Time Now() = 0;
  // Returns once Now() >= time.
  virtual void WaitUntil(absl::Time time) = 0;
};

// A suggestd at `address` (host:port) and the database it reads. Keeps references to both arguments.
// Errors of its calls: those of the RPCs and of storage::Importer; a call takes at most `timeout`.
std::unique_ptr<DriveTarget> RunningService(absl::string_view address, absl::Duration timeout, storage::Database& db,
                                            const Clock& clock);

struct DriveOptions {
  CompanyOptions company;
  // Days to play, from the clock's present one; at most to the year's end.
  int days = 365;
  // An IngestRewards at the start of each so many days; 0 = somebody else runs them.
  int ingest_every_days = 1;
  // Called with (days played, days in all).
  std::function<void(int64_t, int64_t)> progress;
};

// Errors: FAILED_PRECONDITION when the clock shows no day of the simulated year; otherwise the target's own, with what
// was being done. A contact without an eligible candidate (FAILED_PRECONDITION of Suggest) is counted, and an ingest
// that another run keeps out (ABORTED) is left to it.
absl::StatusOr<model::v1::DriveReport> Drive(const DriveOptions& options, DriveTarget& target);

std::string FormatDrive(const model::v1::DriveReport& report);

}  // namespace suggest::simulation

#endif  // SERVICE_LAB_SIMULATION_DRIVE_H_
