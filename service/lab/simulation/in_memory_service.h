// The product without its database and network: feature pipeline, learner and policies, as suggestd and suggestctl run
// them, around a simulated course of events.
//
//   warm start   the expert's history is replayed tick by tick, so that each exposure has the features that were known
//                at its decision; scaling and PCA are fitted on them; all exposures and visible payments are booked
//   cold start   the pipeline from the schema alone (configured centres and scales, no PCA), nothing booked: what
//                `warm-start --empty` makes
//   tick         what IngestRewards does: books, re-estimates the delay law, sums the window, solves the posterior,
//                encodes the catalogue with the new counters
#ifndef SERVICE_LAB_SIMULATION_IN_MEMORY_SERVICE_H_
#define SERVICE_LAB_SIMULATION_IN_MEMORY_SERVICE_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "bandit/choose/scoring.h"
#include "bandit/model/posterior.h"
#include "features/pipeline.h"
#include "service/lab/simulation/company.h"
#include "service/lab/simulation/expert.h"
#include "service/lab/simulation/observer.h"
#include "service/lab/simulation/world.h"
#include "service/learning/learner.h"
#include "suggest/config/v1/config.pb.h"

namespace suggest::simulation {

// Not thread-safe. Errors of all functions: those of features, bandit and learning.
class InMemoryService {
 public:
  // Keeps a reference to `company`. Only config.features, learning are read.
  static absl::StatusOr<std::unique_ptr<InMemoryService>> ColdStart(const Company& company,
                                                                    const config::v1::Config& config);
  // `tick`: period of the replayed ingests.
  static absl::StatusOr<std::unique_ptr<InMemoryService>> WarmStart(const Company& company,
                                                                    const config::v1::Config& config,
                                                                    const History& history, absl::Duration tick);

  absl::Status Tick(absl::Time now);

  // A slate for the customer out of `candidates` (ascending). REQUIRES: a Tick before.
  absl::StatusOr<std::vector<int>> Choose(int customer, absl::Time at, const std::vector<int>& candidates,
                                          const bandit::PolicySettings& policy, int count, uint64_t seed);

  // The decision problem that Choose puts to the policy; it refers to this service until the next Tick.
  absl::StatusOr<bandit::DecisionProblem> Problem(int customer, absl::Time at, bandit::CandidateSet candidates);

  // An exposure out of the slate that was chosen last.
  absl::Status Expose(const Exposure& exposure);

  // features::Popularity of each recommendation, as the policy POPULAR of suggestd ranks.
  std::vector<double> Popularity() const;

  int dim() const { return layout_.dim(); }
  double ridge() const { return learner_.ridge().ridge; }  // of the last Tick

  // What it decides with. REQUIRES: a Tick before.
  const features::Pipeline& pipeline() const { return pipeline_; }
  const bandit::Posterior& posterior() const { return *posterior_; }
  const Observer& observer() const { return observer_; }

 private:
  InMemoryService(const Company& company, const config::v1::Config& config, features::Pipeline pipeline,
                  Observer observer);
  absl::Status EncodeCatalogue();

  const Company* company_;
  features::Pipeline pipeline_;
  bandit::ContextLayout layout_;
  Observer observer_;
  double base_rate_;
  learning::Learner learner_;
  std::optional<bandit::Posterior> posterior_;
  std::optional<bandit::FoldedPosterior> folded_;
  std::optional<bandit::CandidateMatrix> catalogue_;
  Eigen::VectorXd last_customer_;
};

}  // namespace suggest::simulation

#endif  // SERVICE_LAB_SIMULATION_IN_MEMORY_SERVICE_H_
