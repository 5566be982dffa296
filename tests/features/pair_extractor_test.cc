#include "features/pair_extractor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "features/extractor.h"
#include "tests/features/feature_test_support.h"

namespace suggest::features {
namespace {

using ::testing::ElementsAre;

const char kPairTick[] = "2026-03-10T00:00:00Z";

class PairExtractorTest : public ::testing::Test {
 protected:
  PairExtractorTest() {
    history_["domain"].AddExposure(At("2026-03-08T00:00:00Z"));
    history_["domain"].AddPurchase(At("2026-03-09T00:00:00Z"));
    history_["mail"].AddExposure(At("2026-03-05T00:00:00Z"), 2);
  }
  PairExtractor Make(const std::string& tick = kPairTick) const {
    const FeatureSchema schema = Schema(R"pb(
      features {
        name: "seen"
        side: PAIR
        counter {
          event: EXPOSURES
          count { clip_max: 9 }
        }
      }
      features {
        name: "since"
        side: PAIR
        counter {
          event: PURCHASES
          age_since_last { cap_days: 90 }
        }
      }
      features {
        name: "theme"
        side: PAIR
        counter {
          same_attribute: "theme"
          event: EXPOSURES
          count { clip_max: 9 }
        }
      }
    )pb");
    const RecommendationLookup lookup = [this](absl::string_view id) -> const Attributes* {
      const auto found = catalogue_.find(std::string(id));
      return found == catalogue_.end() ? nullptr : &found->second;
    };
    return FeatureExtractor::Create(schema, TestSettings())->ForCustomer(history_, lookup, At(tick));
  }
  std::optional<RawSide> Candidate(const std::string& id) const { return Make().Candidate(id, catalogue_.at(id)); }

  CustomerHistory history_;
  std::map<std::string, Attributes> catalogue_ = {{"domain", Attrs(R"({"theme": "web"})")},
                                                  {"mail", Attrs(R"({"theme": "web"})")},
                                                  {"shop", Attrs(R"({"theme": "web"})")},
                                                  {"logo", Attrs(R"({"theme": "art"})")},
                                                  {"plain", Attrs("{}")},
                                                  {"odd", Attrs(R"({"theme": {"deep": 1}})")}};
};

TEST_F(PairExtractorTest, CountsWithTheCandidateAndWithThoseLikeIt) {
  EXPECT_THAT(Candidate("domain")->numbers, ElementsAre(1, 1, 3));
  EXPECT_THAT(Candidate("mail")->numbers, ElementsAre(2, 90, 3));
  EXPECT_THAT(Candidate("shop")->numbers, ElementsAre(0, 90, 3));
}

TEST_F(PairExtractorTest, NoCommonHistoryMeansNoPairFeatures) {
  EXPECT_EQ(Candidate("logo"), std::nullopt);
  EXPECT_EQ(Candidate("plain"), std::nullopt);
  EXPECT_EQ(Candidate("odd"), std::nullopt);
}

TEST_F(PairExtractorTest, AnUnknownRecommendationCountsForItselfButInNoGroup) {
  catalogue_.erase("mail");
  EXPECT_THAT(Candidate("domain")->numbers, ElementsAre(1, 1, 1));
  EXPECT_THAT(Make().Candidate("mail", Attrs(R"({"theme": "web"})"))->numbers, ElementsAre(2, 90, 1));
}

TEST_F(PairExtractorTest, ListsAreTheSameGroupWhateverTheirOrder) {
  catalogue_["domain"] = Attrs(R"({"theme": ["a", "b"]})");
  catalogue_["shop"] = Attrs(R"({"theme": ["b", "a"]})");
  EXPECT_THAT(Candidate("shop")->numbers, ElementsAre(0, 90, 1));
}

TEST_F(PairExtractorTest, IsEmptyWithoutHistoryBeforeTheTick) {
  EXPECT_FALSE(Make().empty());
  EXPECT_TRUE(Make("2026-03-01T00:00:00Z").empty());
  EXPECT_EQ(Make("2026-03-01T00:00:00Z").Candidate("domain", catalogue_.at("domain")), std::nullopt);
  history_.clear();
  EXPECT_TRUE(Make().empty());
}

}  // namespace
}  // namespace suggest::features
