#include "service/server/suggest/worker_pool.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <future>
#include <thread>
#include <vector>

namespace suggest::server {
namespace {

TEST(WorkerPoolTest, TasksThatBlockRunBesideEachOtherUpToTheLimit) {
  std::promise<void> release;
  const std::shared_future<void> released = release.get_future().share();
  std::vector<std::promise<void>> begun(3);
  WorkerPool pool(2);
  for (auto& promise : begun) {
    pool.Run([&promise, released] {
      promise.set_value();
      released.wait();
    });
  }
  begun[0].get_future().wait();
  begun[1].get_future().wait();
  std::future<void> third = begun[2].get_future();
  EXPECT_EQ(third.wait_for(std::chrono::milliseconds(50)), std::future_status::timeout);
  release.set_value();
  third.wait();
}

TEST(WorkerPoolTest, AThreadThatIsIdleTakesTheNextTask) {
  WorkerPool pool(100);
  std::atomic<int> done = 0;
  std::vector<std::thread::id> ids(20);
  for (auto& id : ids) {
    std::promise<void> ended;
    pool.Run([&] {
      id = std::this_thread::get_id();
      ++done;
      ended.set_value();
    });
    ended.get_future().wait();
  }
  EXPECT_EQ(done, 20);
  std::sort(ids.begin(), ids.end());
  EXPECT_LT(std::unique(ids.begin(), ids.end()) - ids.begin(), 20);
}

TEST(WorkerPoolTest, EndsOnceAllTasksAreDone) {
  std::atomic<int> done = 0;
  {
    WorkerPool pool(3);
    for (int i = 0; i < 1000; ++i) pool.Run([&] { ++done; });
  }
  EXPECT_EQ(done, 1000);
}

}  // namespace
}  // namespace suggest::server
