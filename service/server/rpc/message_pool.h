// Request and response messages of finished calls, for the next calls of a callback method: a message that is filled
// again needs no memory and frees none, which for a dozen nested ones costs more than to fill them.
//
// At most kMostIdle pairs wait. One goes after kUses uses, at once when a message was large, and soon when one has been
// before it was cleared and filled again, so that a rare large one does not hold its memory for good.
//
// Threads: any. Must outlive the server that it is registered with.
#ifndef SERVICE_SERVER_RPC_MESSAGE_POOL_H_
#define SERVICE_SERVER_RPC_MESSAGE_POOL_H_

#include <grpcpp/support/message_allocator.h>

#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

#include "bandit/base/mutex.h"

namespace suggest::server {

template <typename Request, typename Response>
class MessagePool final : public grpc::MessageAllocator<Request, Response> {
 public:
  static constexpr size_t kMostIdle = 64;
  static constexpr int kUses = 1'000;
  static constexpr size_t kLarge = 16'384;  // encoded bytes
  // Memory costs more to measure: every so many uses.
  static constexpr int kMeasured = 50;
  static constexpr size_t kLargeMemory = 65'536;

  // The response is empty; gRPC clears the request.
  grpc::MessageHolder<Request, Response>* AllocateMessages() override {
    std::unique_ptr<Pair> pair;
    {
      MutexLock lock(mutex_);
      if (!idle_.empty()) {
        pair = std::move(idle_.back());
        idle_.pop_back();
      }
    }
    if (pair == nullptr) pair = std::make_unique<Pair>(this);
    return pair.release();
  }

  size_t idle() const {
    ReaderLock lock(mutex_);
    return idle_.size();
  }

 private:
  class Pair final : public grpc::MessageHolder<Request, Response> {
   public:
    explicit Pair(MessagePool* pool) : pool_(pool) {
      this->set_request(&request_message_);
      this->set_response(&response_message_);
    }

    void Release() override {
      std::unique_ptr<Pair> self(this);
      if (++uses_ >= kUses || IsLarge()) return;
      response_message_.Clear();
      pool_->Keep(std::move(self));
    }

   private:
    bool IsLarge() const {
      if (request_message_.ByteSizeLong() > kLarge || response_message_.ByteSizeLong() > kLarge) return true;
      return uses_ % kMeasured == 0 &&
             request_message_.SpaceUsedLong() + response_message_.SpaceUsedLong() > kLargeMemory;
    }

    MessagePool* const pool_;
    Request request_message_;
    Response response_message_;
    int uses_ = 0;
  };

  void Keep(std::unique_ptr<Pair> pair) {
    MutexLock lock(mutex_);
    if (idle_.size() < kMostIdle) idle_.push_back(std::move(pair));
  }

  mutable Mutex mutex_;
  std::vector<std::unique_ptr<Pair>> idle_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace suggest::server

#endif  // SERVICE_SERVER_RPC_MESSAGE_POOL_H_
