#include "storage/log/feedback_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "storage/log/decision_store.h"
#include "suggest/v1/suggestion_service.pb.h"
#include "tests/storage/decision_fixture.h"
#include "tests/support/append_decision.h"
#include "tests/support/instants.h"
#include "tests/support/status_matchers.h"
#include "tests/support/test_database.h"

namespace suggest::storage {
namespace {

using suggest::testing::IsOk;
using suggest::testing::StatusIs;
using suggest::testing::TestDatabase;
using ::testing::HasSubstr;

class FeedbackStoreTest : public ::testing::Test {
 protected:
  FeedbackStoreTest() { EXPECT_THAT(suggest::testing::Append(DecisionStore(&test_.database()), decision_), IsOk()); }

  FeedbackRecord Feedback(int rank) const {
    return {"c1", MakeSuggestionId(decision_.decision_id, rank), suggest::v1::RecordFeedbackRequest::KEPT, kNoon};
  }

  TestDatabase test_;
  const DecisionRecord decision_ = MakeDecision("c1", "q1", kNoon, 1);
  FeedbackStore store_{&test_.database()};
};

TEST_F(FeedbackStoreTest, RecordsOnceAndKeepsTheFirstTime) {
  FeedbackRecord feedback = Feedback(2);
  ASSERT_OK_AND_ASSIGN(const bool first, store_.Record(feedback, kNoon + absl::Seconds(5)));
  feedback.occurred_at += absl::Hours(1);
  ASSERT_OK_AND_ASSIGN(const bool second, store_.Record(feedback, kNoon + absl::Hours(2)));
  EXPECT_TRUE(first);
  EXPECT_FALSE(second);
  EXPECT_THAT(
      test_.Query("SELECT customer_id, suggestion_id, kind, extract(epoch FROM occurred_at)::bigint, "
                  "extract(epoch FROM recorded_at)::bigint FROM suggest.feedback"),
      ::testing::ElementsAre(::testing::ElementsAre("c1", feedback.suggestion_id, "1", "1704110400", "1704110405")));
}

TEST_F(FeedbackStoreTest, KindsAreRecordedBesideEachOther) {
  FeedbackRecord feedback = Feedback(1);
  ASSERT_OK(store_.Record(feedback, kNoon));
  feedback.kind = suggest::v1::RecordFeedbackRequest::SENT;
  ASSERT_OK_AND_ASSIGN(const bool recorded, store_.Record(feedback, kNoon));
  EXPECT_TRUE(recorded);
}

TEST_F(FeedbackStoreTest, ASuggestionThatTheCustomerDoesNotHaveIsNotFound) {
  FeedbackRecord other_customer = Feedback(1);
  other_customer.customer_id = "c2";
  FeedbackRecord no_id = Feedback(1);
  no_id.suggestion_id = "304-24";
  FeedbackRecord other_decision = Feedback(1);
  other_decision.suggestion_id = MakeSuggestionId(MakeDecisionId(kNoon, 2, 2), 1);
  for (const FeedbackRecord& feedback : {Feedback(3), other_customer, no_id, other_decision}) {
    EXPECT_THAT(store_.Record(feedback, kNoon),
                StatusIs(absl::StatusCode::kNotFound, HasSubstr(feedback.suggestion_id)));
  }
  EXPECT_EQ(test_.QueryOne("SELECT count(*) FROM suggest.feedback"), "0");
}

}  // namespace
}  // namespace suggest::storage
