// The main job with the real programs and a real PostgreSQL: suggest, feedback, purchase, ingest, and what must
// survive.
#include <grpcpp/grpcpp.h>
#include <signal.h>

#include <atomic>
#include <filesystem>
#include <limits>
#include <random>
#include <set>
#include <thread>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/integration/deployment.h"
#include "tests/support/raw_sql.h"

namespace suggest {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

class LoopTest : public ::testing::Test {
 protected:
  // Suggests to a customer, keeps the whole slate and returns it.
  v1::SuggestResponse KeepSlate(Replica& replica, const std::string& customer, const std::string& request_id) {
    v1::SuggestResponse slate = replica.MustSuggest(customer, request_id);
    for (const v1::Suggestion& item : slate.suggestions()) {
      EXPECT_TRUE(replica.MustRecord(customer, item.suggestion_id(), v1::RecordFeedbackRequest::KEPT));
    }
    return slate;
  }

  int64_t CurrentVersion() {
    return std::stoll(company_.database().QueryOne("select version from suggest.current_model"));
  }

  // Seconds until the replica answers with that model version; infinite after ten.
  double SecondsUntilServed(Replica& replica, int64_t version) {
    const absl::Time begin = absl::Now();
    for (int i = 0; absl::Now() - begin < absl::Seconds(10); ++i) {
      if (replica.MustSuggest("c1", absl::StrCat("wait-", version, "-", i), 1, true).model_version() == version) {
        return absl::ToDoubleSeconds(absl::Now() - begin);
      }
    }
    return std::numeric_limits<double>::infinity();
  }

  void ExpectVerified() {
    const RunResult verified = company_.Ctl({"verify"});
    EXPECT_EQ(verified.exit_code, 0) << verified.output << verified.errors;
  }

  Deployment company_;
};

TEST_F(LoopTest, PurchaseInsertedBySqlChangesWhatASecondReplicaServes) {
  auto first = company_.StartReplica();
  auto second = company_.StartReplica();
  ASSERT_TRUE(first->ready()) << first->program().Errors();
  ASSERT_TRUE(second->ready()) << second->program().Errors();
  const v1::SuggestResponse slate = KeepSlate(*first, "c3", "r1");
  ASSERT_EQ(slate.suggestions_size(), 3);
  const std::string bought = slate.suggestions(2).recommendation_id();
  const int64_t before = CurrentVersion();
  company_.Buy("new-1", "c3", bought, 100);

  ASSERT_EQ(company_.Ctl({"ingest-rewards"}).exit_code, 0);
  const int64_t after = CurrentVersion();
  EXPECT_GT(after, before);
  const double seconds = SecondsUntilServed(*second, after);
  EXPECT_LT(seconds, 5);
  RecordProperty("seconds_until_served", absl::StrCat(seconds));
  std::printf("second replica served version %ld %.3f s after the ingest ended\n", after, seconds);

  // The pair that was bought is expected to earn more than before.
  const auto expectation = [&](int64_t version) {
    v1::SuggestRequest request;
    request.set_customer_id("c3");
    request.set_request_id(absl::StrCat("again-", version));
    request.set_count(1);
    request.set_fresh(true);
    request.add_candidate_ids(bought);
    v1::SuggestResponse response;
    EXPECT_TRUE(second->Suggest(request, &response).ok());
    return response.suggestions(0).expected_reward();
  };
  EXPECT_GT(expectation(after), slate.suggestions(2).expected_reward());
}

TEST_F(LoopTest, ReplicaWhoseListenConnectionWasCutFollowsByPolling) {
  auto replica = company_.StartReplica();
  ASSERT_TRUE(replica->ready()) << replica->program().Errors();
  KeepSlate(*replica, "c3", "r1");
  const std::string cut = company_.database().QueryOne(
      "select count(pg_terminate_backend(pid)) from pg_stat_activity "
      "where datname = current_database() and pid <> pg_backend_pid() and query ilike 'listen%'");
  EXPECT_NE(cut, "0") << "no listening session was found to cut";
  ASSERT_EQ(company_.Ctl({"ingest-rewards"}).exit_code, 0);
  const double seconds = SecondsUntilServed(*replica, CurrentVersion());
  EXPECT_LT(seconds, 5);
  std::printf("replica without LISTEN served the new version %.3f s after the ingest ended\n", seconds);
}

TEST_F(LoopTest, TenParallelIngestsAndAFurtherOneCountEachPurchaseOnce) {
  auto replica = company_.StartReplica();
  ASSERT_TRUE(replica->ready()) << replica->program().Errors();
  int purchases = 0;
  for (int c = 0; c < 20; ++c) {
    const std::string customer = absl::StrCat("c", c);
    const v1::SuggestResponse slate = KeepSlate(*replica, customer, "r1");
    company_.Buy(absl::StrCat("par-", c), customer, slate.suggestions(0).recommendation_id(), 60);
    ++purchases;
  }
  std::vector<std::unique_ptr<Program>> runs;
  for (int i = 0; i < 10; ++i) runs.push_back(company_.StartCtl({"ingest-rewards"}));
  int done = 0;
  for (const auto& run : runs) {
    const int code = run->Wait();
    EXPECT_THAT(code, ::testing::AnyOf(0, 3)) << run->Errors();
    done += code == 0;
  }
  EXPECT_GE(done, 1);
  EXPECT_THAT(company_.Ctl({"ingest-rewards"}).exit_code, ::testing::AnyOf(0, 3));
  EXPECT_EQ(company_.database().QueryOne("select count(*) from suggest.purchase_state where purchase_id like 'par-%' "
                                         "and suggestion_id is not null"),
            absl::StrCat(purchases));
  ExpectVerified();
}

TEST_F(LoopTest, IngestKilledAtFiftyRandomInstantsUnderLoadCountsEachPurchaseOnce) {
  auto replica = company_.StartReplica();
  ASSERT_TRUE(replica->ready()) << replica->program().Errors();
  std::mt19937 random(20260120);
  int bought = 0;
  int killed = 0;
  int round = 0;
  for (; killed < 50 && round < 200; ++round) {
    const std::string customer = absl::StrCat("c", round % 100);
    const v1::SuggestResponse slate = KeepSlate(*replica, customer, absl::StrCat("r", round));
    company_.Buy(absl::StrCat("kill-", round), customer, slate.suggestions(0).recommendation_id(), 80);
    ++bought;
    auto ingest = company_.StartCtl({"ingest-rewards"});
    const absl::Time until = absl::Now() + absl::Microseconds(std::uniform_int_distribution<int>(1000, 80000)(random));
    for (int i = 0; absl::Now() < until; ++i) {
      replica->MustSuggest(absl::StrCat("c", 100 + round % 100), absl::StrCat("load-", round, "-", i), 2, true);
    }
    ingest->Signal(SIGKILL);
    killed += ingest->Wait() == 128 + SIGKILL;
  }
  std::printf("%d of %d runs were killed before their end\n", killed, round);
  EXPECT_EQ(killed, 50) << "the kills came too late to test anything";
  EXPECT_THAT(company_.Ctl({"ingest-rewards"}).exit_code, ::testing::AnyOf(0, 3));
  EXPECT_EQ(company_.database().QueryOne("select count(*) from suggest.purchase_state where purchase_id like 'kill-%' "
                                         "and suggestion_id is not null"),
            absl::StrCat(bought));
  ExpectVerified();
}

TEST_F(LoopTest, EveryAnsweredDecisionIsInTheLogAfterSigkill) {
  constexpr int kKills = 30;
  std::set<std::string> answered;
  std::mt19937 random(20260121);
  for (int round = 0; round < kKills; ++round) {
    auto replica = company_.StartReplica();
    ASSERT_TRUE(replica->ready()) << replica->program().Errors();
    std::vector<std::thread> clients;
    std::vector<std::vector<std::string>> ids(4);
    std::atomic<int> answers = 0;
    for (int t = 0; t < 4; ++t) {
      clients.emplace_back([&, t] {
        for (int i = 0;; ++i) {
          v1::SuggestRequest request;
          request.set_customer_id(absl::StrCat("c", (t * 50 + i) % 200));
          request.set_request_id(absl::StrCat("kill-", round, "-", t, "-", i));
          request.set_count(2);
          request.set_fresh(true);
          v1::SuggestResponse response;
          if (!replica->Suggest(request, &response).ok()) return;
          EXPECT_TRUE(response.durable());
          ids[t].push_back(response.decision_id());
          ++answers;
        }
      });
    }
    const int until = std::uniform_int_distribution<int>(1, 150)(random);
    while (answers < until && replica->program().Running()) absl::SleepFor(absl::Milliseconds(1));
    replica->program().Signal(SIGKILL);
    for (std::thread& client : clients) client.join();
    for (const auto& some : ids) answered.insert(some.begin(), some.end());
  }
  std::set<std::string> logged;
  for (const auto& row : company_.database().Query("select decision_id from suggest.decisions")) logged.insert(row[0]);
  for (const std::string& id : answered) EXPECT_TRUE(logged.contains(id)) << id;
  std::printf("%zu decisions answered before %d kills, all in the log\n", answered.size(), kKills);
}

TEST_F(LoopTest, SameRequestOnTheOtherReplicaAfterTheMonthsEndGetsTheSameDecision) {
  auto before = company_.StartReplica("2026-01-31T23:40:00Z");
  auto after = company_.StartReplica("2026-02-01T00:00:01Z");
  ASSERT_TRUE(before->ready()) << before->program().Errors();
  ASSERT_TRUE(after->ready()) << after->program().Errors();
  const v1::SuggestResponse first = before->MustSuggest("c5", "month-end");
  const v1::SuggestResponse second = after->MustSuggest("c5", "month-end");
  EXPECT_EQ(second.decision_id(), first.decision_id());
  EXPECT_TRUE(second.replayed());
  ASSERT_EQ(second.suggestions_size(), first.suggestions_size());
  for (int i = 0; i < first.suggestions_size(); ++i) {
    EXPECT_EQ(second.suggestions(i).SerializeAsString(), first.suggestions(i).SerializeAsString());
  }
}

TEST_F(LoopTest, DecisionExplainedAfterLaterIngestsGivesTheSameBits) {
  auto replica = company_.StartReplica();
  ASSERT_TRUE(replica->ready()) << replica->program().Errors();
  const v1::SuggestResponse slate = KeepSlate(*replica, "c7", "r1");
  const v1::ExplainResponse at_once = replica->MustExplain("c7", slate.decision_id());
  EXPECT_TRUE(at_once.matches_log());
  for (int i = 0; i < 3; ++i) {
    const std::string customer = absl::StrCat("c", 20 + i);
    const v1::SuggestResponse other = KeepSlate(*replica, customer, "r1");
    company_.Buy(absl::StrCat("later-", i), customer, other.suggestions(0).recommendation_id(), 100);
    ASSERT_EQ(company_.Ctl({"ingest-rewards"}).exit_code, 0);
  }
  auto fresh = company_.StartReplica();
  ASSERT_TRUE(fresh->ready()) << fresh->program().Errors();
  const v1::ExplainResponse later = fresh->MustExplain("c7", slate.decision_id());
  EXPECT_TRUE(later.matches_log());
  ASSERT_EQ(later.candidates_size(), at_once.candidates_size());
  for (int i = 0; i < later.candidates_size(); ++i) {
    EXPECT_EQ(later.candidates(i).score(), at_once.candidates(i).score());
    EXPECT_EQ(later.candidates(i).expected_reward(), at_once.candidates(i).expected_reward());
  }
}

TEST_F(LoopTest, FiveRefreshesOfACustomersPageMakeOneExposurePerRecommendation) {
  auto replica = company_.StartReplica();
  ASSERT_TRUE(replica->ready()) << replica->program().Errors();
  std::set<std::string> recommendations;
  std::set<std::string> decisions;
  for (int i = 0; i < 5; ++i) {
    const v1::SuggestResponse slate = replica->MustSuggest("c9", absl::StrCat("refresh-", i));
    decisions.insert(slate.decision_id());
    for (const v1::Suggestion& item : slate.suggestions()) {
      replica->MustRecord("c9", item.suggestion_id(), v1::RecordFeedbackRequest::KEPT);
      recommendations.insert(item.recommendation_id());
    }
  }
  EXPECT_EQ(decisions.size(), 1u) << "a refresh within sticky_for draws anew";
  // Even decisions that were drawn anew continue the open exposures.
  for (int i = 0; i < 5; ++i) {
    const v1::SuggestResponse slate = replica->MustSuggest("c9", absl::StrCat("fresh-", i), 3, true);
    for (const v1::Suggestion& item : slate.suggestions()) {
      replica->MustRecord("c9", item.suggestion_id(), v1::RecordFeedbackRequest::KEPT);
      recommendations.insert(item.recommendation_id());
    }
  }
  ASSERT_EQ(company_.Ctl({"ingest-rewards"}).exit_code, 0);
  EXPECT_EQ(company_.database().QueryOne(absl::StrFormat("select count(*) from suggest.exposures where customer_id = "
                                                         "'c9' and exposed_at >= '%s' and continues is null",
                                                         kStart)),
            absl::StrCat(recommendations.size()));
}

TEST_F(LoopTest, DrainsOnSigtermAndRefusesAPortThatIsTaken) {
  auto replica = company_.StartReplica();
  ASSERT_TRUE(replica->ready()) << replica->program().Errors();
  const std::string config = company_.database().connection();
  testing::TemporaryFolder folder;
  const std::string path = folder.Write(
      "taken.textproto",
      absl::StrFormat(
          "server { grpc_address: '127.0.0.1:%d' http_address: '127.0.0.1:0' } database { connection: \"%s\" } "
          "money { currency: 'EUR' reward_cap: 1 } features { features { name: 'a' side: CUSTOMER boolean { "
          "column: 'a' } } }",
          replica->grpc_port(), config));
  const RunResult second = RunProgram({SUGGEST_BIN_DIR "/suggestd", "--config=" + path}, folder.path(), "second");
  EXPECT_EQ(second.exit_code, 1);
  EXPECT_THAT(second.errors, HasSubstr(absl::StrCat(replica->grpc_port())));
  replica->program().Signal(SIGTERM);
  EXPECT_EQ(replica->program().Wait(), 0) << replica->program().Errors();
}

TEST_F(LoopTest, PromtoolAcceptsTheMetrics) {
  if (!std::filesystem::exists(SUGGEST_PROMTOOL)) GTEST_SKIP() << "promtool is absent: " SUGGEST_PROMTOOL;
  auto replica = company_.StartReplica();
  ASSERT_TRUE(replica->ready()) << replica->program().Errors();
  KeepSlate(*replica, "c3", "r1");
  const std::string answer = replica->HttpGet("/metrics");
  ASSERT_THAT(answer, StartsWith("HTTP/1."));
  const size_t body = answer.find("\r\n\r\n");
  ASSERT_NE(body, std::string::npos);
  testing::TemporaryFolder folder;
  const std::string metrics = folder.Write("metrics.txt", answer.substr(body + 4));
  const RunResult checked = RunProgram({"/bin/sh", "-c", absl::StrCat(SUGGEST_PROMTOOL, " check metrics < ", metrics)},
                                       folder.path(), "promtool");
  EXPECT_EQ(checked.exit_code, 0) << checked.output << checked.errors;
}

}  // namespace
}  // namespace suggest
