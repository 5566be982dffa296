// How the exposures that are pending at a tick count in one model version: the delay mode with all that it needs to
// know. Made by every kind of learner, stored with the version, and read by verify, so that all count alike (M10).
//
//   laws        one delay law for all and one for each stratum, over visibility time; exposures and rewards weigh by
//   the
//               discount, and times without an ingest are left out (M11, M21)
//   label_mean  the posterior mean behind EXPECTED_LABEL, and behind ES_DFM_LABEL until its model is trained
//   nuisance    the logistic model of late purchases on [z_c; z_r], trained on mature exposures (M27)
#ifndef SERVICE_LEARNING_DELAY_RULE_H_
#define SERVICE_LEARNING_DELAY_RULE_H_

#include <Eigen/Core>
#include <cstdint>
#include <optional>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "bandit/delay/delay_laws.h"
#include "bandit/delay/es_dfm.h"
#include "bandit/delay/pending.h"
#include "bandit/model/context.h"
#include "bandit/model/posterior.h"
#include "service/learning/settings.h"
#include "suggest/model/v1/model.pb.h"

namespace suggest::learning {

struct DelayNuisance {
  int64_t version = 0;  // counts the trainings; 0 = none yet
  absl::Time training_cut = absl::InfinitePast();
  int64_t rows = 0;
  bandit::LateCorrector late;
};

// What is known of an exposure that is not forgotten. Refers to the caller's values.
struct ExposureView {
  absl::Time exposed_at;
  double reward = 0;                    // seen so far
  std::optional<absl::Time> bought_at;  // when its first purchase became visible
  absl::string_view stratum;
  const bandit::FactoredContext& context;
};

struct DelayRule {
  bandit::DelayMode mode = bandit::DelayMode::kExposure;
  bandit::DelayLaws laws;
  double mean_purchase_reward = 1;
  Eigen::VectorXd label_mean;
  DelayNuisance nuisance;

  // Weight and target of an exposure that is pending at the tick, without its discount.
  bandit::PendingTarget TargetOf(const LearnerSettings& settings, const bandit::ContextLayout& layout,
                                 const ExposureView& exposure, absl::Time tick) const;
  // Whether the targets need a posterior mean, hence more than one pass over the pending exposures.
  bool NeedsLabelMean() const;
};

// [z_c; z_r without its 1]: what the logistic model sees.
Eigen::VectorXd NuisanceContext(const bandit::FactoredContext& context);

// Trains what `rule.mode` needs on mature exposures, if it is due at the tick. `for_each` shows the newest of them (at
// most settings.es_dfm.max_rows), oldest first. Errors: those of the trainer.
using MatureRows = absl::FunctionRef<absl::Status(absl::FunctionRef<absl::Status(const ExposureView&)>)>;
absl::Status TrainIfDue(const LearnerSettings& settings, const bandit::ContextLayout& layout, absl::Time tick,
                        MatureRows for_each, DelayRule* rule);

// The posterior of prior + mature + pending under the rule, with the noise fixed or inferred from the mature sums
// alone. `pass` sums the pending exposures under the rule it is given. EXPECTED_LABEL starts from the mean of
// `exposure`, which is unbiased, and takes kLabelSteps steps of EM; the rule keeps the mean that the last one started
// from. Errors: those of `pass`, bandit::Posterior::Solve and InferNoiseVariance.
inline constexpr int kLabelSteps = 2;
using PendingPass = absl::FunctionRef<absl::StatusOr<bandit::SufficientStatistics>(const DelayRule&)>;
absl::StatusOr<bandit::Posterior> SolveWithPending(const bandit::Prior& prior, const bandit::NoiseModel& noise,
                                                   const bandit::SufficientStatistics& mature, PendingPass pass,
                                                   DelayRule* rule);

// The mode and all it needs but the law of all exposures, which ModelVersion.delay_law holds.
model::v1::DelayModel ToProto(const DelayRule& rule);
// Errors: DATA_LOSS for laws or weights that cannot be.
absl::StatusOr<DelayRule> DelayRuleOf(const model::v1::ModelVersion& model);

}  // namespace suggest::learning

#endif  // SERVICE_LEARNING_DELAY_RULE_H_
