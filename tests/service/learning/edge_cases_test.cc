// What may befall an exposure or a purchase beside the usual: each has a counter and changes the sums only as it
// should.
#include "absl/strings/str_cat.h"
#include "service/learning/delay_rule.h"
#include "tests/service/learning/learning_fixture.h"

namespace suggest::learning {
namespace {

using ::suggest::v1::RecordFeedbackRequest;

class EdgeCasesTest : public LearningFixture {};

TEST_F(EdgeCasesTest, Test9_TwoHalvesMakeAWholeAndTheCapCountsOnce) {
  Start();
  for (const char* customer : {"ann", "bob", "cid"}) Expose(customer, "hat", Day(1));
  Buy("p1", "ann", "hat", Day(2), 50);
  Buy("p2", "ann", "hat", Day(3), 50);
  Buy("p3", "bob", "hat", Day(2), 80);
  Ingest(Day(2.5));
  Buy("p4", "bob", "hat", Day(3), 80);
  const auto response = Ingest(Day(4));
  EXPECT_EQ(response.counts().purchases_repeated(), 2);
  EXPECT_EQ(response.counts().rewards_clipped(), 1);
  ExpectTaught({{"ann", "hat", 1, 1}, {"bob", "hat", 1, 1}, {"cid", "hat", 1, 0}});
  Cancel("p4", Day(5));
  Ingest(Day(6));
  ExpectTaught({{"ann", "hat", 1, 1}, {"bob", "hat", 1, 0.8}, {"cid", "hat", 1, 0}});
  ExpectVerified();
}

TEST_F(EdgeCasesTest, APurchaseJustBeforeItsExposureCountsWithDelayZero) {
  Start();
  Expose("ann", "hat", Day(1));
  Expose("bob", "hat", Day(1));
  Buy("p1", "ann", "hat", Day(1) - absl::Minutes(3), 40);
  Buy("p2", "bob", "hat", Day(1) - absl::Minutes(6), 40);
  const auto response = Ingest(Day(2));
  EXPECT_EQ(response.counts().purchases_skewed(), 1);
  EXPECT_EQ(response.counts().purchases_early(), 1);
  ExpectTaught({{"ann", "hat", 1, 0.4}, {"bob", "hat", 1, 0}});
  EXPECT_EQ(One("SELECT bought_at >= exposed_at FROM suggest.exposures WHERE customer_id = 'ann'"), "t");
}

// No state change, counter + 1.
TEST_F(EdgeCasesTest, Test16_LateUnshownForeignAndUnknownChangeNothingButTheirCounter) {
  Start();
  Expose("ann", "hat", Day(1));
  Decide("bob", "hat", Day(1));  // never shown
  Expose("cid", "hat", Day(1));
  db_.Execute("UPDATE suggest.decisions SET model_version = 99 WHERE customer_id = 'cid'");
  Buy("late", "ann", "hat", Day(12), 40);
  Buy("unshown", "bob", "hat", Day(2), 40);
  Buy("foreign", "cid", "hat", Day(2), 40);
  const auto response = Ingest(Day(13));
  EXPECT_EQ(response.counts().purchases_late(), 1);
  EXPECT_EQ(response.counts().purchases_orphaned(), 1);
  EXPECT_EQ(response.counts().exposures_foreign_basis(), 1);
  EXPECT_EQ(response.counts().purchases_attributed(), 1);  // to cid's exposure, which teaches nothing
  ExpectTaught({{"ann", "hat", 1, 0}});
  ExpectVerified();
}

TEST_F(EdgeCasesTest, ADuplicateDeliveryIsCountedAndBookedOnce) {
  db_.Execute(
      "CREATE OR REPLACE VIEW source.purchases AS SELECT purchase_id, customer_id, recommendation_id, purchased_at, "
      "amount, currency, suggestion_id, visible_at, cancelled_at FROM builtin.purchases UNION ALL "
      "SELECT purchase_id, customer_id, recommendation_id, purchased_at, amount, currency, suggestion_id, visible_at, "
      "cancelled_at FROM builtin.purchases");
  Start();
  Expose("ann", "hat", Day(1));
  Buy("p1", "ann", "hat", Day(2), 40);
  EXPECT_EQ(Ingest(Day(3)).counts().purchases_duplicated(), 1);
  ExpectTaught({{"ann", "hat", 1, 0.4}});
  EXPECT_TRUE(Ingest(Day(3)).nothing_to_do());
}

TEST_F(EdgeCasesTest, AnExposureDiscardedAfterItsBookingLeavesTheHistoriesToo) {
  Start();
  const std::string suggestion = Expose("ann", "hat", Day(1));
  Expose("bob", "hat", Day(1));
  Ingest(Day(2));
  EXPECT_EQ(One("SELECT sum(exposures) FROM suggest.recommendation_days"), "2");
  Feedback("ann", suggestion, Day(2.1), RecordFeedbackRequest::DISCARDED);
  EXPECT_EQ(Ingest(Day(2.2)).counts().exposures_discarded(), 1);
  EXPECT_EQ(One("SELECT sum(exposures) FROM suggest.recommendation_days"), "1");
  EXPECT_EQ(One("SELECT exposures FROM suggest.history_days WHERE customer_id = 'ann'"), "0");
  ExpectVerified();
  Feedback("ann", suggestion, Day(2.3), RecordFeedbackRequest::SENT);
  EXPECT_EQ(Ingest(Day(2.4)).counts().exposures_discarded(), 0);
  EXPECT_EQ(One("SELECT sum(exposures) FROM suggest.recommendation_days"), "2");
  ExpectVerified();
}

TEST_F(EdgeCasesTest, PendingExposuresOfAnotherBasisTeachNothingAndAreCounted) {
  Start();
  Expose("ann", "hat", Day(1));
  Ingest(Day(2));
  db_.Execute("UPDATE suggest.exposures SET basis_id = 7");  // as after a new basis while they were pending
  Expose("bob", "hat", Day(2));
  Buy("p1", "ann", "hat", Day(2.5), 40);
  Ingest(Day(3));
  ExpectTaught({{"bob", "hat", 1, 0}});
  Ingest(Day(30));
  ExpectTaught({{"bob", "hat", 1, 0}});
  EXPECT_EQ(One("SELECT count(*) FROM suggest.buckets"), "1");
}

TEST_F(EdgeCasesTest, AReattributedPurchaseIsTwoEntries) {
  Start();
  Expose("ann", "hat", Day(1));
  Buy("p1", "ann", "hat", Day(4), 40);
  Ingest(Day(5));
  Buy("p0", "ann", "scarf", Day(4), 10);
  const std::string scarf = Expose("ann", "scarf", Day(3));
  db_.Execute(absl::StrCat("UPDATE builtin.purchases SET suggestion_id = '", scarf, "' WHERE purchase_id = 'p1'"));
  EXPECT_EQ(Ingest(Day(6)).counts().reattributed(), 1);
  ExpectTaught({{"ann", "hat", 1, 0}, {"ann", "scarf", 1, 0.5}});
  EXPECT_EQ(One("SELECT count(*) FROM suggest.reward_ledger WHERE purchase_id = 'p1'"), "3");
  EXPECT_EQ(One("SELECT count(*) FROM suggest.exposures WHERE bought_at IS NOT NULL"), "1");
  ExpectVerified();
}

TEST_F(EdgeCasesTest, APurchaseOfAForgottenExposureIsCountedAndTeachesNothing) {
  Start();
  Expose("ann", "hat", Day(1));
  Ingest(Day(2));
  Ingest(Day(101));

  Buy("p1", "ann", "hat", Day(9), 40);

  const auto response = Ingest(Day(101.5));
  EXPECT_EQ(response.counts().purchases_forgotten(), 1);
  ExpectTaught({});
}

TEST_F(EdgeCasesTest, TheBacklogOfAnOutageIsLeftOutOfTheDelayLaws) {
  config_.mutable_learning()->set_delay_mode(config::v1::Learning::EXPOSURE);
  config_.mutable_learning()->set_prior_delay_strength(1);
  Start();
  for (int i = 0; i < 20; ++i) Expose(absl::StrCat("c", i), "hat", Day(0.5));
  for (int i = 0; i < 5; ++i) Buy(absl::StrCat("p", i), absl::StrCat("c", i), "hat", Day(0.6), 50);
  EXPECT_EQ(Ingest(Day(1)).counts().outages(), 0);
  for (int i = 5; i < 10; ++i) Buy(absl::StrCat("p", i), absl::StrCat("c", i), "hat", Day(1.1), 50);
  EXPECT_EQ(Ingest(Day(9)).counts().outages(), 1);  // the poller was away for eight days
  const model::v1::DelayLaw& law = CurrentModel().delay_law();
  double share_at_2 = 0;
  for (int i = 0; i < law.age_seconds_size(); ++i) {
    if (law.age_seconds(i) <= 2 * 86400) share_at_2 = law.share(i);
  }
  EXPECT_GT(share_at_2, 0.8);  // with the backlog in it: about a half
  EXPECT_EQ(One("SELECT count(*) FROM suggest.outages"), "1");
  EXPECT_EQ(Ingest(Day(10)).counts().outages(), 0);
  ExpectVerified();
}

TEST_F(EdgeCasesTest, AKilledRunDuringAnOutageDoesNotHideIt) {
  Start();
  Expose("ann", "hat", Day(0.5));
  Ingest(Day(1));
  Ingester ingester(&db_.database(), config_);
  ingester.set_commit_hook(
      [](absl::string_view phase) { return phase == "publish" ? absl::UnknownError("killed") : absl::OkStatus(); });
  EXPECT_FALSE(ingester.Run(Day(9), false, nullptr).ok());
  EXPECT_EQ(Ingest(Day(9.1)).counts().outages(), 1);
}

TEST_F(EdgeCasesTest, TooShortAWindowShowsInBothShares) {
  config_.mutable_learning()->set_prior_delay_strength(1);
  Start();
  for (int i = 0; i < 10; ++i) Expose(absl::StrCat("c", i), "hat", Day(1));
  Buy("p1", "c1", "hat", Day(10.8), 30);
  Buy("p2", "c2", "hat", Day(12), 10);  // a day too late
  for (const double day : {2.0, 4.0, 6.0, 8.0, 10.0, 10.9, 13.0}) Ingest(Day(day));
  EXPECT_NEAR(CurrentModel().delay().late_value_share(), 0.25, 1e-12);
  EXPECT_GT(CurrentModel().delay().tail_share(), 0.05);
}

TEST_F(EdgeCasesTest, VisibilityIsTheSourcesOrElseTheTickThatSawItFirst) {
  Start();
  for (const char* customer : {"ann", "bob"}) Expose(customer, "hat", Day(1));
  Buy("p1", "ann", "hat", Day(2), 40);
  Buy("p2", "bob", "hat", Day(2), 40);
  db_.Execute("UPDATE builtin.purchases SET visible_at = purchased_at + interval '6 hours' WHERE purchase_id = 'p2'");
  Ingest(Day(3));
  db_.Execute("UPDATE builtin.purchases SET amount = 50");  // looked at again: its visibility stays
  Ingest(Day(4));
  EXPECT_EQ(One("SELECT extract(epoch FROM visible_at - purchased_at)::integer / 3600 FROM suggest.purchase_state "
                "WHERE purchase_id = 'p1'"),
            "24");
  EXPECT_EQ(One("SELECT extract(epoch FROM visible_at - purchased_at)::integer / 3600 FROM suggest.purchase_state "
                "WHERE purchase_id = 'p2'"),
            "6");
}

TEST_F(EdgeCasesTest, EachStratumHasALawOfItsOwn) {
  config_.mutable_learning()->set_delay_mode(config::v1::Learning::EXPOSURE);
  config_.mutable_learning()->set_prior_delay_strength(2);
  config_.mutable_learning()->mutable_delay_strata()->set_attribute("kind");
  config_.mutable_learning()->mutable_delay_strata()->add_values("quick");
  config_.mutable_learning()->mutable_delay_strata()->add_values("slow");
  for (const char* kind : {"quick", "slow", "odd"}) {
    db_.Execute(absl::StrCat("INSERT INTO builtin.recommendations (recommendation_id, title, attributes) VALUES ('",
                             kind, "', 't', '{\"kind\": \"", kind, "\"}')"));
  }
  Start();
  for (int i = 0; i < 20; ++i) {
    Expose(absl::StrCat("q", i), "quick", Day(0.5));
    Expose(absl::StrCat("s", i), "slow", Day(0.5));
  }
  Expose("o", "odd", Day(0.5));
  for (int i = 0; i < 8; ++i) {
    Buy(absl::StrCat("pq", i), absl::StrCat("q", i), "quick", Day(0.6), 50);
    Buy(absl::StrCat("ps", i), absl::StrCat("s", i), "slow", Day(8.2), 50);
  }
  for (double day = 1; day <= 10; ++day) Ingest(Day(day));
  EXPECT_EQ(One("SELECT string_agg(DISTINCT stratum, ',' ORDER BY stratum) FROM suggest.exposures"),
            "other,quick,slow");
  const auto rule = DelayRuleOf(CurrentModel());
  ASSERT_THAT(rule, testing::IsOk());
  EXPECT_GT(rule->laws.Of("quick").Share(2 * kDay), 0.7);
  EXPECT_LT(rule->laws.Of("slow").Share(2 * kDay), 0.3);
  ExpectVerified();
}

}  // namespace
}  // namespace suggest::learning
