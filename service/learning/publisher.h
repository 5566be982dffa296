// The last transaction of a run: from the ledger's sums to a model version.
#ifndef SERVICE_LEARNING_PUBLISHER_H_
#define SERVICE_LEARNING_PUBLISHER_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "bandit/model/context.h"
#include "service/learning/delay_rule.h"
#include "service/learning/progress.h"
#include "service/learning/ridge.h"
#include "service/learning/settings.h"
#include "storage/ledger/learning_store.h"
#include "suggest/config/v1/config.pb.h"
#include "suggest/model/v1/model.pb.h"
#include "suggest/v1/learning_service.pb.h"

namespace suggest::learning {

// What stays the same between the versions of a basis, and where the new version stands among them.
struct BasisOf {
  model::v1::FittedPipeline pipeline;
  bandit::ContextLayout layout;
  double base_rate = 0;
  int64_t basis_id = 0;
  int64_t parent_version = 0;
  int64_t version = 0;          // of the version to be made
  std::string origin;           // "ingest", "warm-start", ...
  DelayNuisance nuisance = {};  // of the parent version
  RidgeChoice ridge = {};       // of the parent version; a warm start has none and chooses anew
};

// Drops dead buckets, sums, solves, stores the version, makes it current and notifies. Fills the state counts, and
// returns what it stored. `ridge`, when not null, gets what the evidence says of the ridge, configured or not.
// Errors: INTERNAL when the posterior fails its checks.
absl::StatusOr<storage::ModelRow> PublishVersion(storage::LearningTransaction& tx, const config::v1::Config& config,
                                                 const BasisOf& basis, absl::Time tick, absl::Time created_at,
                                                 suggest::v1::IngestCounts* counts, const Progress& progress,
                                                 model::v1::Ridge* ridge = nullptr);

// The current version, decoded. Errors: FAILED_PRECONDITION without one; those of decision::DecodeModel.
absl::StatusOr<model::v1::ModelVersion> CurrentModelVersion(storage::LearningTransaction& tx);

// FAILED_PRECONDITION when the ledger was started with another currency or reward cap: its rewards are in those.
absl::Status CheckMoney(const storage::LearnerState& state, const MoneyRules& money);

}  // namespace suggest::learning

#endif  // SERVICE_LEARNING_PUBLISHER_H_
