#include "service/lab/simulation/simulator_config.h"

#include "bandit/base/check.h"
#include "service/common/config.h"

namespace suggest::simulation {

config::v1::Config SimulatorConfig() {
  absl::StatusOr<config::v1::Config> config = ParseConfig(kSimulatorConfigText, "deploy/simulator/suggest.textproto");
  SUGGEST_CHECK(config.ok());
  return *std::move(config);
}

}  // namespace suggest::simulation
