// The closed loop that compares ways of learning from late purchases: each learns from what its own choices sold, on
// the same worlds (delay_world.h), by Thompson sampling with scale v.
//
// Threads: replicates run in parallel; the result does not depend on how many at once. Cost: about half a second per
// replicate and mode of 45 days.
#ifndef SERVICE_LAB_SIMULATION_DELAY_STUDY_H_
#define SERVICE_LAB_SIMULATION_DELAY_STUDY_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "service/lab/simulation/delay_modes.h"
#include "service/lab/simulation/delay_world.h"
#include "service/lab/simulation/hourly_learner.h"
#include "suggest/model/v1/simulation.pb.h"

namespace suggest::simulation {

struct DelayStudyOptions {
  DelayWorldOptions world;
  HourlyLearnerOptions learner;
  double scale = 0.25;  // v >= 0
  int replicates = 32;
  uint64_t seed = 1;  // of the first replicate; the others follow
  int jobs = 1;       // threads
  // Must hold the oracle and the reference.
  std::vector<DelayModeSpec> modes = DelayModeSpecs();
  // Called with (runs done, runs in all), one call at a time.
  std::function<void(int64_t, int64_t)> progress = {};
};

// One mode in one world: the regret of each hour's decisions.
// Errors: those of bandit::Posterior::Solve.
absl::StatusOr<std::vector<double>> PlayDelayMode(const DelayWorld& world, const DelayModeSpec& mode,
                                                  const HourlyLearnerOptions& learner, double scale);

// Errors: INVALID_ARGUMENT for options outside their ranges, and whatever a run returns (the first one of them).
absl::StatusOr<model::v1::DelayStudy> RunDelayStudy(const DelayStudyOptions& options);

// For the screen: the setting, and one line per mode.
std::string FormatDelayStudy(const model::v1::DelayStudy& study);

}  // namespace suggest::simulation

#endif  // SERVICE_LAB_SIMULATION_DELAY_STUDY_H_
