#include "tests/bench/serve/load.h"

#include <sys/prctl.h>
#include <time.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "bandit/base/check.h"
#include "tests/bench/serve/schedule.h"

namespace suggest::bench {
namespace {

constexpr char kMethod[] = "/suggest.v1.SuggestionService/Suggest";
constexpr unsigned long kTimerSlackNanoseconds = 1'000;

absl::Duration MonotonicNow() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return absl::DurationFromTimespec(now);
}

void SleepUntil(absl::Duration monotonic) {
  const timespec until = absl::ToTimespec(monotonic);
  while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, nullptr) != 0) {
  }
}

grpc::ByteBuffer Serialise(const v1::SuggestRequest& request) {
  const grpc::Slice slice(request.SerializeAsString());
  return grpc::ByteBuffer(&slice, 1);
}

struct Call {
  std::optional<grpc::ClientContext> context;
  std::unique_ptr<grpc::GenericClientAsyncResponseReader> reader;
  grpc::ByteBuffer response;
  grpc::Status status;
  absl::Duration counted_from;
  grpc::GenericStub* stub = nullptr;
};

}  // namespace

// One run. Only the free list and the counters of the sender are shared between its two threads.
class Load::Running {
 public:
  Running(Load& load, const LoadOptions& options)
      : load_(load), options_(options), calls_(options.rate > 0 ? options.most_outstanding : options.clients) {
    for (size_t i = 0; i < calls_.size(); ++i) {
      calls_[i].stub = load.stubs_[i % load.stubs_.size()].get();
      free_.push_back(&calls_[i]);
    }
  }

  LoadResult Run() {
    start_ = MonotonicNow();
    if (options_.rate > 0) {
      std::thread sender([this] { SendOnSchedule(); });
      while (Complete()) {
      }
      sender.join();
    } else {
      for (Call& call : calls_) KeepSending(call);
      while (outstanding_ > 0 && Complete()) {
      }
      queue_.Shutdown();
      while (Complete()) {
      }
    }
    result_.sent = sent_;
    const absl::Duration taken = options_.most_calls > 0 ? MonotonicNow() - start_ : options_.length;
    result_.seconds = absl::ToDoubleSeconds(std::min(taken, options_.length));
    return std::move(result_);
  }

 private:
  bool MaySend() const {
    return MonotonicNow() - start_ < options_.length && (options_.most_calls == 0 || sent_ < options_.most_calls);
  }

  void Send(Call& call, absl::Duration counted_from) {
    call.context.emplace();
    call.context->set_wait_for_ready(true);
    call.context->set_deadline(std::chrono::system_clock::now() + absl::ToChronoMicroseconds(options_.call_timeout));
    call.counted_from = counted_from;
    call.reader = call.stub->PrepareUnaryCall(&*call.context, kMethod,
                                              Serialise(load_.make_request_(load_.next_request_++)), &queue_);
    ++sent_;
    call.reader->StartCall();
    call.reader->Finish(&call.response, &call.status, &call);
  }

  void KeepSending(Call& call) {
    if (!MaySend()) return;
    ++outstanding_;
    Send(call, MonotonicNow());
  }

  void SendOnSchedule() {
    prctl(PR_SET_TIMERSLACK, kTimerSlackNanoseconds);
    const Schedule schedule(options_.rate);
    const int64_t calls = schedule.CallsWithin(options_.length);
    for (int64_t n = 0; n < calls; ++n) {
      const absl::Duration due = start_ + schedule.Due(n);
      if (MonotonicNow() < due) SleepUntil(due);
      Send(*TakeFree(), due);
    }
    queue_.Shutdown();  // Complete() still returns those in flight
  }

  Call* TakeFree() {
    std::unique_lock lock(mutex_);
    freed_.wait(lock, [this] { return !free_.empty(); });
    Call* const call = free_.back();
    free_.pop_back();
    return call;
  }

  // Waits for one answer; false when there are no more.
  bool Complete() {
    void* tag = nullptr;
    bool ok = false;
    if (!queue_.Next(&tag, &ok)) return false;
    Call& call = *static_cast<Call*>(tag);
    Count(call);
    if (options_.rate > 0) {
      const std::lock_guard lock(mutex_);
      free_.push_back(&call);
      freed_.notify_one();
    } else {
      --outstanding_;
      KeepSending(call);
    }
    return true;
  }

  void Count(const Call& call) {
    const absl::Duration now = MonotonicNow();
    if (options_.on_answer) options_.on_answer({call.status, call.response});
    if (!call.status.ok()) {
      ++result_.failures[call.status.error_code()];
      return;
    }
    result_.latency.Record(now - call.counted_from);
    result_.answered += now - start_ < options_.length ? 1 : 0;
  }

  Load& load_;
  const LoadOptions& options_;
  grpc::CompletionQueue queue_;
  std::vector<Call> calls_;
  absl::Duration start_;
  int outstanding_ = 0;  // closed loop
  int64_t sent_ = 0;
  LoadResult result_;
  std::mutex mutex_;
  std::condition_variable freed_;
  std::vector<Call*> free_;  // open loop; guarded by mutex_
};

int64_t LoadResult::Failed() const {
  int64_t failed = 0;
  for (const auto& [code, count] : failures) failed += count;
  return failed;
}

Load::Load(const std::string& address, int connections, RequestMaker make_request)
    : make_request_(std::move(make_request)) {
  for (int i = 0; i < connections; ++i) {
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 100);
    arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 100);
    arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 200);
    const auto channel = grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), arguments);
    SUGGEST_CHECK(channel->WaitForConnected(std::chrono::system_clock::now() + std::chrono::seconds(20)));
    stubs_.push_back(std::make_unique<grpc::GenericStub>(channel));
  }
}

Load::~Load() = default;

LoadResult Load::Run(const LoadOptions& options) {
  return Running(*this, options).Run();
}

v1::SuggestResponse Parse(const grpc::ByteBuffer& response) {
  std::vector<grpc::Slice> slices;
  SUGGEST_CHECK(response.Dump(&slices).ok());
  std::string bytes;
  for (const grpc::Slice& slice : slices) bytes.append(reinterpret_cast<const char*>(slice.begin()), slice.size());
  v1::SuggestResponse message;
  SUGGEST_CHECK(message.ParseFromString(bytes));
  return message;
}

}  // namespace suggest::bench
