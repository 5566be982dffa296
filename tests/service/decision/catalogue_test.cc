#include "service/decision/catalogue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/service/decision/decision_fixture.h"
#include "tests/support/status_matchers.h"

namespace suggest::decision {
namespace {

using ::suggest::testing::StatusIs;
using ::testing::ElementsAre;
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

TEST(CatalogueTest, RowsWithoutAnIdOrWithOneThatIsTooLongAreWithheldAndTheOthersServe) {
  std::vector<storage::RecommendationRecord> records = TestRecommendations();
  records[1].recommendation_id = "";
  records[3].recommendation_id = std::string(257, 'x');
  std::vector<std::string> withheld;
  Catalogue::BytesOf(records, &withheld);
  EXPECT_THAT(withheld, ElementsAre(HasSubstr("'Title of r2' has no id"), HasSubstr("257 bytes")));
  const auto catalogue = Catalogue::FromRecords(records);
  ASSERT_TRUE(catalogue.ok());
  EXPECT_EQ((*catalogue)->size(), 4);
  EXPECT_EQ((*catalogue)->bytes(), Catalogue::BytesOf(records));
}

TEST(CatalogueTest, OfTheRowsOfOneIdTheSameOneServesInWhateverOrderTheyCome) {
  std::vector<storage::RecommendationRecord> records = TestRecommendations();
  records.push_back(records[0]);
  records.push_back(TestRecommendation("r2", 99));
  std::vector<std::string> withheld;
  const std::string bytes = Catalogue::BytesOf(records, &withheld);
  EXPECT_THAT(withheld, ElementsAre("recommendation 'r1' occurs again, with the same columns",
                                    "recommendation 'r2' occurs again, with other columns"));
  std::reverse(records.begin(), records.end());
  EXPECT_EQ(Catalogue::BytesOf(records), bytes);
  const auto catalogue = Catalogue::FromRecords(records);
  ASSERT_TRUE(catalogue.ok());
  EXPECT_EQ((*catalogue)->size(), 6);
  EXPECT_EQ((*catalogue)->item(1).attributes.fields().at("cost").number_value(), 20);
}

TEST(CatalogueTest, AttributesThatAreNoObjectAreMissingAlsoWhenTheVersionIsReadAgain) {
  std::vector<storage::RecommendationRecord> records = TestRecommendations();
  records[2].attributes_json = "[1]";
  const auto catalogue = Catalogue::FromRecords(records);
  ASSERT_TRUE(catalogue.ok());
  const auto again = Catalogue::FromBytes((*catalogue)->bytes(), (*catalogue)->version());
  ASSERT_TRUE(again.ok());
  for (const auto& read : {*catalogue, *again}) {
    EXPECT_EQ(read->size(), 6);
    EXPECT_EQ(read->item(2).attributes.fields_size(), 0);
    EXPECT_THAT(read->unreadable(), ElementsAre(HasSubstr("'r3'")));
  }
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

TEST(ServingTest, AnAttributeThatCannotBeReadIsEncodedAsMissingAndNamedWithoutItsValue) {
  for (const char* cost : {"\"cheap\"", "\"NaN\"", "1e16", "{}", "true"}) {
    std::vector<storage::RecommendationRecord> records = TestRecommendations();
    records[3].attributes_json = absl::StrCat("{\"cost\": ", cost, "}");
    const auto serving = TestServing(records);
    EXPECT_THAT(serving->unreadable(), ElementsAre("recommendation 'r4': feature \"cost\", column \"cost\"")) << cost;
    records[3].attributes_json = "{}";
    const auto missing = TestServing(records);
    EXPECT_EQ(serving->candidates().row(3)[1], missing->candidates().row(3)[1]);
    EXPECT_EQ(serving->candidates().row(4)[1], missing->candidates().row(4)[1]);
  }
}

}  // namespace
}  // namespace suggest::decision
