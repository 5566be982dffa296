#include "service/learning/strata.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace suggest::learning {
namespace {

using ::testing::ElementsAre;

storage::Attributes Attribute(const std::string& name, double number) {
  storage::Attributes attributes;
  (*attributes.mutable_fields())[name].set_number_value(number);
  return attributes;
}

storage::Attributes Attribute(const std::string& name, const char* text) {
  storage::Attributes attributes;
  (*attributes.mutable_fields())[name].set_string_value(text);
  return attributes;
}

TEST(StrataTest, WithoutConfigurationThereIsOneLawForAll) {
  const Strata strata((config::v1::DelayStrata()));
  EXPECT_FALSE(strata.configured());
  EXPECT_EQ(strata.Of(Attribute("kind", "slow")), "");
  EXPECT_EQ(StratumOfRecommendation(strata, {}).Of("hat"), "");
}

TEST(StrataTest, ListedValuesAreStrataAndTheRestIsOther) {
  config::v1::DelayStrata config;
  config.set_attribute("kind");
  config.add_values("slow");
  config.add_values("quick");
  const Strata strata(config);
  EXPECT_THAT(strata.names(), ElementsAre("slow", "quick", "other"));
  EXPECT_EQ(strata.Of(Attribute("kind", "quick")), "quick");
  EXPECT_EQ(strata.Of(Attribute("kind", "new")), "other");
  EXPECT_EQ(strata.Of(Attribute("price", 3)), "other");
}

TEST(StrataTest, BandsHoldTheirLowerEdge) {
  config::v1::DelayStrata config;
  config.set_attribute("price");
  config.add_bounds(2);
  config.add_bounds(5.5);
  const Strata strata(config);
  EXPECT_THAT(strata.names(), ElementsAre("below 2", "2 to 5.5", "5.5 and above", "other"));
  EXPECT_EQ(strata.Of(Attribute("price", 1.99)), "below 2");
  EXPECT_EQ(strata.Of(Attribute("price", 2)), "2 to 5.5");
  EXPECT_EQ(strata.Of(Attribute("price", "7")), "5.5 and above");  // as CSV gives it
  EXPECT_EQ(strata.Of(Attribute("price", "dear")), "other");
  EXPECT_EQ(strata.Of(Attribute("kind", "slow")), "other");
}

TEST(StrataTest, ARecommendationThatIsGoneIsOther) {
  config::v1::DelayStrata config;
  config.set_attribute("kind");
  config.add_values("slow");
  storage::RecommendationRecord record;
  record.recommendation_id = "hat";
  record.attributes = Attribute("kind", "slow");
  const StratumOfRecommendation of(Strata(config), {record});
  EXPECT_EQ(of.Of("hat"), "slow");
  EXPECT_EQ(of.Of("gone"), "other");
}

}  // namespace
}  // namespace suggest::learning
