// What a model version says about delays, for metrics and for people.
#ifndef SERVICE_LEARNING_DELAY_REPORT_H_
#define SERVICE_LEARNING_DELAY_REPORT_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "bandit/delay/delay_law.h"
#include "suggest/model/v1/model.pb.h"

namespace suggest::learning {

// Alarms: purchases too late to count are worth more than this share; the last tenth of the attribution window holds
// more than this share of the reward. Either says that the window is too short.
inline constexpr double kMaxLateValueShare = 0.02;
inline constexpr double kMaxTailShare = 0.05;

struct StratumLaw {
  std::string stratum;  // "all" for the law of all exposures
  bandit::DelayLaw law;
};

// "all" first, then the strata by name. Errors: INVALID_ARGUMENT for a law that cannot be.
absl::StatusOr<std::vector<StratumLaw>> LawsOf(const model::v1::DelayLaw& global, const model::v1::DelayModel& delay);

struct DelayQuantiles {
  std::string stratum;
  absl::Duration median;
  absl::Duration p90;
  absl::Duration p99;
};

std::vector<DelayQuantiles> QuantilesOf(const std::vector<StratumLaw>& laws);

}  // namespace suggest::learning

#endif  // SERVICE_LEARNING_DELAY_REPORT_H_
