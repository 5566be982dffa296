#include "features/vocabulary.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace suggest::features {
namespace {

using ::testing::ElementsAre;

std::vector<double> Encode(const Vocabulary& vocabulary, const RawLabels& labels) {
  std::vector<double> slots(vocabulary.size(), -1);
  vocabulary.Encode(labels, absl::MakeSpan(slots));
  return slots;
}

TEST(VocabularyTest, LearnsTheMostFrequentAndBreaksTiesAlphabetically) {
  const absl::flat_hash_map<std::string, int64_t> frequency = {{"d", 2}, {"c", 5}, {"b", 2}, {"a", 1}, {"e", 2}};
  EXPECT_THAT(Vocabulary::Learn(frequency, 3).values(), ElementsAre("c", "b", "d"));
  EXPECT_THAT(Vocabulary::Learn(frequency, 99).values(), ElementsAre("c", "b", "d", "e", "a"));
}

TEST(VocabularyTest, KnownUnknownAndMissingHaveColumnsOfTheirOwn) {
  const Vocabulary vocabulary({"shop", "blog"});
  EXPECT_THAT(vocabulary.SlotNames("kind"), ElementsAre("kind=shop", "kind=blog", "kind=(other)", "kind=(missing)"));
  EXPECT_THAT(Encode(vocabulary, {false, {"blog"}}), ElementsAre(0, 1, 0, 0));
  EXPECT_THAT(Encode(vocabulary, {false, {"forum"}}), ElementsAre(0, 0, 1, 0));
  EXPECT_THAT(Encode(vocabulary, {true, {}}), ElementsAre(0, 0, 0, 1));
}

TEST(VocabularyTest, SeveralValuesSetSeveralColumnsAndNoneSetsNone) {
  const Vocabulary vocabulary({"shop", "blog"});
  EXPECT_THAT(Encode(vocabulary, {false, {"blog", "forum", "shop", "wiki"}}), ElementsAre(1, 1, 1, 0));
  EXPECT_THAT(Encode(vocabulary, {false, {}}), ElementsAre(0, 0, 0, 0));
}

}  // namespace
}  // namespace suggest::features
