// What becomes of the ledger when the source's rows are corrected, cannot be, vanish or come back.
#include <random>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "service/learning/ingester.h"
#include "service/learning/verify.h"
#include "service/learning/warm_start.h"
#include "tests/service/learning/learning_fixture.h"

namespace suggest::learning {
namespace {

using ::suggest::testing::IsOk;
using ::suggest::testing::StatusIs;
using ::suggest::v1::RecordFeedbackRequest;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class SourceChangesTest : public LearningFixture {
 protected:
  void Change(const std::string& purchase, const std::string& assignment) {
    db_.Execute(absl::StrCat("UPDATE builtin.purchases SET ", assignment, " WHERE purchase_id = '", purchase, "'"));
  }
  suggest::v1::IngestRewardsResponse IngestWith(absl::Time now, bool accept_vanished, bool rebuild) {
    Ingester ingester(&db_.database(), config_);
    ingester.set_accept_vanished(accept_vanished);
    ingester.set_rebuild(rebuild);
    const auto response = ingester.Run(now, false, nullptr);
    EXPECT_THAT(response, IsOk());
    return response.ok() ? *response : suggest::v1::IngestRewardsResponse();
  }
  // Ann's purchase of 40 is booked at day 3.
  void BookOne() {
    Start();
    Expose("ann", "hat", Day(1));
    Buy("p1", "ann", "hat", Day(2), 40);
    Ingest(Day(3));
    ExpectTaught({{"ann", "hat", 1, 0.4}});
  }
};

TEST_F(SourceChangesTest, APurchaseWhoseVisibilityIsMovedAheadCountsFromThenOn) {
  BookOne();
  EXPECT_EQ(Verify(db_.database(), config_, nullptr)->purchases_changed, 0);
  Change("p1", "visible_at = '2026-03-07 00:00+00'");  // day 5
  EXPECT_EQ(Verify(db_.database(), config_, nullptr)->purchases_changed, 1);
  EXPECT_EQ(Ingest(Day(4)).counts().refunds(), 1);
  ExpectTaught({{"ann", "hat", 1, 0}});
  EXPECT_TRUE(Ingest(Day(4)).nothing_to_do());
  ExpectVerified();
  Ingest(Day(5.5));
  ExpectTaught({{"ann", "hat", 1, 0.4}});
  ExpectVerified();
}

TEST_F(SourceChangesTest, APurchaseCorrectedOutOfItsWindowIsTakenBack) {
  double day = 3;
  for (const char* corrected : {"2026-02-20", "2025-01-01", "2020-01-01", "2026-03-20"}) {
    SCOPED_TRACE(corrected);
    db_.Execute("DELETE FROM suggest.feedback; DELETE FROM builtin.purchases");
    if (One("SELECT count(*) FROM suggest.model_versions") == "0") Start();
    const std::string customer = absl::StrCat("of", corrected);
    Expose(customer, "hat", Day(1));
    Buy("p1", customer, "hat", Day(2), 40);
    Ingest(Day(day));
    const std::string reward =
        absl::StrCat("SELECT reward::text FROM suggest.exposures WHERE customer_id = '", customer, "'");
    EXPECT_EQ(One(reward), "0.4");
    Change("p1", absl::StrCat("purchased_at = '", corrected, "'"));
    Ingest(Day(day + 0.5));
    EXPECT_EQ(One(reward), "0");
    ExpectVerified();
    day += 1;
  }
}

TEST_F(SourceChangesTest, ACorrectedVisibilityMovesWhatTheDelayLawSees) {
  BookOne();
  Change("p1", "visible_at = '2026-03-04 06:00+00'");
  Ingest(Day(4));
  EXPECT_EQ(One("SELECT visible_at = '2026-03-04 06:00+00' FROM suggest.purchase_state"), "t");
  EXPECT_EQ(One("SELECT bought_at = '2026-03-04 06:00+00' FROM suggest.exposures"), "t");
  EXPECT_TRUE(Ingest(Day(4)).nothing_to_do());
  ExpectVerified();
}

TEST_F(SourceChangesTest, APurchaseWithATimeThatCannotBeIsRefusedAndNamedOnce) {
  BookOne();
  Expose("bob", "hat", Day(1));
  db_.Execute("ALTER TABLE builtin.purchases ALTER purchased_at DROP NOT NULL");
  for (const char* purchase : {"q1", "q2", "q3", "q4", "q5", "q6"}) Buy(purchase, "ann", "hat", Day(2), 10);
  Buy("p2", "bob", "hat", Day(2), 30);
  Change("q1", "cancelled_at = '0001-01-01'");
  Change("q2", "visible_at = '0001-01-01'");
  Change("q3", "cancelled_at = '0044-03-15 BC'");
  Change("q4", "purchased_at = '0044-03-15 BC'");
  Change("q5", "purchased_at = '20000-01-01'");
  Change("q6", "purchased_at = NULL");
  EXPECT_EQ(Ingest(Day(4)).counts().purchases_refused(), 6);
  ExpectTaught({{"ann", "hat", 1, 0.4}, {"bob", "hat", 1, 0.3}});
  EXPECT_EQ(One("SELECT string_agg(purchase_id || ': ' || reason, '; ' ORDER BY purchase_id) "
                "FROM suggest.purchase_state WHERE status = 6"),
            "q1: cancelled_at is before 1900; q2: visible_at is before 1900; q3: cancelled_at is before 1900; "
            "q4: purchased_at is not a time from 1900 to 9999; q5: purchased_at is not a time from 1900 to 9999; "
            "q6: purchased_at is missing");
  EXPECT_TRUE(Ingest(Day(4)).nothing_to_do());
  Change("q1", "cancelled_at = NULL");
  Ingest(Day(4.1));
  ExpectTaught({{"ann", "hat", 1, 0.5}, {"bob", "hat", 1, 0.3}});
  ExpectVerified();
}

TEST_F(SourceChangesTest, AViewThatIsEmptyForAMomentRefundsNothingUnlessAccepted) {
  Start();
  for (int i = 0; i < 8; ++i) {
    Expose(absl::StrCat("c", i), "hat", Day(1));
    Buy(absl::StrCat("p", i), absl::StrCat("c", i), "hat", Day(2), 40);
  }
  Ingest(Day(3));
  db_.Execute("CREATE TABLE kept AS SELECT * FROM builtin.purchases; DELETE FROM builtin.purchases");
  const auto held = Ingest(Day(3.1));
  EXPECT_EQ(held.counts().refunds(), 0);
  EXPECT_EQ(held.counts().purchases_vanished(), 8);
  EXPECT_EQ(held.counts().purchases_booked(), 8);
  EXPECT_THAT(held.warnings(), ElementsAre(AllOf(HasSubstr("8 of 8 booked purchases are no longer in source.purchases"),
                                                 HasSubstr("--accept-vanished"))));
  EXPECT_EQ(One("SELECT sum(reward)::numeric(9, 3) FROM suggest.exposures"), "3.200");
  db_.Execute("INSERT INTO builtin.purchases SELECT * FROM kept");
  EXPECT_EQ(Ingest(Day(3.2)).warnings_size(), 0);

  db_.Execute("DELETE FROM builtin.purchases");
  EXPECT_EQ(IngestWith(Day(3.3), /*accept_vanished=*/true, false).counts().refunds(), 8);
  EXPECT_EQ(One("SELECT sum(reward) FROM suggest.exposures"), "0");
  ExpectVerified();
}

TEST_F(SourceChangesTest, FewVanishedPurchasesAreTakenBackWhateverTheirShare) {
  BookOne();
  db_.Execute("DELETE FROM builtin.purchases");
  EXPECT_EQ(Ingest(Day(4)).counts().refunds(), 1);
}

TEST_F(SourceChangesTest, ARunWithTheClockAheadIsTakenBackByARebuild) {
  Start();
  for (const char* customer : {"ann", "bob"}) Expose(customer, "hat", Day(1));
  Buy("p1", "ann", "hat", Day(2), 40);
  Ingest(Day(3));
  Buy("p2", "bob", "hat", Day(3.5), 30);
  Ingest(Day(130));  // the learning window of 100 days has passed: both are mature, then forgotten
  ExpectTaught({});
  EXPECT_THAT(Ingester(&db_.database(), config_).Run(Day(4), false, nullptr),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("ingest-rewards --rebuild")));
  IngestWith(Day(4), false, /*rebuild=*/true);
  ExpectTaught({{"ann", "hat", 1, 0.4}, {"bob", "hat", 1, 0.3}});
  EXPECT_EQ(One("SELECT count(*) FROM suggest.exposures WHERE mature"), "0");
  EXPECT_EQ(One("SELECT count(*) FROM suggest.outages"), "0");
  ExpectVerified();
  Cancel("p1", Day(5));
  Ingest(Day(6));
  ExpectTaught({{"ann", "hat", 1, 0}, {"bob", "hat", 1, 0.3}});
  Ingest(Day(20));
  EXPECT_EQ(One("SELECT count(*) FROM suggest.exposures WHERE mature"), "2");
  ExpectVerified();
}

TEST_F(SourceChangesTest, ExposuresThatNoPosteriorCanBearAreSetAsideAndTheOthersTeach) {
  logs_encodings_ = true;
  Start();
  for (const char* customer : {"ann", "bob", "cid"}) Expose(customer, "hat", Day(1));
  unit_ = 1e15;
  const std::string huge = Expose("big", "hat", Day(1));
  unit_ = 1;
  Buy("p1", "ann", "hat", Day(2), 40);
  const auto response = Ingest(Day(3));
  EXPECT_GT(response.model_version(), 0);
  EXPECT_EQ(response.counts().exposures_set_aside(), 1);
  EXPECT_THAT(response.warnings(), ElementsAre(AllOf(HasSubstr(huge), HasSubstr("of customer big"))));
  ExpectTaught({{"ann", "hat", 1, 0.4}, {"bob", "hat", 1, 0}, {"cid", "hat", 1, 0}});
  EXPECT_EQ(One("SELECT string_agg(customer_id, ' ') FROM suggest.exposures WHERE set_aside"), "big");
  ExpectVerified();
  Ingest(Day(20));  // mature
  EXPECT_EQ(Ingest(Day(21)).counts().exposures_set_aside(), 0);
  ExpectVerified();
}

TEST_F(SourceChangesTest, AnExposureAllOfWhoseSuggestionsWereDiscardedIsNoRefusal) {
  Start();
  const std::string first = Expose("ann", "hat", Day(1));
  const std::string repeat = Expose("ann", "hat", Day(2));
  Ingest(Day(3));
  ExpectTaught({{"ann", "hat", 1, 0}});
  Feedback("ann", first, Day(3.1), RecordFeedbackRequest::DISCARDED);
  Feedback("ann", repeat, Day(3.1), RecordFeedbackRequest::DISCARDED);
  Ingest(Day(4));
  ExpectTaught({});
  EXPECT_EQ(One("SELECT sum(exposures) FROM suggest.history_days"), "0");
  EXPECT_TRUE(Ingest(Day(4)).nothing_to_do());
  ExpectVerified();
}

TEST_F(SourceChangesTest, ARepeatOfADiscardedExposureStartsAClockOfItsOwn) {
  Start();
  const std::string first = Expose("ann", "hat", Day(1));
  const std::string repeat = Expose("ann", "hat", Day(5));
  Ingest(Day(6));
  Buy("p1", "ann", "hat", Day(12), 40);  // past the first one's window, within the repeat's
  Feedback("ann", first, Day(6.1), RecordFeedbackRequest::DISCARDED);
  Ingest(Day(13));
  EXPECT_EQ(One(absl::StrCat("SELECT reward::text || ' ' || (continues IS NULL)::text FROM suggest.exposures WHERE "
                             "suggestion_id = '",
                             repeat, "'")),
            "0.4 true");
  ExpectTaught({{"ann", "hat", 1, 0.4}});
  ExpectVerified();
}

TEST_F(SourceChangesTest, ASuggestionThatIsKeptAnewAfterADiscardStartsItsClockAnew) {
  Start();
  const std::string suggestion = Expose("ann", "hat", Day(1));
  Ingest(Day(2));
  Feedback("ann", suggestion, Day(2.1), RecordFeedbackRequest::DISCARDED);
  Ingest(Day(3));
  ExpectTaught({});
  Feedback("ann", suggestion, Day(4), RecordFeedbackRequest::EDITED);  // a kind is recorded once
  Ingest(Day(5));
  ExpectTaught({{"ann", "hat", 1, 0}});
  EXPECT_EQ(One("SELECT exposed_at = '2026-03-06 00:00+00' FROM suggest.exposures"), "t");
  ExpectVerified();
}

TEST_F(SourceChangesTest, ReplacingAModelForgetsLiveExposuresOnlyWhenToldTo) {
  BookOne();
  WarmStartOptions options;
  options.empty = true;
  options.replace = true;
  EXPECT_THAT(RunWarmStart(db_.database(), config_, options, Day(4), nullptr),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       AllOf(HasSubstr("would forget 1 live exposures"), HasSubstr("--forget"))));
  ExpectTaught({{"ann", "hat", 1, 0.4}});
  options.forget = true;
  EXPECT_THAT(RunWarmStart(db_.database(), config_, options, Day(4), nullptr), IsOk());
}

// 500 customers, each with a random sequence of purchases that are bought, changed, moved, cancelled, deleted and
// inserted again between ingests: in the end the ledger is that of the last state, booked at once.
TEST_F(SourceChangesTest, FiveHundredSequencesOfChangesEndAsTheirLastStateWould) {
  config_.mutable_learning()->set_max_vanished_share(1);
  config_.mutable_learning()->set_chunk_rows(1000);
  Start();
  std::mt19937 random(20260302);
  const auto upto = [&](int n) { return static_cast<int>(random() % static_cast<unsigned>(n)); };
  for (int i = 0; i < 500; ++i) Expose(absl::StrCat("c", i), "hat", Day(1 + upto(3)));
  for (int round = 0; round < 6; ++round) {
    std::string sql;
    for (int i = 0; i < 500; ++i) {
      const std::string purchase = absl::StrCat("p", i, "_", upto(2));
      const std::string where = absl::StrCat(" WHERE purchase_id = '", purchase, "';");
      switch (upto(7)) {
        case 0:
        case 1:
        case 2:
          absl::StrAppend(&sql, "DELETE FROM builtin.purchases", where);
          absl::StrAppend(&sql, BuySql(purchase, absl::StrCat("c", i), "hat", Day(1 + upto(16)), 10 * upto(12)), ";");
          break;
        case 3:
          absl::StrAppend(&sql, "DELETE FROM builtin.purchases", where);
          break;
        case 4:
          absl::StrAppend(&sql, "UPDATE builtin.purchases SET amount = ", 7 * upto(20) - 10, where);
          break;
        case 5:
          absl::StrAppend(&sql, "UPDATE builtin.purchases SET cancelled_at = ",
                          upto(2) == 0 ? "NULL" : "purchased_at + interval '1 hour'", where);
          break;
        default:
          absl::StrAppend(&sql, "UPDATE builtin.purchases SET purchased_at = purchased_at + interval '1 day' * ",
                          upto(9) - 4, where);
      }
    }
    db_.Execute(sql);
    Ingest(Day(5 + 3 * round));
  }
  const std::string rewards =
      "SELECT string_agg(customer_id || ' ' || reward::numeric(9, 6) || ' ' || mature, ';' ORDER BY customer_id) "
      "FROM suggest.exposures";
  const std::string histories =
      "SELECT string_agg(concat_ws(' ', customer_id, day, exposures, conversions, purchases), ';' "
      "ORDER BY customer_id, day) FROM suggest.history_days WHERE exposures + conversions + purchases > 0";
  const std::string buckets =
      "SELECT string_agg(concat_ws(' ', day, exposures, reward_sum::numeric(9, 6), reward_square_sum::numeric(9, 6)), "
      "';' ORDER BY day) FROM suggest.buckets";
  ExpectVerified();
  const std::vector<std::string> stepwise = {One(rewards), One(histories), One(buckets)};
  db_.Execute(
      "DELETE FROM suggest.exposures; DELETE FROM suggest.purchase_state; DELETE FROM suggest.reward_ledger; "
      "DELETE FROM suggest.buckets; DELETE FROM suggest.history_days; DELETE FROM suggest.recommendation_days");
  Ingest(Day(20));
  EXPECT_EQ(One(rewards), stepwise[0]);
  EXPECT_EQ(One(histories), stepwise[1]);
  EXPECT_EQ(One(buckets), stepwise[2]);
  ExpectVerified();
}

}  // namespace
}  // namespace suggest::learning
