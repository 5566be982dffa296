// What a model version is in memory: the feature pipeline, the posterior with its covariance, the delay law and the
// recommendations' histories at the version's data cut.
//
// Immutable. A new version is a new Snapshot, swapped in whole; a reader keeps the one that it took for as long as it
// needs it. Cost: 2 1/4 d^2 doubles; building inverts a d x d matrix once.
//
// Threads: any number of readers.
#ifndef SERVICE_DECISION_SNAPSHOT_H_
#define SERVICE_DECISION_SNAPSHOT_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "bandit/model/folded_posterior.h"
#include "bandit/model/posterior.h"
#include "features/counters.h"
#include "features/pipeline.h"
#include "suggest/model/v1/model.pb.h"

namespace suggest::decision {

class Snapshot {
 public:
  // Errors: DATA_LOSS when parts of the model contradict each other (a dimension, a triangle of another length, a
  // pipeline that cannot be read); INTERNAL when the posterior fails bandit::Posterior's checks.
  static absl::StatusOr<std::shared_ptr<const Snapshot>> FromModel(const model::v1::ModelVersion& model);

  int64_t version() const { return version_; }
  const model::v1::Lineage& lineage() const { return lineage_; }
  // How its pending exposures were counted, and the delay law of all of them.
  const model::v1::DelayModel& delay() const { return delay_; }
  const model::v1::DelayLaw& delay_law() const { return delay_law_; }
  // The ingest tick: what the version knows, and the instant at which recommendations' counters and ages are read.
  absl::Time data_cut() const { return data_cut_; }

  const features::Pipeline& pipeline() const { return pipeline_; }
  const bandit::ContextLayout& layout() const { return layout_; }
  const bandit::Posterior& posterior() const { return posterior_; }
  // The posterior as choosing reads it.
  const bandit::FoldedPosterior& folded() const { return folded_; }
  double base_rate() const { return base_rate_; }
  // Names of the entries of b, in order.
  const std::vector<std::string>& term_names() const { return term_names_; }

  // Counters of one recommendation at the data cut; an empty history when it has none.
  const features::DayHistory& HistoryOf(absl::string_view recommendation_id) const;

 private:
  Snapshot(features::Pipeline pipeline, bandit::Posterior posterior);

  int64_t version_ = 0;
  model::v1::Lineage lineage_;
  model::v1::DelayModel delay_;
  model::v1::DelayLaw delay_law_;
  absl::Time data_cut_;
  features::Pipeline pipeline_;
  bandit::ContextLayout layout_;
  bandit::Posterior posterior_;
  bandit::FoldedPosterior folded_;
  double base_rate_ = 0;
  std::vector<std::string> term_names_;
  absl::flat_hash_map<std::string, features::DayHistory> histories_;
  features::DayHistory no_history_;
};

}  // namespace suggest::decision

#endif  // SERVICE_DECISION_SNAPSHOT_H_
