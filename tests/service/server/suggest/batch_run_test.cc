#include "service/server/suggest/batch_run.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <map>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "tests/support/status_matchers.h"

namespace suggest::server {
namespace {

using ::suggest::testing::IsOk;
using ::suggest::testing::StatusIs;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

std::vector<std::string> Customers(int begin, int end) {
  std::vector<std::string> customers;
  for (int i = begin; i < end; ++i) customers.push_back(absl::StrCat("c", i));
  return customers;
}

// A run over c0, c1, ... in pages, whose steps are fakes.
class BatchRunTest : public ::testing::Test {
 protected:
  BatchRunTest() {
    steps_.next_page = [this]() -> absl::StatusOr<std::vector<std::string>> {
      if (fetched_ >= failing_page_ * kPage) return absl::UnavailableError("the database is away");
      const int begin = fetched_;
      fetched_ = std::min(fetched_ + kPage, customers_);
      return Customers(begin, fetched_);
    };
    steps_.decide = [this](const std::string& customer, const CallContext&) -> absl::StatusOr<v1::SuggestResponse> {
      ++decided_;
      if (errors_.count(customer) > 0) return errors_.at(customer);
      v1::SuggestResponse response;
      response.set_decision_id(absl::StrCat("d-", customer));
      return response;
    };
    steps_.write = [this](const v1::SuggestBatchItem& item) {
      if (static_cast<int>(written_.size()) == reads_) return false;
      written_.push_back(item.customer_id());
      items_.push_back(item);
      return true;
    };
    steps_.lost = [this](const v1::SuggestBatchItem& item) { lost_.push_back(item.customer_id()); };
  }

  absl::Status Run(int in_flight = 4) { return RunBatch(steps_, in_flight, {}); }

  static constexpr int kPage = 7;
  int customers_ = 50;
  int failing_page_ = 1000;
  int reads_ = 1000;  // then the reader is gone
  std::map<std::string, absl::Status> errors_;
  BatchSteps steps_;
  int fetched_ = 0;
  std::atomic<int> decided_ = 0;
  std::vector<std::string> written_;
  std::vector<v1::SuggestBatchItem> items_;
  std::vector<std::string> lost_;
};

TEST_F(BatchRunTest, WritesOneItemPerCustomerInTheirOrder) {
  for (const int in_flight : {1, 4, 100}) {
    fetched_ = 0;
    written_.clear();
    EXPECT_THAT(Run(in_flight), IsOk());
    EXPECT_EQ(written_, Customers(0, 50)) << in_flight;
  }
  EXPECT_EQ(items_[3].response().decision_id(), "d-c3");
  EXPECT_THAT(lost_, IsEmpty());
}

TEST_F(BatchRunTest, NoCustomersAreNoItems) {
  customers_ = 0;
  EXPECT_THAT(Run(), IsOk());
  EXPECT_THAT(written_, IsEmpty());
}

TEST_F(BatchRunTest, OneCustomersErrorIsItsItemAndEndsNothing) {
  errors_["c5"] = absl::FailedPreconditionError("nothing is eligible");
  EXPECT_THAT(Run(), IsOk());
  ASSERT_THAT(written_, SizeIs(50));
  EXPECT_EQ(items_[5].code(), static_cast<int>(absl::StatusCode::kFailedPrecondition));
  EXPECT_EQ(items_[5].message(), "nothing is eligible");
  EXPECT_FALSE(items_[5].has_response());
}

TEST_F(BatchRunTest, AnErrorOfTheServiceEndsTheRunAfterTheItemsBeforeIt) {
  errors_["c20"] = absl::UnavailableError("the database is away");
  EXPECT_THAT(Run(), StatusIs(absl::StatusCode::kUnavailable, HasSubstr("is away")));
  EXPECT_EQ(written_, Customers(0, 20));
  EXPECT_LT(decided_, 50) << "the run went on";
}

TEST_F(BatchRunTest, APageThatCannotBeReadEndsTheRunAfterTheItemsBeforeIt) {
  failing_page_ = 2;
  EXPECT_THAT(Run(), StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_EQ(written_, Customers(0, 14));
}

TEST_F(BatchRunTest, AReaderThatGoesAwayStopsTheRunAndIsToldWhatItMissed) {
  reads_ = 10;
  EXPECT_THAT(Run(4), StatusIs(absl::StatusCode::kCancelled));
  EXPECT_EQ(written_, Customers(0, 10));
  EXPECT_LE(decided_, 10 + 4 + 1) << "more than the window was decided for nobody";
  EXPECT_THAT(lost_, SizeIs(decided_ - 10));
  EXPECT_EQ(lost_.front(), "c10");
}

TEST_F(BatchRunTest, ACallerThatIsGoneStopsTheRunBetweenItems) {
  std::atomic<bool> gone = false;
  steps_.decide = [&](const std::string& customer, const CallContext& context) -> absl::StatusOr<v1::SuggestResponse> {
    if (customer == "c9") gone = true;
    if (context.Gone()) return absl::DeadlineExceededError("nobody waits");
    return v1::SuggestResponse();
  };
  const CallContext context{[&] { return gone.load(); }};
  EXPECT_FALSE(RunBatch(steps_, 2, context).ok());
  EXPECT_LT(written_.size(), 50u);
}

TEST_F(BatchRunTest, ASlowReaderHoldsNoMoreThanTheWindow) {
  std::promise<void> begun, go_on;
  std::shared_future<void> may_go_on = go_on.get_future().share();
  steps_.write = [&, first = true](const v1::SuggestBatchItem& item) mutable {
    if (std::exchange(first, false)) {
      begun.set_value();
      may_go_on.wait();
    }
    written_.push_back(item.customer_id());
    return true;
  };
  std::future<absl::Status> run = std::async(std::launch::async, [&] { return Run(4); });
  begun.get_future().wait();
  while (decided_ < 4) std::this_thread::yield();
  EXPECT_EQ(decided_, 4);
  go_on.set_value();
  EXPECT_THAT(run.get(), IsOk());
  EXPECT_THAT(written_, SizeIs(50));
}

TEST_F(BatchRunTest, ALoadThatIsShedIsTriedAgain) {
  std::atomic<int> refusals = 3;
  const auto decide = steps_.decide;
  steps_.decide = [&](const std::string& customer, const CallContext& context) -> absl::StatusOr<v1::SuggestResponse> {
    if (customer == "c1" && refusals-- > 0) return absl::ResourceExhaustedError("the queue is full");
    return decide(customer, context);
  };
  customers_ = 3;
  EXPECT_THAT(Run(), IsOk());
  EXPECT_THAT(written_, ElementsAre("c0", "c1", "c2"));
  EXPECT_EQ(items_[1].code(), 0);
}

}  // namespace
}  // namespace suggest::server
