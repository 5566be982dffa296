#include "service/decision/eligibility.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/service/decision/decision_fixture.h"

namespace suggest::decision {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::shared_ptr<const Catalogue> CatalogueOf(const std::vector<storage::RecommendationRecord>& records) {
  auto catalogue = Catalogue::FromRecords(records);
  SUGGEST_CHECK(catalogue.ok());
  return *catalogue;
}

TEST(EligibilityTest, EverythingActiveIsEligible) {
  const auto catalogue = CatalogueOf(TestRecommendations());
  const EligibilityQuery query{.now = TestNow()};
  EXPECT_THAT(FindEligible(*catalogue, query).ToVector(), ElementsAre(0, 1, 2, 3, 4, 5));
  EXPECT_THAT(FindRemovals(*catalogue, query), IsEmpty());
}

TEST(EligibilityTest, ActivePeriodIncludesItsStartAndNotItsEnd) {
  std::vector<storage::RecommendationRecord> records = TestRecommendations();
  records[0].active_from = TestNow();
  records[1].active_from = TestNow() + absl::Microseconds(1);
  records[2].active_until = TestNow();
  records[3].active_until = TestNow() + absl::Microseconds(1);
  const auto catalogue = CatalogueOf(records);
  const EligibilityQuery query{.now = TestNow()};
  EXPECT_THAT(FindEligible(*catalogue, query).ToVector(), ElementsAre(0, 3, 4, 5));
  EXPECT_THAT(FindRemovals(*catalogue, query),
              ElementsAre(Removal{1, v1::RemovedCandidate::NOT_ACTIVE}, Removal{2, v1::RemovedCandidate::NOT_ACTIVE}));
}

TEST(EligibilityTest, GivesTheReasonForEachRemoval) {
  const auto catalogue = CatalogueOf(TestRecommendations());
  const EligibilityQuery query{.now = TestNow(),
                               .listed = true,
                               .candidates = IndicesOf(*catalogue, std::vector<std::string>{"r5", "r2", "r1", "x"}),
                               .excluded = {0},
                               .bought = {1, 4}};
  EXPECT_THAT(FindEligible(*catalogue, query).ToVector(), ElementsAre(4));
  const std::vector<Removal> removed = FindRemovals(*catalogue, query);
  EXPECT_THAT(
      removed,
      ElementsAre(Removal{0, v1::RemovedCandidate::EXCLUDED}, Removal{1, v1::RemovedCandidate::ALREADY_BOUGHT},
                  Removal{2, v1::RemovedCandidate::NOT_REQUESTED}, Removal{3, v1::RemovedCandidate::NOT_REQUESTED},
                  Removal{5, v1::RemovedCandidate::NOT_REQUESTED}));
  EXPECT_EQ(DescribeRemovals(removed), "1 EXCLUDED, 3 NOT_REQUESTED, 1 ALREADY_BOUGHT");
}

TEST(EligibilityTest, WhatWasBoughtComesBackOnlyIfRepeatable) {
  const auto catalogue = CatalogueOf(TestRecommendations());
  EXPECT_THAT(FindEligible(*catalogue, {.now = TestNow(), .bought = {3, 4}}).ToVector(), ElementsAre(0, 1, 2, 4, 5));
}

TEST(EligibilityTest, WhatIsExcludedWithoutBeingActiveIsNoException) {
  std::vector<storage::RecommendationRecord> records = TestRecommendations();
  records[1].active_until = TestNow();
  const auto eligible =
      FindEligible(*CatalogueOf(records), {.now = TestNow(), .excluded = {1, 2}, .bought = {1, 2, 3}});
  EXPECT_THAT(eligible.exceptions(), ElementsAre(2, 3));
  EXPECT_THAT(eligible.ToVector(), ElementsAre(0, 4, 5));
}

TEST(EligibilityTest, AListOfUnknownIdsLeavesNothing) {
  EXPECT_TRUE(FindEligible(*CatalogueOf(TestRecommendations()), {.now = TestNow(), .listed = true}).empty());
}

TEST(EligibilityTest, ActiveMasksAreSharedWithinAnIntervalAndFollowItsChangePoints) {
  std::vector<storage::RecommendationRecord> records = TestRecommendations();
  records[1].active_from = TestNow();
  const auto catalogue = CatalogueOf(records);
  const auto now = catalogue->ActiveAt(TestNow());
  EXPECT_EQ(catalogue->ActiveAt(TestNow() + absl::Hours(1)), now);
  EXPECT_EQ(now->size(), 6);
  EXPECT_EQ(catalogue->ActiveAt(TestNow() - absl::Seconds(1))->size(), 5);
  EXPECT_EQ(catalogue->ActiveAt(TestNow()), now);  // the look back has not pushed it out
}

TEST(EligibilityTest, AnEmptyCatalogueIsCalledSo) {
  EXPECT_EQ(DescribeRemovals(FindRemovals(*CatalogueOf({}), {.now = TestNow()})), "the catalogue is empty");
}

}  // namespace
}  // namespace suggest::decision
