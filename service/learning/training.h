// A feature pipeline fitted on history up to an instant, with every exposure's context under it.
#ifndef SERVICE_LEARNING_TRAINING_H_
#define SERVICE_LEARNING_TRAINING_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "bandit/delay/delay_law.h"
#include "bandit/model/context.h"
#include "bandit/model/posterior.h"
#include "features/pipeline.h"
#include "service/learning/progress.h"
#include "service/learning/replay.h"
#include "suggest/config/v1/config.pb.h"

namespace suggest::learning {

struct Training {
  features::Pipeline pipeline;
  bandit::DelayLaw law;
  double base_rate = 0;                           // mean reward
  double purchase_rate = 0;                       // share that is bought
  size_t exposures = 0;                           // the first so many of the timeline were fitted on
  std::vector<bandit::FactoredContext> contexts;  // of all exposures, also of those after `at`
  std::vector<double> popularity;                 // ReplayedRows::popularity
};

// Delay law, base rate, scaling and PCA from exposures before `at` and what was visible before it.
// Errors: FAILED_PRECONDITION when no exposure is before it; those of the features.
absl::StatusOr<Training> TrainAt(const History& history, const Timeline& timeline, const config::v1::Config& config,
                                 absl::Time at, std::vector<std::string>* messages, const Progress& progress);

// The posterior that the in-memory learner has at `at` from the training exposures.
struct Learned {
  bandit::Posterior posterior;
  double ridge = 0;
};
absl::StatusOr<Learned> PosteriorAt(const Training& training, const Timeline& timeline,
                                    const config::v1::Config& config, absl::Time at, const Progress& progress);

// The basis of counters: maturity and a delay law, fixed with the pipeline.
features::CounterSettings CounterSettingsOf(const config::v1::Config& config, const bandit::DelayLaw& law);

}  // namespace suggest::learning

#endif  // SERVICE_LEARNING_TRAINING_H_
