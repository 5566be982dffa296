#include "service/server/suggest/batch_run.h"

#include <chrono>
#include <condition_variable>
#include <deque>
#include <system_error>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "bandit/base/mutex.h"
#include "service/server/rpc/call.h"
#include "service/server/stop_signal.h"

namespace suggest::server {
namespace {

// How often the writer looks whether the reader is still there while it has nothing to write.
constexpr std::chrono::milliseconds kLook{50};
constexpr int kMostTries = 8;
constexpr absl::Duration kFirstPause = absl::Milliseconds(10);

struct Place {
  v1::SuggestBatchItem item;
  absl::Status status;
  bool done = false;
};

v1::SuggestBatchItem ToItem(const std::string& customer_id, absl::StatusOr<v1::SuggestResponse> response) {
  v1::SuggestBatchItem item;
  item.set_customer_id(customer_id);
  item.set_code(static_cast<int32_t>(response.status().code()));
  if (response.ok()) {
    *item.mutable_response() = *std::move(response);
  } else {
    item.set_message(std::string(ForCaller(response.status()).message()));
  }
  return item;
}

class BatchRun {
 public:
  BatchRun(const BatchSteps& steps, int in_flight, const CallContext& context)
      : steps_(steps), in_flight_(in_flight), context_(context) {}

  absl::Status Run() {
    std::vector<std::thread> workers;
    try {
      for (int i = 0; i < in_flight_; ++i) workers.emplace_back([this] { Work(); });
    } catch (const std::system_error&) {
      // The limit on processes is reached: those that could be made do the work.
    }
    absl::Status status =
        workers.empty() ? absl::ResourceExhaustedError("the system allows no more threads") : WriteAll();
    {
      MutexLock lock(mutex_);  // or a worker between its look and its wait would miss the call
      stop_.Stop();
    }
    changed_.notify_all();
    for (std::thread& worker : workers) worker.join();
    ReportLost();
    return status;
  }

 private:
  enum class Turn { kCustomer, kPage, kEnd };

  // What a worker is to do next; for kCustomer its place in the window.
  Turn NextTurn(Place** place) {
    MutexLock lock(mutex_);
    for (;;) {
      if (stop_.stopped() || ended_) return Turn::kEnd;
      if (!page_.empty() && static_cast<int>(window_.size()) < in_flight_) {
        *place = &window_.emplace_back();
        (*place)->item.set_customer_id(std::move(page_.front()));
        page_.pop_front();
        return Turn::kCustomer;
      }
      if (page_.empty() && !fetching_) {
        fetching_ = true;
        return Turn::kPage;
      }
      changed_.wait(mutex_);
    }
  }

  void Work() {
    Place* place = nullptr;
    for (Turn turn = NextTurn(&place); turn != Turn::kEnd; turn = NextTurn(&place)) {
      if (turn == Turn::kPage) {
        Fetch();
      } else {
        Decide(place);
      }
      changed_.notify_all();
    }
  }

  void Fetch() {
    absl::StatusOr<std::vector<std::string>> page = steps_.next_page();
    MutexLock lock(mutex_);
    fetching_ = false;
    if (!page.ok()) failure_ = page.status();
    ended_ = !page.ok() || page->empty();
    if (page.ok()) page_.assign(page->begin(), page->end());
  }

  void Decide(Place* place) {
    const std::string customer_id = place->item.customer_id();
    absl::StatusOr<v1::SuggestResponse> response = Try(customer_id);
    MutexLock lock(mutex_);
    place->status = response.status();
    place->item = ToItem(customer_id, std::move(response));
    place->done = true;
  }

  absl::StatusOr<v1::SuggestResponse> Try(const std::string& customer_id) {
    const CallContext context{[this] { return stop_.stopped() || context_.Gone(); }, context_.caller};
    absl::Duration pause = kFirstPause;
    for (int tries = 1;; ++tries, pause *= 2) {
      absl::StatusOr<v1::SuggestResponse> response = steps_.decide(customer_id, context);
      if (response.status().code() != absl::StatusCode::kResourceExhausted || tries == kMostTries) return response;
      if (stop_.WaitFor(pause)) return response;
    }
  }

  // Waits for the next item in order. False: there is none, and *end says why.
  bool NextItem(v1::SuggestBatchItem* item, absl::Status* end) {
    MutexLock lock(mutex_);
    while (window_.empty() ? !ended_ : !window_.front().done) {
      if (context_.Gone()) {
        *end = absl::CancelledError("the reader went away");
        return false;
      }
      changed_.wait_for(mutex_, kLook);
    }
    if (window_.empty()) {
      *end = failure_;
      return false;
    }
    if (EndsBatch(window_.front().status)) {
      *end = window_.front().status;
      return false;
    }
    *item = window_.front().item;
    return true;
  }

  absl::Status WriteAll() {
    v1::SuggestBatchItem item;
    absl::Status end;
    while (NextItem(&item, &end)) {
      if (!steps_.write(item)) return absl::CancelledError("the reader went away");
      {
        MutexLock lock(mutex_);
        window_.pop_front();
      }
      changed_.notify_all();
    }
    return end;
  }

  // REQUIRES: the workers have ended.
  void ReportLost() {
    MutexLock lock(mutex_);
    for (const Place& place : window_) {
      if (place.done && place.status.ok()) steps_.lost(place.item);
    }
  }

  const BatchSteps& steps_;
  const int in_flight_;
  const CallContext& context_;
  StopSignal stop_;
  Mutex mutex_;
  std::condition_variable_any changed_;
  std::deque<Place> window_ ABSL_GUARDED_BY(mutex_);  // begun and not yet written, in order
  std::deque<std::string> page_ ABSL_GUARDED_BY(mutex_);
  bool fetching_ ABSL_GUARDED_BY(mutex_) = false;
  bool ended_ ABSL_GUARDED_BY(mutex_) = false;  // no customer comes after those of the window
  absl::Status failure_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace

bool EndsBatch(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kResourceExhausted:
    case absl::StatusCode::kDeadlineExceeded:
    case absl::StatusCode::kCancelled:
      return true;
    default:
      return false;
  }
}

absl::Status RunBatch(const BatchSteps& steps, int in_flight, const CallContext& context) {
  return BatchRun(steps, in_flight, context).Run();
}

}  // namespace suggest::server
