// The monthly run with the real programs: killed on either side, and run again.
#include <signal.h>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/integration/deployment.h"

namespace suggest {
namespace {

using ::testing::HasSubstr;

constexpr int kMoreCustomers = 3000;

class BatchTest : public ::testing::Test {
 protected:
  BatchTest() {
    company_.database().Execute(
        absl::StrCat("INSERT INTO builtin.customers (customer_id, attributes) "
                     "SELECT 'd' || i, '{\"segment\": \"rich\", \"size\": 3}' FROM generate_series(1, ",
                     kMoreCustomers, ") i"));
  }

  std::vector<std::string> Line(const Replica& replica) {
    return {"suggest-batch", "--all", "--run-id=may", "--count=2",
            absl::StrCat("--server=127.0.0.1:", replica.grpc_port())};
  }

  int Decided() {
    int count = 0;
    EXPECT_TRUE(absl::SimpleAtoi(
        company_.database().QueryOne("SELECT count(*) FROM suggest.decisions WHERE request_id = 'batch/may'"), &count));
    return count;
  }

  // Until so many decisions are there, or the run ended.
  void WaitForDecisions(int count, Program& run) {
    while (Decided() < count && run.Running()) absl::SleepFor(absl::Milliseconds(1));
  }

  Deployment company_;
};

TEST_F(BatchTest, KilledOnBothSidesAndRunAgainItDecidesOnceForEveryCustomer) {
  auto replica = company_.StartReplica();
  ASSERT_TRUE(replica->ready()) << replica->program().Errors();
  auto client = company_.StartCtl(Line(*replica));
  WaitForDecisions(50, *client);
  client->Signal(SIGKILL);
  EXPECT_EQ(client->Wait(), 128 + SIGKILL) << "the run ended before it was killed";
  const int after_client = Decided();
  EXPECT_LT(after_client, 200 + kMoreCustomers);

  auto orphan = company_.StartCtl(Line(*replica));
  WaitForDecisions(after_client + 100, *orphan);
  replica->program().Signal(SIGKILL);
  replica->program().Wait();
  EXPECT_EQ(orphan->Wait(), 1) << orphan->Output();
  EXPECT_THAT(orphan->Errors(), HasSubstr("the same --run-id goes on"));
  EXPECT_LT(Decided(), 200 + kMoreCustomers) << "the server was killed too late to test anything";

  replica = company_.StartReplica();
  ASSERT_TRUE(replica->ready()) << replica->program().Errors();
  const RunResult last = company_.Ctl(Line(*replica));
  EXPECT_EQ(last.exit_code, 0) << last.output << last.errors;
  EXPECT_EQ(Decided(), 200 + kMoreCustomers);
  EXPECT_EQ(company_.database().QueryOne("SELECT count(DISTINCT customer_id) FROM suggest.decisions "
                                         "WHERE request_id = 'batch/may'"),
            absl::StrCat(200 + kMoreCustomers));
  const RunResult again = company_.Ctl(Line(*replica));
  EXPECT_EQ(again.exit_code, 3) << again.output << again.errors;
  EXPECT_EQ(Decided(), 200 + kMoreCustomers);
  std::printf("%d decisions when the client was killed, all %d after the rerun\n", after_client, Decided());
}

}  // namespace
}  // namespace suggest
