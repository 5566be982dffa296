#include "service/server/rpc/message_pool.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "suggest/v1/suggestion_service.pb.h"

namespace suggest::server {
namespace {

using Pool = MessagePool<v1::SuggestRequest, v1::SuggestResponse>;
using Holder = grpc::MessageHolder<v1::SuggestRequest, v1::SuggestResponse>;

TEST(MessagePoolTest, HandsOutTheMessagesOfFinishedCallsEmpty) {
  Pool pool;
  Holder* const first = pool.AllocateMessages();
  v1::SuggestResponse* const response = first->response();
  response->add_suggestions()->set_title("a title that needs memory of its own");
  const v1::Suggestion* const suggestion = &response->suggestions(0);
  Holder* const second = pool.AllocateMessages();
  EXPECT_NE(second->response(), response) << "a call has its own";
  first->Release();
  EXPECT_EQ(pool.idle(), 1);
  Holder* const again = pool.AllocateMessages();
  EXPECT_EQ(again->response(), response);
  EXPECT_EQ(again->response()->ByteSizeLong(), 0);
  EXPECT_EQ(again->response()->add_suggestions(), suggestion);
  again->Release();
  second->Release();
  EXPECT_EQ(pool.idle(), 2);
}

TEST(MessagePoolTest, KeepsOnlySoMany) {
  Pool pool;
  std::vector<Holder*> calls;
  for (size_t i = 0; i < Pool::kMostIdle + 5; ++i) calls.push_back(pool.AllocateMessages());
  for (Holder* const call : calls) call->Release();
  EXPECT_EQ(pool.idle(), Pool::kMostIdle);
}

TEST(MessagePoolTest, ALargeMessageIsNotKept) {
  Pool pool;
  Holder* call = pool.AllocateMessages();
  call->response()->add_suggestions()->set_title(std::string(Pool::kLarge, 'x'));
  call->Release();
  EXPECT_EQ(pool.idle(), 0);
  call = pool.AllocateMessages();
  call->request()->add_candidate_ids(std::string(Pool::kLarge, 'x'));
  call->Release();
  EXPECT_EQ(pool.idle(), 0);
}

TEST(MessagePoolTest, AMessageThatWasLargeBeforeItWasFilledAgainGoesSoon) {
  Pool pool;
  Holder* call = pool.AllocateMessages();
  for (int i = 0; i < 1000; ++i) call->response()->add_removed()->set_recommendation_id(std::string(100, 'x'));
  call->response()->Clear();
  call->Release();
  EXPECT_EQ(pool.idle(), 1);
  for (int use = 2; use < Pool::kMeasured; ++use) pool.AllocateMessages()->Release();
  EXPECT_EQ(pool.idle(), 1);
  pool.AllocateMessages()->Release();
  EXPECT_EQ(pool.idle(), 0);
}

TEST(MessagePoolTest, AMessageGoesAfterSoManyUses) {
  Pool pool;
  for (int i = 1; i < Pool::kUses; ++i) pool.AllocateMessages()->Release();
  EXPECT_EQ(pool.idle(), 1);
  pool.AllocateMessages()->Release();
  EXPECT_EQ(pool.idle(), 0);
}

TEST(MessagePoolTest, ManyThreadsTakeAndGive) {
  Pool pool;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&pool, t] {
      for (int i = 0; i < 3 * Pool::kUses; ++i) {
        Holder* const call = pool.AllocateMessages();
        EXPECT_EQ(call->response()->model_version(), 0);
        call->response()->set_model_version(t + 1);
        EXPECT_EQ(call->response()->model_version(), t + 1);
        call->Release();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_LE(pool.idle(), 4);
}

}  // namespace
}  // namespace suggest::server
