// Rebuilds what the learner serves from its ledger and says what differs.
//
//   rewards    each exposure's reward against the purchases that count for it; the reward ledger against the same
//   buckets    each live day's sums against its mature exposures' contexts and rewards
//   histories  counts by day against exposures and purchases
//   model      the current version's sums against prior + buckets + pending at its data cut
//   source     counts booked purchases that source.purchases shows otherwise by now; no problem, but the next ingest's
//   work
// It shares no code with what booked the ledger but the reward rule, so that a mistake there shows here.
// Matrices agree when max |difference| <= 1e-9 of the Frobenius norm.
#ifndef SERVICE_LEARNING_VERIFY_H_
#define SERVICE_LEARNING_VERIFY_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "service/learning/progress.h"
#include "storage/postgres/database.h"
#include "suggest/config/v1/config.pb.h"

namespace suggest::learning {

struct VerifyReport {
  bool ok() const { return problems.empty(); }
  int64_t model_version = 0;
  int64_t exposures = 0;    // compared
  int64_t days = 0;         // buckets compared
  double worst_bucket = 0;  // largest difference relative to its norm
  double worst_model = 0;
  // True: something was booked since the version (a run was killed before it published), so it was not compared.
  bool unpublished = false;
  // Booked purchases that the source shows otherwise, or no more, at the last run's tick: the next ingest books that.
  int64_t purchases_changed = 0;
  std::vector<std::string> problems;
};

inline constexpr double kVerifyTolerance = 1e-9;

// One state of the ledger; nothing is written or locked.
// Errors: FAILED_PRECONDITION without a model; DATA_LOSS when the version's bytes are damaged.
absl::StatusOr<VerifyReport> Verify(storage::Database& db, const config::v1::Config& config, const Progress& progress);

}  // namespace suggest::learning

#endif  // SERVICE_LEARNING_VERIFY_H_
