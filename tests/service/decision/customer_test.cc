#include "service/decision/customer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/service/decision/decision_fixture.h"
#include "tests/support/status_matchers.h"

namespace suggest::decision {
namespace {

using ::suggest::testing::StatusIs;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::string InputsOf(const Serving& serving, const Customer& customer, const v1::SuggestRequest& request) {
  const auto decision = Decide(serving, customer, request, TestConfig().choice(), TestDraw(5));
  SUGGEST_CHECK(decision.ok());
  return decision->record.inputs.SerializeAsString();
}

storage::CustomerState WithHistory() {
  storage::CustomerState state = TestCustomer();
  state.history = {{.recommendation_id = "r2", .day = features::UtcDay(TestCut()) - 3, .exposures = 2}};
  state.bought = {"r1", "gone"};
  return state;
}

TEST(CustomerTest, IsReadOncePerModelAndCatalogue) {
  const auto serving = TestServing();
  const Customer customer = WithHistory();
  const auto reading = customer.Under(*serving);
  ASSERT_TRUE(reading.ok());
  EXPECT_EQ((*reading)->bought, std::vector<int>{0});
  EXPECT_FALSE((*reading)->pairs.empty());
  EXPECT_EQ(*customer.Under(*serving), *reading);
  EXPECT_EQ(*customer.Under(*TestServing()), *reading);  // the same versions, encoded again

  model::v1::ModelVersion model = TestModel();
  model.set_version(2);
  const auto newer = TestServing(TestRecommendations(), model);
  EXPECT_NE(*customer.Under(*newer), *reading);

  auto records = TestRecommendations();
  records.erase(records.begin());
  const auto reduced = TestServing(records);
  ASSERT_TRUE(customer.Under(*serving).ok());  // the same model, with the catalogue as it was
  EXPECT_TRUE((*customer.Under(*reduced))->bought.empty());
}

// What is decided for a customer that was read before, under other requests and models, is what is decided for one
// that comes fresh from the database.
TEST(CustomerTest, AKeptReadingDecidesAsAFreshOne) {
  const auto serving = TestServing();
  model::v1::ModelVersion model = TestModel();
  model.set_version(2);
  const auto newer = TestServing(TestRecommendations(), model);
  v1::SuggestRequest overriding = TestRequest(3);
  (*overriding.mutable_attributes()->mutable_fields())["pages"].set_number_value(2);
  const Customer kept = WithHistory();
  for (const Serving* each : {serving.get(), newer.get(), serving.get()}) {
    for (const v1::SuggestRequest& request : {TestRequest(3), overriding, TestRequest(3)}) {
      EXPECT_EQ(InputsOf(*each, kept, request), InputsOf(*each, WithHistory(), request));
    }
  }
  EXPECT_NE(InputsOf(*serving, kept, overriding), InputsOf(*serving, kept, TestRequest(3)));
}

TEST(CustomerTest, IsEncodedOncePerMinuteOfHisAges) {
  auto aged = features::Pipeline::FromSchema(TestConfig(R"(
    features { features { name: "tenure" side: CUSTOMER age { column: "since" } scaling { center: 0 scale: 1 } } }
  )")
                                                 .features(),
                                             TestCounters());
  SUGGEST_CHECK(aged.ok());
  const features::FeatureExtractor& extractor = aged->extractor();
  const auto side = extractor.ReadCustomer(Json(R"({"since": "2026-01-01T00:00:30Z"})"), {}, TestCut());
  ASSERT_TRUE(side.ok());
  const auto fresh = [&](absl::Time now) { return aged->EncodeCustomer(extractor.CustomerAt(*side, now)); };
  CustomerEncoding encoding;
  const absl::Time now = TestNow();  // a whole minute
  const auto first = encoding.At(*aged, *side, now);
  EXPECT_EQ(*first, fresh(now));
  EXPECT_EQ(encoding.At(*aged, *side, now + absl::Seconds(29)), first);
  const auto later = encoding.At(*aged, *side, now + absl::Seconds(30));
  EXPECT_NE(*later, *first);
  EXPECT_EQ(*later, fresh(now + absl::Seconds(30)));
  EXPECT_EQ(*encoding.At(*aged, *side, now), *first) << "a clock that goes back";
}

TEST(CustomerTest, WhatCannotBeReadIsMissingAndNamedWithoutItsValue) {
  const auto serving = TestServing();
  storage::CustomerState state = TestCustomer(R"({"pages": "many", "trade": "shop"})");
  state.problem = "2 rows";
  const Customer customer = state;
  const Customer missing = TestCustomer(R"({"trade": "shop"})");
  const auto reading = customer.Under(*serving);
  ASSERT_TRUE(reading.ok());
  EXPECT_EQ((*reading)->side.raw, (*missing.Under(*serving))->side.raw);
  EXPECT_THAT((*reading)->unreadable, ElementsAre("feature \"pages\", column \"pages\"", "2 rows"));
  EXPECT_THAT((*missing.Under(*serving))->unreadable, IsEmpty());
}

TEST(CustomerTest, CountsTheBytesOfWhatADecisionKeeps) {
  const auto serving = TestServing();
  const Customer customer = WithHistory();
  const int64_t before = customer.bytes();
  ASSERT_TRUE(Decide(*serving, customer, TestRequest(2), TestConfig().choice(), TestDraw(1)).ok());
  const auto reading = *customer.Under(*serving);
  EXPECT_EQ(reading->encoding->bytes(), 8 * serving->snapshot().layout().customer_dim);
  EXPECT_EQ(customer.bytes(), before + reading->memo->bytes() + reading->encoding->bytes());
  EXPECT_GT(customer.bytes(), before);
}

TEST(CustomerTest, CountsTheBytesOfStateAndReading) {
  const Customer small = TestCustomer();
  const Customer large = WithHistory();
  EXPECT_GE(small.bytes(), static_cast<int64_t>(sizeof(Customer) + 2 * TestCustomer().attributes->SpaceUsedLong()));
  EXPECT_GE(large.bytes(), small.bytes() + static_cast<int64_t>(2 * sizeof(storage::HistoryDay)));
}

}  // namespace
}  // namespace suggest::decision
