// What is answered stays, and what is changed is seen, with the real programs and a real PostgreSQL.
#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "tests/integration/deployment.h"
#include "tests/support/private_postgres.h"
#include "tests/support/raw_sql.h"

namespace suggest {
namespace {

// Far more than the second that is promised: the machine may be busy. The time that it took is printed.
constexpr absl::Duration kPatience = absl::Seconds(20);

TEST(DurableTest, NothingAnsweredIsLostWhenPostgresqlIsStoppedThreeTimesUnderLoad) {
  testing::PrivatePostgres postgres;
  Deployment company(postgres.connection());
  auto replica = company.StartReplica();
  ASSERT_TRUE(replica->ready()) << replica->program().Errors();
  constexpr int kClients = 8;
  std::vector<std::set<std::string>> answered(kClients);
  std::atomic<int> answers = 0;
  std::atomic<int> refused = 0;
  std::atomic<bool> stop = false;
  std::vector<std::thread> clients;
  for (int t = 0; t < kClients; ++t) {
    clients.emplace_back([&, t] {
      for (int i = 0; !stop; ++i) {
        v1::SuggestRequest request;
        request.set_customer_id(absl::StrCat("c", (t * 25 + i) % 200));
        request.set_request_id(absl::StrCat("stop-", t, "-", i));
        request.set_count(2);
        request.set_fresh(true);
        v1::SuggestResponse response;
        const grpc::Status status = replica->Suggest(request, &response);
        if (status.ok()) {
          answered[t].insert(response.decision_id());
          ++answers;
        } else {
          EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE) << status.error_message();
          ++refused;
        }
      }
    });
  }
  const auto wait_for_answers = [&](int more) {
    const int goal = answers + more;
    for (const absl::Time end = absl::Now() + absl::Minutes(2); answers < goal && absl::Now() < end;) {
      absl::SleepFor(absl::Milliseconds(1));
    }
    EXPECT_GE(answers, goal) << replica->program().Errors();
  };
  for (int round = 0; round < 3; ++round) {
    wait_for_answers(200);
    postgres.StopImmediately();
    postgres.Start();
  }
  wait_for_answers(200);
  stop = true;
  for (std::thread& client : clients) client.join();
  std::multiset<std::string> logged;
  for (const auto& row : testing::RunSql(postgres.connection(), "SELECT decision_id FROM suggest.decisions")) {
    logged.insert(row[0]);
  }
  int count = 0;
  for (const auto& some : answered) {
    for (const std::string& id : some) EXPECT_EQ(logged.count(id), 1u) << id;
    count += static_cast<int>(some.size());
  }
  std::printf("%d decisions answered over three stops of PostgreSQL, all in the log once; %d requests refused\n", count,
              refused.load());
}

class ChangesTest : public ::testing::Test {
 protected:
  ChangesTest() : replica_(company_.StartReplica()) { EXPECT_TRUE(replica_->ready()) << replica_->program().Errors(); }

  v1::SuggestResponse Ask(const std::string& candidate, int count) {
    v1::SuggestRequest request;
    request.set_customer_id("c3");
    request.set_request_id(absl::StrCat("ask-", ++asked_));
    request.set_count(count);
    request.set_fresh(true);
    if (!candidate.empty()) request.add_candidate_ids(candidate);
    v1::SuggestResponse response;
    const grpc::Status status = replica_->Suggest(request, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return response;
  }
  std::set<std::string> Suggested() {
    std::set<std::string> ids;
    const v1::SuggestResponse response = Ask("", 100);
    for (const v1::Suggestion& item : response.suggestions()) ids.insert(item.recommendation_id());
    return ids;
  }

  // Seconds until the condition holds; keeps asking, so that the caches are warm.
  template <typename Condition>
  double SecondsUntil(Condition condition) {
    const absl::Time begin = absl::Now();
    while (!condition()) {
      if (absl::Now() - begin > kPatience) {
        ADD_FAILURE() << "not so after " << kPatience;
        break;
      }
    }
    return absl::ToDoubleSeconds(absl::Now() - begin);
  }

  Deployment company_;
  std::unique_ptr<Replica> replica_;
  int asked_ = 0;
};

TEST_F(ChangesTest, AnAttributeUpdatedBySqlIsUsedAndADeactivatedRecommendationIsNot) {
  const double before = Ask("r0", 1).suggestions(0).expected_reward();
  EXPECT_EQ(Ask("r0", 1).suggestions(0).expected_reward(), before);
  company_.database().Execute(
      "UPDATE builtin.customers SET attributes = attributes || '{\"segment\": \"rich\"}' WHERE customer_id = 'c3'");
  const double updated = SecondsUntil([&] { return Ask("r0", 1).suggestions(0).expected_reward() != before; });

  ASSERT_TRUE(Suggested().contains("r1"));
  company_.database().Execute(absl::StrCat("UPDATE builtin.recommendations SET active_until = '", AfterStart(-3600),
                                           "' WHERE recommendation_id = 'r1'"));
  const double deactivated = SecondsUntil([&] { return !Suggested().contains("r1"); });
  for (int i = 0; i < 20; ++i) EXPECT_FALSE(Suggested().contains("r1"));

  company_.database().Execute(
      "INSERT INTO builtin.recommendations (recommendation_id, title, repeatable, attributes) "
      "SELECT 'new', 'New', true, attributes FROM builtin.recommendations WHERE recommendation_id = 'r2'");
  const double added = SecondsUntil([&] { return Suggested().contains("new"); });
  std::printf("seen after %.3f s (attribute), %.3f s (deactivated), %.3f s (added)\n", updated, deactivated, added);
}

TEST_F(ChangesTest, ChangesAreSeenAlsoAfterTheListeningConnectionWasCut) {
  const double before = Ask("r0", 1).suggestions(0).expected_reward();
  company_.database().Execute(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
      "WHERE datname = current_database() AND pid <> pg_backend_pid() AND state = 'idle'");
  company_.database().Execute(
      "UPDATE builtin.customers SET attributes = attributes || '{\"segment\": \"rich\"}' WHERE customer_id = 'c3'");
  const double updated = SecondsUntil([&] { return Ask("r0", 1).suggestions(0).expected_reward() != before; });
  std::printf("seen after %.3f s\n", updated);
}

}  // namespace
}  // namespace suggest
