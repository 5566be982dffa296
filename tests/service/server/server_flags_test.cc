#include "service/server/server_flags.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/status_matchers.h"

namespace suggest::server {
namespace {

using ::suggest::testing::IsOk;
using ::suggest::testing::StatusIs;
using ::testing::HasSubstr;

TEST(ServerFlagsTest, ReadsBothForms) {
  for (const std::vector<std::string>& arguments :
       {std::vector<std::string>{"--config", "a.textproto", "--clock", "x", "--print-config"},
        std::vector<std::string>{"--print-config", "--clock=x", "--config=a.textproto"}}) {
    ASSERT_OK_AND_ASSIGN(const ServerFlags flags, ParseServerFlags(arguments));
    EXPECT_EQ(flags.config, "a.textproto");
    EXPECT_EQ(flags.clock, "x");
    EXPECT_TRUE(flags.print_config);
  }
}

TEST(ServerFlagsTest, NamesWhatIsWrong) {
  EXPECT_THAT(ParseServerFlags({"--port", "1"}), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("'--port'")));
  EXPECT_THAT(ParseServerFlags({"--config"}),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("--config needs")));
  EXPECT_THAT(ParseServerFlags({}), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("--config is required")));
}

TEST(ServerFlagsTest, HelpAndVersionNeedNoConfiguration) {
  EXPECT_EQ(ParseServerFlags({}, "from the environment")->config, "from the environment");
  EXPECT_EQ(ParseServerFlags({"--config", "a"}, "from the environment")->config, "a");
  EXPECT_THAT(ParseServerFlags({"--help"}), IsOk());
  EXPECT_THAT(ParseServerFlags({"--version"}), IsOk());
  for (const char* flag : {"--config", "--print-config", "--clock", "--version", "--help"}) {
    EXPECT_THAT(ServerUsage(), HasSubstr(flag));
  }
}

}  // namespace
}  // namespace suggest::server
