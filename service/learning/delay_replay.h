// How each delay mode predicts, tick by tick, on a company's own history with its real delays.
//
// The history is played in the order of visibility: at each tick a learner of each mode knows what was visible strictly
// before it, and predicts the exposures of the period that begins there; their final rewards are the truth. Beside them
// stands the oracle, a learner that knows every exposure's final reward from the moment of the exposure: the difference
// to it is what delay costs, and what a mode could win at most. Features and their basis are those of the first tick.
#ifndef SERVICE_LEARNING_DELAY_REPLAY_H_
#define SERVICE_LEARNING_DELAY_REPLAY_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "service/learning/progress.h"
#include "service/learning/replay.h"
#include "suggest/config/v1/config.pb.h"

namespace suggest::learning {

struct DelayReplayOptions {
  double cut_share = 0.3;  // of the exposures lie before the first tick, about
  absl::Duration period = absl::Hours(24 * 7);
};

// One tick of one method: the exposures of the period after it.
struct DelayReplayTick {
  absl::Time tick;
  int64_t exposures = 0;
  double log_loss = 0;   // mean
  double predicted = 0;  // mean
  double observed = 0;   // mean
};

struct DelayReplayMethod {
  std::string name;  // a delay mode, or "ORACLE"
  double log_loss = 0;
  double auc = 0;
  double predicted_over_observed = 0;
  int deciles_within = 0;  // of calibration, within the 95 % interval of the observed share
  int deciles = 0;
  // Log loss less the oracle's on the same exposures, and its standard error over customers.
  double excess = 0;
  double excess_se = 0;
  std::vector<DelayReplayTick> ticks;
};

struct DelayReplayReport {
  absl::Time first_tick;
  int64_t training_exposures = 0;  // before the first tick
  int64_t exposures = 0;           // predicted
  int64_t purchases = 0;           // of those
  int64_t left_out = 0;            // their outcome is not complete at the end of the data
  double pending_share = 0;        // mean share of the exposures known at a tick that were pending
  std::vector<DelayReplayMethod> methods;
};

// Errors: FAILED_PRECONDITION when nothing is left to predict; those of TrainAt and Learner.
absl::StatusOr<DelayReplayReport> ReplayDelays(const History& history, const config::v1::Config& config,
                                               const DelayReplayOptions& options, const Progress& progress);

}  // namespace suggest::learning

#endif  // SERVICE_LEARNING_DELAY_REPLAY_H_
