#include "service/learning/history_review.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "absl/strings/str_cat.h"
#include "google/protobuf/text_format.h"
#include "service/common/config.h"
#include "tests/support/status_matchers.h"

namespace suggest::learning {
namespace {

using ::suggest::testing::IsOk;
using ::suggest::testing::StatusIs;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

absl::Time ReviewDay(int day) {
  return absl::FromUnixSeconds(1772409600) + day * absl::Hours(24);
}

config::v1::Config ReviewConfig() {
  config::v1::Config config;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(R"pb(
                                                              features {
                                                                features {
                                                                  name: "size"
                                                                  side: CUSTOMER
                                                                  numeric { column: "size" }
                                                                }
                                                                features {
                                                                  name: "price"
                                                                  side: RECOMMENDATION
                                                                  numeric { column: "price" }
                                                                }
                                                              }
                                                              money { currency: "EUR" reward_cap: 100 }
                                                            )pb",
                                                            &config));
  return WithDefaults(std::move(config));
}

storage::CustomerRecord Customer(const std::string& id, const std::string& size = "3",
                                 absl::Time from = absl::InfinitePast()) {
  storage::CustomerRecord record{.customer_id = id, .valid_from = from, .attributes = {}};
  (*record.attributes.mutable_fields())["size"].set_string_value(size);
  return record;
}

History SoundHistory() {
  History history;
  for (int i = 0; i < 6; ++i) history.customers.push_back(Customer(absl::StrCat("c", i)));
  for (int i = 0; i < 3; ++i) {
    storage::RecommendationRecord record;
    record.recommendation_id = absl::StrCat("r", i);
    (*record.attributes.mutable_fields())["price"].set_number_value(i);
    history.recommendations.push_back(record);
  }
  for (int i = 0; i < 12; ++i) {
    history.suggestions.push_back(
        {absl::StrCat("s", i), absl::StrCat("c", i % 6), absl::StrCat("r", i % 3), ReviewDay(i), "SENT", std::nullopt});
  }
  history.purchases.push_back({"p1", "c1", "r1", ReviewDay(3), 50, "", "", std::nullopt, std::nullopt});
  return history;
}

model::v1::WarmStartReport Reviewed(History* history) {
  SetAsideRows set_aside;
  EXPECT_THAT(ReviewHistory(ReviewConfig(), history, &set_aside), IsOk());
  model::v1::WarmStartReport report;
  set_aside.WriteTo(&report);
  return report;
}

std::vector<std::string> Texts(const model::v1::WarmStartReport& report) {
  std::vector<std::string> texts;
  for (const model::v1::SetAside& group : report.set_aside()) texts.push_back(SetAsideText(group));
  return texts;
}

TEST(HistoryReviewTest, ASoundHistoryIsLeftAsItIs) {
  History history = SoundHistory();
  const model::v1::WarmStartReport report = Reviewed(&history);
  EXPECT_THAT(Texts(report), ElementsAre());
  EXPECT_EQ(report.unreadable_values_size(), 0);
  EXPECT_EQ(history.suggestions.size(), 12);
}

TEST(HistoryReviewTest, EverySuggestionThatCannotBeUsedIsSetAsideByReason) {
  History history = SoundHistory();
  history.suggestions[0].status = "LOST";
  history.suggestions[1].recommendation_id = "r9";
  history.suggestions[2].customer_id = "c9";
  history.suggestions[3].decided_at = absl::InfinitePast();
  history.suggestions[4].suggestion_id = "";
  history.suggestions.push_back(history.suggestions[5]);
  history.customers[0].valid_from = ReviewDay(7);  // c0: s6 is before it, s0 has no status
  const model::v1::WarmStartReport report = Reviewed(&history);
  EXPECT_THAT(
      Texts(report),
      ElementsAre(
          "source.suggestions: 1 of 13 rows set aside: another row has its customer_id and suggestion_id (s5)",
          "source.suggestions: 1 of 13 rows set aside: decided_at is not a time from 1900 to 9999 (s3)",
          "source.suggestions: 1 of 13 rows set aside: its customer has no attributes valid at decided_at (s6)",
          "source.suggestions: 1 of 13 rows set aside: its customer is not in source.customers (s2)",
          "source.suggestions: 1 of 13 rows set aside: its recommendation is not in source.recommendations (s1)",
          "source.suggestions: 1 of 13 rows set aside: suggestion_id is empty ()",
          AllOf(HasSubstr("the status 'LOST' is none of"), HasSubstr("(s0)"))));
  EXPECT_EQ(history.suggestions.size(), 6);
  EXPECT_THAT(BuildTimeline(history, ReviewConfig()), IsOk());
}

TEST(HistoryReviewTest, OfDoubledKeysTheFirstRowCounts) {
  History history = SoundHistory();
  history.customers.push_back(Customer("c0", "9"));
  history.customers.push_back(Customer("c0", "9", ReviewDay(1)));  // another instant: no double
  history.recommendations.push_back(history.recommendations[0]);
  history.purchases.push_back(history.purchases[0]);
  EXPECT_EQ(Reviewed(&history).set_aside_size(), 3);
  EXPECT_EQ(history.customers.size(), 7);
  EXPECT_EQ(history.customers[0].attributes.fields().at("size").string_value(), "3");
  EXPECT_EQ(history.recommendations.size(), 3);
  EXPECT_EQ(history.purchases.size(), 1);
}

TEST(HistoryReviewTest, AValueThatCannotBeReadCountsAsMissingAndTheRowIsUsed) {
  History history = SoundHistory();
  for (const char* size : {"NaN", "many", "1e99", "inf"}) {
    history.customers.push_back(Customer(absl::StrCat("x", size), size));
  }
  const model::v1::WarmStartReport report = Reviewed(&history);
  EXPECT_EQ(history.customers.size(), 10);
  ASSERT_EQ(report.unreadable_values_size(), 1);
  EXPECT_EQ(report.unreadable_values(0).reason(), "feature \"size\", column \"size\"");
  EXPECT_EQ(report.unreadable_values(0).rows(), 4);
  EXPECT_EQ(report.unreadable_values(0).rows_of_view(), 10);
  EXPECT_THAT(report.unreadable_values(0).examples(),
              ElementsAre("customer xNaN: \"NaN\" is not a number", "customer xmany: \"many\" is not a number",
                          "customer x1e99: \"1e99\" is not within +-1e15"));
}

TEST(HistoryReviewTest, PurchasesWithoutAUsableAmountOrTimeAreNamed) {
  History history = SoundHistory();
  storage::PurchaseRecord purchase = history.purchases[0];
  const auto add = [&](const char* id, auto change) {
    storage::PurchaseRecord other = purchase;
    other.purchase_id = id;
    change(other);
    history.purchases.push_back(other);
  };
  add("nan", [](auto& p) { p.amount = std::nan(""); });
  add("negative", [](auto& p) { p.amount = -1; });
  add("yen", [](auto& p) { p.currency = "JPY"; });
  add("past", [](auto& p) { p.purchased_at = absl::InfinitePast(); });
  add("zero", [](auto& p) { p.cancelled_at = absl::FromCivil(absl::CivilDay(1, 1, 1), absl::UTCTimeZone()); });
  add("later", [](auto& p) { p.visible_at = absl::InfiniteFuture(); });  // not yet: no fault
  const model::v1::WarmStartReport report = Reviewed(&history);
  std::vector<std::string> named;
  for (const model::v1::SetAside& group : report.set_aside()) named.push_back(group.examples(0));
  EXPECT_THAT(named, ::testing::UnorderedElementsAre("nan", "negative", "yen", "past", "zero"));
  EXPECT_EQ(history.purchases.size(), 5);  // refusals are the replay's to count
}

TEST(HistoryReviewTest, AboveTheConfiguredShareTheViewIsWrong) {
  History history = SoundHistory();
  for (int i = 0; i < 4; ++i) history.suggestions[i].recommendation_id = "r9";
  SetAsideRows set_aside;
  ASSERT_THAT(ReviewHistory(ReviewConfig(), &history, &set_aside), IsOk());
  EXPECT_THAT(set_aside.CheckShare(0.34), IsOk());
  EXPECT_THAT(set_aside.CheckShare(1), IsOk());
  EXPECT_THAT(set_aside.CheckShare(0.33),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       AllOf(HasSubstr("learning.max_set_aside_share, 0.33"),
                             HasSubstr("4 of 12 rows set aside: its recommendation is not in source.recommendations "
                                       "(s0, s1, s2, ...)"))));
}

}  // namespace
}  // namespace suggest::learning
