// The company without a policy: its experts choose by themselves. Makes the history that a warm start learns from.
#ifndef SERVICE_LAB_SIMULATION_EXPERT_H_
#define SERVICE_LAB_SIMULATION_EXPERT_H_

#include <cstdint>
#include <vector>

#include "absl/time/time.h"
#include "service/lab/simulation/company.h"
#include "service/lab/simulation/truth.h"
#include "service/lab/simulation/world.h"

namespace suggest::simulation {

// One suggestion that an expert made.
struct ExpertChoice {
  int customer = 0;
  int recommendation = 0;
  absl::Time at;
  // The exposure's id in the world; -1 when the expert discarded it.
  int64_t exposure = -1;
};

struct History {
  World world;                        // as it stands at day 0, payments still to come included
  std::vector<ExpertChoice> choices;  // in order of time
};

// Plays days -history_days to -1: about 6,000 exposures and 560 purchases with the default options. References are kept
// by the world.
History PlayHistory(const Company& company, const Truth& truth);

}  // namespace suggest::simulation

#endif  // SERVICE_LAB_SIMULATION_EXPERT_H_
