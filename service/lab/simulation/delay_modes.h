// The ways of learning from late purchases that the delay study compares.
#ifndef SERVICE_LAB_SIMULATION_DELAY_MODES_H_
#define SERVICE_LAB_SIMULATION_DELAY_MODES_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "bandit/delay/pending.h"

namespace suggest::simulation {

// Which delay law a learner goes by. Both estimated ones start from the prior and know only what was visible.
enum class LawKnown { kEstimated, kEstimatedByStratum, kTrue };

struct DelayModeSpec {
  std::string name;
  std::string description;
  bandit::DelayMode mode = bandit::DelayMode::kExposure;
  LawKnown law = LawKnown::kEstimated;
  bool no_delay = false;        // the oracle: every reward is final at the next batch
  bool events = false;          // importance-weighted events, as published, instead of `mode`
  bool true_nuisances = false;  // of events: the weights of the true probabilities instead of fitted ones
};

inline constexpr char kNoDelayMode[] = "oracle";
inline constexpr char kReferenceMode[] = "exposure";

// All of them, the oracle first, then the reference.
const std::vector<DelayModeSpec>& DelayModeSpecs();

// Those named, in the order of DelayModeSpecs, with the oracle and the reference whether named or not; all when `names`
// is empty. Errors: INVALID_ARGUMENT for an unknown name; it lists the known ones.
absl::StatusOr<std::vector<DelayModeSpec>> FindDelayModes(absl::Span<const std::string> names);

}  // namespace suggest::simulation

#endif  // SERVICE_LAB_SIMULATION_DELAY_MODES_H_
