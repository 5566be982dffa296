#include "service/learning/ingester.h"

#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "bandit/delay/delay_law.h"
#include "tests/service/learning/learning_fixture.h"
#include "tests/support/raw_sql.h"

namespace suggest::learning {
namespace {

using ::suggest::testing::IsOk;
using ::suggest::testing::SqlSession;
using ::suggest::testing::StatusIs;
using ::suggest::v1::RecordFeedbackRequest;
using ::testing::AnyOf;
using ::testing::HasSubstr;

class IngesterTest : public LearningFixture {};

TEST_F(IngesterTest, CountsAnExposureAndItsPurchaseOnceHoweverOftenItRuns) {
  Start();
  Expose("ann", "hat", Day(1));
  Buy("p1", "ann", "hat", Day(2), 40);
  const auto first = Ingest(Day(3));
  EXPECT_EQ(first.model_version(), 2);
  EXPECT_EQ(first.counts().exposures_booked(), 1);
  EXPECT_EQ(first.counts().purchases_attributed(), 1);
  const auto second = Ingest(Day(3));
  EXPECT_TRUE(second.nothing_to_do());
  EXPECT_EQ(second.model_version(), 0);
  ExpectTaught({{"ann", "hat", 1, 0.4}});
  ExpectVerified();
}

TEST_F(IngesterTest, ManyChunksInAnyOrderEqualTheBatchSums) {
  Start();
  std::vector<Taught> taught;
  for (int i = 0; i < 11; ++i) {
    const std::string customer = absl::StrCat("c", i * 7 % 11), recommendation = absl::StrCat("r", i % 4);
    Expose(customer, recommendation, Day(1 + i * 0.1));
    if (i % 3 == 0) Buy(absl::StrCat("p", i), customer, recommendation, Day(3), 10 * i);
    taught.push_back({customer, recommendation, 1, i % 3 == 0 ? 0.1 * i : 0});
    if (i % 4 == 0) Ingest(Day(3.5));
  }
  Ingest(Day(4));
  ExpectTaught(taught);
  Ingest(Day(40));  // all mature by now: the same sums, from the buckets
  ExpectTaught(taught);
  EXPECT_EQ(One("SELECT count(*) FROM suggest.exposures WHERE mature"), "11");
  ExpectVerified();
}

TEST_F(IngesterTest, TenRunsInParallelCountEveryPurchaseOnce) {
  Start();
  std::vector<Taught> taught;
  for (int i = 0; i < 12; ++i) {
    const std::string customer = absl::StrCat("c", i);
    Expose(customer, "hat", Day(1));
    Buy(absl::StrCat("p", i), customer, "hat", Day(2), 5 * i);
    taught.push_back({customer, "hat", 1, 0.05 * i});
  }
  std::vector<std::thread> runs;
  std::vector<absl::Status> statuses(10);
  for (int i = 0; i < 10; ++i) {
    runs.emplace_back([&, i] {
      const auto pool = db_.OpenAnother();
      statuses[i] = Ingester(pool.get(), config_).Run(Day(13), false, nullptr).status();
    });
  }
  for (std::thread& run : runs) run.join();
  for (const absl::Status& status : statuses) {
    EXPECT_THAT(status, AnyOf(IsOk(), StatusIs(absl::StatusCode::kAborted)));
  }
  Ingest(Day(13));
  ExpectTaught(taught);
  EXPECT_EQ(One("SELECT count(*) FROM suggest.reward_ledger"), "11");  // p0 is worth nothing
  ExpectVerified();
}

TEST_F(IngesterTest, LosesNothingOfALongTransaction) {
  Start();
  Expose("ann", "hat", Day(1));
  Expose("bob", "hat", Day(1));
  SqlSession slow(db_.connection());
  slow.Run("BEGIN");
  slow.Run(BuySql("p1", "ann", "hat", Day(2), 30));
  Buy("p2", "bob", "hat", Day(2.5), 20);
  Ingest(Day(3));
  ExpectTaught({{"ann", "hat", 1, 0}, {"bob", "hat", 1, 0.2}});
  slow.Run("COMMIT");
  Ingest(Day(3));
  ExpectTaught({{"ann", "hat", 1, 0.3}, {"bob", "hat", 1, 0.2}});
  ExpectVerified();
}

TEST_F(IngesterTest, AKilledRunLeavesTheSamePosteriorWhereverItDied) {
  Start();
  std::vector<Taught> taught;
  for (int i = 0; i < 7; ++i) {
    Expose(absl::StrCat("c", i), "hat", Day(1));
    Buy(absl::StrCat("p", i), absl::StrCat("c", i), "hat", Day(2), 10);
    taught.push_back({absl::StrCat("c", i), "hat", 1, 0.1});
  }
  // The run of number n dies before its n-th commit, so that each border is met by some run.
  int deaths = 0;
  for (int border = 0;; ++border) {
    Ingester ingester(&db_.database(), config_);
    int commits = 0;
    ingester.set_commit_hook(
        [&](absl::string_view) { return commits++ == border ? absl::UnknownError("killed") : absl::OkStatus(); });
    const auto run = ingester.Run(Day(20), false, nullptr);
    if (run.ok()) break;
    ASSERT_THAT(run, StatusIs(absl::StatusCode::kUnknown));
    ++deaths;
    const auto report = Verify(db_.database(), config_, nullptr);
    ASSERT_THAT(report, IsOk());
    EXPECT_TRUE(report->ok());
  }
  EXPECT_GE(deaths, 4);
  ExpectTaught(taught);
  EXPECT_EQ(One("SELECT count(*) FROM suggest.reward_ledger"), "7");
  ExpectVerified();
}

TEST_F(IngesterTest, ARefundRestoresWhatWasBeforeThePurchase) {
  Start();
  Expose("ann", "hat", Day(1));
  Buy("p1", "ann", "hat", Day(2), 40);
  Ingest(Day(3));
  Cancel("p1", Day(4));
  EXPECT_EQ(Ingest(Day(3.5)).counts().refunds(), 0);  // not cancelled yet
  EXPECT_EQ(Ingest(Day(5)).counts().refunds(), 1);
  ExpectTaught({{"ann", "hat", 1, 0}});
  EXPECT_EQ(One("SELECT conversions || ' ' || purchases FROM suggest.history_days WHERE day = 20515 OR purchases > 0 "
                "OR conversions > 0 ORDER BY day LIMIT 1"),
            "0 0");
  ExpectVerified();
}

TEST_F(IngesterTest, ARefundAfterMaturityCorrectsTheBucket) {
  Start();
  Expose("ann", "hat", Day(1));
  Buy("p1", "ann", "hat", Day(2), 40);
  Ingest(Day(30));
  ExpectTaught({{"ann", "hat", 1, 0.4}});
  Cancel("p1", Day(31));
  EXPECT_EQ(Ingest(Day(32)).counts().refunds(), 1);
  ExpectTaught({{"ann", "hat", 1, 0}});
  EXPECT_EQ(One("SELECT reward_square_sum FROM suggest.buckets"), "0");
  ExpectVerified();
}

TEST_F(IngesterTest, ClipsTheTotalOfSeveralPurchasesAndNotEach) {
  Start();
  Expose("ann", "hat", Day(1));
  Buy("p1", "ann", "hat", Day(2), 80);
  Buy("p2", "ann", "hat", Day(3), 80);
  Ingest(Day(4));
  ExpectTaught({{"ann", "hat", 1, 1}});
  Cancel("p1", Day(5));
  Ingest(Day(6));
  ExpectTaught({{"ann", "hat", 1, 0.8}});
  ExpectVerified();
}

TEST_F(IngesterTest, BooksAChangedAmountAsItsDifference) {
  Start();
  Expose("ann", "hat", Day(1));
  Buy("p1", "ann", "hat", Day(2), 40);
  Ingest(Day(3));
  db_.Execute("UPDATE builtin.purchases SET amount = 25");
  EXPECT_EQ(Ingest(Day(4)).counts().amounts_changed(), 1);
  ExpectTaught({{"ann", "hat", 1, 0.25}});
  EXPECT_EQ(One("SELECT string_agg(value_change::text, ' ' ORDER BY entry_id) FROM suggest.reward_ledger"), "40 -15");
  ExpectVerified();
}

TEST_F(IngesterTest, ReattributionIsTwoLedgerRows) {
  Start();
  Expose("ann", "hat", Day(1));
  const std::string scarf = Expose("ann", "scarf", Day(1));
  Buy("p1", "ann", "hat", Day(2), 40);
  Ingest(Day(3));
  ExpectTaught({{"ann", "hat", 1, 0.4}, {"ann", "scarf", 1, 0}});
  db_.Execute("UPDATE builtin.purchases SET suggestion_id = '" + scarf + "'");
  EXPECT_EQ(Ingest(Day(4)).counts().reattributed(), 1);
  ExpectTaught({{"ann", "hat", 1, 0}, {"ann", "scarf", 1, 0.4}});
  EXPECT_EQ(One("SELECT string_agg(value_change::text, ' ' ORDER BY entry_id) FROM suggest.reward_ledger"),
            "40 -40 40");
  ExpectVerified();
}

TEST_F(IngesterTest, ShowsOrphansAndTheTooLateAndLearnsNothingFromThem) {
  Start();
  Expose("ann", "hat", Day(1));
  Buy("p1", "ann", "hat", Day(11), 40);  // W = 10 days: one instant too late
  Buy("p2", "ann", "scarf", Day(2), 40);
  const auto response = Ingest(Day(12));
  EXPECT_EQ(response.counts().purchases_late(), 1);
  EXPECT_EQ(response.counts().purchases_orphaned(), 1);
  ExpectTaught({{"ann", "hat", 1, 0}});
  EXPECT_EQ(One("SELECT count(*) FROM suggest.purchase_state WHERE reason <> ''"), "2");
  ExpectVerified();
}

TEST_F(IngesterTest, AnOrphanFindsItsExposureWhenThatIsBookedLater) {
  Start();
  const std::string suggestion = Decide("ann", "hat", Day(1));
  Buy("p1", "ann", "hat", Day(2), 40);
  EXPECT_EQ(Ingest(Day(3)).counts().purchases_orphaned(), 1);
  Feedback("ann", suggestion, Day(1.5), RecordFeedbackRequest::KEPT);
  EXPECT_EQ(Ingest(Day(4)).counts().purchases_attributed(), 1);
  ExpectTaught({{"ann", "hat", 1, 0.4}});
  ExpectVerified();
}

TEST_F(IngesterTest, TakesAPurchaseSlightlyBeforeItsExposureAndHoldsBackAnEarlierOne) {
  Start();
  Expose("ann", "hat", Day(1));
  Expose("bob", "hat", Day(1));
  Buy("p1", "ann", "hat", Day(1) - absl::Minutes(5), 40);
  Buy("p2", "bob", "hat", Day(1) - absl::Minutes(6), 40);
  const auto response = Ingest(Day(2));
  EXPECT_EQ(response.counts().purchases_attributed(), 1);
  EXPECT_EQ(response.counts().purchases_early(), 1);
  ExpectTaught({{"ann", "hat", 1, 0.4}, {"bob", "hat", 1, 0}});
}

TEST_F(IngesterTest, TriesAPurchaseOfTheFutureAgainWhenItsTimeHasCome) {
  Start();
  Expose("ann", "hat", Day(1));
  Buy("p1", "ann", "hat", Day(5), 40);
  EXPECT_EQ(Ingest(Day(2)).counts().purchases_early(), 1);
  ExpectTaught({{"ann", "hat", 1, 0}});
  EXPECT_EQ(Ingest(Day(6)).counts().purchases_attributed(), 1);
  ExpectTaught({{"ann", "hat", 1, 0.4}});
  ExpectVerified();
}

TEST_F(IngesterTest, ConvertsListedCurrenciesAndRefusesOthersAndNegativeAmounts) {
  Start();
  for (const char* customer : {"ann", "bob", "cid", "dan"}) Expose(customer, "hat", Day(1));
  Buy("p1", "ann", "hat", Day(2), 40, {.currency = "EUR"});
  Buy("p2", "bob", "hat", Day(2), 40, {.currency = "USD"});
  Buy("p3", "cid", "hat", Day(2), 40, {.currency = "GBP"});
  Buy("p4", "dan", "hat", Day(2), -40);
  EXPECT_EQ(Ingest(Day(3)).counts().purchases_refused(), 2);
  ExpectTaught({{"ann", "hat", 1, 0.4}, {"bob", "hat", 1, 0.2}, {"cid", "hat", 1, 0}, {"dan", "hat", 1, 0}});
  EXPECT_THAT(One("SELECT reason FROM suggest.purchase_state WHERE purchase_id = 'p3'"), HasSubstr("currency GBP"));
  EXPECT_THAT(One("SELECT reason FROM suggest.purchase_state WHERE purchase_id = 'p4'"), HasSubstr("-40 is negative"));
  db_.Execute("UPDATE builtin.purchases SET amount = 40 WHERE purchase_id = 'p4'");
  EXPECT_EQ(Ingest(Day(4)).counts().purchases_attributed(), 1);
  ExpectTaught({{"ann", "hat", 1, 0.4}, {"bob", "hat", 1, 0.2}, {"cid", "hat", 1, 0}, {"dan", "hat", 1, 0.4}});
  ExpectVerified();
}

TEST_F(IngesterTest, FiveRefreshesOfAPageAreOneExposure) {
  Start();
  std::string last;
  for (int i = 0; i < 5; ++i) last = Expose("ann", "hat", Day(1) + i * absl::Minutes(1));
  const auto response = Ingest(Day(2));
  EXPECT_EQ(response.counts().exposures_booked(), 1);
  EXPECT_EQ(response.counts().exposures_repeated(), 4);
  Buy("p1", "ann", "hat", Day(3), 40, {.currency = "", .suggestion_id = last});  // names a repeat
  Ingest(Day(4));
  ExpectTaught({{"ann", "hat", 1, 0.4}});
  EXPECT_EQ(One("SELECT sum(exposures) FROM suggest.history_days"), "1");
  Expose("ann", "hat", Day(1) + 11 * kDay);  // past the window: another one
  EXPECT_EQ(Ingest(Day(13)).counts().exposures_booked(), 1);
  ExpectVerified();
}

TEST_F(IngesterTest, ADiscardedSuggestionIsNoRefusal) {
  Start();
  Expose("ann", "hat", Day(1), RecordFeedbackRequest::DISCARDED);
  Decide("bob", "hat", Day(1));
  Expose("cid", "hat", Day(1), RecordFeedbackRequest::CLICKED);  // clicked, so it was kept and sent
  Ingest(Day(2));
  ExpectTaught({{"cid", "hat", 1, 0}});
}

TEST_F(IngesterTest, WhereSuggestedIsExposedAnUndeliveredDecisionIsNone) {
  config_.mutable_learning()->set_exposure_event(config::v1::Learning::SUGGESTED);
  Start();
  Decide("ann", "hat", Day(1));
  Decide("bob", "hat", Day(1));
  Expose("cid", "hat", Day(1), RecordFeedbackRequest::VIEWED);
  db_.Execute("UPDATE suggest.decisions SET delivered = false WHERE customer_id IN ('bob', 'cid')");
  Ingest(Day(2));
  ExpectTaught({{"ann", "hat", 1, 0}, {"cid", "hat", 1, 0}});
}

TEST_F(IngesterTest, PendingExposuresCountByTheShareThatWouldBeVisible) {
  config_.mutable_learning()->set_delay_mode(config::v1::Learning::EXPOSURE);
  Start();
  Expose("ann", "hat", Day(1));
  Expose("bob", "hat", Day(1));
  Buy("p1", "bob", "hat", Day(2), 40);
  Ingest(Day(3));
  const model::v1::ModelVersion model = CurrentModel();
  const auto law =
      bandit::DelayLaw::FromGrid({model.delay_law().age_seconds().begin(), model.delay_law().age_seconds().end()},
                                 {model.delay_law().share().begin(), model.delay_law().share().end()});
  ASSERT_THAT(law, IsOk());
  const double share = law->Share(2 * kDay);
  EXPECT_GT(share, 0.3);
  EXPECT_LT(share, 0.9);
  ExpectTaught({{"ann", "hat", share, 0}, {"bob", "hat", share, 0.4}});
  ExpectVerified();
  Ingest(Day(40));
  ExpectTaught({{"ann", "hat", 1, 0}, {"bob", "hat", 1, 0.4}});
}

TEST_F(IngesterTest, TheWindowForgetsBackToExactlyThePrior) {
  Start();
  Expose("ann", "hat", Day(1));
  Buy("p1", "ann", "hat", Day(2), 40);
  Ingest(Day(20));
  ExpectTaught({{"ann", "hat", 1, 0.4}});
  Ingest(Day(101));
  ExpectTaught({});
  EXPECT_EQ(One("SELECT count(*) FROM suggest.buckets"), "0");
  Cancel("p1", Day(102));  // of a forgotten day: changes nothing
  Ingest(Day(103));
  ExpectTaught({});
  ExpectVerified();
}

TEST_F(IngesterTest, ADryRunCountsAndChangesNothing) {
  Start();
  Expose("ann", "hat", Day(1));
  Buy("p1", "ann", "hat", Day(2), 40);
  const auto response = Ingester(&db_.database(), config_).Run(Day(3), true, nullptr);
  ASSERT_THAT(response, IsOk());
  EXPECT_EQ(response->counts().exposures_booked(), 1);
  EXPECT_EQ(response->counts().purchases_attributed(), 1);
  EXPECT_EQ(response->model_version(), 0);
  EXPECT_EQ(One("SELECT count(*) FROM suggest.exposures"), "0");
  EXPECT_EQ(One("SELECT max(version) FROM suggest.model_versions"), "1");
}

TEST_F(IngesterTest, ABadPurchaseDoesNotStopTheOthersOfItsChunk) {
  Start();
  Expose("ann", "hat", Day(1));
  db_.Execute("ALTER TABLE builtin.purchases ALTER amount DROP NOT NULL, ALTER recommendation_id DROP NOT NULL");
  Buy("p1", "ann", "hat", Day(2), 40);
  for (const char* purchase : {"p0", "p2", "p3", "p4", "p5"}) Buy(purchase, "ann", "hat", Day(2), 10);
  db_.Execute(
      "UPDATE builtin.purchases SET amount = NULL WHERE purchase_id = 'p0';"
      "UPDATE builtin.purchases SET recommendation_id = NULL WHERE purchase_id = 'p2';"
      "UPDATE builtin.purchases SET purchased_at = 'infinity' WHERE purchase_id = 'p3';"
      "UPDATE builtin.purchases SET purchased_at = '-infinity' WHERE purchase_id = 'p4';"
      "UPDATE builtin.purchases SET amount = '1e400' WHERE purchase_id = 'p5'");
  const auto response = Ingest(Day(3));
  EXPECT_EQ(response.counts().purchases_attributed(), 1);
  EXPECT_EQ(response.counts().purchases_refused(), 3);
  EXPECT_EQ(response.counts().purchases_orphaned(), 1);
  EXPECT_EQ(response.counts().purchases_early(), 1);
  ExpectTaught({{"ann", "hat", 1, 0.4}});
  EXPECT_TRUE(Ingest(Day(3)).nothing_to_do());
  ExpectVerified();
}

TEST_F(IngesterTest, ARefusedCurrencyIsBookedOnceItIsConverted) {
  Start();
  Expose("ann", "hat", Day(1));
  Buy("p1", "ann", "hat", Day(2), 40, {.currency = "GBP"});
  Buy("p2", "ann", "hat", Day(2), -40);
  EXPECT_EQ(Ingest(Day(3)).counts().purchases_refused(), 2);
  (*config_.mutable_money()->mutable_conversion())["GBP"] = 1.25;
  EXPECT_EQ(Ingest(Day(3.1)).counts().purchases_attributed(), 1);
  ExpectTaught({{"ann", "hat", 1, 0.5}});
  EXPECT_TRUE(Ingest(Day(3.1)).nothing_to_do());
  ExpectVerified();
}

TEST_F(IngesterTest, FeedbackWithoutItsDecisionDoesNotBlockLaterExposures) {
  Start();
  for (int i = 0; i < 4; ++i) Expose(absl::StrCat("gone", i), "hat", Day(1));  // more than a chunk
  db_.Execute("DELETE FROM suggest.decisions");
  Expose("ann", "hat", Day(2));
  EXPECT_EQ(Ingest(Day(3)).counts().exposures_booked(), 1);
  ExpectTaught({{"ann", "hat", 1, 0}});
}

TEST_F(IngesterTest, ADiscardAfterTheKeepIsNoRefusal) {
  Start();
  Feedback("ann", Expose("ann", "hat", Day(1)), Day(1.1), RecordFeedbackRequest::DISCARDED);
  Feedback("bob", Expose("bob", "hat", Day(1), RecordFeedbackRequest::SENT), Day(1.1),
           RecordFeedbackRequest::DISCARDED);
  EXPECT_EQ(Ingest(Day(2)).counts().exposures_booked(), 1);
  ExpectTaught({{"bob", "hat", 1, 0}});
}

TEST_F(IngesterTest, ADiscardAfterTheBookingStopsTeachingUntilItIsSentAfterAll) {
  Start();
  const std::string suggestion = Expose("ann", "hat", Day(1));
  Expose("bob", "hat", Day(1));
  Ingest(Day(2));
  ExpectTaught({{"ann", "hat", 1, 0}, {"bob", "hat", 1, 0}});
  Feedback("ann", suggestion, Day(2.1), RecordFeedbackRequest::DISCARDED);
  EXPECT_GT(Ingest(Day(2.2)).model_version(), 0);
  ExpectTaught({{"bob", "hat", 1, 0}});
  EXPECT_TRUE(Ingest(Day(2.2)).nothing_to_do());
  ExpectVerified();
  Feedback("ann", suggestion, Day(2.3), RecordFeedbackRequest::SENT);
  Ingest(Day(2.4));
  ExpectTaught({{"ann", "hat", 1, 0}, {"bob", "hat", 1, 0}});
  ExpectVerified();
}

TEST_F(IngesterTest, APurchaseThatTheSourceDeletesOrMovesStopsCounting) {
  Start();
  for (const char* customer : {"ann", "bob", "cid"}) Expose(customer, "hat", Day(1));
  Buy("p1", "ann", "hat", Day(2), 40);
  Buy("p2", "bob", "hat", Day(2), 30);
  Ingest(Day(3));
  db_.Execute(
      "DELETE FROM builtin.purchases WHERE purchase_id = 'p1';"
      "UPDATE builtin.purchases SET customer_id = 'cid' WHERE purchase_id = 'p2'");
  EXPECT_EQ(Ingest(Day(4)).counts().refunds(), 2);
  ExpectTaught({{"ann", "hat", 1, 0}, {"bob", "hat", 1, 0}, {"cid", "hat", 1, 0.3}});
  EXPECT_EQ(Ingest(Day(4)).counts().refunds(), 0);
  Buy("p1", "ann", "hat", Day(2), 40);  // it is back
  Ingest(Day(5));
  ExpectTaught({{"ann", "hat", 1, 0.4}, {"bob", "hat", 1, 0}, {"cid", "hat", 1, 0.3}});
  ExpectVerified();
}

TEST_F(IngesterTest, NeedsAModelToContinue) {
  EXPECT_THAT(Ingester(&db_.database(), config_).Run(Day(1), false, nullptr),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("warm-start")));
}

TEST_F(IngesterTest, SaysThatAnotherRunHoldsTheLock) {
  Start();
  SqlSession other(db_.connection());
  other.Run("BEGIN");
  other.Run("SELECT 1 FROM suggest.learner FOR UPDATE");
  EXPECT_THAT(Ingester(&db_.database(), config_).Run(Day(1), false, nullptr),
              StatusIs(absl::StatusCode::kAborted, HasSubstr("another run")));
  other.Run("ROLLBACK");
  EXPECT_THAT(Ingester(&db_.database(), config_).Run(Day(1), false, nullptr), IsOk());
}

TEST_F(IngesterTest, RefusesAnotherRewardCapThanTheLedgers) {
  Start();
  config_.mutable_money()->set_reward_cap(50);
  EXPECT_THAT(Ingester(&db_.database(), config_).Run(Day(1), false, nullptr),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("cap of 100")));
}

TEST_F(IngesterTest, RefusesAClockBehindTheModel) {
  Start();
  EXPECT_THAT(Ingester(&db_.database(), config_).Run(Day(-1), false, nullptr),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("run suggestctl ingest-rewards --rebuild")));
}

}  // namespace
}  // namespace suggest::learning
