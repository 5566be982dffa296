#include "storage/log/deferred_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "storage/log/decision_store.h"
#include "suggest/v1/suggestion_service.pb.h"
#include "tests/storage/decision_fixture.h"
#include "tests/support/append_decision.h"
#include "tests/support/instants.h"
#include "tests/support/status_matchers.h"
#include "tests/support/test_database.h"

namespace suggest::storage {
namespace {

using ::suggest::testing::TestDatabase;

class DeferredStoreTest : public ::testing::Test {
 protected:
  DecisionRecord Store(const std::string& customer, int number, v1::PropensityStatus status) {
    DecisionRecord decision =
        MakeDecision(customer, absl::StrCat("q", number), kNoon + absl::Hours(number), 1 + number);
    decision.propensity_status = status;
    EXPECT_OK(suggest::testing::Append(DecisionStore(&test_.database()), decision));
    return decision;
  }

  TestDatabase test_;
  DeferredStore store_{&test_.database()};
};

TEST_F(DeferredStoreTest, PagesHoldEachDeferredDecisionOnce) {
  for (int i = 0; i < 5; ++i) Store(absl::StrCat("c", i % 2), i, v1::DEFERRED);
  Store("c0", 5, v1::ESTIMATED);
  ASSERT_OK_AND_ASSIGN(const int64_t count, store_.Count(absl::InfinitePast()));
  EXPECT_EQ(count, 5);
  std::vector<std::string> seen;
  DeferredDecision last;
  for (int pages = 0; pages < 3; ++pages) {
    ASSERT_OK_AND_ASSIGN(const auto page, store_.PageAfter(last, absl::InfinitePast(), 2));
    ASSERT_EQ(page.size(), pages < 2 ? 2u : 1u);
    for (const DeferredDecision& d : page) seen.push_back(absl::StrCat(d.decision_id, " ", d.customer_id));
    last = page.back();
    EXPECT_EQ(last.model_version, 42);
    EXPECT_EQ(last.catalogue_version, std::string("\0\xff binary", 9));
  }
  EXPECT_TRUE(std::is_sorted(seen.begin(), seen.end()));
  EXPECT_EQ(std::unique(seen.begin(), seen.end()), seen.end());
  ASSERT_OK_AND_ASSIGN(const auto rest, store_.PageAfter(last, absl::InfinitePast(), 2));
  EXPECT_TRUE(rest.empty());
}

TEST_F(DeferredStoreTest, SinceLeavesOutWhatIsOlder) {
  for (int i = 0; i < 4; ++i) Store("c1", i, v1::DEFERRED);
  ASSERT_OK_AND_ASSIGN(const int64_t count, store_.Count(kNoon + absl::Hours(2)));
  EXPECT_EQ(count, 2);
  ASSERT_OK_AND_ASSIGN(const auto page, store_.PageAfter({}, kNoon + absl::Hours(2), 10));
  EXPECT_EQ(page.size(), 2u);
}

TEST_F(DeferredStoreTest, FillsInOnlyWhatIsStillDeferred) {
  DecisionRecord deferred = Store("c1", 0, v1::DEFERRED);
  DecisionRecord estimated = Store("c1", 1, v1::ESTIMATED);
  for (DecisionRecord* decision : {&deferred, &estimated}) {
    decision->propensity_status = v1::ESTIMATED;
    decision->inputs.add_customer(7);
  }
  ASSERT_OK_AND_ASSIGN(const int filled, store_.Fill({deferred, estimated}));
  EXPECT_EQ(filled, 1);
  DecisionStore decisions(&test_.database());
  ASSERT_OK_AND_ASSIGN(const DecisionRecord now, decisions.Find("c1", deferred.decision_id));
  EXPECT_EQ(now.propensity_status, v1::ESTIMATED);
  EXPECT_EQ(now.inputs.SerializeAsString(), deferred.inputs.SerializeAsString());
  ASSERT_OK_AND_ASSIGN(const DecisionRecord other, decisions.Find("c1", estimated.decision_id));
  EXPECT_NE(other.inputs.SerializeAsString(), estimated.inputs.SerializeAsString());
  ASSERT_OK_AND_ASSIGN(const int again, store_.Fill({deferred}));
  EXPECT_EQ(again, 0);
}

}  // namespace
}  // namespace suggest::storage
