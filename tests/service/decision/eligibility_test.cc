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
  const Eligibility result = FindEligible(*CatalogueOf(TestRecommendations()), {.now = TestNow()});
  EXPECT_THAT(result.eligible, ElementsAre(0, 1, 2, 3, 4, 5));
  EXPECT_THAT(result.removed, IsEmpty());
}

TEST(EligibilityTest, ActivePeriodIncludesItsStartAndNotItsEnd) {
  std::vector<storage::RecommendationRecord> records = TestRecommendations();
  records[0].active_from = TestNow();
  records[1].active_from = TestNow() + absl::Microseconds(1);
  records[2].active_until = TestNow();
  records[3].active_until = TestNow() + absl::Microseconds(1);
  const Eligibility result = FindEligible(*CatalogueOf(records), {.now = TestNow()});
  EXPECT_THAT(result.eligible, ElementsAre(0, 3, 4, 5));
  EXPECT_THAT(result.removed,
              ElementsAre(Removal{1, v1::RemovedCandidate::NOT_ACTIVE}, Removal{2, v1::RemovedCandidate::NOT_ACTIVE}));
}

TEST(EligibilityTest, GivesTheReasonForEachRemoval) {
  const Eligibility result =
      FindEligible(*CatalogueOf(TestRecommendations()), {.now = TestNow(),
                                                         .candidate_ids = {"r1", "r2", "r5", "unknown"},
                                                         .excluded_ids = {"r1"},
                                                         .bought_ids = {"r2", "r5"}});
  EXPECT_THAT(result.eligible, ElementsAre(4));
  EXPECT_THAT(
      result.removed,
      ElementsAre(Removal{0, v1::RemovedCandidate::EXCLUDED}, Removal{1, v1::RemovedCandidate::ALREADY_BOUGHT},
                  Removal{2, v1::RemovedCandidate::NOT_REQUESTED}, Removal{3, v1::RemovedCandidate::NOT_REQUESTED},
                  Removal{5, v1::RemovedCandidate::NOT_REQUESTED}));
  EXPECT_EQ(DescribeRemovals(result.removed), "1 EXCLUDED, 3 NOT_REQUESTED, 1 ALREADY_BOUGHT");
}

TEST(EligibilityTest, WhatWasBoughtComesBackOnlyIfRepeatable) {
  const Eligibility result =
      FindEligible(*CatalogueOf(TestRecommendations()), {.now = TestNow(), .bought_ids = {"r4", "r5"}});
  EXPECT_THAT(result.eligible, ElementsAre(0, 1, 2, 4, 5));
}

TEST(EligibilityTest, AnEmptyCatalogueIsCalledSo) {
  const Eligibility result = FindEligible(*CatalogueOf({}), {.now = TestNow()});
  EXPECT_EQ(DescribeRemovals(result.removed), "the catalogue is empty");
}

}  // namespace
}  // namespace suggest::decision
