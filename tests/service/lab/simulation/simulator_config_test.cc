#include "service/lab/simulation/simulator_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "service/common/config.h"
#include "service/lab/simulation/truth.h"

namespace suggest::simulation {
namespace {

TEST(SimulatorConfigTest, AgreesWithTheTruthOnWhatARewardIs) {
  const config::v1::Config config = SimulatorConfig();
  EXPECT_EQ(config.money().reward_cap(), kRewardCap);
  EXPECT_EQ(config.money().currency(), kCurrency);
  EXPECT_EQ(ToAbslDuration(config.learning().attribution_window()), kAttributionWindow);
}

TEST(SimulatorConfigTest, IsTheFileUnderDeploy) {
  EXPECT_THAT(kSimulatorConfigText, ::testing::StartsWith("# proto-file: suggest/config/v1/config.proto"));
}

}  // namespace
}  // namespace suggest::simulation
