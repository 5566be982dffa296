// No feature sees the future: whatever becomes visible after a tick, and whatever is done to it, the features of every
// decision up to then stay the same bits, raw and encoded.
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/features/random_history.h"

namespace suggest::features {
namespace {

const absl::Time kCut = At("2026-03-01T12:34:56Z");

class PointInTimeTest : public ::testing::TestWithParam<unsigned> {
 protected:
  PointInTimeTest()
      : company_(GetParam()),
        extractor_(*FeatureExtractor::Create(FoundingSchema(), TestSettings())),
        events_(company_.Events(300)),
        decisions_(company_.Decisions(60, kCut)),
        rows_(company_.Replay(extractor_, events_, decisions_)),
        pipeline_(*Pipeline::Fit(FoundingSchema(), TestSettings(), RandomCompany::Training(rows_), nullptr)) {}

  // First event of the future, after sorting by visibility.
  std::vector<Event>::iterator SortedFuture() {
    std::sort(events_.begin(), events_.end(), [](auto& a, auto& b) { return a.visible_at < b.visible_at; });
    return std::find_if(events_.begin(), events_.end(), [](auto& event) { return event.visible_at > kCut; });
  }

  void ExpectSameBits() {
    const std::vector<RawRow> again = company_.Replay(extractor_, events_, decisions_);
    ASSERT_EQ(again.size(), rows_.size());
    for (size_t i = 0; i < rows_.size(); ++i) {
      ASSERT_EQ(again[i], rows_[i]) << "decision " << i;
      EXPECT_EQ(pipeline_.EncodeCustomer(again[i].customer), pipeline_.EncodeCustomer(rows_[i].customer));
      EXPECT_EQ(pipeline_.EncodeRecommendation(again[i].recommendation),
                pipeline_.EncodeRecommendation(rows_[i].recommendation));
      if (!rows_[i].pair.has_value()) continue;
      EXPECT_EQ(pipeline_.EncodePair(*again[i].pair), pipeline_.EncodePair(*rows_[i].pair));
    }
  }

  RandomCompany company_;
  FeatureExtractor extractor_;
  std::vector<Event> events_;
  std::vector<Decision> decisions_;
  std::vector<RawRow> rows_;
  Pipeline pipeline_;
};

TEST_P(PointInTimeTest, RemovingTheFutureChangesNothing) {
  const auto future = SortedFuture();
  ASSERT_NE(future, events_.end());
  events_.erase(future, events_.end());
  ExpectSameBits();
}

TEST_P(PointInTimeTest, ShufflingTheFutureChangesNothing) {
  const auto future = SortedFuture();
  for (auto event = future; event != events_.end(); ++event) {
    const auto other = future + static_cast<long>(company_.bits()() % static_cast<size_t>(events_.end() - future));
    std::swap(event->customer, other->customer);
    std::swap(event->recommendation, other->recommendation);
    std::swap(event->purchased_at, other->purchased_at);
    std::swap(event->visible_at, other->visible_at);
  }
  ExpectSameBits();
}

TEST_P(PointInTimeTest, AddingToTheFutureChangesNothing) {
  for (Event event : company_.Events(200)) {
    event.visible_at = std::max(event.visible_at, kCut + absl::Seconds(1));
    events_.push_back(event);
  }
  ExpectSameBits();
}

TEST_P(PointInTimeTest, TheOrderInWhichThePastIsRecordedChangesNothing) {
  std::shuffle(events_.begin(), events_.end(), company_.bits());
  ExpectSameBits();
}

TEST_P(PointInTimeTest, ThePastMatters) {
  const auto future = SortedFuture();
  events_.erase(events_.begin(), future);
  EXPECT_NE(company_.Replay(extractor_, events_, decisions_), rows_);
}

// The second fence: even a history that was recorded too far gives nothing away of the days after the tick. (Ages since
// the last event know then only the day: counters_test.cc.)
TEST_P(PointInTimeTest, DaysAfterTheTickDoNotCountEvenIfTheHistoryHoldsThem) {
  FeatureSchema schema = FoundingSchema();
  auto* features = schema.mutable_features();
  features->erase(std::remove_if(features->begin(), features->end(),
                                 [](const Feature& feature) { return feature.counter().has_age_since_last(); }),
                  features->end());
  const FeatureExtractor extractor = *FeatureExtractor::Create(schema, TestSettings());
  for (const Decision& decision : decisions_) {
    const Visible visible = RandomCompany::AsOf(events_, decision.tick);
    Visible leaked = visible;
    for (auto& [id, history] : leaked.recommendations) {
      const absl::Time tomorrow = decision.tick + absl::Hours(24);
      for (DayHistory* leaky : {&history, &leaked.customers[decision.customer][id]}) {
        leaky->AddExposure(tomorrow, 5);
        leaky->AddConversion(tomorrow, 2);
        leaky->AddPurchase(tomorrow, 3);
      }
    }
    EXPECT_EQ(company_.Extract(extractor, leaked, decision), company_.Extract(extractor, visible, decision));
  }
}

INSTANTIATE_TEST_SUITE_P(Histories, PointInTimeTest, ::testing::Range(1u, 9u));

}  // namespace
}  // namespace suggest::features
