#include "service/decision/catalogue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/service/decision/decision_fixture.h"
#include "tests/support/status_matchers.h"

namespace suggest::decision {
namespace {

using ::suggest::testing::StatusIs;
using ::testing::HasSubstr;

TEST(CatalogueTest, VersionNamesTheContentWhateverTheOrderOfTheRows) {
  std::vector<storage::RecommendationRecord> records = TestRecommendations();
  const auto catalogue = Catalogue::FromRecords(records);
  std::reverse(records.begin(), records.end());
  const auto reversed = Catalogue::FromRecords(records);
  ASSERT_TRUE(catalogue.ok() && reversed.ok());
  EXPECT_EQ((*catalogue)->version(), (*reversed)->version());
  EXPECT_EQ((*catalogue)->version().size(), 32u);
  records[0].title += "!";
  EXPECT_NE((*Catalogue::FromRecords(records))->version(), (*catalogue)->version());
}

TEST(CatalogueTest, StoredBytesGiveTheSameCatalogue) {
  std::vector<storage::RecommendationRecord> records = TestRecommendations();
  records[1].active_from = TestNow();
  records[2].active_until = TestNow();
  const auto catalogue = Catalogue::FromRecords(records);
  ASSERT_TRUE(catalogue.ok());
  const auto again = Catalogue::FromBytes((*catalogue)->bytes(), (*catalogue)->version());
  ASSERT_THAT(again, ::suggest::testing::IsOk());
  EXPECT_EQ((*again)->size(), 6);
  EXPECT_EQ((*again)->item(1).active_from, TestNow());
  EXPECT_EQ((*again)->item(1).active_until, absl::InfiniteFuture());
  EXPECT_EQ((*again)->item(2).active_until, TestNow());
  EXPECT_EQ((*again)->item(0).active_from, absl::InfinitePast());
  EXPECT_EQ((*again)->item(0).attributes.fields().at("cost").number_value(), 10);
  EXPECT_TRUE((*again)->item(4).repeatable);
  EXPECT_EQ((*again)->Find("r3"), 2);
  EXPECT_EQ((*again)->Find("r7"), std::nullopt);
}

TEST(CatalogueTest, DamagedBytesAreDataLoss) {
  const auto catalogue = Catalogue::FromRecords(TestRecommendations());
  ASSERT_TRUE(catalogue.ok());
  std::string bytes = (*catalogue)->bytes();
  bytes[3] ^= 1;
  EXPECT_THAT(Catalogue::FromBytes(bytes, (*catalogue)->version()), StatusIs(absl::StatusCode::kDataLoss));
}

TEST(CatalogueTest, RefusesTwoRecordsOfOneIdAndAttributesThatAreNoObject) {
  std::vector<storage::RecommendationRecord> records = TestRecommendations();
  records[1].recommendation_id = "r1";
  EXPECT_THAT(Catalogue::FromRecords(records), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("'r1'")));
  records = TestRecommendations();
  records[2].attributes_json = "[1]";
  EXPECT_THAT(Catalogue::FromRecords(records), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("'r3'")));
}

TEST(ServingTest, EncodesEachRecommendationByThePipeline) {
  const auto serving = TestServing();
  ASSERT_EQ(serving->candidates().rows(), 6);
  ASSERT_EQ(serving->candidates().cols(), 2);
  for (int i = 0; i < 6; ++i) {
    EXPECT_EQ(serving->candidates().row(i)[0], 1);
    EXPECT_DOUBLE_EQ(serving->candidates().row(i)[1], (10.0 * (i + 1) - 20) / 10);
  }
}

TEST(ServingTest, PopularityIsTheSmoothedPurchaseRate) {
  const auto serving = TestServing();
  EXPECT_DOUBLE_EQ(serving->popularity()[0], 0.1);
  EXPECT_DOUBLE_EQ(serving->popularity()[3], (5 + 20 * 0.1) / (10 + 20));
}

TEST(ServingTest, NamesTheRecommendationWhoseAttributesDoNotFit) {
  std::vector<storage::RecommendationRecord> records = TestRecommendations();
  records[3].attributes_json = R"({"cost": "cheap"})";
  EXPECT_THAT(Serving::Create(*Snapshot::FromModel(TestModel()), *Catalogue::FromRecords(records)),
              StatusIs(absl::StatusCode::kInvalidArgument, ::testing::AllOf(HasSubstr("'r4'"), HasSubstr("cheap"))));
}

}  // namespace
}  // namespace suggest::decision
