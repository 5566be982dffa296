// PostgreSQL goes away under the real programs: what the spool promises, with stops as hard as a crash.
#include <grpcpp/grpcpp.h>
#include <signal.h>

#include <atomic>
#include <map>
#include <set>
#include <thread>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/integration/deployment.h"
#include "tests/support/private_postgres.h"
#include "tests/support/raw_sql.h"

namespace suggest {
namespace {

using ::testing::HasSubstr;

constexpr int kKnownCustomers = 40;

std::string Customer(int number) {
  return absl::StrCat("c", number % kKnownCustomers);
}

class SpoolingTest : public ::testing::Test {
 protected:
  std::string Sql(const std::string& query) { return testing::RunSql(postgres_.connection(), query)[0][0]; }

  std::unique_ptr<Replica> StartSpooling(const std::string& file) {
    auto replica = company_.StartReplicaWith(absl::StrCat("spool: '", company_.folder(), "/", file, "'"));
    EXPECT_TRUE(replica->ready()) << replica->program().Errors();
    return replica;
  }

  // So that the replica knows them when the database is away.
  void MeetCustomers(Replica& replica) {
    for (int c = 0; c < kKnownCustomers; ++c) replica.MustSuggest(Customer(c), "meet", 2, true);
  }

  // The value of an unlabelled metric; -1 when it cannot be read.
  static double Metric(Replica& replica, const std::string& name) {
    const std::string text = replica.HttpGet("/metrics");
    const size_t at = text.find(absl::StrCat("\n", name, " "));
    double value = -1;
    if (at == std::string::npos) return value;
    const size_t begin = at + name.size() + 2;
    EXPECT_TRUE(absl::SimpleAtod(text.substr(begin, text.find('\n', begin) - begin), &value));
    return value;
  }

  template <typename Condition>
  static bool Eventually(Condition condition) {
    for (const absl::Time end = absl::Now() + absl::Seconds(60); absl::Now() < end;
         absl::SleepFor(absl::Milliseconds(20))) {
      if (condition()) return true;
    }
    return false;
  }

  // And until changes are heard again.
  void WaitUntilDrained(Replica& replica) {
    EXPECT_TRUE(Eventually([&] {
      return Metric(replica, "suggest_spool_decisions") == 0 && Metric(replica, "suggest_database_up") == 1 &&
             Metric(replica, "suggest_changes_heard") == 1;
    })) << replica.program().Errors();
  }

  testing::PrivatePostgres postgres_;
  Deployment company_{postgres_.connection()};
};

TEST_F(SpoolingTest, DatabaseStoppedThreeTimesUnderLoadFailsNoRequestAndLosesNoAnswer) {
  auto replica = StartSpooling("spool.db");
  MeetCustomers(*replica);
  std::atomic<bool> stop = false;
  std::atomic<int> answered = 0, spooled = 0, failed = 0;
  std::vector<std::vector<std::string>> ids(4);
  std::vector<std::thread> clients;
  for (int t = 0; t < 4; ++t) {
    clients.emplace_back([&, t] {
      for (int i = 0; !stop; ++i) {
        v1::SuggestRequest request;
        request.set_customer_id(Customer(10 * t + i % 10));
        request.set_request_id(absl::StrCat("load-", t, "-", i));
        request.set_count(2);
        request.set_fresh(true);
        v1::SuggestResponse response;
        const grpc::Status status = replica->Suggest(request, &response);
        if (!status.ok()) {
          ADD_FAILURE() << status.error_message();
          ++failed;
          continue;
        }
        EXPECT_TRUE(response.durable());
        ids[t].push_back(response.decision_id());
        ++answered;
        spooled += response.spooled();
      }
    });
  }
  const auto wait_for = [&](const std::atomic<int>& count, int more) {
    const int until = count + more;
    EXPECT_TRUE(Eventually([&] { return count >= until; })) << replica->program().Errors();
  };
  for (int round = 0; round < 3; ++round) {
    wait_for(answered, 100);
    postgres_.StopImmediately();
    wait_for(spooled, 100);
    EXPECT_THAT(replica->HttpGet("/readyz"), HasSubstr("200"));
    EXPECT_THAT(replica->HttpGet("/readyz"), HasSubstr("in the spool"));
    postgres_.Start();
    WaitUntilDrained(*replica);
  }
  stop = true;
  for (std::thread& client : clients) client.join();
  WaitUntilDrained(*replica);

  std::map<std::string, int> logged;
  for (const auto& row : testing::RunSql(postgres_.connection(), "SELECT decision_id FROM suggest.decisions")) {
    ++logged[row[0]];
  }
  for (const auto& some : ids) {
    for (const std::string& id : some) EXPECT_EQ(logged[id], 1) << id;
  }
  EXPECT_EQ(Sql("SELECT count(*) FROM suggest.request_ids WHERE request_id LIKE 'load-%'"),
            absl::StrCat(answered.load()));
  EXPECT_EQ(Sql("SELECT count(*) FROM suggest.superseded_decisions"), "0");
  std::printf("%d requests answered over three stops of PostgreSQL, %d of them from the spool, %d failed\n",
              answered.load(), spooled.load(), failed.load());
}

TEST_F(SpoolingTest, KilledWhileSpoolingItDrainsExactlyOnceAfterTheRestart) {
  std::set<std::string> answered;
  {
    auto replica = StartSpooling("spool.db");
    MeetCustomers(*replica);
    postgres_.StopImmediately();
    for (int i = 0; i < 60; ++i) {
      const v1::SuggestResponse response = replica->MustSuggest(Customer(i), absl::StrCat("away-", i), 2, true);
      EXPECT_TRUE(response.spooled());
      answered.insert(response.decision_id());
      EXPECT_TRUE(
          replica->MustRecord(Customer(i), response.suggestions(0).suggestion_id(), v1::RecordFeedbackRequest::KEPT));
    }
    const v1::SuggestResponse again = replica->MustSuggest(Customer(7), "away-7", 2, true);
    EXPECT_TRUE(again.replayed() && again.spooled());
    EXPECT_TRUE(answered.count(again.decision_id()) > 0) << "a retry while away drew anew";
    replica->program().Signal(SIGKILL);
    replica->program().Wait();
  }
  postgres_.Start();
  // Killed again while it drains, at different points.
  for (int round = 0; round < 3; ++round) {
    auto replica = company_.StartReplicaWith(absl::StrCat("spool: '", company_.folder(), "/spool.db'"));
    replica->program().Signal(SIGKILL);
    replica->program().Wait();
  }
  auto replica = StartSpooling("spool.db");
  WaitUntilDrained(*replica);
  EXPECT_EQ(Sql("SELECT count(*) FROM suggest.decisions WHERE request_id LIKE 'away-%'"), "60");
  for (const std::string& id : answered) {
    EXPECT_EQ(Sql(absl::StrFormat("SELECT count(*) FROM suggest.decisions WHERE decision_id = '%s'", id)), "1") << id;
  }
  EXPECT_EQ(Sql("SELECT count(*) FROM suggest.feedback"), "60");
  EXPECT_EQ(Sql("SELECT count(*) FROM suggest.superseded_decisions"), "0");
}

TEST_F(SpoolingTest, OfTwoReplicasThatAnsweredOneRequestTheFirstDrainedStaysAndTheOtherIsSuperseded) {
  auto first = StartSpooling("first.db");
  auto second = StartSpooling("second.db");
  MeetCustomers(*first);
  for (int c = 0; c < kKnownCustomers; ++c) second->MustSuggest(Customer(c), "meet second", 2, true);
  postgres_.StopImmediately();
  const v1::SuggestResponse one = first->MustSuggest("c3", "both", 2, true);
  const v1::SuggestResponse other = second->MustSuggest("c3", "both", 2, true);
  EXPECT_NE(one.decision_id(), other.decision_id());
  EXPECT_TRUE(one.spooled() && other.spooled());
  postgres_.Start();
  WaitUntilDrained(*first);
  WaitUntilDrained(*second);

  const std::string kept = Sql("SELECT decision_id FROM suggest.request_ids WHERE request_id = 'both'");
  const std::string superseded = Sql("SELECT decision_id FROM suggest.superseded_decisions");
  EXPECT_EQ(std::set<std::string>({kept, superseded}), std::set<std::string>({one.decision_id(), other.decision_id()}));
  EXPECT_EQ(Sql("SELECT superseded_by FROM suggest.superseded_decisions"), kept);
  EXPECT_EQ(Sql("SELECT count(*) FROM suggest.decisions WHERE request_id = 'both'"), "1");
  for (Replica* replica : {first.get(), second.get()}) {
    EXPECT_EQ(replica->MustSuggest("c3", "both", 2, true).decision_id(), kept);
    const v1::ExplainResponse explained = replica->MustExplain("c3", superseded);
    EXPECT_EQ(explained.superseded_by(), kept);
    EXPECT_TRUE(explained.matches_log());
  }
  EXPECT_FALSE(first->MustRecord("c3", absl::StrCat(superseded, ".1"), v1::RecordFeedbackRequest::KEPT))
      << "feedback to a superseded suggestion teaches nothing";
}

}  // namespace
}  // namespace suggest
