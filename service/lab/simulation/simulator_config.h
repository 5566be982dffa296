// The configuration for the simulated company: deploy/simulator/suggest.textproto, carried in the library.
#ifndef SERVICE_LAB_SIMULATION_SIMULATOR_CONFIG_H_
#define SERVICE_LAB_SIMULATION_SIMULATOR_CONFIG_H_

#include "suggest/config/v1/config.pb.h"

namespace suggest::simulation {

extern const char kSimulatorConfigText[];

// With defaults filled in, validated.
config::v1::Config SimulatorConfig();

}  // namespace suggest::simulation

#endif  // SERVICE_LAB_SIMULATION_SIMULATOR_CONFIG_H_
