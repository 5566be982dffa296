// The caches of a replica follow what is committed beside it: no sleep and no clock, each look passes on what was told.
#include "service/server/follow/change_follower.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "tests/service/server/server_fixture.h"
#include "tests/support/status_matchers.h"

namespace suggest::server {
namespace {

using ::suggest::testing::IsOk;
using ::suggest::testing::StatusIs;
using ::testing::HasSubstr;

constexpr char kHits[] = "suggest_customer_cache_hits_total ";

class ChangeFollowerTest : public ::testing::Test {
 protected:
  explicit ChangeFollowerTest(const std::string& more_config = "choice { sticky_for {} }") : company_(more_config) {
    EXPECT_THAT(Listen(), IsOk());
  }

  absl::Status Listen() {
    const absl::Status status = company_.replica().changes().Listen(absl::ZeroDuration());
    if (status.ok()) company_.replica().HearForever();
    return status;
  }

  // Asks for c1 and returns the encoded customer that the decision was made from.
  std::string InputsOf(const std::string& request_id) {
    const auto response = company_.suggestions().Suggest(RequestOf("c1", request_id), {});
    EXPECT_THAT(response, IsOk());
    return company_.database().QueryOne(absl::StrCat(
        "SELECT substr(encode(inputs, 'hex'), 1, 40) FROM suggest.decisions WHERE request_id = '", request_id, "'"));
  }
  void SetPages(int pages) {
    company_.database().Execute(absl::StrCat("UPDATE builtin.customers SET attributes = '{\"pages\": ", pages,
                                             ", \"trade\": \"shop\"}' WHERE customer_id = 'c1'"));
  }

  ServingCompany company_;
};

TEST_F(ChangeFollowerTest, ACachedCustomerIsReadAgainAfterAnUpdateBySql) {
  const std::string before = InputsOf("q1");
  EXPECT_EQ(InputsOf("q2"), before);
  EXPECT_THAT(company_.replica().metrics().Text(), HasSubstr(absl::StrCat(kHits, "1\n")));
  SetPages(80);
  ASSERT_THAT(Listen(), IsOk());
  EXPECT_NE(InputsOf("q3"), before);
}

TEST_F(ChangeFollowerTest, APurchaseIsKnownAtTheNextLook) {
  InputsOf("q1");
  company_.database().Execute(
      "INSERT INTO builtin.purchases (customer_id, purchase_id, recommendation_id, purchased_at, amount) "
      "SELECT 'c1', 'p' || i, 'r' || i, '2026-01-01', 10 FROM generate_series(1, 3) i");
  ASSERT_THAT(Listen(), IsOk());
  ASSERT_OK_AND_ASSIGN(const auto response, company_.suggestions().Suggest(RequestOf("c1", "q2", 10), {}));
  EXPECT_EQ(response.suggestions_size(), 3);
}

TEST_F(ChangeFollowerTest, WhileItsConnectionIsCutNothingComesFromTheCacheAndAfterwardsAllIsReadAgain) {
  const std::string before = InputsOf("q1");
  company_.database().Execute(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
      "WHERE datname = current_database() AND pid <> pg_backend_pid()");
  EXPECT_THAT(Listen(), StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_THAT(company_.replica().metrics().Text(), HasSubstr("suggest_changes_heard 0"));
  SetPages(80);
  EXPECT_NE(InputsOf("q2"), before);
  SetPages(8);
  ASSERT_THAT(Listen(), IsOk());
  EXPECT_EQ(InputsOf("q3"), before);
  EXPECT_THAT(company_.replica().metrics().Text(), HasSubstr(absl::StrCat(kHits, "0\n")));
}

TEST_F(ChangeFollowerTest, WithoutTriggersItSaysWhichTablesAreNotWatched) {
  EXPECT_TRUE(company_.replica().changes().HearsCatalogue());
  ServingCompany other;
  other.database().Execute(
      "DROP TRIGGER suggest_customers_update ON builtin.customers; "
      "DROP TRIGGER suggest_recommendations_delete ON builtin.recommendations");
  ASSERT_THAT(other.replica().changes().Listen(absl::ZeroDuration()), IsOk());
  EXPECT_FALSE(other.replica().changes().HearsCatalogue());
  EXPECT_THAT(other.replica().LogText(), HasSubstr("builtin.customers, builtin.recommendations"));
}

class StickyAcrossReplicasTest : public ChangeFollowerTest {
 protected:
  StickyAcrossReplicasTest()
      : ChangeFollowerTest(""), other_(&company_.database().database(), company_.config(), &company_.clock(), 77) {
    other_.Poll();
    EXPECT_THAT(other_.changes().Listen(absl::ZeroDuration()), IsOk());
  }

  Replica other_;
};

TEST_F(StickyAcrossReplicasTest, ADecisionOfAnotherReplicaIsTheOpenOneOnceItIsAnnounced) {
  ASSERT_OK_AND_ASSIGN(const auto first, company_.suggestions().Suggest(RequestOf("c1", "q1"), {}));
  ASSERT_THAT(company_.replica().announcer().Send(), IsOk());
  ASSERT_OK_AND_ASSIGN(const auto same, other_.suggestions().Suggest(RequestOf("c1", "q2"), {}));
  EXPECT_EQ(same.decision_id(), first.decision_id());
  EXPECT_TRUE(same.sticky());

  company_.clock().Set(company_.clock().Now() + absl::Seconds(1));
  v1::SuggestRequest fresh = RequestOf("c1", "q3");
  fresh.set_fresh(true);
  ASSERT_OK_AND_ASSIGN(const auto second, company_.suggestions().Suggest(fresh, {}));
  ASSERT_THAT(company_.replica().announcer().Send(), IsOk());
  ASSERT_THAT(other_.changes().Listen(absl::ZeroDuration()), IsOk());
  ASSERT_OK_AND_ASSIGN(const auto newest, other_.suggestions().Suggest(RequestOf("c1", "q4"), {}));
  EXPECT_EQ(newest.decision_id(), second.decision_id());
}

TEST_F(StickyAcrossReplicasTest, ItsOwnAnnouncementsLeaveTheCacheAsItIs) {
  ASSERT_THAT(company_.suggestions().Suggest(RequestOf("c1", "q1"), {}), IsOk());
  ASSERT_THAT(company_.replica().announcer().Send(), IsOk());
  ASSERT_THAT(Listen(), IsOk());
  EXPECT_NE(company_.replica().customers().PeekOpen("c1"), nullptr);
}

}  // namespace
}  // namespace suggest::server
