#include "service/server/suggest/batch_handler.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "tests/service/server/server_fixture.h"
#include "tests/support/status_matchers.h"

namespace suggest::server {
namespace {

using ::suggest::testing::IsOk;
using ::suggest::testing::StatusIs;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

v1::SuggestBatchRequest AllCustomers(const std::string& run_id = "may") {
  v1::SuggestBatchRequest request;
  request.set_run_id(run_id);
  request.set_all_customers(true);
  request.set_count(2);
  return request;
}

class BatchHandlerTest : public ::testing::Test {
 protected:
  std::vector<v1::SuggestBatchItem> Items(const v1::SuggestBatchRequest& request) {
    std::vector<v1::SuggestBatchItem> items;
    EXPECT_THAT(batches_.SuggestBatch(request, {},
                                      [&](const v1::SuggestBatchItem& item) {
                                        items.push_back(item);
                                        return true;
                                      }),
                IsOk());
    return items;
  }
  absl::Status Refusal(const v1::SuggestBatchRequest& request) {
    return batches_.SuggestBatch(request, {}, [](const v1::SuggestBatchItem&) { return true; });
  }
  std::vector<std::string> CustomersOf(const std::vector<v1::SuggestBatchItem>& items) {
    std::vector<std::string> customers;
    for (const auto& item : items) customers.push_back(item.customer_id());
    return customers;
  }

  ServingCompany company_;
  BatchHandler batches_{company_.replica().surroundings(), &company_.suggestions()};
};

TEST_F(BatchHandlerTest, EveryCustomerGetsOneDecisionHoweverOftenTheRunIsRun) {
  const auto first = Items(AllCustomers());
  ASSERT_THAT(CustomersOf(first), ElementsAre("c1", "c2"));
  for (const auto& item : first) {
    EXPECT_EQ(item.code(), 0) << item.message();
    EXPECT_EQ(item.response().suggestions_size(), 2);
    EXPECT_FALSE(item.response().replayed());
  }
  const auto again = Items(AllCustomers());
  ASSERT_THAT(again, SizeIs(2));
  for (int i = 0; i < 2; ++i) {
    EXPECT_TRUE(again[i].response().replayed());
    EXPECT_EQ(again[i].response().decision_id(), first[i].response().decision_id());
  }
  EXPECT_EQ(company_.CountDecisions(), "2");
  EXPECT_EQ(company_.database().QueryOne("SELECT count(*) FROM suggest.request_ids WHERE request_id = 'batch/may'"),
            "2");
}

TEST_F(BatchHandlerTest, GoesOnAfterACustomer) {
  v1::SuggestBatchRequest request = AllCustomers();
  request.set_after_customer_id("c1");
  EXPECT_THAT(CustomersOf(Items(request)), ElementsAre("c2"));
}

TEST_F(BatchHandlerTest, AListIsAnsweredInItsOrderWithEachOnesError) {
  v1::SuggestBatchRequest request = AllCustomers();
  request.set_all_customers(false);
  for (const char* id : {"c2", "nobody", "c1"}) request.add_customer_ids(id);
  const auto items = Items(request);
  ASSERT_THAT(CustomersOf(items), ElementsAre("c2", "nobody", "c1"));
  EXPECT_EQ(items[1].code(), static_cast<int>(absl::StatusCode::kNotFound));
  EXPECT_THAT(items[1].message(), HasSubstr("nobody"));
  EXPECT_THAT(company_.replica().metrics().Text(), HasSubstr("suggest_batch_items_total{result=\"failed\"} 1"));
}

TEST_F(BatchHandlerTest, ExclusionsHoldForEveryCustomer) {
  v1::SuggestBatchRequest request = AllCustomers();
  for (const char* id : {"r1", "r2", "r3", "r4"}) request.add_excluded_ids(id);
  for (const auto& item : Items(request)) {
    std::set<std::string> suggested;
    for (const auto& suggestion : item.response().suggestions()) suggested.insert(suggestion.recommendation_id());
    EXPECT_THAT(suggested, ElementsAre("r5", "r6"));
  }
}

TEST_F(BatchHandlerTest, WhatNobodyReadsIsMarkedUndeliveredUntilItIsReadAfterAll) {
  EXPECT_THAT(batches_.SuggestBatch(AllCustomers(), {},
                                    [](const v1::SuggestBatchItem& item) { return item.customer_id() == "c1"; }),
              StatusIs(absl::StatusCode::kCancelled));
  EXPECT_EQ(company_.database().QueryOne("SELECT delivered FROM suggest.decisions WHERE customer_id = 'c1'"), "t");
  EXPECT_EQ(company_.database().QueryOne("SELECT count(*) FROM suggest.decisions "
                                         "WHERE customer_id = 'c2' AND delivered"),
            "0");
  EXPECT_THAT(Items(AllCustomers()), SizeIs(2));
  EXPECT_EQ(company_.database().QueryOne("SELECT count(*) FROM suggest.decisions WHERE delivered"), "2");
}

TEST_F(BatchHandlerTest, RefusesAQuestionThatIsNoneNamingTheField) {
  const auto refused = [](const char* what) { return StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(what)); };
  v1::SuggestBatchRequest request = AllCustomers("");
  EXPECT_THAT(Refusal(request), refused("run_id is empty"));
  EXPECT_THAT(Refusal(AllCustomers(std::string(201, 'x'))), refused("run_id has 201 bytes"));
  request = AllCustomers();
  request.add_customer_ids("c1");
  EXPECT_THAT(Refusal(request), refused("all_customers is true beside 1 customer_ids"));
  request.clear_customer_ids();
  request.set_all_customers(false);
  EXPECT_THAT(Refusal(request), refused("all_customers is false beside 0 customer_ids"));
  request.add_customer_ids("c1");
  request.set_after_customer_id("c0");
  EXPECT_THAT(Refusal(request), refused("after_customer_id is 'c0'"));
  request.clear_after_customer_id();
  request.add_customer_ids("c1");
  EXPECT_THAT(Refusal(request), refused("customer_ids has 'c1' twice"));
  request = AllCustomers();
  request.set_count(101);
  EXPECT_THAT(Refusal(request), refused("count is 101"));
}

}  // namespace
}  // namespace suggest::server
