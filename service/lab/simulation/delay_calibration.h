// Whether a posterior from pending exposures alone is right, and as certain as it claims: no loop, no forgetting.
//
// Each repetition has 3000 exposures with ages uniform in (0, W], W = 168 h; contexts [1; z], z uniform on [-1, 1]^2;
// P(bought | b) = b' (.16, .08, -.05); delays exponential of scale 100 h, cut at W; ridge 1e-6. The learner is told the
// true F, and ES-DFM the true probabilities: what is left is the mode's own error. Two modes have no row: `wait` has
// nothing to learn from, and `es_dfm_label` with the true probabilities would be told the answer.
//
// Reported: bias of the intercept, root mean square error of the first weight, and (mu - mu*)' B (mu - mu*) / (3 s^2)
// with s^2 = .16 x .84: 1 for a posterior that errs as much as it says, more for one that is overconfident.
// Threads: repetitions run in parallel; the result does not depend on how many at once.
#ifndef SERVICE_LAB_SIMULATION_DELAY_CALIBRATION_H_
#define SERVICE_LAB_SIMULATION_DELAY_CALIBRATION_H_

#include <cstdint>
#include <functional>
#include <string>

#include "absl/status/statusor.h"
#include "suggest/model/v1/simulation.pb.h"

namespace suggest::simulation {

struct DelayCalibrationOptions {
  int repetitions = 600;
  int exposures = 3000;
  int elapsed_hours = 14;  // of ES-DFM, in [1, 168)
  uint64_t seed = 1;
  int jobs = 1;
  // Called with (repetitions done, in all), one call at a time.
  std::function<void(int64_t, int64_t)> progress = {};
};

// Errors: INVALID_ARGUMENT for options outside their ranges; those of bandit::Posterior::Solve.
absl::StatusOr<model::v1::DelayCalibration> RunDelayCalibration(const DelayCalibrationOptions& options);

// For the screen: one line per mode.
std::string FormatDelayCalibration(const model::v1::DelayCalibration& calibration);

}  // namespace suggest::simulation

#endif  // SERVICE_LAB_SIMULATION_DELAY_CALIBRATION_H_
