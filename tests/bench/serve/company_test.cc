#include "tests/bench/serve/company.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace suggest::bench {
namespace {

TEST(CompanyTest, MoreRecommendationsRepeatTheLinesUnderNewIds) {
  const std::string csv = "recommendation_id,title,kind\nr1,Shop,shop\nr2,\"Mail, monthly\",marketing\n";
  EXPECT_EQ(MoreRecommendations(csv, 3), "x1,Shop,shop\nx2,\"Mail, monthly\",marketing\nx3,Shop,shop\n");
  EXPECT_EQ(MoreRecommendations(csv, 0), "");
}

}  // namespace
}  // namespace suggest::bench
