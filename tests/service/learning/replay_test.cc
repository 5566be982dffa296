#include "service/learning/replay.h"

#include <algorithm>
#include <random>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "service/common/config.h"
#include "service/learning/training.h"
#include "service/learning/warm_start.h"
#include "tests/support/instants.h"
#include "tests/support/status_matchers.h"

namespace suggest::learning {
namespace {

using ::suggest::testing::IsOk;
using ::suggest::testing::StatusIs;
using ::testing::HasSubstr;

constexpr char kReplayConfig[] = R"pb(
  database { connection: "unused" }
  features {
    features {
      name: "size"
      side: CUSTOMER
      numeric { column: "size" }
    }
    features {
      name: "kind"
      side: CUSTOMER
      categorical { column: "kind" }
    }
    features {
      name: "bought"
      side: CUSTOMER
      counter {
        event: PURCHASES
        count { window_days: 20 }
      }
      passes_by: true
    }
    features {
      name: "price"
      side: RECOMMENDATION
      numeric { column: "price" }
    }
    features {
      name: "rate"
      side: RECOMMENDATION
      counter { smoothed_rate { prior_rate: 0.2 strength: 5 denominator: DELAY_CORRECTED } }
      passes_by: true
    }
    features {
      name: "own"
      side: PAIR
      counter {
        event: PURCHASES
        age_since_last { cap_days: 60 }
      }
    }
  }
  learning {
    exposure_event: SENT
    attribution_window { seconds: 864000 }
    learning_window { seconds: 8640000 }
    visibility_lag { seconds: 7200 }
    noise_variance: 0.09
  }
  money { currency: "EUR" reward_cap: 100 }
)pb";

absl::Time ReplayDay(double days) {
  return absl::FromUnixSeconds(1772409600) + days * kDay;
}

config::v1::Config TestConfig() {
  config::v1::Config config;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(kReplayConfig, &config));
  config = WithDefaults(std::move(config));
  EXPECT_THAT(ValidateConfig(config), IsOk());
  return config;
}

storage::Attributes NumericAttribute(const std::string& name, const std::string& value) {
  storage::Attributes attributes;
  (*attributes.mutable_fields())[name].set_string_value(value);
  return attributes;
}

// 40 days of a small company: everything random but the seed.
History MakeHistory() {
  std::mt19937 random(7);
  const auto below = [&](int n) { return static_cast<int>(random() % static_cast<unsigned>(n)); };
  History history;
  for (int c = 0; c < 12; ++c) {
    for (int v = 0; v < 3; ++v) {
      storage::Attributes attributes = NumericAttribute("size", absl::StrCat(below(50)));
      (*attributes.mutable_fields())["kind"].set_string_value(below(2) == 0 ? "shop" : "club");
      history.customers.push_back({absl::StrCat("c", c), ReplayDay(v * 13 - 1), attributes});
    }
  }
  for (int r = 0; r < 4; ++r) {
    storage::RecommendationRecord record;
    record.recommendation_id = absl::StrCat("r", r);
    record.attributes = NumericAttribute("price", absl::StrCat(10 + 5 * r));
    history.recommendations.push_back(record);
  }
  for (int s = 0; s < 120; ++s) {
    const std::string customer = absl::StrCat("c", below(12)), recommendation = absl::StrCat("r", below(4));
    const absl::Time at = ReplayDay(0.25 * below(160));
    history.suggestions.push_back({absl::StrCat("s", s), customer, recommendation, at, "SENT", std::nullopt});
    if (below(3) != 0) continue;
    storage::PurchaseRecord purchase;
    purchase.purchase_id = absl::StrCat("p", s);
    purchase.customer_id = customer;
    purchase.recommendation_id = recommendation;
    purchase.purchased_at = at + below(200) * absl::Hours(1);
    purchase.amount = 10 + below(90);
    if (below(4) == 0) purchase.visible_at = purchase.purchased_at + below(72) * absl::Hours(1);
    if (below(5) == 0) purchase.cancelled_at = purchase.purchased_at + below(300) * absl::Hours(1);
    history.purchases.push_back(purchase);
  }
  return history;
}

struct Seen {
  std::vector<std::string> names;
  ReplayedRows rows;
  std::vector<bandit::FactoredContext> encoded;
};

// Features of all decisions before `end`, encoded with a pipeline that was fitted elsewhere.
Seen See(const History& history, const features::Pipeline& pipeline, absl::Time end) {
  const auto timeline = BuildTimeline(history, TestConfig());
  EXPECT_THAT(timeline, IsOk());
  const auto rows = ReplayFeatures(history, *timeline, pipeline.extractor(), 0.2, nullptr);
  EXPECT_THAT(rows, IsOk());
  Seen seen;
  for (size_t i = 0; i < timeline->exposures.size() && timeline->exposures[i].exposed_at < end; ++i) {
    seen.names.push_back(timeline->exposures[i].suggestion_id);
    seen.rows.rows.customers.push_back(rows->rows.customers[i]);
    seen.rows.rows.recommendations.push_back(rows->rows.recommendations[i]);
    seen.rows.rows.pairs.push_back(rows->rows.pairs[i]);
    seen.encoded.push_back(
        {pipeline.EncodeCustomer(rows->rows.customers[i]), pipeline.EncodeRecommendation(rows->rows.recommendations[i]),
         rows->rows.pairs[i].has_value() ? pipeline.EncodePair(*rows->rows.pairs[i]) : Eigen::VectorXd(0)});
  }
  return seen;
}

void ExpectTheSame(const Seen& a, const Seen& b) {
  ASSERT_EQ(a.names, b.names);
  EXPECT_EQ(a.rows.rows.customers, b.rows.rows.customers);
  EXPECT_EQ(a.rows.rows.recommendations, b.rows.rows.recommendations);
  EXPECT_EQ(a.rows.rows.pairs, b.rows.rows.pairs);
  for (size_t i = 0; i < a.encoded.size(); ++i) {
    EXPECT_EQ(a.encoded[i].customer, b.encoded[i].customer);
    EXPECT_EQ(a.encoded[i].recommendation, b.encoded[i].recommendation);
    EXPECT_EQ(a.encoded[i].pair, b.encoded[i].pair);
  }
}

History WithoutWhatHappensFrom(History history, absl::Time instant) {
  std::erase_if(history.customers, [&](const auto& row) { return row.valid_from >= instant; });
  std::erase_if(history.suggestions, [&](const auto& row) { return row.decided_at >= instant; });
  std::erase_if(history.purchases, [&](const auto& row) { return row.purchased_at >= instant; });
  for (storage::PurchaseRecord& row : history.purchases) {
    if (row.cancelled_at >= instant) row.cancelled_at.reset();
    if (row.visible_at >= instant) row.visible_at = absl::InfiniteFuture();
  }
  return history;
}

// Everything from the instant on gets another customer, recommendation, amount and (later) time.
History WithAnotherFutureFrom(History history, absl::Time instant) {
  std::mt19937 random(11);
  const auto below = [&](int n) { return static_cast<int>(random() % static_cast<unsigned>(n)); };
  for (auto& row : history.customers) {
    if (row.valid_from >= instant) row.attributes = NumericAttribute("size", absl::StrCat(below(1000)));
  }
  for (auto& row : history.suggestions) {
    if (row.decided_at < instant) continue;
    row.customer_id = absl::StrCat("c", below(12));
    row.recommendation_id = absl::StrCat("r", below(4));
    row.decided_at = instant + below(500) * absl::Hours(1);
  }
  for (auto& row : history.purchases) {
    if (row.purchased_at < instant) continue;
    row.customer_id = absl::StrCat("c", below(12));
    row.recommendation_id = absl::StrCat("r", below(4));
    row.purchased_at = instant + below(500) * absl::Hours(1);
    row.visible_at.reset();
    row.cancelled_at.reset();
    row.amount = below(100);
  }
  return history;
}

TEST(ReplayTest, NothingAfterADecisionCanChangeItsFeatures) {
  const History history = MakeHistory();
  const auto timeline = BuildTimeline(history, TestConfig());
  ASSERT_THAT(timeline, IsOk());
  const auto training = TrainAt(history, *timeline, TestConfig(), ReplayDay(60), nullptr, nullptr);
  ASSERT_THAT(training, IsOk());
  for (double day : {5.0, 12.3, 20.0, 31.75, 39.0}) {
    const absl::Time instant = ReplayDay(day);
    const Seen seen = See(history, training->pipeline, instant);
    ASSERT_FALSE(seen.names.empty());
    ExpectTheSame(seen, See(WithoutWhatHappensFrom(history, instant), training->pipeline, instant));
    ExpectTheSame(seen, See(WithAnotherFutureFrom(history, instant), training->pipeline, instant));
  }
}

TEST(ReplayTest, TheOrderOfTheRowsDoesNotMatter) {
  History history = MakeHistory();
  const auto timeline = BuildTimeline(history, TestConfig());
  ASSERT_THAT(timeline, IsOk());
  const auto training = TrainAt(history, *timeline, TestConfig(), ReplayDay(60), nullptr, nullptr);
  ASSERT_THAT(training, IsOk());
  const Seen seen = See(history, training->pipeline, ReplayDay(60));
  std::mt19937 random(3);
  std::shuffle(history.suggestions.begin(), history.suggestions.end(), random);
  std::shuffle(history.purchases.begin(), history.purchases.end(), random);
  ExpectTheSame(seen, See(history, training->pipeline, ReplayDay(60)));
}

TEST(ReplayTest, APurchaseCountsFromTheTickAfterItBecameVisible) {
  History history = MakeHistory();
  history.suggestions.clear();
  history.purchases.clear();
  history.suggestions.push_back({"s1", "c0", "r0", ReplayDay(1), "SENT", std::nullopt});
  for (int i = 0; i < 5; ++i) {
    history.suggestions.push_back({absl::StrCat("t", i), "c0", "r1", ReplayDay(4.25 + i * 11), "SENT", std::nullopt});
  }
  storage::PurchaseRecord purchase;
  purchase.purchase_id = "p";
  purchase.customer_id = "c0";
  purchase.recommendation_id = "r0";
  purchase.purchased_at = ReplayDay(3);
  purchase.visible_at = ReplayDay(4.1);  // after the tick of day 4, before the decision at 4.25
  purchase.amount = 10;
  history.purchases.push_back(purchase);
  const auto timeline = BuildTimeline(history, TestConfig());
  ASSERT_THAT(timeline, IsOk());
  const auto training = TrainAt(history, *timeline, TestConfig(), ReplayDay(80), nullptr, nullptr);
  ASSERT_THAT(training, IsOk());
  const auto rows = ReplayFeatures(history, *timeline, training->pipeline.extractor(), 0.2, nullptr);
  ASSERT_THAT(rows, IsOk());
  EXPECT_EQ(rows->rows.customers[1].numbers[1], 0);  // "bought" at 4.25
  EXPECT_EQ(rows->rows.customers[2].numbers[1], 1);  // at 15.25
}

TEST(ReplayTest, FoldsSeveralPurchasesAndRefundsOfOneExposure) {
  History history = MakeHistory();
  history.suggestions = {{"s1", "c0", "r0", ReplayDay(1), "SENT", 0.5},
                         {"s2", "c0", "r0", ReplayDay(2), "SENT", std::nullopt}};
  history.purchases.clear();
  for (int i = 0; i < 2; ++i) {
    storage::PurchaseRecord purchase;
    purchase.purchase_id = absl::StrCat("p", i);
    purchase.customer_id = "c0";
    purchase.recommendation_id = "r0";
    purchase.purchased_at = ReplayDay(3 + i);
    purchase.amount = 80;
    if (i == 0) purchase.cancelled_at = ReplayDay(6);
    history.purchases.push_back(purchase);
  }
  const auto timeline = BuildTimeline(history, TestConfig());
  ASSERT_THAT(timeline, IsOk());
  ASSERT_EQ(timeline->exposures.size(), 1u);
  ASSERT_EQ(timeline->repeats.size(), 1u);
  EXPECT_EQ(timeline->repeats[0].continues, "s1");
  EXPECT_TRUE(timeline->counts.has_propensities);
  const ReplayedExposure& exposure = timeline->exposures[0];
  EXPECT_EQ(exposure.RewardBefore(ReplayDay(3) + absl::Hours(2)), 0);  // visible with a lag of two hours
  EXPECT_EQ(exposure.RewardBefore(ReplayDay(3.5)), 0.8);
  EXPECT_EQ(exposure.RewardBefore(ReplayDay(5)), 1);
  EXPECT_EQ(exposure.FinalReward(), 0.8);
}

TEST(ReplayTest, ARefundBeforeItsPurchaseIsVisibleStillTakesItBack) {
  History history = MakeHistory();
  history.suggestions = {{"s1", "c0", "r0", ReplayDay(1), "SENT", std::nullopt}};
  storage::PurchaseRecord purchase;
  purchase.purchase_id = "p";
  purchase.customer_id = "c0";
  purchase.recommendation_id = "r0";
  purchase.purchased_at = ReplayDay(1) - absl::Minutes(4);  // within the skew: visible from the exposure on
  purchase.visible_at = purchase.purchased_at;
  purchase.cancelled_at = purchase.purchased_at - absl::Hours(3);
  purchase.amount = 80;
  history.purchases = {purchase};
  const auto timeline = BuildTimeline(history, TestConfig());
  ASSERT_THAT(timeline, IsOk());
  EXPECT_EQ(timeline->exposures[0].FinalReward(), 0);
}

TEST(ReplayTest, WhatIsDatedAfterNowOrNeverTakesNoPartInLast) {
  History history = MakeHistory();
  history.purchases.resize(1);
  history.purchases[0].visible_at = absl::InfiniteFuture();
  history.suggestions = {{"s1", "c0", "r0", ReplayDay(1), "SENT", std::nullopt},
                         {"s2", "c1", "r0", ReplayDay(30000), "SENT", std::nullopt}};
  const auto timeline = BuildTimeline(history, TestConfig(), ReplayDay(50));
  ASSERT_THAT(timeline, IsOk());
  EXPECT_EQ(timeline->last, ReplayDay(1));
  const auto unbounded = BuildTimeline(history, TestConfig());
  ASSERT_THAT(unbounded, IsOk());
  EXPECT_EQ(unbounded->last, ReplayDay(30000));
}

TEST(ReplayTest, NamesWhatItCannotRead) {
  History history = MakeHistory();
  history.suggestions[0].status = "LOST";
  EXPECT_THAT(BuildTimeline(history, TestConfig()), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("'LOST'")));
  history = MakeHistory();
  history.suggestions[0].recommendation_id = "r9";
  EXPECT_THAT(BuildTimeline(history, TestConfig()), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("r9")));
  history = MakeHistory();
  history.customers.clear();
  const auto timeline = BuildTimeline(history, TestConfig());
  ASSERT_THAT(timeline, IsOk());
  EXPECT_THAT(TrainAt(history, *timeline, TestConfig(), ReplayDay(60), nullptr, nullptr),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("no attributes valid at")));
}

TEST(IsExposureTest, CountsTheConfiguredEventAndWhatComesAfterIt) {
  using config::v1::Learning;
  EXPECT_TRUE(*IsExposure("SENT", Learning::KEPT));
  EXPECT_TRUE(*IsExposure("EDITED", Learning::KEPT));
  EXPECT_FALSE(*IsExposure("KEPT", Learning::SENT));
  EXPECT_TRUE(*IsExposure("", Learning::SENT));
  EXPECT_TRUE(*IsExposure("SUGGESTED", Learning::SUGGESTED));
  EXPECT_FALSE(*IsExposure("DISCARDED", Learning::SUGGESTED));
}

TEST(CutInstantTest, NeverSplitsAnInstant) {
  Timeline timeline;
  for (double day : {1.0, 1.0, 1.0, 2.0, 2.0, 2.0, 2.0, 3.0, 3.0, 3.0}) {
    timeline.exposures.push_back({.suggestion_id = "",
                                  .customer_id = "",
                                  .recommendation_id = "",
                                  .exposed_at = ReplayDay(day),
                                  .tick = ReplayDay(day),
                                  .rewards = {}});
  }
  EXPECT_EQ(CutInstant(timeline, 0.3), ReplayDay(2));
  EXPECT_EQ(CutInstant(timeline, 0.31), ReplayDay(3));
  EXPECT_EQ(CutInstant(timeline, 0.7), ReplayDay(3));
  EXPECT_EQ(CutInstant(timeline, 0.71), absl::InfiniteFuture());
}

}  // namespace
}  // namespace suggest::learning
