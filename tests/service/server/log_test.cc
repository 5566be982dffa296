#include "service/server/log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <thread>
#include <vector>

#include "absl/strings/str_split.h"
#include "tests/service/server/server_fixture.h"

namespace suggest::server {
namespace {

TEST(LogTest, WritesOneJsonObjectPerLine) {
  LogBuffer buffer;
  const ManualClock clock(absl::FromUnixMillis(1'770'000'000'125));
  Log log(&clock, buffer.stream());
  log.Write(LogLevel::kWarning, "said \"no\"\n",
            {{"text", "a\\b"},
             {"number", 7},
             {"real", 0.5},
             {"yes", true},
             {"nan", std::numeric_limits<double>::quiet_NaN()}});
  EXPECT_EQ(buffer.Text(),
            "{\"time\":\"2026-02-02T02:40:00.125Z\",\"level\":\"warning\",\"event\":\"said \\\"no\\\"\\u000a\","
            "\"text\":\"a\\\\b\",\"number\":7,\"real\":0.5,\"yes\":true,\"nan\":null}\n");
}

TEST(LogTest, BytesThatAreNoUtf8BecomeTheReplacementCharacter) {
  EXPECT_EQ(JsonQuoted("a\xff\xc3\xa4"), "\"a\xef\xbf\xbd\xc3\xa4\"");
  EXPECT_EQ(JsonQuoted("\xed\xa0\x80"), "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"");  // a surrogate
  EXPECT_EQ(JsonQuoted("\xe2\x82"), "\"\xef\xbf\xbd\xef\xbf\xbd\"");                  // cut off
}

TEST(LogTest, LinesOfThreadsDoNotMix) {
  LogBuffer buffer;
  const ManualClock clock(absl::UnixEpoch());
  Log log(&clock, buffer.stream());
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 100; ++i) log.Write(LogLevel::kInfo, std::string(200, 'x'));
    });
  }
  for (std::thread& thread : threads) thread.join();
  const std::vector<std::string> lines = absl::StrSplit(buffer.Text(), '\n', absl::SkipEmpty());
  ASSERT_EQ(lines.size(), 400u);
  EXPECT_THAT(lines, ::testing::Each(lines[0]));
}

}  // namespace
}  // namespace suggest::server
